"""A network's layers: what they are called, what they can put out, what their weights show."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from lenet.errors import UnknownNameError
from lenet.models import PartialConvolution, RadialBasis, ScaledTanh

Bounds = tuple[float, float]

_ANY = (-math.inf, math.inf)
_BOUNDS: dict[type[nn.Module], Bounds] = {
    nn.Sigmoid: (0.0, 1.0),
    nn.Tanh: (-1.0, 1.0),
    ScaledTanh: (-1.7159, 1.7159),
    nn.ReLU: (0.0, math.inf),
    nn.GELU: _ANY,
}
_POOLINGS = (nn.AvgPool2d, nn.MaxPool2d)
_MOVERS = (nn.Flatten, nn.ConstantPad2d, nn.Dropout, nn.Identity)  # they compute nothing
_DIGIT = (12, 7)  # rows and columns of the digits that LeNet-5's output layer knows


def layers_to_trace(network: nn.Module) -> dict[str, nn.Module]:
    """The layers that compute something, by what they are called: `0 Conv2d`, `c1 Conv2d`."""
    return {
        f"{place} {type(layer).__name__}".strip(): layer
        for place, layer in network.named_modules()
        if not list(layer.children()) and not isinstance(layer, _MOVERS)
    }


def layer_bounds(network: nn.Module) -> dict[str, Bounds]:
    """The lowest and highest number that each layer can put out.

    A pooling can put out what the layer before it can.
    """
    bounds: dict[str, Bounds] = {}
    before = _ANY
    for name, layer in layers_to_trace(network).items():
        before = before if isinstance(layer, _POOLINGS) else _BOUNDS.get(type(layer), _ANY)
        bounds[name] = before
    return bounds


def first_activation(network: nn.Module) -> str:
    """The first layer that bends what comes in, number by number; else the first of all."""
    layers = layers_to_trace(network)
    bending = (name for name, layer in layers.items() if type(layer) in _BOUNDS)
    return next(bending, next(iter(layers)))


def select_layers(names: Iterable[str], wanted: Iterable[str]) -> tuple[str, ...]:
    """The layers that were asked for, in the network's order; all of them if none was.

    Wanted is a whole name (`0 Conv2d`), its first word (`0`, `c1`) or its last (`Conv2d`, for every
    layer of that class).

    Raises:
        UnknownNameError: There is no such layer.

    >>> select_layers(["0 Conv2d", "1 ReLU", "3 Conv2d"], ["conv2d"])
    ('0 Conv2d', '3 Conv2d')
    """
    names, wanted = tuple(names), tuple(wanted)
    selected: set[str] = set()
    for one in wanted:
        found = [name for name in names if one.lower() in (name.lower(), *name.lower().split())]
        if not found:
            raise UnknownNameError("layer", one, names)
        selected.update(found)
    return tuple(name for name in names if name in selected or not wanted)


@dataclass(frozen=True, eq=False)
class LayerFilters:
    """The weights of a layer as pictures.

    Attributes:
        name: The layer, as in `LayerTrace`.
        weights: float32 (outputs, inputs, height, width): for each map or unit that the layer puts
            out, a picture for each map that it sees.
    """

    name: str
    weights: npt.NDArray[np.float32]


def read_filters(
    network: nn.Module, input_shape: tuple[int, ...] = (1, 28, 28)
) -> tuple[LayerFilters, ...]:
    """The filters of every convolution, and of the first dense layer if it sees the pixels.

    A softmax regression has one picture a class, the template of that class. LeNet-5's output
    layer, which compares with drawn digits, has those.

    Args:
        network: The network.
        input_shape: Channels, height and width of an image.

    >>> from lenet.models import SoftmaxRegression
    >>> read_filters(SoftmaxRegression())[0].weights.shape
    (10, 1, 28, 28)
    """
    found = []
    sees_pixels = True
    for name, layer in layers_to_trace(network).items():
        pictures = _pictures(layer, input_shape if sees_pixels else None)
        if pictures is not None:
            found.append(LayerFilters(name, pictures.detach().float().cpu().numpy()))
        sees_pixels = sees_pixels and not list(layer.parameters())
    return tuple(found)


def _pictures(layer: nn.Module, input_shape: tuple[int, ...] | None) -> torch.Tensor | None:
    """A layer's weights as (outputs, inputs, height, width), if they can be seen so.

    The shape is that of the image, if the layer is the first one to see it.
    """
    if isinstance(layer, nn.Conv2d):
        return layer.weight
    if isinstance(layer, PartialConvolution):
        return layer.filters()
    if isinstance(layer, RadialBasis):
        return layer.targets.reshape(-1, 1, *_DIGIT)
    if isinstance(layer, nn.Linear) and input_shape is not None:
        return layer.weight.reshape(-1, *input_shape)
    return None
