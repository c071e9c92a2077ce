"""`FusedStep`: what it refuses."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from torch import nn

from compiled_kernels import needs_kernels
from lenet.errors import ModelError
from lenet.kernels import ConvBlock, FusedStep, StepSettings, TrainedBlock
from lenet.models import ArrayNetwork, LeNetConfig, trained_blocks

pytestmark = needs_kernels

IMAGES = np.zeros((10, 1, 28, 28), np.uint8)
LABELS = np.arange(10)
VALUES = np.arange(256, dtype=np.float32) / 255
BLOCKS = trained_blocks(ArrayNetwork.build(LeNetConfig(), seed=0))
NORMALISED = trained_blocks(ArrayNetwork.build(LeNetConfig(batch_norm=True), seed=0))


def make_step(
    blocks: list[TrainedBlock] = BLOCKS,
    images: NDArray[Any] = IMAGES,
    labels: NDArray[Any] = LABELS,
    values: NDArray[Any] = VALUES,
) -> FusedStep:
    """A step on batches of up to four."""
    return FusedStep(
        blocks, images, labels, batch_size=4, settings=StepSettings(), byte_values=values
    )


@pytest.mark.parametrize(
    "indices",
    [
        np.array([10]),
        np.array([0, -1]),
        np.array([2**62]),
        np.arange(5),
        np.arange(0),
        np.arange(3, dtype=np.int32),
        np.arange(3.0),
        np.zeros((3, 2), np.int64),
        [0, 1, 2],
    ],
    ids=str,
)
def test_wrong_indices_are_refused(indices: NDArray[Any]) -> None:
    network = ArrayNetwork.build(LeNetConfig(), seed=0)
    before = {name: array.copy() for name, array in network.arrays.items()}
    step = make_step(trained_blocks(network))
    with pytest.raises(ValueError, match="Not a batch of up to 4 of 10 images"):
        step(indices, 0.1)
    assert all(np.array_equal(before[name], array) for name, array in network.arrays.items())
    assert step.state() == {}


@pytest.mark.parametrize(
    "augmentation",
    [
        {"mirrored": np.zeros(2, np.bool_)},
        {"mirrored": np.zeros(3)},
        {"shifts": np.zeros((2, 2), np.int64)},
        {"shifts": np.zeros(3, np.int64)},
        {"shifts": np.zeros((2, 3))},
    ],
    ids=str,
)
def test_wrong_augmentation_is_refused(augmentation: dict[str, NDArray[Any]]) -> None:
    with pytest.raises(ValueError, match="Not a batch"):
        make_step()(np.arange(3), 0.1, **augmentation)


def changed(blocks: list[TrainedBlock], **arrays: NDArray[Any]) -> list[TrainedBlock]:
    """Blocks of which the first has other arrays."""
    first = blocks[0]
    of_norm = {name: arrays.pop(name) for name in ("mean", "batches") if name in arrays}
    norm = first.norm and replace(first.norm, **of_norm)
    return [replace(first, norm=norm, **arrays), *blocks[1:]]


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """A copy that may not be written to."""
    array = array.copy()
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": np.full(10, 10)}, "outside of the network's 10 classes"),
        ({"labels": np.full(10, -1)}, "outside of the network's 10 classes"),
        ({"labels": np.arange(9)}, "The labels must be"),
        ({"labels": LABELS.astype(np.int32)}, "The labels must be"),
        ({"images": IMAGES.astype(np.float32)}, "The images must be"),
        ({"images": IMAGES[:0], "labels": LABELS[:0]}, "The images must be"),
        ({"images": IMAGES.reshape(10, -1)}, "The images must be"),
        (
            {"images": np.zeros((10, 1, 32, 32), np.uint8)},
            r"takes \[1, 28, 28\], but an image is \[1, 32, 32\]",
        ),
        (
            {"blocks": BLOCKS[2:]},
            r"takes \[400\], but an image is \[1, 28, 28\]",
        ),
        ({"values": VALUES.astype(np.float64)}, "The byte values must be"),
        ({"values": VALUES[:255]}, "The byte values must be"),
        (
            {
                "blocks": [
                    TrainedBlock(
                        ConvBlock(1, 28, 28, filters=10, kernel_size=5),
                        np.zeros((10, 1, 5, 5), np.float32),
                        np.zeros(10, np.float32),
                    )
                ]
            },
            "does not end in a dense layer",
        ),
        *(
            ({"blocks": changed(blocks, **arrays)}, "is not contiguous")
            for blocks, arrays in (
                (BLOCKS, {"weight": BLOCKS[0].weight.astype(np.float64)}),
                (BLOCKS, {"weight": BLOCKS[0].weight.swapaxes(2, 3)}),
                (BLOCKS, {"weight": BLOCKS[0].weight[:5]}),
                (BLOCKS, {"weight": read_only(BLOCKS[0].weight)}),
                (BLOCKS, {"shift": np.zeros(7, np.float32)}),
                (NORMALISED, {"scale": np.zeros(7, np.float32)}),
                (NORMALISED, {"mean": np.zeros(7, np.float32)}),
                (NORMALISED, {"batches": np.zeros((), np.float32)}),
            )
        ),
    ],
)
def test_what_it_can_not_train_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        make_step(**arguments)


def test_shared_weights_are_refused() -> None:
    dense = nn.Linear(10, 10)
    other = nn.Linear(10, 10)
    other.weight = dense.weight
    for last in (dense, other):
        network = nn.Sequential(nn.Flatten(), nn.Linear(784, 10), dense, last)
        with pytest.raises(ModelError, match="share weights"):
            ArrayNetwork.from_module(network, (1, 28, 28))
