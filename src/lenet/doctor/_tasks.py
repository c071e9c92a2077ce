"""What all train or predict with, and how lenet and peers that need no PyTorch do it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lenet.datasets import Dataset, Split
from lenet.doctor._turns import Contestant, Outcome
from lenet.kernels import EngineName, Predictor
from lenet.models import ArrayNetwork, LeNetConfig, network_blocks, summarise
from lenet.models.layers import forward_all
from lenet.training import Recipe, Trainer

Predict = Callable[[Any], Any]  # scores of images, float32 (B, 1, 28, 28) from 0 to 1 in numpy
BATCH_SIZE = 256  # of predictions and of a look at test images; near the best of every contestant


@dataclass(frozen=True)
class Task:
    """What all contestants train, for one epoch, or predict with."""

    title: str
    config: LeNetConfig
    recipe: Recipe

    def network(self) -> ArrayNetwork:
        """The network, with the same weights at every call."""
        return ArrayNetwork.build(self.config, seed=0)

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
PERCEPTRON = "784–120–84–10"  # scikit-learn's network


def train_with_lenet(task: Task, dataset: Dataset, engine: EngineName = "native") -> Outcome:
    """An epoch by an engine, the compiled kernels by default, as `lenet train` makes it."""
    trainer = Trainer(task.network(), dataset, task.recipe, engine=engine)
    started = time.perf_counter()
    result = trainer.run()
    return Outcome(len(dataset.train) / (time.perf_counter() - started), result.train_loss)


def predict_with_lenet(task: Task, threads: int) -> Predict:
    network = task.network()
    predictor = Predictor(*network_blocks(network.network, network.arrays))
    return lambda images: predictor(images, threads)


def predict_with_numpy(task: Task) -> Predict:
    network = task.network()
    return lambda images: forward_all(network.placed, images, network.arrays)[0]


def train_with_jax(name: str, task: Task, dataset: Dataset) -> Contestant:
    """Epochs by JAX: a jitted step on arrays in memory, channels last, as its own examples do."""
    import jax
    import jax.numpy as jnp

    start = _jax_parameters(task)
    images, labels = _jax_arrays(dataset.train.images), jnp.asarray(dataset.train.labels)
    test = dataset.require_test()
    test_images, test_labels = _jax_arrays(test.images), jnp.asarray(test.labels)
    rate, batch_size, count = task.recipe.learning_rate, task.recipe.batch_size, len(labels)

    def numbers(pixels: Any) -> Any:
        return pixels.astype(jnp.float32) / 255

    def mean_loss(parameters: Any, chosen: Any) -> Any:
        scores = jax.nn.log_softmax(_jax_scores(parameters, numbers(images[chosen])))
        return -jnp.take_along_axis(scores, labels[chosen][:, None], 1).mean()

    @jax.jit
    def step(parameters: Any, chosen: Any) -> Any:
        loss, gradients = jax.value_and_grad(mean_loss)(parameters, chosen)
        return jax.tree.map(lambda p, g: p - rate * g, parameters, gradients), loss

    @jax.jit
    def count_correct(parameters: Any, pixels: Any, truth: Any) -> Any:
        return (_jax_scores(parameters, numbers(pixels)).argmax(1) == truth).sum()

    def play() -> Outcome:
        parameters = [jnp.array(value) for value in start]
        losses, hits = [], []
        started = time.perf_counter()
        order = np.random.default_rng(0).permutation(count)
        for first in range(0, count, batch_size):
            chosen = jnp.asarray(order[first : first + batch_size])
            parameters, loss = step(parameters, chosen)
            losses.append(loss * len(chosen))
        for first in range(0, len(test_labels), BATCH_SIZE):
            batch = slice(first, first + BATCH_SIZE)
            hits.append(count_correct(parameters, test_images[batch], test_labels[batch]))
        mean = float(sum(map(float, losses))) / count
        jax.block_until_ready(hits)
        return Outcome(count / (time.perf_counter() - started), mean)

    return Contestant(name, play)


def predict_with_jax(task: Task) -> Predict:
    import jax

    parameters, run = _jax_parameters(task), jax.jit(_jax_scores)
    return lambda images: np.asarray(run(parameters, images.transpose(0, 2, 3, 1)))


def _jax_parameters(task: Task) -> list[Any]:
    """The task's weights and biases, filters as (rows, columns, in, out)."""
    import jax.numpy as jnp

    network = task.network()
    found = [network.arrays[name] for name in network.weight_names]
    return [jnp.array(v.transpose(2, 3, 1, 0) if v.ndim == 4 else v) for v in found]


def _jax_scores(parameters: Any, pixels: Any) -> Any:
    """Scores for images (N, H, W, 1) from 0 to 1 by the tutorial's network."""
    import jax

    values = pixels
    for block, padding in enumerate(("SAME", "VALID")):
        weight, bias = parameters[2 * block : 2 * block + 2]
        values = jax.lax.conv_general_dilated(
            values, weight, (1, 1), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        values = jax.nn.sigmoid(values + bias)
        values = jax.lax.reduce_window(
            values, 0.0, jax.lax.add, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"
        )
        values = values / 4
    values = values.transpose(0, 3, 1, 2).reshape(len(values), -1)
    for layer in range(4, len(parameters), 2):
        weight, bias = parameters[layer : layer + 2]
        values = values @ weight.T + bias
        values = jax.nn.sigmoid(values) if layer + 2 < len(parameters) else values
    return values


def _jax_arrays(images: Any) -> Any:
    """Images (N, 1, H, W) as JAX's arrays with channels last."""
    import jax.numpy as jnp

    return jnp.asarray(images.transpose(0, 2, 3, 1))


def train_with_sklearn(name: str, dataset: Dataset) -> Contestant:
    """Epochs of a perceptron with the dense layers of LeNet."""
    network, train, test = _perceptron(), _rows(dataset.train), _rows(dataset.require_test())

    def play() -> Outcome:
        started = time.perf_counter()
        network.partial_fit(train, dataset.train.labels, classes=range(len(dataset.class_names)))
        network.score(test, dataset.require_test().labels)
        seconds = time.perf_counter() - started
        return Outcome(len(train) / seconds, float(network.loss_))

    return Contestant(name, play, PERCEPTRON)


def predict_with_sklearn(dataset: Dataset) -> Predict:
    """Probabilities from a perceptron that has hardly been trained."""
    network, train = _perceptron(), _rows(dataset.train.take(np.arange(256)))
    classes = range(len(dataset.class_names))
    network.partial_fit(train, dataset.train.labels[:256], classes=classes)
    return lambda images: network.predict_proba(images.reshape(len(images), -1))


def _perceptron() -> Any:
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier((120, 84), "logistic", solver="sgd", batch_size=256, random_state=0)


def _rows(split: Split) -> Any:
    """Images as rows of numbers from 0 to 1."""
    return split.images.reshape(len(split), -1).astype(np.float32) / 255
