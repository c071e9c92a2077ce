"""Networks of all kinds of layers, for tests of whatever follows from their lists."""

import torch
from torch import nn

from lenet.models import PartialConvolution, RadialBasis, Residual, ScaledTanh, Subsampling


def of_every_kind() -> nn.Sequential:
    """Every kind of layer with all of its settings, for images of 1×28×28 and seven classes."""
    strided = nn.Conv2d(6, 8, (3, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2)
    return nn.Sequential(
        nn.ConstantPad2d((1, 0, 2, 1), -0.1),
        nn.Conv2d(1, 6, 3, padding="same", bias=False),
        nn.MaxPool2d((3, 2), stride=2, padding=1, ceil_mode=True),
        nn.BatchNorm2d(6, eps=1e-3, momentum=0.2),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Sequential(strided, nn.ELU(0.7), nn.Dropout(0.3)),
        nn.AvgPool2d(3, 2, padding=1, ceil_mode=True, count_include_pad=False),
        Residual(
            nn.Sequential(nn.Conv2d(8, 5, 3, padding=1), nn.SiLU(), nn.BatchNorm2d(5)),
            nn.Sequential(nn.Conv2d(8, 5, 1)),
        ),
        nn.Hardswish(),
        Residual(nn.Sequential(nn.Softplus())),
        nn.Dropout2d(0.1),
        nn.AvgPool2d(2, 1),
        nn.AdaptiveMaxPool2d((3, None)),
        nn.AdaptiveAvgPool2d((2, 2)),
        nn.Flatten(),
        nn.BatchNorm1d(20),
        nn.Identity(),
        nn.GELU(),
        nn.Linear(20, 7, bias=False),
    )


def of_lenet5s_kinds() -> nn.Sequential:
    """The layers of LeNet-5 that PyTorch does not have, for images of 1×28×28."""
    return nn.Sequential(
        nn.Conv2d(1, 3, 5),
        ScaledTanh(),
        Subsampling(3),
        PartialConvolution(((0, 1), (1, 2), (0, 1, 2))),
        nn.Tanh(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Sigmoid(),
        nn.Linear(48, 84),
        nn.ReLU(),
        RadialBasis(7),
    )


def randomised(network: nn.Module) -> nn.Module:
    """The network with weights and statistics as training may leave them, to be evaluated."""
    generator = torch.Generator().manual_seed(5)
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=generator) * 0.8 + 0.2)
    return network.eval()
