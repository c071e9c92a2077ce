"""`LeNet` against the tutorial's own `nn.Sequential` and against torch's functions."""

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from lenet.errors import LenetError
from lenet.kernels import use_engine
from lenet.models import LeNet, LeNetConfig, layers
from tutorial_network import init_weights, tutorial_network


@pytest.fixture
def images() -> Tensor:
    """Seven images of noise in 0 … 1."""
    return torch.rand(7, 1, 28, 28, generator=torch.Generator().manual_seed(3))


def same_bits(first: nn.Module, second: nn.Module) -> bool:
    """Whether two networks have the same weights under the same names."""
    ours, theirs = first.state_dict(), second.state_dict()
    return list(ours) == list(theirs) and all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_it_has_the_tutorials_number_of_parameters() -> None:
    assert sum(parameter.numel() for parameter in LeNet().parameters()) == 61_706


def test_its_layers_are_the_tutorials_in_the_same_order() -> None:
    assert isinstance(LeNet(), nn.Sequential)
    assert [repr(layer) for layer in LeNet()] == [repr(layer) for layer in tutorial_network()]


def test_a_reader_can_loop_over_the_layers_as_the_tutorial_does() -> None:
    X = torch.rand(size=(1, 1, 28, 28), dtype=torch.float32)
    lines = []
    for layer in LeNet():
        X = layer(X)
        lines.append((layer.__class__.__name__, list(X.shape)))
    assert lines == [
        ("Conv2d", [1, 6, 28, 28]),
        ("Sigmoid", [1, 6, 28, 28]),
        ("AvgPool2d", [1, 6, 14, 14]),
        ("Conv2d", [1, 16, 10, 10]),
        ("Sigmoid", [1, 16, 10, 10]),
        ("AvgPool2d", [1, 16, 5, 5]),
        ("Flatten", [1, 400]),
        ("Linear", [1, 120]),
        ("Sigmoid", [1, 120]),
        ("Linear", [1, 84]),
        ("Sigmoid", [1, 84]),
        ("Linear", [1, 10]),
    ]


@use_engine("torch")
def test_weights_go_both_ways_and_the_outputs_have_the_same_bits(images: Tensor) -> None:
    ours, tutorial = LeNet(), tutorial_network()
    assert not torch.equal(ours(images), tutorial(images))
    ours.load_state_dict(tutorial.state_dict(), strict=True)
    assert torch.equal(ours(images), tutorial(images))

    another = LeNet()
    tutorial.load_state_dict(another.state_dict(), strict=True)
    assert torch.equal(another(images), tutorial(images))


@use_engine("torch")
def test_the_gradients_have_the_same_bits(images: Tensor) -> None:
    labels = torch.arange(7)
    ours, tutorial = LeNet(), tutorial_network()
    tutorial.load_state_dict(ours.state_dict())
    for network in (ours, tutorial):
        F.cross_entropy(network(images), labels).backward()
    for mine, theirs in zip(ours.parameters(), tutorial.parameters(), strict=True):
        assert mine.grad is not None
        assert mine.grad.any()
        assert torch.equal(mine.grad, theirs.grad)


@pytest.mark.parametrize("seed", [0, 42])
def test_the_same_seed_starts_from_the_tutorials_weights(seed: int) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        tutorial = tutorial_network()
        tutorial.apply(init_weights)
        torch.manual_seed(seed)
        ours = LeNet()
    assert same_bits(ours, tutorial)


def test_pytorchs_initialisation_leaves_the_weights_as_pytorch_makes_them() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        plain = tutorial_network()
        torch.manual_seed(5)
        ours = LeNet(LeNetConfig(initialisation="pytorch"))
    assert same_bits(ours, plain)


def test_each_network_has_layers_and_weights_of_its_own() -> None:
    first, second = LeNet(), LeNet()
    assert not same_bits(first, second)
    assert not {id(layer) for layer in first} & {id(layer) for layer in second}


ACTIVATIONS = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": F.relu, "gelu": F.gelu}
POOLINGS = {"average": F.avg_pool2d, "max": F.max_pool2d}


