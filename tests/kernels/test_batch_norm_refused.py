"""Which batch normalisation a fused step leaves to PyTorch, and what it refuses."""

import copy
from collections.abc import Callable

import pytest
import torch
from normalised_networks import Examples, make_network, norms_of
from torch import nn

from compiled_kernels import needs_kernels
from lenet.errors import ModelError
from lenet.kernels import StepSettings, use_kernels
from lenet.models import LeNet

pytestmark = needs_kernels


def test_one_image_is_refused_as_by_pytorch() -> None:
    network = make_network()
    before = copy.deepcopy(network.state_dict())
    with pytest.raises(ValueError, match="One image has no variance"):
        Examples.of(network).step(network, StepSettings())(torch.arange(1), 0.1)
    with use_kernels("torch"), pytest.raises(ValueError, match="more than 1 value per channel"):
        network(torch.zeros(1, 1, 28, 28))
    step = Examples.of(network).step(network, StepSettings())
    assert all(
        torch.equal(one, other)
        for (name, one), other in zip(network.state_dict().items(), before.values(), strict=True)
        if name.startswith(("4", "8", "11"))
    )
    step(torch.arange(2), 0.1)


def to_evaluation(network: LeNet) -> None:
    norms_of(network)[-1].eval()


def freeze(network: LeNet) -> None:
    norms_of(network)[0].bias.requires_grad_(False)


def average_over_all_batches(network: LeNet) -> None:
    norms_of(network)[0].momentum = None


def forget_the_statistics(network: LeNet) -> None:
    norms_of(network)[0].running_var = None


def replace(network: LeNet) -> None:
    network[1] = nn.BatchNorm2d(6)


def take_away(network: LeNet) -> None:
    network[1] = nn.Identity()


def change_the_type(network: LeNet) -> None:
    norms_of(network)[0].double()


def count_in_other_numbers(network: LeNet) -> None:
    norms_of(network)[0].num_batches_tracked = torch.tensor(0.0)


def listen(network: LeNet) -> None:
    norms_of(network)[0].register_forward_hook(lambda *arguments: None)


CHANGES: list[Callable[[LeNet], object]] = [
    to_evaluation,
    freeze,
    average_over_all_batches,
    forget_the_statistics,
    replace,
    take_away,
    change_the_type,
    count_in_other_numbers,
    listen,
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_network_is_left_to_pytorch(change: Callable[[LeNet], object]) -> None:
    network = make_network()
    step = Examples.of(network).step(network, StepSettings())
    step(torch.arange(4), 0.1)
    assert step.still_serves()
    change(network)
    assert not step.still_serves()


@pytest.mark.parametrize(
    ("norm", "message"),
    [
        (nn.BatchNorm1d(10, affine=False), "has `affine` False"),
        (nn.BatchNorm1d(10, track_running_stats=False), "has `track_running_stats` False"),
        (nn.BatchNorm1d(10, momentum=None), "averages over all batches"),
        (nn.BatchNorm1d(11), "has `num_features` 11, where lenet knows 10"),
    ],
    ids=str,
)
def test_what_it_can_not_train_is_refused(norm: nn.Module, message: str) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 10, bias=False), norm)
    with pytest.raises(ModelError, match=message):
        Examples.of(LeNet()).step(network, StepSettings())


def test_biases_before_it_are_refused() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 10), nn.BatchNorm1d(10))
    with pytest.raises(ModelError, match="takes away again"):
        Examples.of(LeNet()).step(network, StepSettings())


def test_shared_batch_norms_are_refused() -> None:
    norm = nn.BatchNorm1d(10)
    network = nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, 10, bias=False), norm,
        nn.Linear(10, 10, bias=False), norm,
    )  # fmt: skip
    with pytest.raises(ModelError, match="share weights"):
        Examples.of(LeNet()).step(network, StepSettings())


def test_a_network_in_evaluation_mode_serves_once_it_is_trained() -> None:
    network = make_network().eval()
    step = Examples.of(network).step(network, StepSettings())
    assert not step.still_serves()
    network.train()
    assert step.still_serves()
