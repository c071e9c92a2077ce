"""A network's layers: what they are called, what they can put out, what their weights show."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lenet.errors import UnknownNameError
from lenet.models import ArrayNetwork
from lenet.models.layers import (
    Convolution,
    Dense,
    Distances,
    PartialConvolution,
    Placed,
    arrays_under,
    flat_layers,
)
from lenet.results._networks import DIGIT, AnyNetwork, as_network

Bounds = tuple[float, float]

_ANY = (-math.inf, math.inf)
_BOUNDS: dict[str, Bounds] = {
    "Sigmoid": (0.0, 1.0),
    "Tanh": (-1.0, 1.0),
    "ScaledTanh": (-1.7159, 1.7159),
    "ReLU": (0.0, math.inf),
    "GELU": _ANY,
}
_POOLINGS = {"AvgPool2d", "MaxPool2d"}
# They compute nothing.
_MOVERS = {"Flatten", "ConstantPad2d", "ZeroPad2d", "Dropout", "Dropout2d", "Identity"}


def layer_bounds(network: AnyNetwork) -> dict[str, Bounds]:
    """The layers that compute something, first layer first, and what they can put out.

    They are called by place and class: `0 Conv2d`, `c1 Conv2d`. A pooling can put out what the
    layer before it can.

    Returns:
        The lowest and highest number of each.
    """
    if isinstance(network, ArrayNetwork):
        names = [name_of(placed) for placed in flat_layers(network.placed)]
    else:
        from lenet.results.inside._modules import named_leaves

        names = list(named_leaves(network))
    bounds: dict[str, Bounds] = {}
    before = _ANY
    for name in names:
        kind = _kind(name)
        if kind not in _MOVERS:
            before = before if kind in _POOLINGS else _BOUNDS.get(kind, _ANY)
            bounds[name] = before
    return bounds


def name_of(placed: Placed) -> str:
    """What a layer is called in traces."""
    return f"{placed.layer.name} {placed.layer.title(placed.input_shape)}"


def _kind(name: str) -> str:
    return name.rpartition(" ")[2]


def first_activation(names: Iterable[str]) -> str:
    """Of layers the first that bends what comes in, number by number; else the first of all."""
    names = list(names)
    return next((name for name in names if _kind(name) in _BOUNDS), names[0])


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
    network: AnyNetwork, input_shape: tuple[int, ...] = (1, 28, 28)
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
    known = as_network(network, input_shape)
    if isinstance(known, ArrayNetwork):
        pictures = _filters(known)
    else:
        from lenet.results.inside._modules import module_filters

        pictures = module_filters(known, input_shape)
    return tuple(LayerFilters(name, weights) for name, weights in pictures)


def _filters(network: ArrayNetwork) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """The layers with weights that can be seen as (outputs, inputs, height, width)."""
    sees_pixels = True
    for placed in flat_layers(network.placed):
        layer, own = placed.layer, arrays_under(placed.layer.name, network.arrays)
        if isinstance(layer, Convolution):
            yield name_of(placed), own["weight"]
        elif isinstance(layer, PartialConvolution):
            yield name_of(placed), layer.whole(own)[1]["weight"]
        elif isinstance(layer, Distances):
            yield name_of(placed), own["targets"].reshape(-1, 1, *DIGIT)
        elif isinstance(layer, Dense) and sees_pixels:
            yield name_of(placed), own["weight"].reshape(-1, *network.input_shape)
        sees_pixels = sees_pixels and not placed.parameters
