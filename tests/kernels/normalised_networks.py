"""LeNets with batch normalisation, and random examples to make steps on."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lenet.kernels import FusedStep, StepSettings
from lenet.models import KernelView, LeNet, LeNetConfig, build_model

BYTE_VALUES = torch.arange(256) / 128 - 0.5
COUNT = 300


def norms_of(network: nn.Module) -> list[nn.BatchNorm1d | nn.BatchNorm2d]:
    """The network's batch normalisations."""
    return [one for one in network.modules() if isinstance(one, nn.BatchNorm1d | nn.BatchNorm2d)]


def make_network(seed: int = 1, **settings: object) -> LeNet:
    """A LeNet with batch normalisation in training mode, not as it is when it is new."""
    network = build_model(LeNetConfig.from_dict({"batch_norm": True, **settings}), seed=seed)
    assert isinstance(network, LeNet)
    generator = torch.Generator().manual_seed(seed)
    for norm in norms_of(network):
        nn.init.normal_(norm.weight, generator=generator)
        nn.init.normal_(norm.bias, generator=generator)
        assert norm.running_mean is not None
        norm.running_mean.normal_(generator=generator)
    return network.train()


@dataclass
class Examples:
    """Images and labels of random numbers."""

    pixels: Tensor
    labels: Tensor

    @classmethod
    def of(cls, network: LeNet) -> "Examples":
        """For a network."""
        return cls.of_shape(network.config.input_shape)

    @classmethod
    def of_shape(cls, shape: tuple[int, ...]) -> "Examples":
        """For images of a shape."""
        generator = torch.Generator().manual_seed(0)
        pixels = torch.randint(256, (COUNT, *shape), dtype=torch.uint8, generator=generator)
        return cls(pixels, torch.randint(10, (COUNT,), generator=generator))

    def step(self, network: nn.Module, rule: StepSettings) -> FusedStep:
        """A step on them."""
        return FusedStep(
            KernelView(network, tuple(self.pixels.shape[1:])),
            self.pixels,
            self.labels,
            batch_size=COUNT,
            settings=rule,
            byte_values=BYTE_VALUES,
        )
