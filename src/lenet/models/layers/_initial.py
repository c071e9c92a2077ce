"""The numbers that a network begins with, as PyTorch draws them."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from lenet.core import Generator
from lenet.models.layers._layer import Array, Placed, Shape, shapes_of
from lenet.models.layers._lenet5 import (
    Distances,
    PartialConvolution,
    Subsampling,
    digit_pictures,
)
from lenet.models.layers._lists import NORMAL_DEVIATION, flat_layers
from lenet.models.layers._standard import Convolution, Dense

_OF_PUBLISHED = 2.4  # LeCun et al. (1998), III.C: bounds are this over the fan-in
_ONES = ("weight", "running_var")  # of batch normalisation; the others begin as 0


def initial_arrays(
    layers: Iterable[Placed], initialisation: str, seed: int
) -> dict[str, npt.NDArray[Any]]:
    """Weights and statistics of layers, by their full names, to the bit as `build` gives them.

    Args:
        layers: The network.
        initialisation: As for `initialise`; `published` is LeNet-5's own.
        seed: Decides them.
    """
    generator = Generator(seed)
    flat = list(flat_layers(layers))
    arrays: dict[str, npt.NDArray[Any]] = {}
    for placed in flat:
        arrays |= _as_constructed(placed, generator)
    for placed in flat:
        is_own = isinstance(placed.layer, (PartialConvolution, Subsampling))
        if initialisation == "published" or is_own:  # which PyTorch does not draw
            arrays |= _as_published(placed, generator)
    if initialisation in ("pytorch", "published"):
        return arrays
    for placed in flat:
        if isinstance(placed.layer, (Convolution, Dense)):
            name = f"{placed.layer.name}.weight"
            arrays[name] = _draw(arrays[name].shape, initialisation, generator)
    return arrays


def _as_constructed(placed: Placed, generator: Generator) -> dict[str, npt.NDArray[Any]]:
    """What the layer's class in PyTorch begins with."""
    layer = placed.layer
    shapes = shapes_of([placed], "weights") | shapes_of([placed], "statistics")
    if isinstance(layer, (Convolution, Dense)):
        fan_in = math.prod(shapes[f"{layer.name}.weight"][1:])
        gain = math.sqrt(2 / (1 + math.sqrt(5) ** 2))
        bounds = math.sqrt(3) * (gain / math.sqrt(fan_in)), 1 / math.sqrt(fan_in)
        return {
            name: generator.uniform(shape, -bound, bound)
            for (name, shape), bound in zip(shapes.items(), bounds, strict=False)
        }
    if isinstance(layer, Distances):
        return {f"{layer.name}.targets": digit_pictures()[: layer.classes]}
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name, shape in shapes.items():
        kind = np.int64 if name.endswith("num_batches_tracked") else np.float32
        arrays[name] = np.full(shape, name.endswith(_ONES), kind)
    return arrays


def _as_published(placed: Placed, generator: Generator) -> dict[str, Array]:
    """Weights and biases uniform in ±2.4 / fan-in: LeCun et al. (1998), III.C."""
    layer, shapes = placed.layer, shapes_of([placed], "weights")
    weight, bias = f"{layer.name}.weight", f"{layer.name}.bias"
    if isinstance(layer, PartialConvolution):
        fan_ins = np.array([len(seen) * math.prod(layer.KERNEL) for seen in layer.inputs])
        bounds = 1 / fan_ins.astype(np.float32) * np.float32(_OF_PUBLISHED)
        biases, weights = (2 * generator.uniform(shapes[name]) - 1 for name in (bias, weight))
        of_weights = bounds[layer.connections[0]][:, None, None]
        return {weight: weights * of_weights, bias: biases * bounds}
    fan_in = 4 if isinstance(layer, Subsampling) else math.prod(shapes.get(weight, ())[1:])
    bound = _OF_PUBLISHED / fan_in
    return {name: generator.uniform(shape, -bound, bound) for name, shape in shapes.items()}


def _draw(shape: Shape, initialisation: str, generator: Generator) -> Array:
    """The weights of a convolution or a dense layer: see `initialise`."""
    if initialisation == "normal":
        return generator.normal(shape, NORMAL_DEVIATION)
    seen = math.prod(shape[2:])
    fan_in, fan_out = shape[1] * seen, shape[0] * seen
    if initialisation == "xavier":
        deviation = math.sqrt(2 / (fan_in + fan_out))
    else:
        deviation = math.sqrt(2) / math.sqrt(fan_in)
    bound = math.sqrt(3) * deviation
    return generator.uniform(shape, -bound, bound)
