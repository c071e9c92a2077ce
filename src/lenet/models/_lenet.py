import itertools
from collections import OrderedDict
from typing import Any

from torch import nn

from lenet.kernels import KernelSequential
from lenet.models._initialisation import initialise
from lenet.models._lenet_config import LeNetConfig

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "gelu": nn.GELU,
}
POOLINGS: dict[str, type[nn.Module]] = {"average": nn.AvgPool2d, "max": nn.MaxPool2d}


class LeNet(KernelSequential):
    """The tutorial's LeNet: convolutional blocks, then dense layers.

    Each block is a convolution, an activation and a 2×2 pooling. It is an `nn.Sequential`, so a
    reader can loop over its layers, and its parameters have the names of the tutorial's. On a CPU
    the layers run as one piece of compiled code where that is possible: see `KernelSequential`.

    Args:
        config: The shape; the tutorial's where none is given.

    Source: LeCun, Bottou, Bengio and Haffner (1998), section II.B, without the Gaussian output,
    as in Zhang et al., *Dive into Deep Learning*, second Chinese edition, section 6.6.

    >>> import torch
    >>> LeNet()(torch.zeros(1, 1, 28, 28)).shape
    torch.Size([1, 10])
    """

    def __init__(self, config: LeNetConfig | None = None):
        config = config or LeNetConfig()
        activation, pooling = ACTIVATIONS[config.activation], POOLINGS[config.pooling]
        layers: list[nn.Module] = []
        maps, with_bias = config.input_shape[0], not config.batch_norm
        for block, channels in enumerate(config.channels):
            padding = config.padding if block == 0 else 0
            layers.append(
                nn.Conv2d(maps, channels, config.kernel_size, padding=padding, bias=with_bias)
            )
            if config.batch_norm:
                layers.append(nn.BatchNorm2d(channels))
            layers += [activation(), pooling(kernel_size=2, stride=2)]
            maps = channels
        layers.append(nn.Flatten())
        height, width = config.feature_map_sizes()[-1]
        widths = (maps * height * width, *config.dense_widths)
        for inputs, outputs in itertools.pairwise(widths):
            layers.append(nn.Linear(inputs, outputs, bias=with_bias))
            if config.batch_norm:
                layers.append(nn.BatchNorm1d(outputs))
            layers.append(activation())
        layers.append(nn.Linear(widths[-1], config.classes))
        super().__init__(*layers)
        self.config = config
        initialise(self, config.initialisation)

    def __getitem__(self, index: Any) -> Any:
        """A layer, or for a slice an `nn.Sequential` of the same layers."""
        if isinstance(index, slice):
            return nn.Sequential(OrderedDict(list(self._modules.items())[index]))
        return super().__getitem__(index)
