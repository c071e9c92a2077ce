import itertools

from torch import nn

from lenet.kernels import KernelSequential
from lenet.models._initialisation import initialise
from lenet.models._lenet import ACTIVATIONS
from lenet.models._predecessor_configs import MLPConfig, SoftmaxConfig


class SoftmaxRegression(KernelSequential):
    """Every class's logit is a weighted sum of the pixels.

    Args:
        config: The shape; 28×28 pixels and ten classes where none is given.

    Source: Zhang et al., *Dive into Deep Learning*, section 4.5.

    >>> import torch
    >>> SoftmaxRegression()(torch.zeros(1, 1, 28, 28)).shape
    torch.Size([1, 10])
    """

    def __init__(self, config: SoftmaxConfig | None = None):
        config = config or SoftmaxConfig()
        super().__init__(nn.Flatten(), nn.Linear(config.image_size, config.classes))
        self.config = config
        initialise(self, config.initialisation)


class MLP(KernelSequential):
    """A multilayer perceptron: dense layers, with an activation after each but the last.

    Args:
        config: The shape; one hidden layer of 256 units with ReLU where none is given.

    Source: Zhang et al., *Dive into Deep Learning*, section 5.2.

    >>> import torch
    >>> MLP()(torch.zeros(1, 1, 28, 28)).shape
    torch.Size([1, 10])
    """

    def __init__(self, config: MLPConfig | None = None):
        config = config or MLPConfig()
        layers: list[nn.Module] = [nn.Flatten()]
        widths = (config.image_size, *config.dense_widths)
        for inputs, outputs in itertools.pairwise(widths):
            layers += [nn.Linear(inputs, outputs), ACTIVATIONS[config.activation]()]
        super().__init__(*layers, nn.Linear(widths[-1], config.classes))
        self.config = config
        initialise(self, config.initialisation)
