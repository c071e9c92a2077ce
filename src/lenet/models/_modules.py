"""The layers that PyTorch does not have: those of LeNet-5, and a residual sum."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lenet.models.layers import connections_of, digit_pictures


class ScaledTanh(nn.Module):
    """The squashing function 1.7159 · tanh(2/3 · a), which takes ±1 to ±1.

    Source: LeCun et al. (1998), equation 6 and appendix A.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Each number squashed."""
        return 1.7159 * torch.tanh(2 / 3 * input)


class Subsampling(nn.Module):
    """The sum of every 2×2 pixels, times a coefficient, plus a bias; one of each a map.

    Args:
        maps: Feature maps.

    Source: LeCun et al. (1998), section II.B, layer S2.
    """

    maps: int
    weight: nn.Parameter
    bias: nn.Parameter

    def __init__(self, maps: int):
        super().__init__()
        self.maps = maps
        self.weight = nn.Parameter(torch.empty(maps))
        self.bias = nn.Parameter(torch.empty(maps))

    def forward(self, input: Tensor) -> Tensor:
        """(N, maps, H, W) to (N, maps, H/2, W/2)."""
        sums = F.avg_pool2d(input, 2) * 4
        return sums * self.weight[:, None, None] + self.bias[:, None, None]

    def extra_repr(self) -> str:
        return f"{self.maps}"


class PartialConvolution(nn.Module):
    """A 5×5 convolution of which each map sees some of the input's maps, not all.

    Args:
        inputs: For each map of the output, the maps of the input that it sees.

    Source: LeCun et al. (1998), section II.B, layer C3.
    """

    KERNEL_SIZE = 5

    weight: nn.Parameter
    bias: nn.Parameter

    def __init__(self, inputs: tuple[tuple[int, ...], ...]):
        super().__init__()
        self.inputs = inputs
        self._outputs, self._seen = connections_of(inputs)
        self._places: dict[torch.device, tuple[Tensor, Tensor]] = {}
        self.weight = nn.Parameter(torch.empty(len(self._seen), self.KERNEL_SIZE, self.KERNEL_SIZE))
        self.bias = nn.Parameter(torch.empty(len(inputs)))

    def filters(self) -> Tensor:
        """The filters of an ordinary convolution that computes the same, with zeros in it."""
        shape = len(self.inputs), 1 + max(self._seen), self.KERNEL_SIZE, self.KERNEL_SIZE
        everything = self.weight.new_zeros(shape)
        if self.weight.is_cuda:  # where a captured step can't wait for numbers from the CPU
            everything[self._places_on(self.weight.device)] = self.weight
        else:
            everything[self._outputs, self._seen] = self.weight
        return everything

    def _places_on(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Which filter each of the weights is, on a device; put there once."""
        if device not in self._places:
            outputs, seen = (torch.tensor(side) for side in (self._outputs, self._seen))
            self._places[device] = outputs.to(device), seen.to(device)
        return self._places[device]

    def forward(self, input: Tensor) -> Tensor:
        """(N, maps seen, H, W) to (N, maps, H-4, W-4)."""
        return F.conv2d(input, self.filters(), self.bias)

    def extra_repr(self) -> str:
        return f"{1 + max(self._seen)}, {len(self.inputs)}, connections={len(self.weight)}"


class RadialBasis(nn.Module):
    """How far the picture in layer F6 is from each class's: the output layer, without weights.

    The paper's penalties are the squared distances; a class's logit is minus its penalty, so that
    the likeliest class has the largest logit, as with other networks.

    Args:
        classes: Number of classes, up to 10.

    Source: LeCun et al. (1998), equation 7.
    """

    targets: Tensor

    def __init__(self, classes: int):
        super().__init__()
        self.classes = classes
        self.register_buffer("targets", torch.from_numpy(digit_pictures()[:classes]))

    def forward(self, input: Tensor) -> Tensor:
        """(N, 84) to logits (N, classes), each 0 or below."""
        return -(input[:, None] - self.targets).square().sum(dim=2)

    def extra_repr(self) -> str:
        return f"{self.targets.shape[1]}, {self.classes}"


class Residual(nn.Module):
    """The sum of what two networks make of one input.

    Args:
        main: Layers, one after the other.
        shortcut: Others; the input itself where none are given. Both must give the same shape.

    Source: He, Zhang, Ren and Sun (2016), "Deep Residual Learning for Image Recognition".

    >>> import torch
    >>> Residual(nn.Sequential(nn.Linear(4, 4), nn.ReLU()))(torch.zeros(1, 4)).shape
    torch.Size([1, 4])
    """

    main: nn.Sequential
    shortcut: nn.Sequential

    def __init__(self, main: nn.Sequential, shortcut: nn.Sequential | None = None):
        super().__init__()
        self.main = main
        self.shortcut = nn.Sequential() if shortcut is None else shortcut

    def forward(self, input: Tensor) -> Tensor:
        """Both results, added."""
        output: Tensor = self.main(input) + self.shortcut(input)
        return output


@torch.no_grad()
def initialise_as_published(network: nn.Module) -> None:
    """Draw all weights and biases uniformly from ±2.4 / fan-in: LeCun et al. (1998), III.C."""
    for layer in network.modules():
        if isinstance(layer, PartialConvolution):
            filter_size = layer.KERNEL_SIZE**2
            fan_ins = torch.tensor([len(seen) * filter_size for seen in layer.inputs])
            bounds = 2.4 / fan_ins
            layer.bias.copy_(_uniform(layer.bias, bounds))
            layer.weight.copy_(_uniform(layer.weight, bounds[layer._outputs][:, None, None]))
        elif isinstance(layer, (nn.Conv2d, nn.Linear, Subsampling)):
            fan_in = 4 if isinstance(layer, Subsampling) else math.prod(layer.weight.shape[1:])
            bound = 2.4 / fan_in
            layer.weight.uniform_(-bound, bound)
            assert layer.bias is not None
            layer.bias.uniform_(-bound, bound)


def _uniform(like: Tensor, bounds: Tensor) -> Tensor:
    return (2 * torch.rand_like(like) - 1) * bounds
