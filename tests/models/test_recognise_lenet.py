"""A LeNet seen in a plain `nn.Sequential`, and other networks that are not taken for one."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from lenet.errors import LenetError
from lenet.kernels import use_engine
from lenet.models import LeNet, LeNetConfig, as_lenet
from tutorial_network import tutorial_network

SHAPE = (1, 28, 28)


def test_the_tutorials_network_is_recognised_with_its_very_own_weights() -> None:
    tutorial = tutorial_network()
    network = as_lenet(tutorial, SHAPE)
    assert isinstance(network, LeNet)
    assert network.config == LeNetConfig(initialisation="pytorch")
    assert list(network.state_dict()) == list(tutorial.state_dict())
    for ours, theirs in zip(network.parameters(), tutorial.parameters(), strict=True):
        assert ours is theirs
    assert all(ours is theirs for ours, theirs in zip(network, tutorial, strict=True))


@use_engine("torch")
def test_training_the_one_trains_the_other() -> None:
    tutorial = tutorial_network()
    network = as_lenet(tutorial, SHAPE)
    assert network is not None
    images = torch.rand(4, *SHAPE)
    before = tutorial(images)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.5)
    network(images).sum().backward()
    optimiser.step()
    assert not torch.equal(tutorial(images), before)
    assert torch.equal(tutorial(images), network(images))


def test_the_network_that_was_given_is_not_changed() -> None:
    tutorial = tutorial_network()
    weights = [parameter.clone() for parameter in tutorial.parameters()]
    layers = list(tutorial)
    as_lenet(tutorial, SHAPE)
    assert type(tutorial) is nn.Sequential
    assert list(tutorial) == layers
    for parameter, before in zip(tutorial.parameters(), weights, strict=True):
        assert torch.equal(parameter, before)


@settings(max_examples=60, deadline=None)
@given(
    values=st.fixed_dictionaries(
        {
            "input_shape": st.tuples(st.integers(1, 3), st.integers(4, 30), st.integers(4, 30)),
            "classes": st.integers(2, 12),
            "channels": st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple),
            "kernel_size": st.integers(1, 6),
            "padding": st.integers(0, 3),
            "dense_widths": st.lists(st.integers(1, 9), max_size=3).map(tuple),
            "activation": st.sampled_from(["sigmoid", "tanh", "relu", "gelu"]),
            "pooling": st.sampled_from(["average", "max"]),
        }
    )
)
def test_every_lenet_is_recognised_from_its_bare_layers(values: dict[str, object]) -> None:
    try:
        config = LeNetConfig(initialisation="pytorch", **values)
    except LenetError:
        assume(False)
    network = as_lenet(nn.Sequential(*LeNet(config)), config.input_shape)
    assert network is not None
    assert network.config == config


def changed(position: int, *layers: nn.Module) -> nn.Sequential:
    """The tutorial's network with other layers in the place of one."""
    network = list(tutorial_network())
    return nn.Sequential(*network[:position], *layers, *network[position + 1 :])


def reordered(*positions: int) -> nn.Sequential:
    """The tutorial's layers, the first of them in another order."""
    network = list(tutorial_network())
    return nn.Sequential(*(network[index] for index in positions), *network[len(positions) :])


OTHERS: dict[str, Callable[[], nn.Sequential]] = {
    "nothing": nn.Sequential,
    "one layer more at the end": lambda: nn.Sequential(*tutorial_network(), nn.Softmax(dim=1)),
    "one layer more at the start": lambda: nn.Sequential(nn.Identity(), *tutorial_network()),
    "one layer more in the middle": lambda: changed(8, nn.Sigmoid(), nn.Dropout(0.5)),
    "batch normalisation": lambda: changed(0, nn.Conv2d(1, 6, 5, padding=2), nn.BatchNorm2d(6)),
    "no last layer": lambda: nn.Sequential(*list(tutorial_network())[:-1]),
    "no flattening": lambda: changed(6),
    "another activation": lambda: nn.Sequential(
        *(nn.ELU() if isinstance(layer, nn.Sigmoid) else layer for layer in tutorial_network())
    ),
    "one other activation": lambda: changed(4, nn.Tanh()),
    "an unknown activation once": lambda: changed(8, nn.ELU()),
    "gelu by its approximation": lambda: nn.Sequential(
        *(
            nn.GELU(approximate="tanh") if isinstance(layer, nn.Sigmoid) else layer
            for layer in tutorial_network()
        )
    ),
    "different poolings": lambda: changed(5, nn.MaxPool2d(2, 2)),
    "pooling that overlaps": lambda: changed(2, nn.AvgPool2d(3, stride=2, padding=1)),
    "pooling before the activation": lambda: reordered(0, 2, 1),
    "dense layers in another order": lambda: nn.Sequential(
        *list(tutorial_network())[:7], nn.Linear(400, 120), nn.Linear(120, 10), nn.Sigmoid()
    ),
    "no biases": lambda: changed(3, nn.Conv2d(6, 16, 5, bias=False)),
    "kernels of different sizes": lambda: nn.Sequential(
        *list(tutorial_network())[:3],
        nn.Conv2d(6, 16, 3),
        *list(tutorial_network())[4:7],
        nn.Linear(16 * 6 * 6, 120),
        *list(tutorial_network())[8:],
    ),
    "a kernel that is not square": lambda: changed(0, nn.Conv2d(1, 6, (5, 3), padding=(2, 1))),
    "padding in the second block": lambda: changed(3, nn.Conv2d(6, 16, 5, padding=2)),
    "padding by mirroring": lambda: changed(
        0, nn.Conv2d(1, 6, 5, padding=2, padding_mode="reflect")
    ),
    "strides": lambda: changed(0, nn.Conv2d(1, 6, 5, padding=2, stride=2)),
    "dilation": lambda: changed(0, nn.Conv2d(1, 6, 5, padding=4, dilation=2)),
    "groups": lambda: changed(3, nn.Conv2d(6, 16, 5, groups=2)),
    "layers within a layer": lambda: nn.Sequential(tutorial_network()),
    "pooling that sums": lambda: nn.Sequential(
        *(
            nn.AvgPool2d(2, 2, divisor_override=1) if isinstance(layer, nn.AvgPool2d) else layer
            for layer in tutorial_network()
        )
    ),
    "a perceptron": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(784, 30), nn.ReLU(), nn.Linear(30, 10)
    ),
    "convolutions only": lambda: nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.Sigmoid(), nn.AvgPool2d(2), nn.Flatten()
    ),
}


@pytest.mark.parametrize("kind", list(OTHERS))
def test_another_network_is_not_taken_for_a_lenet(kind: str) -> None:
    assert as_lenet(OTHERS[kind](), SHAPE) is None


@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 28, 28), (1, 3, 3), (28, 28), ()])
def test_a_lenet_for_images_of_another_shape_is_not_recognised(shape: tuple[int, ...]) -> None:
    assert as_lenet(tutorial_network(), shape) is None