def forward(config: LeNetConfig, weights: list[Tensor], X: Tensor) -> tuple[Tensor, list[Any]]:
    """A LeNet in torch's functions: the outputs and the size that comes out of each block."""
    activation, pooling = ACTIVATIONS[config.activation], POOLINGS[config.pooling]
    weights, sizes = list(weights), []
    for block in range(len(config.channels)):
        padding = config.padding if block == 0 else 0
        X = F.conv2d(X, weights.pop(0), weights.pop(0), padding=padding)
        X = pooling(activation(X), 2)
        sizes.append(tuple(X.shape[2:]))
    X = X.flatten(1)
    for _ in config.dense_widths:
        X = activation(F.linear(X, weights.pop(0), weights.pop(0)))
    X = F.linear(X, weights.pop(0), weights.pop(0))
    assert weights == []
    return X, sizes


def expected_shapes(values: dict[str, Any], flat: int) -> list[tuple[int, ...]]:
    """The shapes of weights and biases by hand."""
    shapes: list[tuple[int, ...]] = []
    maps, kernel = values["input_shape"][0], values["kernel_size"]
    for channels in values["channels"]:
        shapes += [(channels, maps, kernel, kernel), (channels,)]
        maps = channels
    inputs = flat
    for width in (*values["dense_widths"], values["classes"]):
        shapes += [(width, inputs), (width,)]
        inputs = width
    return shapes


def fits(values: dict[str, Any]) -> bool:
    """Whether torch itself can send an image through these blocks."""
    maps, height, width = values["input_shape"]
    X = torch.zeros(1, maps, height, width)
    try:
        for block, channels in enumerate(values["channels"]):
            padding = values["padding"] if block == 0 else 0
            kernel = torch.zeros(channels, X.shape[1], *[values["kernel_size"]] * 2)
            X = POOLINGS[values["pooling"]](F.conv2d(X, kernel, padding=padding), 2)
    except RuntimeError:
        return False
    return True


variants = st.fixed_dictionaries(
    {
        "input_shape": st.tuples(st.integers(1, 3), st.integers(1, 40), st.integers(1, 40)),
        "classes": st.integers(2, 12),
        "channels": st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple),
        "kernel_size": st.integers(1, 7),
        "padding": st.integers(0, 4),
        "dense_widths": st.lists(st.integers(1, 9), max_size=3).map(tuple),
        "activation": st.sampled_from(list(ACTIVATIONS)),
        "pooling": st.sampled_from(list(POOLINGS)),
        "initialisation": st.sampled_from(["xavier", "kaiming", "pytorch"]),
    }
)


@settings(max_examples=120, deadline=None)
@given(values=variants)
def test_a_variant_is_refused_exactly_where_torch_can_not_run_it_and_else_computes_the_same(
    values: dict[str, Any],
) -> None:
    try:
        config = LeNetConfig(**values)
    except LenetError:
        assert not fits(values)
        return
    assert fits(values)

    network = LeNet(config)
    X = torch.randn(2, *config.input_shape)
    weights = [parameter.detach() for parameter in network.parameters()]
    expected, sizes = forward(config, weights, X)

    pooled = [one for one in config.network().placed if isinstance(one.layer, layers.Pooling)]
    assert [one.output_shape[1:] for one in pooled] == sizes
    height, width = sizes[-1]
    flat = config.channels[-1] * height * width
    assert [tuple(weight.shape) for weight in weights] == expected_shapes(values, flat)
    torch.testing.assert_close(network(X).detach(), expected)
    assert expected.shape == (2, config.classes)
    assert network.config is config
    assert all(math.isfinite(weight.sum()) for weight in weights)


def test_a_variant_without_hidden_dense_layers_ends_in_one_dense_layer() -> None:
    layers = list(LeNet(LeNetConfig(dense_widths=(), classes=3)))
    assert [type(layer).__name__ for layer in layers[-2:]] == ["Flatten", "Linear"]
    assert (layers[-1].in_features, layers[-1].out_features) == (400, 3)


@use_engine("torch")
def test_a_slice_of_the_layers_is_a_network_of_the_same_layers() -> None:
    network = LeNet()
    images = torch.rand(2, 1, 28, 28)
    first, rest = network[:3], network[3:]
    assert type(first) is nn.Sequential
    assert first[0] is network[0]
    assert torch.equal(rest(first(images)), network(images))
    assert list(rest.state_dict()) == [name for name in network.state_dict() if name[0] != "0"]
