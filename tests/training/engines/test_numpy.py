"""Training in NumPy is training with PyTorch, up to rounding."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import lenet
from lenet.datasets import ArrayBatches, Batches, Dataset
from lenet.errors import InterruptedTraining, ModelError
from lenet.kernels import use_engine
from lenet.models import ArrayNetwork, LeNet5Config, LeNetConfig, ModelConfig, build_model
from lenet.training import Listener, Recipe, Trainer, evaluate_loss_and_accuracy

# An engine by itself, step by step; the room's face names none.
from lenet.training.engines._numpy import NumpyEngine
from lenet.training.engines._torch import TorchEngine


class StopAt(Listener):
    """Asks for a stop after some steps, as Ctrl-C does."""

    def __init__(self, steps: int):
        self.steps = steps

    def on_step(self, trainer: Trainer) -> None:
        if trainer.steps_done == self.steps:
            trainer.request_stop()


RECIPES: dict[str, tuple[ModelConfig, Recipe]] = {
    "sgd": (LeNetConfig(), Recipe(epochs=1, batch_size=8)),
    "momentum": (
        LeNetConfig(batch_norm=True, activation="tanh"),
        Recipe(epochs=1, batch_size=32, learning_rate=0.02, momentum=0.9, nesterov=True),
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
    network, module = ArrayNetwork.build(config, seed=0), build_model(config, seed=0)
    batches = ArrayBatches(
        few_digits.train, recipe.batch_size, shuffle=True, augmentation=recipe.augmentation
    )
    engines = (
        NumpyEngine(network, recipe, batches),
        TorchEngine(module, recipe, Batches(few_digits.train, recipe.batch_size)),
    )
    for epoch in range(2):
        for selection in batches.selections(epoch):
            scores = [engine.step(selection, recipe.learning_rate) for engine in engines]
            np.testing.assert_allclose(float(scores[0][0]), float(scores[1][0]), 1e-4)
    for name, tensor in module.state_dict().items():
        np.testing.assert_allclose(network.arrays[name], tensor.numpy(), rtol=1e-3, atol=1e-3)
    states = [engine.state() for engine in engines]
    assert states[0].keys() == states[1].keys()
    for place, values in states[1].items():
        assert states[0][place].keys() == values.keys()
        for what, value in values.items():
            np.testing.assert_allclose(states[0][place][what], value, rtol=1e-2, atol=1e-3)


def test_a_training_in_numpy_is_stopped_and_goes_on_to_the_same_bits(
    few_digits: Dataset, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"model": "lenet", "engine": "numpy", "batch_size": 16}
    options |= {"epochs": 2, "learning_rate": 0.5, "seed": 3, "batch_norm": True, "listeners": []}
    whole = lenet.train(dataset=few_digits, runs_folder=tmp_path, **options)
    assert whole.config.engine == "numpy"
    stop = StopAt(5)
    with pytest.raises(InterruptedTraining):
        lenet.train(dataset=few_digits, runs_folder="stopped", **options | {"listeners": [stop]})
    (stopped,) = lenet.find_runs("stopped")
    again = lenet.resume(stopped, dataset=few_digits, listeners=[])
    assert again.config.engine == "numpy"
    ours, theirs = (lenet.load(run)[0].state_dict() for run in (again, whole))
    for name, tensor in theirs.items():
        assert torch.equal(ours[name], tensor)
    evaluated = lenet.evaluate(whole, dataset=few_digits, engine="torch")
    assert evaluated.accuracy == whole.result.test_accuracy


def test_what_it_does_not_serve_is_refused(few_digits: Dataset) -> None:
    recipe = Recipe(batch_size=8, precision="bfloat16")
    with pytest.raises(ModelError, match="`engine` can be `numpy` in float32 alone"):
        Trainer(build_model(LeNetConfig(), seed=0), few_digits, recipe, engine="numpy")
    network = ArrayNetwork.build(LeNetConfig(), seed=0)
    with pytest.raises(ModelError, match="`engine` can be `numpy` on a CPU and in one process"):
        Trainer(network, few_digits, Recipe(batch_size=8), device="meta", engine="numpy")

    class Own(nn.Linear):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.flatten(1)[:, :10]

    with pytest.raises(ModelError, match=r"is no `nn\.Sequential`"):
        Trainer(Own(1, 1), few_digits, Recipe(batch_size=8), engine="numpy")


def test_it_does_not_pass_a_network_on_that_a_hook_listens_to(few_digits: Dataset) -> None:
    network, seen = build_model(LeNetConfig(), seed=0), []
    network[0].register_forward_hook(lambda *given: seen.append(given))
    held_out = ArrayBatches(few_digits.require_test(), 64)
    with use_engine("numpy"), pytest.raises(ModelError, match="A hook wants to see"):
        evaluate_loss_and_accuracy(network, held_out)
    evaluate_loss_and_accuracy(network, held_out)
    assert seen
