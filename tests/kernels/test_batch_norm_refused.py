"""Which batch normalisation a fused step refuses."""

import copy

import numpy as np
import pytest
import torch
from normalised_networks import Examples, make_network
from torch import nn

from compiled_kernels import needs_kernels
from lenet.errors import ModelError
from lenet.kernels import StepSettings, use_engine
from lenet.models import LeNet

pytestmark = needs_kernels


def test_one_image_is_refused_as_by_pytorch() -> None:
    network = make_network()
    before = copy.deepcopy(network.state_dict())
    with pytest.raises(ValueError, match="One image has no variance"):
        Examples.of(network).step(network, StepSettings())(np.arange(1), 0.1)
    with use_engine("torch"), pytest.raises(ValueError, match="more than 1 value per channel"):
        network(torch.zeros(1, 1, 28, 28))
    step = Examples.of(network).step(network, StepSettings())
    assert all(
        torch.equal(one, other)
        for (name, one), other in zip(network.state_dict().items(), before.values(), strict=True)
        if name.startswith(("4", "8", "11"))
    )
    step(np.arange(2), 0.1)


@pytest.mark.parametrize(
    ("norm", "message"),
    [
        (nn.BatchNorm1d(10, affine=False), "has `affine` False"),
        (nn.BatchNorm1d(10, track_running_stats=False), "has `track_running_stats` False"),
        (nn.BatchNorm1d(10, momentum=None), "want a momentum"),
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
