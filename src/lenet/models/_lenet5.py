from collections import OrderedDict

from torch import nn

from lenet.models._lenet5_config import BACKGROUND, C3_INPUTS, LeNet5Config
from lenet.models._lenet5_layers import (
    PartialConvolution,
    RadialBasis,
    ScaledTanh,
    Subsampling,
    initialise_as_published,
)


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
        layers: dict[str, nn.Module] = {
            "pad": nn.ConstantPad2d(config.margin, BACKGROUND),
            "c1": nn.Conv2d(1, 6, kernel_size=5),
            "c1_squash": ScaledTanh(),
            "s2": Subsampling(6),
            "s2_squash": ScaledTanh(),
            "c3": PartialConvolution(C3_INPUTS),
            "c3_squash": ScaledTanh(),
            "s4": Subsampling(16),
            "s4_squash": ScaledTanh(),
            "c5": nn.Conv2d(16, 120, kernel_size=5),
            "c5_squash": ScaledTanh(),
            "flatten": nn.Flatten(),
            "f6": nn.Linear(120, 84),
            "f6_squash": ScaledTanh(),
            "output": RadialBasis(config.classes),
        }
        super().__init__(OrderedDict(layers))
        self.config = config
        initialise_as_published(self)
