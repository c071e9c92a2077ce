"""Whether the compiled kernels compute what PyTorch does, or NumPy where that is not installed.

`python -m lenet.doctor._self_test` compares them, in a process that the kernels may crash, and
prints the largest difference, or why these networks are PyTorch's.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from lenet.core import has_torch
from lenet.errors import ModelError
from lenet.kernels import EngineName, FusedStep, Predictor, StepSettings, use_engine
from lenet.models import ArrayNetwork, LeNetConfig, network_blocks, trained_blocks
from lenet.models.layers import forward_all

Numbers = npt.NDArray[Any]

_IMAGES = 33  # two full vectors of the widest kind, and one image more


def largest_difference() -> float:
    """The norm of a difference relative to that of the other's numbers, the largest that there is.

    Not finite where one of the kernels' numbers is not.
    """
    if has_torch():
        ours, theirs = _numbers_in_pytorch("native"), _numbers_in_pytorch("torch")
    else:
        ours, theirs = _numbers_of_kernels(), _numbers_of_numpy()
    differences = [
        np.linalg.norm(one - other) / np.linalg.norm(other)
        for one, other in zip(ours, theirs, strict=True)
    ]
    return float(np.max(differences))  # unlike Python's, this maximum keeps `nan`


def _numbers_in_pytorch(kernels: EngineName) -> list[Numbers]:
    """Logits and gradients of the tutorial's network, as a module of PyTorch's."""
    import torch
    from torch import nn

    network = _network().module()
    _, shares, labels = _examples()
    with use_engine(kernels):
        logits = network(torch.from_numpy(shares))
        loss = nn.functional.cross_entropy(logits, torch.from_numpy(labels))
        gradients = torch.autograd.grad(loss, list(network.parameters()))
    return [one.detach().numpy() for one in (logits, *gradients)]


def _numbers_of_kernels() -> list[Numbers]:
    """The same by the kernels alone."""
    network = _network()
    images, _, labels = _examples()
    byte_values = np.arange(256, dtype=np.float32) / np.float32(255)
    logits = Predictor(*network_blocks(network.network, network.arrays), byte_values)(images)
    step = FusedStep(
        trained_blocks(network),
        images,
        labels,
        batch_size=_IMAGES,
        settings=StepSettings(),
        byte_values=byte_values,
    )
    step.compute_gradients(np.arange(_IMAGES))
    return [logits, *step.gradients]


def _numbers_of_numpy() -> list[Numbers]:
    """The same by NumPy."""
    network = _network()
    _, shares, labels = _examples()
    logits, back = forward_all(network.placed, shares, network.arrays)
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    slopes = exponentials / exponentials.sum(axis=1, keepdims=True)
    slopes[np.arange(_IMAGES), labels] -= 1
    _, gradients = back(slopes / np.float32(_IMAGES))
    return [logits, *(gradients[name] for name in network.weight_names)]


def _network() -> ArrayNetwork:
    return ArrayNetwork.build(LeNetConfig(), seed=0)


def _examples() -> tuple[npt.NDArray[np.uint8], Numbers, npt.NDArray[np.int64]]:
    """Images as bytes and as shares of white, and labels."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (_IMAGES, 1, 28, 28), dtype=np.uint8)
    return images, images / np.float32(255), random.integers(0, 10, _IMAGES)


def compare() -> str:
    """The largest difference, or why this PyTorch's networks are not computed by the kernels."""
    if has_torch():
        from lenet.kernels import check_pytorch

        try:
            check_pytorch()
        except ModelError as error:
            return str(error)
    return str(largest_difference())


if __name__ == "__main__":
    sys.stdout.write(f"{compare()}\n")
