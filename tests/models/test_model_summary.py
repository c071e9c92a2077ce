"""`summarise` against torch's own counter of operations and against formulas by hand."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from lenet.errors import LenetError, ModelError
from lenet.models import LayerSummary, LeNet, LeNetConfig, recognise_network, summarise
from tutorial_network import tutorial_network


@pytest.mark.parametrize("make", [LeNet, tutorial_network])
def test_every_layer_of_the_tutorials_network_is_as_its_text_says(
    make: Callable[[], nn.Module],
) -> None:
    assert summarise(make()) == [
        LayerSummary("Conv2d", (1, 6, 28, 28), 156, 28 * 28 * 6 * 25, "", 5),
        LayerSummary("Sigmoid", (1, 6, 28, 28), 0, 0, "", 5),
        LayerSummary("AvgPool2d", (1, 6, 14, 14), 0, 0, "", 6),
        LayerSummary("Conv2d", (1, 16, 10, 10), 2_416, 10 * 10 * 16 * 6 * 25, "", 14),
        LayerSummary("Sigmoid", (1, 16, 10, 10), 0, 0, "", 14),
        LayerSummary("AvgPool2d", (1, 16, 5, 5), 0, 0, "", 16),
        LayerSummary("Flatten", (1, 400), 0, 0, "", 16),
        LayerSummary("Linear", (1, 120), 48_120, 400 * 120),
        LayerSummary("Sigmoid", (1, 120), 0, 0),
        LayerSummary("Linear", (1, 84), 10_164, 120 * 84),
        LayerSummary("Sigmoid", (1, 84), 0, 0),
        LayerSummary("Linear", (1, 10), 850, 84 * 10),
    ]


def test_the_totals_are_the_known_ones() -> None:
    layers = summarise(LeNet())
    assert sum(layer.parameters for layer in layers) == 61_706
    assert sum(layer.multiply_accumulates for layer in layers) == 416_520


def operations(network: nn.Module, shape: tuple[int, ...]) -> int:
    """Multiplications and additions as torch counts them, two for each weight that is used."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(shape))
    return counter.get_total_flops()


@settings(max_examples=40, deadline=None)
@given(
    values=st.fixed_dictionaries(
        {
            "input_shape": st.tuples(st.integers(1, 3), st.integers(4, 30), st.integers(4, 30)),
            "channels": st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple),
            "kernel_size": st.integers(1, 6),
            "padding": st.integers(0, 3),
            "dense_widths": st.lists(st.integers(1, 9), max_size=3).map(tuple),
            "pooling": st.sampled_from(["average", "max"]),
        }
    ),
    count=st.integers(1, 3),
)
def test_the_sums_are_torchs_own_whatever_the_network_and_the_batch(
    values: dict[str, Any], count: int
) -> None:
    try:
        network = LeNet(LeNetConfig(**values))
    except LenetError:
        assume(False)
    shape = (count, *values["input_shape"])
    layers = summarise(network, shape)
    macs = sum(layer.multiply_accumulates for layer in layers)
    assert 2 * count * macs == operations(network, shape)
    weights = sum(parameter.numel() for parameter in network.parameters())
    assert sum(layer.parameters for layer in layers) == weights
    assert layers[-1].output_shape == tuple(network(torch.zeros(shape)).shape)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=2),
        nn.Conv2d(4, 2, (1, 5), dilation=2, bias=False),
    ],
    ids=["groups", "dilation"],
)
def test_the_multiply_accumulates_of_other_convolutions_are_torchs_too(layer: nn.Conv2d) -> None:
    (summary,) = summarise(layer, (1, 4, 12, 12))
    assert 2 * summary.multiply_accumulates == operations(layer, (1, 4, 12, 12))


def test_layers_inside_of_others_are_counted_once_and_in_their_order() -> None:
    network = nn.Sequential(
        nn.Flatten(), nn.Sequential(nn.Linear(4, 3), nn.ReLU()), nn.Linear(3, 2)
    )
    layers = summarise(network, (1, 1, 2, 2))
    assert [layer.name for layer in layers] == ["Flatten", "Linear", "ReLU", "Linear"]
    assert [layer.parameters for layer in layers] == [0, 15, 0, 8]


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_the_hooks_and_the_weights_are_left_as_they_were(training: bool) -> None:
    network = LeNet().train(training)
    seen: list[str] = []
    network[0].register_forward_hook(lambda *_: seen.append("own hook"))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}

    summarise(network)

    assert all(layer.training is training for layer in network.modules())
    assert [len(layer._forward_hooks) for layer in network] == [1] + [0] * 11
    assert seen == []  # what is a list of layers need not be run
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_other_networks_keep_their_kernels_meanwhile() -> None:
    class Own(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            nonlocal blocks
            blocks, _ = recognise_network(LeNet(), (1, 28, 28))
            return self.layer(images.flatten(1))

        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(784, 10)

    blocks: list[Any] = []
    assert [row.name for row in summarise(Own())] == ["Linear"]
    assert len(blocks) == 5


def test_layers_that_were_frozen_one_by_one_stay_frozen() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.5)).train()
    network[1].eval()
    summarise(network)
    assert [layer.training for layer in network] == [True, False, True]


def test_running_statistics_are_not_moved_by_the_batch_of_zeros() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)).train()
    before = network[1].running_mean.clone()
    summarise(network)
    assert torch.equal(network[1].running_mean, before)
    assert int(network[1].num_batches_tracked) == 0


def test_torchs_own_random_numbers_are_left_alone() -> None:
    network = LeNet()
    state = torch.get_rng_state()
    summarise(network)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    "shape", [(1, 3, 28, 28), (1, 1, 32, 32), (1, 1, 4, 4), (1, 784), (1, 28, 28), (28,), ()]
)
def test_a_batch_that_does_not_fit_is_a_model_error_and_leaves_no_trace(
    shape: tuple[int, ...],
) -> None:
    network = LeNet().train()
    with pytest.raises(ModelError) as caught:
        summarise(network, shape)
    words = f"The network does not take a batch of shape {shape}"
    assert str(caught.value).startswith(words)
    assert all(layer.training for layer in network.modules())
    assert not any(layer._forward_hooks for layer in network.modules())


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), (784,)),
        (nn.Sequential(nn.BatchNorm2d(1), nn.Flatten()), (1, 784)),
    ],
    ids=["flattening one dimension", "normalising two dimensions"],
)
def test_a_batch_that_other_layers_do_not_take_is_a_model_error_too(
    network: nn.Module, shape: tuple[int, ...]
) -> None:
    with pytest.raises(ModelError, match="does not take a batch of shape"):
        summarise(network, shape)
