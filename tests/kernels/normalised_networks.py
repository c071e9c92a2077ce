"""LeNets with batch normalisation, and random examples to make steps on."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lenet.kernels import FusedStep, StepSettings
from lenet.models import ArrayNetwork, LeNet, LeNetConfig, build_model, trained_blocks

BYTE_VALUES = np.arange(256, dtype=np.float32) / 128 - 0.5
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

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]

    @classmethod
    def of(cls, network: LeNet) -> "Examples":
        """For a network."""
        return cls.of_shape(network.config.input_shape)

    @classmethod
    def of_shape(cls, shape: tuple[int, ...]) -> "Examples":
        """For images of a shape."""
        generator = torch.Generator().manual_seed(0)
        pixels = torch.randint(256, (COUNT, *shape), dtype=torch.uint8, generator=generator)
        labels = torch.randint(10, (COUNT,), generator=generator)
        return cls(pixels.numpy(), labels.numpy())

    def step(
        self,
        network: nn.Module,
        rule: StepSettings,
        byte_values: NDArray[np.float32] = BYTE_VALUES,
    ) -> FusedStep:
        """A step on them, which changes the network's own numbers."""
        known = ArrayNetwork.from_module(network, self.pixels.shape[1:])
        return FusedStep(
            trained_blocks(known),
            self.pixels,
            self.labels,
            batch_size=COUNT,
            settings=rule,
            byte_values=byte_values,
        )
