"""Compare the kernels with PyTorch; as a program, in a process that they may crash.

Prints the largest difference.
"""

import sys

import torch
from torch import Tensor, nn

from lenet.kernels import KernelChoice, use_kernels
from lenet.models import LeNetConfig, build_model

_IMAGES = 33  # two full vectors of the widest kind, and one image more


def largest_difference() -> float:
    """The norm of a difference relative to that of PyTorch's numbers, the largest that there is.

    Not finite where one of the kernels' numbers is not.
    """
    differences = [
        (ours - theirs).norm() / theirs.norm()
        for ours, theirs in zip(_numbers("native"), _numbers("torch"), strict=True)
    ]
    return float(torch.stack(differences).max())  # unlike Python's, this maximum keeps `nan`


def _numbers(kernels: KernelChoice) -> list[Tensor]:
    """Logits and gradients of the tutorial's network."""
    network = build_model(LeNetConfig(), seed=0)
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(_IMAGES, 1, 28, 28, generator=generator)
    labels = torch.randint(10, (_IMAGES,), generator=generator)
    with use_kernels(kernels):
        logits = network(images)
        loss = nn.functional.cross_entropy(logits, labels)
        return [logits.detach(), *torch.autograd.grad(loss, list(network.parameters()))]


if __name__ == "__main__":
    sys.stdout.write(f"{largest_difference()}\n")
