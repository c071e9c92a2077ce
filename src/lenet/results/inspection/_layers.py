"""A network's layers: what they are called, and what they can put out."""

import math
from collections.abc import Iterable

from torch import nn

from lenet.errors import UnknownNameError
from lenet.models import ScaledTanh

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

    Args:
        names: Those that there are.
        wanted: Each a whole name (`0 Conv2d`), its first word (`0`, `c1`) or its last (`Conv2d`,
            for every layer of that class).

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
