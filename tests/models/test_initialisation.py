"""`initialise` against the bounds of the papers and against the tutorial's function."""

import copy
import math

import pytest
import torch
from torch import nn

from lenet.models import LeNet, LeNetConfig, initialise
from tutorial_network import init_weights, tutorial_network


def weighted(network: nn.Module) -> list[nn.Conv2d | nn.Linear]:
    """The layers with weights."""
    return [layer for layer in network.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]


def fans(layer: nn.Conv2d | nn.Linear) -> tuple[int, int]:
    """The inputs that an output sees, and the outputs that an input reaches."""
    if isinstance(layer, nn.Linear):
        return layer.in_features, layer.out_features
    area = math.prod(layer.kernel_size)
    return layer.in_channels * area, layer.out_channels * area


def bound(initialisation: str, layer: nn.Conv2d | nn.Linear) -> float:
    """The largest weight by the formula."""
    fan_in, fan_out = fans(layer)
    return math.sqrt(6 / (fan_in + fan_out if initialisation == "xavier" else fan_in))


@pytest.mark.parametrize("initialisation", ["xavier", "kaiming"])
def test_weights_fill_the_range_of_the_formula_evenly(initialisation: str) -> None:
    network = LeNet(LeNetConfig(initialisation=initialisation, channels=(60, 16)))
    for layer in weighted(network):
        largest = bound(initialisation, layer)
        weights = layer.weight.detach() / largest
        assert weights.abs().max() <= 1
        assert weights.abs().max() > 0.98
        # A uniform distribution over -1 … 1 has mean 0 and variance 1/3.
        spread = 5 / math.sqrt(weights.numel())
        assert abs(float(weights.mean())) < spread * math.sqrt(1 / 3)
        assert abs(float(weights.square().mean()) - 1 / 3) < spread * math.sqrt(4 / 45)


def test_xavier_draws_the_bits_that_the_tutorials_function_draws() -> None:
    ours = tutorial_network()
    tutorial = copy.deepcopy(ours)
    with torch.random.fork_rng():
        torch.manual_seed(11)
        initialise(ours)
        torch.manual_seed(11)
        tutorial.apply(init_weights)
    for mine, theirs in zip(ours.parameters(), tutorial.parameters(), strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("initialisation", ["xavier", "kaiming", "pytorch"])
def test_biases_stay_as_they_were(initialisation: str) -> None:
    network = tutorial_network()
    before = copy.deepcopy(network)
    initialise(network, initialisation)
    for layer, old in zip(weighted(network), weighted(before), strict=True):
        assert torch.equal(layer.bias, old.bias)
        assert torch.equal(layer.weight, old.weight) == (initialisation == "pytorch")


def test_layers_inside_of_others_are_initialised_too_and_other_layers_are_not() -> None:
    inner, norm = nn.Linear(50, 50), nn.BatchNorm1d(50)
    network = nn.Sequential(nn.Sequential(inner, norm), nn.Sigmoid())
    nn.init.constant_(inner.weight, 9.0)
    initialise(network)
    assert inner.weight.abs().max() <= math.sqrt(6 / 100)
    assert torch.equal(norm.weight, torch.ones(50))


def test_weights_can_be_learnt_afterwards() -> None:
    network = tutorial_network()
    initialise(network, "kaiming")
    assert all(parameter.requires_grad and parameter.is_leaf for parameter in network.parameters())
