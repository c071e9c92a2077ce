"""A network that does not suit its images is refused in one line, whatever the engine."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from compiled_kernels import needs_kernels
from lenet.datasets import Dataset
from lenet.errors import ModelError
from lenet.models import ArrayNetwork, LeNetConfig, build_model
from lenet.training import Recipe, Trainer

ENGINES = [pytest.param("native", marks=needs_kernels), "torch", "numpy"]
RECIPE = Recipe(epochs=1, batch_size=64)


class Own(nn.Module):
    """A network that lenet does not know; an image has 784 pixels."""

    def __init__(self, inputs: int, classes: int):
        super().__init__()
        self.layer = nn.Linear(inputs, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.layer(images.flatten(1))


def frozen() -> nn.Module:
    return build_model(LeNetConfig(), seed=0).requires_grad_(False)


UNFIT: list[tuple[Callable[[], Any], str]] = [
    (
        lambda: ArrayNetwork.build(LeNetConfig(input_shape=(1, 32, 32)), seed=0),
        "The network takes images of 1×32×32, but those of `few-digits` are 1×28×28.",
    ),
    (
        lambda: build_model(LeNetConfig(input_shape=(3, 28, 28)), seed=0),
        "The network takes images of 3×28×28, but those of `few-digits` are 1×28×28.",
    ),
    (
        lambda: build_model(LeNetConfig(classes=4), seed=0),
        "The network tells 4 classes apart, but `few-digits` has images of class 9, counted from "
        "0: it needs 10 outputs.",
    ),
    (frozen, "No weight of the network may be trained: it has none, or all are frozen."),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("make", "message"), UNFIT, ids=["larger", "colour", "classes", "frozen"])
def test_it_is_refused_before_the_training(
    few_digits: Dataset, engine: Any, make: Callable[[], Any], message: str
) -> None:
    with pytest.raises(ModelError, match=re.escape(message)):
        Trainer(make(), few_digits, RECIPE, engine=engine)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (Own(700, 10), r"does not take a batch of shape \(1, 1, 28, 28\): mat1 and mat2 shapes"),
        (Own(784, 4), "tells 4 classes apart, but `few-digits` has images of class 9"),
        (nn.Sequential(nn.Flatten(), nn.Linear(700, 10)), "does not take a batch of shape"),
        (nn.Sequential(Own(784, 10), nn.Unflatten(1, (5, 2))), "not \\(1, classes\\)"),
    ],
    ids=["size", "classes", "layers", "shape"],
)
def test_what_lenet_does_not_know_is_found_out_by_its_first_step(
    few_digits: Dataset, network: nn.Module, message: str
) -> None:
    trainer = Trainer(network, few_digits, RECIPE)
    with pytest.raises(ModelError, match=message):
        trainer.run()


def test_a_mistake_of_ones_own_is_left_as_it_is(few_digits: Dataset) -> None:
    def raises(*_: object) -> None:
        raise ValueError("my own")

    network = Own(784, 10)
    network.layer.weight.register_hook(raises)
    with pytest.raises(ValueError, match="my own"):
        Trainer(network, few_digits, RECIPE).run()
