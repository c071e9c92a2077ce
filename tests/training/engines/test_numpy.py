"""Training in NumPy is training with PyTorch, up to rounding."""

import numpy as np
import pytest
import torch

from lenet.datasets import Batches, Dataset
from lenet.models import LeNet5Config, LeNetConfig, ModelConfig, build_model
from lenet.training import Recipe

# Which engine serves is no choice of a person's yet, so the room's face does not name them.
from lenet.training.engines._numpy import NumpyEngine
from lenet.training.engines._torch import TorchEngine

RECIPES: dict[str, tuple[ModelConfig, Recipe]] = {
    "sgd": (LeNetConfig(), Recipe(epochs=1, batch_size=8)),
    "momentum": (
        LeNetConfig(batch_norm=True, activation="tanh"),
        Recipe(epochs=1, batch_size=8, learning_rate=0.05, momentum=0.9, nesterov=True),
    ),
    "decay": (
        LeNetConfig(activation="tanh"),
        Recipe(epochs=1, batch_size=8, learning_rate=0.1, momentum=0.5, weight_decay=0.01, shift=2),
    ),
    "adam": (
        LeNetConfig(activation="tanh"),
        Recipe(
            epochs=1,
            batch_size=8,
            optimiser="adam",
            learning_rate=0.003,
            weight_decay=0.1,
            gradient_clipping=0.5,
        ),
    ),
    "adamw": (
        LeNetConfig(),
        Recipe(
            epochs=1,
            batch_size=8,
            optimiser="adamw",
            learning_rate=0.003,
            weight_decay=0.1,
            label_smoothing=0.1,
            flip=True,
        ),
    ),
    "LeNet-5": (LeNet5Config(), Recipe(epochs=1, batch_size=8, learning_rate=0.005, loss="map")),
}


@pytest.mark.parametrize("name", RECIPES)
def test_steps_are_those_of_pytorch(few_digits: Dataset, name: str) -> None:
    config, recipe = RECIPES[name]
    engines, models = [], []
    for engine in (NumpyEngine, TorchEngine):
        models.append(build_model(config, seed=0).train())
        batches = Batches(few_digits.train, 8, shuffle=True, augmentation=recipe.augmentation)
        engines.append(engine(models[-1], recipe, batches))
    for epoch in range(2):
        for selection in batches.selections(epoch):
            scores = [engine.step(selection, recipe.learning_rate) for engine in engines]
            np.testing.assert_allclose(float(scores[0][0]), float(scores[1][0]), 1e-4)
    for ours, theirs in zip(*(model.state_dict().values() for model in models), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)
    states = [engine.state() for engine in engines]
    assert states[0].keys() == states[1].keys()
    for place, values in states[1].items():
        assert states[0][place].keys() == values.keys()
        for what, value in values.items():
            torch.testing.assert_close(states[0][place][what], value, rtol=1e-2, atol=1e-3)
