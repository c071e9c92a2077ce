"""The networks of this family in PyTorch: their layers are those of their settings."""

from collections import OrderedDict
from typing import Any

from torch import nn

from lenet.models._compiled import KernelSequential
from lenet.models._configs import (
    LeNet5Config,
    LeNetConfig,
    MLPConfig,
    ModelConfig,
    SoftmaxConfig,
)
from lenet.models._modules import initialise_as_published
from lenet.models._network import Initialisation
from lenet.models.layers import build_sequential

_NORMAL_DEVIATION = 0.01


def initialise(model: nn.Module, initialisation: Initialisation = "xavier") -> None:
    """Draw the weights of every convolution and dense layer anew, from torch's random numbers.

    The biases stay as PyTorch made them, as in the tutorial.

    Args:
        model: The network; changed in place.
        initialisation: `xavier` for uniform in ±√(6 / (fan-in + fan-out)) (Glorot and Bengio
            2010, equation 16), `kaiming` for uniform in ±√(6 / fan-in) (He et al. 2015),
            `normal` for a normal distribution with standard deviation 0.01, `pytorch` to leave the
            weights as they are.
    """
    if initialisation == "pytorch":
        return
    for layer in model.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            if initialisation == "xavier":
                nn.init.xavier_uniform_(layer.weight)
            elif initialisation == "kaiming":
                nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
            else:
                nn.init.normal_(layer.weight, std=_NORMAL_DEVIATION)


class KernelNetwork(KernelSequential):
    """The layers of some settings, on the compiled kernels where these serve.

    Args:
        config: The settings.
    """

    def __init__(self, config: ModelConfig):
        super().__init__(OrderedDict(config.network().build().named_children()))
        self.config = config
        initialise(self, getattr(config, "initialisation", "pytorch"))


class SoftmaxRegression(KernelNetwork):
    """Every class's logit is a weighted sum of the pixels.

    Args:
        config: The shape; 28×28 pixels and ten classes where none is given.

    Source: Zhang et al., *Dive into Deep Learning*, section 4.5.

    >>> import torch
    >>> SoftmaxRegression()(torch.zeros(1, 1, 28, 28)).shape
    torch.Size([1, 10])
    """

    def __init__(self, config: SoftmaxConfig | None = None):
        super().__init__(config or SoftmaxConfig())


class MLP(KernelNetwork):
    """A multilayer perceptron: dense layers, with an activation after each but the last.

    Args:
        config: The shape; one hidden layer of 256 units with ReLU where none is given.

    Source: Zhang et al., *Dive into Deep Learning*, section 5.2.

    >>> import torch
    >>> MLP()(torch.zeros(1, 1, 28, 28)).shape
    torch.Size([1, 10])
    """

    def __init__(self, config: MLPConfig | None = None):
        super().__init__(config or MLPConfig())


class LeNet(KernelNetwork):
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
        super().__init__(config or LeNetConfig())

    def __getitem__(self, index: Any) -> Any:
        """A layer, or for a slice an `nn.Sequential` of the same layers."""
        if isinstance(index, slice):
            return nn.Sequential(OrderedDict(list(self._modules.items())[index]))
        return super().__getitem__(index)


class LeNet5(nn.Sequential):
    """LeNet-5 as it was published, with exactly 60,000 weights.

    The layers have the paper's names: `network.c3` is layer C3. Background must be -0.1 and ink
    1.175, as the recipe's normalisation `lecun` has it.

    Args:
        config: What is left to choose.

    Source: LeCun, Bottou, Bengio and Haffner (1998), "Gradient-based learning applied to document
    recognition", section II.B.

    >>> import torch
    >>> LeNet5()(torch.zeros(1, 1, 28, 28)).shape
    torch.Size([1, 10])
    """

    def __init__(self, config: LeNet5Config | None = None):
        config = config or LeNet5Config()
        layers = build_sequential(config.network().layers, config.input_shape)
        super().__init__(OrderedDict(layers.named_children()))
        self.config = config
        initialise_as_published(self)
