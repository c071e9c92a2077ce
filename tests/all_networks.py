"""Networks of every kind: those of `MODELS`, and some that people bring."""

from collections.abc import Callable

import torch
from torch import nn

from lenet.models import MODELS, Residual


def with_many_kinds() -> nn.Module:
    """Batch normalisation, leaky ReLU, dropout, adaptive pooling, GELU, and a lazy layer."""
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6)),
        nn.LeakyReLU(0.1),
        nn.MaxPool2d(3, stride=2, padding=1),
        nn.Sequential(nn.Conv2d(6, 8, 3, stride=2), nn.GELU()),
        nn.AdaptiveAvgPool2d((4, 5)),
        nn.Flatten(),
        nn.Dropout(0.1),
        nn.LazyLinear(40),
        nn.BatchNorm1d(40),
        nn.SiLU(),
        nn.Linear(40, 10),
    )


def residual() -> nn.Module:
    """Sums of two lists, one of them with a shortcut of its own."""
    first = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, groups=2), nn.BatchNorm2d(4), nn.SiLU())
    main = nn.Sequential(nn.Conv2d(4, 6, 3, stride=2, padding=1), nn.BatchNorm2d(6), nn.ReLU())
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2, padding=1),
        Residual(first),
        Residual(main, nn.Sequential(nn.Conv2d(4, 6, 1, stride=2))),
        nn.ReLU(),
        nn.AvgPool2d(7),
        nn.Flatten(),
        nn.Linear(6, 10),
    )


class Twice(nn.Module):
    """A module with a forward pass of its own, which no list of layers tells."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.layers(images) + self.layers(images.flip(3))


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "many kinds": with_many_kinds,
    "residual": residual,
    "twice": Twice,
}
OWN_CODE = {"twice"}
NAMES = [*MODELS, *NETWORKS]


def make(name: str) -> str | nn.Module:
    """What `lenet.train` takes: a name, or a module with weights of its own."""
    torch.manual_seed(0)
    return NETWORKS[name]() if name in NETWORKS else name
