"""Trainings on a packed set that does not fit into memory, beside the same ones in memory."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import lenet
from compiled_kernels import needs_kernels
from lenet.datasets import ArrayBatches, Batches, Dataset, PackedImages
from lenet.errors import DataFileError, InterruptedTraining
from lenet.kernels import EngineName, use_engine
from lenet.models import build_model, model_config
from lenet.training import Listener, Recipe, Trainer, compute_logits, evaluate_loss_and_accuracy
from packed_sets import leave_little_room, pack

RECIPE = Recipe(epochs=3, batch_size=20, momentum=0.9, learning_rate=0.05, validation=0.3)
EVERYTHING = RECIPE.replace(
    optimiser="adamw",
    momentum=0.0,
    learning_rate=0.01,
    shift=2,
    flip=True,
    normalisation="standard",
)
KERNELS = ["torch", pytest.param("native", marks=needs_kernels)]


@pytest.fixture
def packed(few_digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """128 digits, of which 40 fit into memory."""
    leave_little_room(monkeypatch)
    data = lenet.load_dataset(pack(few_digits, tmp_path / "packed"))
    assert isinstance(data.train.images, PackedImages)
    return data


class StopAfter(Listener):
    """Stops a training after some steps."""

    def __init__(self, steps: int):
        self.steps = steps

    def on_step(self, trainer: Trainer) -> None:
        if trainer.steps_done == self.steps:
            trainer.request_stop()


def make_trainer(
    data: Dataset, recipe: Recipe, kernels: EngineName, model: str = "lenet", *listeners: Listener
) -> Trainer:
    data = data.with_validation(recipe.validation, 0)
    network = build_model(model_config(model, {}), seed=0)
    return Trainer(network, data, recipe, seed=5, engine=kernels, listeners=listeners)


def assert_same_weights(trainer: Trainer, other: Trainer) -> None:
    weights = other.model.state_dict()
    for name, tensor in trainer.model.state_dict().items():
        assert torch.equal(tensor, weights[name]), name


def order_of(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let batches in memory come in the order in which a packed training reads them."""
    split, batches = trainer.dataset.train, trainer.train_batches

    def order(_: object, epoch: int) -> NDArray[np.int64]:
        packed = ArrayBatches(split, batches.batch_size, shuffle=True, seed=batches.seed)
        indices = [selection.indices for selection in packed.selections(epoch)]
        packed.close()
        return np.concatenate(indices)

    monkeypatch.setattr(type(batches), "_order", order)


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("model", ["lenet", "softmax", "mlp"])
@pytest.mark.parametrize("recipe", [RECIPE, EVERYTHING], ids=["momentum", "everything"])
def test_the_weights_are_those_of_memory_in_the_same_order(
    few_digits: Dataset,
    packed: Dataset,
    monkeypatch: pytest.MonkeyPatch,
    kernels: EngineName,
    model: str,
    recipe: Recipe,
) -> None:
    trainer = make_trainer(packed, recipe, kernels, model)
    assert isinstance(trainer.dataset.train.images, PackedImages)
    result = trainer.run()
    order_of(trainer, monkeypatch)
    memory = make_trainer(few_digits, recipe, kernels, model)
    expected = memory.run()
    assert trainer.engine.name == memory.engine.name == kernels
    assert_same_weights(trainer, memory)
    assert result.validation_accuracy == expected.validation_accuracy
    assert result.test_loss == expected.test_loss


@pytest.mark.parametrize("kernels", KERNELS)
def test_the_weights_of_a_small_set_are_those_of_memory(
    few_digits: Dataset, tmp_path: Path, kernels: EngineName
) -> None:
    data = lenet.load_dataset(pack(few_digits, tmp_path / "packed"))
    trainer, memory = (make_trainer(one, EVERYTHING, kernels) for one in (data, few_digits))
    trainer.run()
    memory.run()
    assert_same_weights(trainer, memory)


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("stop_after", [1, 4, 7])
def test_a_training_that_was_stopped_goes_on_to_the_same_bits(
    packed: Dataset, kernels: EngineName, stop_after: int
) -> None:
    unbroken = make_trainer(packed, EVERYTHING, kernels)
    unbroken.run()
    stopped = make_trainer(packed, EVERYTHING, kernels, "lenet", StopAfter(stop_after))
    with pytest.raises(InterruptedTraining):
        stopped.run()
    assert not [one for one in threading.enumerate() if one.name == "lenet-read-ahead"]
    resumed = make_trainer(packed, EVERYTHING, kernels)
    resumed.restore(stopped.state())
    resumed.run()
    assert_same_weights(resumed, unbroken)
    assert not [one for one in threading.enumerate() if one.name == "lenet-read-ahead"]


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("kind", [ArrayBatches, Batches])
def test_what_a_network_makes_of_packed_images_is_what_it_makes_of_arrays(
    few_digits: Dataset,
    packed: Dataset,
    kernels: EngineName,
    kind: type[ArrayBatches] | type[Batches],
) -> None:
    model = build_model(model_config("lenet", {}), seed=1)
    found, expected = (kind(data.train, 50, mean=0.1, std=0.3) for data in (packed, few_digits))
    with use_engine(kernels):
        np.testing.assert_array_equal(compute_logits(model, found), compute_logits(model, expected))
        scores = evaluate_loss_and_accuracy(model, found)
        assert scores == evaluate_loss_and_accuracy(model, expected)


class Damage(Listener):
    """Truncates every shard after some steps."""

    def __init__(self, folder: Path):
        self.folder = folder

    def on_step(self, trainer: Trainer) -> None:
        if trainer.steps_done == 2:
            for shard in self.folder.glob("train-*.images"):
                os.truncate(shard, 1)


def test_a_shard_that_is_damaged_while_it_is_trained_on_is_named(
    few_digits: Dataset, packed: Dataset, tmp_path: Path
) -> None:
    trainer = make_trainer(packed, RECIPE, "auto", "softmax", Damage(tmp_path / "packed"))
    with pytest.raises(DataFileError, match=r"train-0000\d\.images"):
        trainer.run()
    assert not [one for one in threading.enumerate() if one.name == "lenet-read-ahead"]


MEMORY = """
import resource, sys
import lenet
from lenet.models import build_model, model_config
from lenet.training import Recipe, Trainer

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

data = lenet.load_dataset(sys.argv[1]).with_validation(0.2)
model = build_model(model_config("softmax", {}), seed=0)
Trainer(model, lenet.load_dataset("digits"), Recipe(epochs=1)).run()
before = peak()
Trainer(model, data, Recipe(epochs=1, batch_size=1000), engine="auto").run()
sys.stdout.write(str(peak() - before))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the unit of the peak is Linux's")
def test_a_training_holds_far_less_in_memory_than_it_reads(tmp_path: Path) -> None:
    """400 MB of images, of which a training may hold 130 MB, and half as much again to be safe."""
    images = np.random.default_rng(0).integers(0, 256, (5000, 28, 28), dtype=np.uint8)
    with lenet.datasets.PackWriter(tmp_path / "large", [str(n) for n in range(10)]) as writer:
        for _ in range(100):
            writer.write(images, np.arange(5000) % 10)
    command: list[Any] = [sys.executable, "-c", MEMORY, tmp_path / "large"]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    assert int(process.stdout) * 1024 < 200e6
