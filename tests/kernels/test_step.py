"""`FusedStep`: what it refuses, and when it leaves the network to PyTorch."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from compiled_kernels import needs_kernels
from lenet.errors import ModelError
from lenet.kernels import FusedStep, StepSettings
from lenet.models import KernelView, LeNet

pytestmark = needs_kernels

IMAGES = torch.zeros(10, 1, 28, 28, dtype=torch.uint8)
LABELS = torch.arange(10)
VALUES = torch.arange(256) / 255


def make_step(
    network: nn.Module | None = None,
    images: Tensor = IMAGES,
    labels: Tensor = LABELS,
    values: Tensor = VALUES,
) -> FusedStep:
    """A step on batches of up to four."""
    return FusedStep(
        KernelView(network or LeNet(), tuple(images.shape[1:])),
        images,
        labels,
        batch_size=4,
        settings=StepSettings(),
        byte_values=values,
    )


@pytest.mark.parametrize(
    "indices",
    [
        torch.tensor([10]),
        torch.tensor([0, -1]),
        torch.tensor([2**62]),
        torch.arange(5),
        torch.arange(0),
        torch.arange(3, dtype=torch.int32),
        torch.arange(3.0),
        torch.zeros(3, 2, dtype=torch.int64),
        torch.arange(3, device="meta"),
    ],
    ids=str,
)
def test_wrong_indices_are_refused(indices: Tensor) -> None:
    network = LeNet()
    before = [parameter.detach().clone() for parameter in network.parameters()]
    step = make_step(network)
    with pytest.raises(ValueError, match="Not a batch of up to 4 of 10 images"):
        step(indices, 0.1)
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    assert step.state() == {}


@pytest.mark.parametrize(
    "augmentation",
    [
        {"mirrored": torch.zeros(2, dtype=torch.bool)},
        {"mirrored": torch.zeros(3)},
        {"shifts": torch.zeros(2, 2, dtype=torch.int64)},
        {"shifts": torch.zeros(3, dtype=torch.int64)},
        {"shifts": torch.zeros(2, 3)},
    ],
    ids=str,
)
def test_wrong_augmentation_is_refused(augmentation: dict[str, Tensor]) -> None:
    with pytest.raises(ValueError, match="Not a batch"):
        make_step()(torch.arange(3), 0.1, **augmentation)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": torch.full((10,), 10)}, "outside of the network's 10 classes"),
        ({"labels": torch.full((10,), -1)}, "outside of the network's 10 classes"),
        ({"labels": torch.arange(9)}, "The labels must be"),
        ({"labels": LABELS.int()}, "The labels must be"),
        ({"images": IMAGES.float()}, "The images must be"),
        ({"images": IMAGES[:0], "labels": LABELS[:0]}, "The images must be"),
        (
            {"images": IMAGES.flatten(1), "network": nn.Sequential(nn.Linear(784, 10))},
            "The images must be",
        ),
        ({"images": IMAGES.to("meta")}, "for the CPU"),
        ({"values": VALUES.double()}, "The byte values must be"),
        ({"values": VALUES[:255]}, "The byte values must be"),
        (
            {"network": nn.Sequential(nn.Conv2d(1, 10, 5), nn.ReLU(), nn.MaxPool2d(2))},
            "does not end in a dense layer",
        ),
        ({"network": LeNet().double()}, "not contiguous float32"),
    ],
)
def test_what_it_can_not_train_is_refused(
    arguments: dict[str, Tensor | nn.Module], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        make_step(**arguments)


def test_shared_weights_are_refused() -> None:
    dense = nn.Linear(10, 10)
    with pytest.raises(ModelError, match="share weights"):
        make_step(nn.Sequential(nn.Flatten(), nn.Linear(784, 10), dense, dense))
    other = nn.Linear(10, 10)
    other.weight = dense.weight
    with pytest.raises(ModelError, match="share weights"):
        make_step(nn.Sequential(nn.Flatten(), nn.Linear(784, 10), dense, other))


def freeze(network: LeNet) -> None:
    network[0].weight.requires_grad_(False)


def replace_a_layer(network: LeNet) -> None:
    network[-1] = nn.Linear(84, 10)


def replace_a_parameter(network: LeNet) -> None:
    network[-1].bias = nn.Parameter(torch.zeros(10))


def take_a_bias_away(network: LeNet) -> None:
    network[-1].bias = None


def transpose_in_place(network: LeNet) -> None:
    network[0].weight.data = network[0].weight.data.transpose(2, 3)


def change_the_type(network: LeNet) -> None:
    network[0].weight.data = network[0].weight.data.double()


def cut_in_place(network: LeNet) -> None:
    network[0].weight.data = network[0].weight.data[:5]


CHANGES: list[Callable[[LeNet], object]] = [
    freeze,
    replace_a_layer,
    replace_a_parameter,
    take_a_bias_away,
    transpose_in_place,
    change_the_type,
    cut_in_place,
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_network_is_left_to_pytorch(change: Callable[[LeNet], object]) -> None:
    network = LeNet()
    step = make_step(network)
    step(torch.arange(4), 0.1)
    assert step.still_serves()
    change(network)
    assert not step.still_serves()


HOOKS = {
    "network": lambda network: network.register_forward_hook(lambda *arguments: None),
    "network, before": lambda network: network.register_forward_pre_hook(lambda *arguments: None),
    "layer": lambda network: network[4].register_forward_hook(lambda *arguments: None),
    "layer, backward": lambda network: network[4].register_full_backward_hook(lambda *a: None),
    "gradient": lambda network: network[0].weight.register_hook(lambda gradient: None),
    "gradient, after": lambda network: network[0].weight.register_post_accumulate_grad_hook(
        lambda parameter: None
    ),
    **{
        f"every module, {kind}": lambda network, kind=kind: getattr(
            nn.modules.module, f"register_module_{kind}_hook"
        )(lambda *arguments: None)
        for kind in ("forward", "forward_pre", "full_backward", "full_backward_pre")
    },
}


@pytest.mark.parametrize("register", HOOKS.values(), ids=HOOKS)
def test_a_hook_is_served_by_pytorch_while_it_is_there(
    register: Callable[[LeNet], torch.utils.hooks.RemovableHandle],
) -> None:
    network = LeNet()
    step = make_step(network)
    hook = register(network)
    try:
        assert not step.still_serves()
        with pytest.raises(ModelError, match="A hook wants to see"):
            make_step(network)
    finally:
        hook.remove()
    assert step.still_serves()


def test_weights_in_new_memory_are_followed() -> None:
    network = LeNet()
    step = make_step(network)
    for parameter in network.parameters():
        parameter.data = parameter.data.clone()
    assert step.still_serves()
    before = network[-1].bias.detach().clone()
    step(torch.arange(4), 0.1)
    assert not torch.equal(network[-1].bias, before)


def test_the_weights_versions_show_the_step() -> None:
    network = LeNet()
    step = make_step(network)
    loss = network(torch.zeros(1, 1, 28, 28)).sum()
    step(torch.arange(4), 0.1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
