"""The compiled library draws what NumPy draws, which draws what PyTorch does."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from lenet.datasets import ArrayBatches, Augmentation, Split
from lenet.kernels._blocks import addresses_of, call, pointers  # the functions have no other face
from lenet.kernels._interface import DrawnLayer
from lenet.models.layers import Convolution, Dense, Flatten, initial_arrays, place_layers

INITIALISATIONS = ("pytorch", "xavier", "kaiming", "normal", "published")  # as in initial.h
SEEDS = (0, 1, 2**31, 2**63 - 1)


def batches_of(count: int, batch_size: int, seed: int, **options: Any) -> ArrayBatches:
    """Batches of so many tiny images."""
    split = Split(np.zeros((count, 1, 2, 2), np.uint8), np.zeros(count, np.int64))
    return ArrayBatches(split, batch_size, shuffle=True, seed=seed, **options)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("count", [1, 2, 1000])
def test_the_order_of_an_epoch_is_that_of_batches(seed: int, count: int) -> None:
    for epoch in (0, 1, 70):
        order = np.zeros(count, np.int64)
        call("order", seed, epoch, count, order.ctypes.data)
        (wanted,) = batches_of(count, count, seed).selections(epoch)
        assert np.array_equal(order, wanted.indices)


@pytest.mark.parametrize("augmentation", [Augmentation(flip=True, shift=2), Augmentation(shift=1)])
@pytest.mark.parametrize("seed", SEEDS)
def test_changes_are_those_of_batches(seed: int, augmentation: Augmentation) -> None:
    for step, wanted in enumerate(
        batches_of(50, 20, seed, augmentation=augmentation).selections(3)
    ):
        count = len(wanted.indices)
        mirrored, shifts = np.zeros(count, np.bool_), np.zeros((2, count), np.int64)
        flips = mirrored.ctypes.data if augmentation.flip else None
        call("changes", seed, 3, step, count, augmentation.shift, flips, shifts.ctypes.data)
        assert np.array_equal(shifts, wanted.changes.shifts)
        if augmentation.flip:
            assert np.array_equal(mirrored, wanted.changes.mirrored)


@pytest.mark.parametrize("kind", INITIALISATIONS)
@pytest.mark.parametrize("seed", SEEDS)
def test_layers_begin_with_the_weights_of_lenet_train(kind: str, seed: int) -> None:
    layers = place_layers(
        [
            Convolution(name="wide", filters=6, kernel_size=(5, 3)),
            Convolution(name="grouped", filters=4, kernel_size=3, groups=2, bias=False),
            Flatten(name="flat"),
            Dense(name="dense", units=40),
            Dense(name="few", units=3, bias=False),
            Dense(name="fewer", units=2),  # normal numbers one by one, as they are fewer than 16
        ],
        (3, 12, 12),
    )
    wanted = initial_arrays(layers, kind, seed)
    drawn = {name: np.zeros_like(array) for name, array in wanted.items()}
    names = [name.removesuffix(".weight") for name in wanted if name.endswith(".weight")]
    described, parameters = [], []
    for name in names:
        weight, biases = drawn[f"{name}.weight"], drawn.get(f"{name}.bias")
        outputs, inputs, *window = weight.shape
        described.append(DrawnLayer(outputs, inputs, math.prod(window), biases is not None))
        parameters += addresses_of([weight]) + (
            [None] if biases is None else addresses_of([biases])
        )
    call(
        "initialise",
        (DrawnLayer * len(described))(*described),
        len(described),
        INITIALISATIONS.index(kind),
        seed,
        pointers(parameters),
    )
    for name, array in wanted.items():
        assert np.array_equal(drawn[name].view(np.uint32), array.view(np.uint32)), name
