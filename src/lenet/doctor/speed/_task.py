from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lenet.models import LeNet, LeNetConfig, build_model, summarise
from lenet.training import Recipe

Predict = Callable[[Any], Any]  # scores of images, float32 (B, 1, 28, 28) from 0 to 1 in numpy
BATCH_SIZE = 256  # of predictions and of a look at test images; near the best of every contestant


@dataclass(frozen=True)
class Task:
    """What all contestants train, or predict with.

    Attributes:
        title: For the report.
        config: The network.
        recipe: How to train it, for one epoch.
    """

    title: str
    config: LeNetConfig
    recipe: Recipe

    def network(self) -> LeNet:
        """The network, with the same weights at every call."""
        model = build_model(self.config, seed=0)
        assert isinstance(model, LeNet)
        return model

    def flop_to_predict(self) -> int:
        """Operations for an image by the textbook; a multiply-accumulate counts as two."""
        return 2 * sum(self._multiply_accumulates())

    def flop_to_train(self) -> int:
        """The same for a step: each layer goes forward once and backward twice.

        The first layer needs no gradient of its input.
        """
        layers = self._multiply_accumulates()
        return 2 * (3 * sum(layers) - layers[0])

    def _multiply_accumulates(self) -> list[int]:
        """Of each layer that has any."""
        summary = summarise(self.network(), (1, *self.config.input_shape))
        counts = [layer.multiply_accumulates for layer in summary]
        return [count for count in counts if count]


TUTORIAL = Task("the tutorial's recipe", LeNetConfig(), Recipe(epochs=1))
MODERN = Task(
    "ReLU, max pooling and AdamW",
    LeNetConfig(activation="relu", pooling="max"),
    Recipe(epochs=1, optimiser="adamw", learning_rate=0.003),
)
NORMALISED = Task(
    "batch normalisation, ReLU, max pooling and SGD with Nesterov's momentum",
    LeNetConfig(activation="relu", pooling="max", batch_norm=True),
    Recipe(epochs=1, batch_size=128, learning_rate=0.05, momentum=0.9, nesterov=True),
)
TRAINED = (TUTORIAL, MODERN, NORMALISED)
