"""What happens to a network on the way: the kernels follow it, or leave it to PyTorch."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from compiled_kernels import needs_kernels
from lenet.datasets import ArrayBatches, Dataset
from lenet.errors import ModelError
from lenet.models import ArrayNetwork, LeNet, LeNetConfig, build_model
from lenet.training import Recipe

# Which engine serves is no choice of a person's, so the room's face does not name them.
from lenet.training.engines._native import NativeEngine

pytestmark = needs_kernels


class Steps:
    """Steps of the kernels on a module, which stays in sight."""

    def __init__(self, dataset: Dataset, network: LeNet):
        self._batches = ArrayBatches(dataset.train, 8)
        known = ArrayNetwork.from_module(network, dataset.image_shape)
        self.engine = NativeEngine(known, Recipe(batch_size=8), self._batches)

    def make(self) -> None:
        """One more."""
        self.engine.step(next(self._batches.selections(0)), 0.1)


def make_network(*, batch_norm: bool = False) -> LeNet:
    network = build_model(LeNetConfig(batch_norm=batch_norm), seed=0)
    assert isinstance(network, LeNet)
    return network


def norms_of(network: LeNet) -> list[nn.BatchNorm1d | nn.BatchNorm2d]:
    """The network's batch normalisations."""
    return [one for one in network if isinstance(one, nn.BatchNorm1d | nn.BatchNorm2d)]


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
def test_a_changed_network_is_left_to_pytorch(
    few_digits: Dataset, change: Callable[[LeNet], object]
) -> None:
    network = make_network()
    steps = Steps(few_digits, network)
    steps.make()
    assert steps.engine.still_serves()
    change(network)
    assert not steps.engine.still_serves()


def to_evaluation(network: LeNet) -> None:
    norms_of(network)[-1].eval()


def freeze_a_norm(network: LeNet) -> None:
    norms_of(network)[0].bias.requires_grad_(False)


def average_over_all_batches(network: LeNet) -> None:
    norms_of(network)[0].momentum = None


def average_over_fewer_batches(network: LeNet) -> None:
    norms_of(network)[0].momentum = 0.5


def forget_the_statistics(network: LeNet) -> None:
    norms_of(network)[0].running_var = None


def replace_a_norm(network: LeNet) -> None:
    network[1] = nn.BatchNorm2d(6)


def take_a_norm_away(network: LeNet) -> None:
    network[1] = nn.Identity()


def change_a_norms_type(network: LeNet) -> None:
    norms_of(network)[0].double()


def count_in_other_numbers(network: LeNet) -> None:
    norms_of(network)[0].num_batches_tracked = torch.tensor(0.0)


def listen_to_a_norm(network: LeNet) -> None:
    norms_of(network)[0].register_forward_hook(lambda *arguments: None)


CHANGES_OF_NORMS: list[Callable[[LeNet], object]] = [
    to_evaluation,
    freeze_a_norm,
    average_over_all_batches,
    average_over_fewer_batches,
    forget_the_statistics,
    replace_a_norm,
    take_a_norm_away,
    change_a_norms_type,
    count_in_other_numbers,
    listen_to_a_norm,
]


@pytest.mark.parametrize("change", CHANGES_OF_NORMS)
def test_changed_batch_normalisation_is_left_to_pytorch(
    few_digits: Dataset, change: Callable[[LeNet], object]
) -> None:
    network = make_network(batch_norm=True)
    steps = Steps(few_digits, network)
    steps.make()
    assert steps.engine.still_serves()
    change(network)
    assert not steps.engine.still_serves()


def test_a_network_in_evaluation_mode_serves_once_it_is_trained(few_digits: Dataset) -> None:
    network = make_network(batch_norm=True).eval()
    engine = Steps(few_digits, network).engine
    assert not engine.still_serves()
    network.train()
    assert engine.still_serves()


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
    few_digits: Dataset, register: Callable[[LeNet], torch.utils.hooks.RemovableHandle]
) -> None:
    network = make_network()
    engine = Steps(few_digits, network).engine
    hook = register(network)
    try:
        assert not engine.still_serves()
        with pytest.raises(ModelError, match="A hook wants to see"):
            Steps(few_digits, network)
    finally:
        hook.remove()
    assert engine.still_serves()


def test_weights_in_new_memory_are_followed(few_digits: Dataset) -> None:
    network = make_network()
    steps = Steps(few_digits, network)
    for parameter in network.parameters():
        parameter.data = parameter.data.clone()
    assert steps.engine.still_serves()
    before = network[-1].bias.detach().clone()
    steps.make()
    assert not torch.equal(network[-1].bias, before)


def test_statistics_in_new_memory_are_followed(few_digits: Dataset) -> None:
    network = make_network(batch_norm=True)
    steps = Steps(few_digits, network)
    norm = norms_of(network)[0]
    norm.running_mean = torch.zeros(6)
    assert steps.engine.still_serves()
    steps.make()
    assert norm.running_mean.abs().min() > 0


def test_the_weights_versions_show_the_step(few_digits: Dataset) -> None:
    network = make_network()
    steps = Steps(few_digits, network)
    loss = network(torch.zeros(1, 1, 28, 28)).sum()
    steps.make()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_the_versions_of_the_statistics_show_the_step(few_digits: Dataset) -> None:
    network = make_network(batch_norm=True)
    steps = Steps(few_digits, network)
    versions = [buffer._version for buffer in network.buffers()]
    steps.make()
    assert all(b._version > v for b, v in zip(network.buffers(), versions, strict=True))
