"""What each kind of layer makes of a batch (N, …), and how slopes go back through it.

Slowly, and to be read: the reference for the kernels, for exported C, and beside PyTorch.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from functools import singledispatch
from typing import TypeAlias

import numpy as np

from lenet.models.layers._functions import FUNCTIONS_AND_SLOPES, Numbers
from lenet.models.layers._layer import Array, Arrays, Layer, Placed, arrays_under
from lenet.models.layers._lenet5 import Distances, PartialConvolution, Subsampling
from lenet.models.layers._lists import Residual
from lenet.models.layers._standard import (
    Activation,
    AdaptivePooling,
    BatchNorm,
    Convolution,
    Dense,
    Dropout,
    Flatten,
    Padding,
    Pooling,
)
from lenet.models.layers._windows import (
    add_frame,
    add_windows,
    combine_windows,
    remove_frame,
    share_slopes,
    slopes_to_largest,
    windows_of,
)

# From the loss's slope by what came out to its slope by what came in, and by each weight.
Back: TypeAlias = Callable[[Numbers], tuple[Numbers, dict[str, Numbers]]]
Result: TypeAlias = tuple[Numbers, Back]
Draws: TypeAlias = np.random.Generator | None


def apply(layer: Layer, values: Array, arrays: Arrays) -> Array:
    """What a layer makes of a batch in evaluation mode.

    Args:
        layer: The layer.
        values: The batch, (N, …).
        arrays: The layer's weights and statistics by their names.
    """
    return np.asarray(forward(layer, values, arrays)[0], dtype=np.float32)


@singledispatch
def forward(layer: Layer, values: Numbers, arrays: Arrays, draws: Draws = None) -> Result:
    """What a layer makes of a batch, and what takes slopes back through it.

    Args:
        layer: The layer.
        values: The batch, (N, …), float32 or float64.
        arrays: The layer's weights and statistics by their names. In training mode batch
            normalisation moves its running statistics on, in place.
        draws: In training mode, what dropout draws from; `None` for evaluation mode.
    """
    raise NotImplementedError(layer.kind)


def forward_all(
    layers: Iterable[Placed], values: Numbers, arrays: Arrays, draws: Draws = None
) -> Result:
    """`forward` through layers one after the other; arrays and slopes by their full names."""
    backs = []
    for placed in layers:
        name = placed.layer.name
        values, back = forward(placed.layer, values, arrays_under(name, arrays), draws)
        backs.append((name, back))

    def back_all(slopes: Numbers) -> tuple[Numbers, dict[str, Numbers]]:
        gradients: dict[str, Numbers] = {}
        for name, back in reversed(backs):
            slopes, own = back(slopes)
            gradients |= {f"{name}.{weight}": gradient for weight, gradient in own.items()}
        return slopes, gradients

    return values, back_all


def layer_values(
    layers: Iterable[Placed], values: Numbers, arrays: Arrays
) -> Iterator[tuple[Placed, Numbers]]:
    """What each layer makes of a batch in evaluation mode, in the order of the forward pass.

    Those within a residual sum come before it; all have their full names.

    Args:
        layers: The network.
        values: The batch, (N, …).
        arrays: Weights and statistics by their full names.
    """
    for placed in layers:
        layer, own = placed.layer, arrays_under(placed.layer.name, arrays)
        if isinstance(layer, Residual):
            ends = [values, values]
            for number, side in enumerate(layer.sides(placed.input_shape)):
                for inside, made in layer_values(side, values, own):
                    ends[number] = made
                    yield inside.within(layer.name), made
            values = ends[0] + ends[1]
        else:
            values = forward(layer, values, own)[0]
        yield placed, values


@forward.register(Convolution)
def _(layer: Convolution, values: Numbers, arrays: Arrays, draws: Draws = None) -> Result:
    framed = add_frame(values, layer.padding, 0)
    seen = windows_of(framed, layer.kernel_size, layer.stride, layer.dilation)
    count, channels, height, width, rows, columns = seen.shape
    # A column holds what a place's window sees, so that all places are one product of matrices.
    by_place = seen.transpose(0, 1, 4, 5, 2, 3).reshape(
        count, layer.groups, channels // layer.groups * rows * columns, height * width
    )
    weight = arrays["weight"]
    filters = weight.reshape(layer.groups, layer.filters // layer.groups, -1)
    output = (filters @ by_place).reshape(count, layer.filters, height, width)
    if layer.bias:
        output += arrays["bias"][:, None, None]

    def back(slopes: Numbers) -> tuple[Numbers, dict[str, Numbers]]:
        flat = slopes.reshape(count, *filters.shape[:2], height * width)
        of_filters = (flat @ by_place.swapaxes(2, 3)).sum(axis=0)
        gradients = {"weight": of_filters.reshape(weight.shape)}
        if layer.bias:
            gradients["bias"] = slopes.sum(axis=(0, 2, 3))
        windows = (filters.swapaxes(1, 2) @ flat).reshape(
            count, channels, rows, columns, height, width
        )
        windows = windows.transpose(0, 1, 4, 5, 2, 3)
        whole = add_windows(windows, framed.shape, layer.stride, layer.dilation)
        return remove_frame(whole, layer.padding, values), gradients

    return output, back


@forward.register(Dense)
def _(layer: Dense, values: Numbers, arrays: Arrays, draws: Draws = None) -> Result:
    def back(slopes: Numbers) -> tuple[Numbers, dict[str, Numbers]]:
        gradients = {"weight": slopes.T @ values}
        if layer.bias:
            gradients["bias"] = slopes.sum(axis=0)
        return slopes @ arrays["weight"], gradients

    return values @ arrays["weight"].T + arrays.get("bias", np.float32(0)), back


@forward.register(Activation)
def _(layer: Activation, values: Numbers, arrays: Arrays, draws: Draws = None) -> Result:
    function, slope = FUNCTIONS_AND_SLOPES[layer.function]
    parameter = layer.parameter or 0
    return function(values, parameter), lambda slopes: (slopes * slope(values, parameter), {})


@forward.register(Pooling)
def _(layer: Pooling, values: Numbers, arrays: Arrays, draws: Draws = None) -> Result:
    places = layer.output_shape(values.shape[1:])[1:]
    way = zip(
        places,
        layer.stride,
        layer.dilation,
        layer.kernel_size,
        layer.padding,
        values.shape[2:],
        strict=True,
    )
    missing = [  # rows and columns that a last window sees beyond the padding
        max(0, (count - 1) * step + spread * (size - 1) + 1 - have - 2 * margin)
        for count, step, spread, size, margin, have in way
    ]

    def seen(values: Numbers, padding: float, beyond: float) -> Numbers:
        """What the window sees, with numbers for the padding and for what is beyond that."""
        margins = ((0, 0), (0, 0), *((0, count) for count in missing))
        whole = np.pad(add_frame(values, layer.padding, padding), margins, constant_values=beyond)
        return windows_of(whole, layer.kernel_size, layer.stride, layer.dilation)

    def taken_back(windows: Numbers) -> tuple[Numbers, dict[str, Numbers]]:
        sizes = [
            have + 2 * margin + more
            for have, margin, more in zip(values.shape[2:], layer.padding, missing, strict=True)
        ]
        whole = add_windows(windows, (*values.shape[:2], *sizes), layer.stride, layer.dilation)
        return remove_frame(whole, layer.padding, values), {}

    if layer.method == "max":
        windows = seen(values, -np.inf, -np.inf)
        largest = combine_windows(np.maximum, windows)
        return largest, lambda slopes: taken_back(slopes_to_largest(windows, slopes))
    ones = np.ones_like(values[:1, :1])
    counts = combine_windows(np.add, seen(ones, float(layer.count_padding), 0))
    averages = combine_windows(np.add, seen(values, 0, 0)) / counts
    return averages, lambda slopes: taken_back(share_slopes(slopes / counts, layer.kernel_size))


@forward.register(AdaptivePooling)
def _(layer: AdaptivePooling, values: Numbers, arrays: Arrays, draws: Draws = None) -> Result:
    rows, columns = map(layer.edges, values.shape[2:], layer.output_size)
    combine = np.max if layer.method == "max" else np.mean
    pooled = [
        [combine(values[:, :, top:bottom, left:right], axis=(2, 3)) for left, right in columns]
        for top, bottom in rows
    ]

    def back(slopes: Numbers) -> tuple[Numbers, dict[str, Numbers]]:
        result = np.zeros_like(values)
        for row, (top, bottom) in enumerate(rows):
            for column, (left, right) in enumerate(columns):
                part = values[:, :, top:bottom, left:right]
                slope = slopes[:, :, row, column, None, None]
                if layer.method == "max":
                    share = slopes_to_largest(part, slope[..., 0, 0])
                else:
                    share = np.broadcast_to(slope / math.prod(part.shape[2:]), part.shape)
                result[:, :, top:bottom, left:right] += share
        return result, {}

    return np.moveaxis(np.array(pooled), (0, 1), (2, 3)), back


@forward.register(BatchNorm)
def _(layer: BatchNorm, values: Numbers, arrays: Arrays, draws: Draws = None) -> Result:
    along = (1, -1, *[1] * (values.ndim - 2))
    others = (0, *range(2, values.ndim))
    weight, bias = (arrays[name].reshape(along) for name in ("weight", "bias"))
    if draws is None:
        gain, offset = (
            each.reshape(along).astype(values.dtype) for each in layer.gain_and_offset(arrays)
        )
        mean, variance = (arrays[name].reshape(along) for name in ("running_mean", "running_var"))
    else:
        mean, variance = (of(axis=others, keepdims=True) for of in (values.mean, values.var))
        layer.take_in(arrays, mean.ravel(), variance.ravel(), values[:, 0].size)
    spread = np.sqrt(variance + layer.epsilon)

    def plain() -> Numbers:
        result: Numbers = (values - mean) / spread
        return result

    def back(slopes: Numbers) -> tuple[Numbers, dict[str, Numbers]]:
        own = plain()
        gradients = {"weight": (slopes * own).sum(axis=others), "bias": slopes.sum(axis=others)}
        scaled = slopes * weight / spread
        if draws is not None:  # the batch's mean and variance move with every number
            scaled -= scaled.mean(axis=others, keepdims=True)
            scaled -= own * (scaled * own).mean(axis=others, keepdims=True)
        return scaled, gradients

    output = values * gain + offset if draws is None else plain() * weight + bias
    return output.astype(values.dtype, copy=False), back


@forward.register(Dropout)
def _(layer: Dropout, values: Numbers, arrays: Arrays, draws: Draws = None) -> Result:
    if draws is None or not layer.probability:
        return values, lambda slopes: (slopes, {})
    shape = (*values.shape[:2], 1, 1) if layer.whole_maps and values.ndim == 4 else values.shape
    kept = (draws.random(shape) >= layer.probability).astype(values.dtype)
    kept /= max(1 - layer.probability, 1e-9)  # where none is kept, 0
    return values * kept, lambda slopes: (slopes * kept, {})


@forward.register(Flatten)
def _(layer: Flatten, values: Numbers, arrays: Arrays, draws: Draws = None) -> Result:
    return values.reshape(len(values), -1), lambda slopes: (slopes.reshape(values.shape), {})


@forward.register(Padding)
def _(layer: Padding, values: Numbers, arrays: Arrays, draws: Draws = None) -> Result:
    left, right, above, below = layer.margins
    margins = ((0, 0), (0, 0), (above, below), (left, right))
    padded = np.pad(values, margins, constant_values=layer.value)
    return padded, lambda slopes: (remove_frame(slopes, (above, left), values), {})


@forward.register(Subsampling)
def _(layer: Subsampling, values: Numbers, arrays: Arrays, draws: Draws = None) -> Result:
    weight, bias = (arrays[name][:, None, None] for name in ("weight", "bias"))
    sums = combine_windows(np.add, windows_of(values, (2, 2), (2, 2)))

    def back(slopes: Numbers) -> tuple[Numbers, dict[str, Numbers]]:
        windows = share_slopes(slopes * weight, (2, 2))
        gradients = {
            "weight": (slopes * sums).sum(axis=(0, 2, 3)),
            "bias": slopes.sum(axis=(0, 2, 3)),
        }
        return add_windows(windows, values.shape, (2, 2)), gradients

    return sums * weight + bias, back


@forward.register(PartialConvolution)
def _(layer: PartialConvolution, values: Numbers, arrays: Arrays, draws: Draws = None) -> Result:
    whole, filters = layer.whole(arrays)
    output, back_whole = forward(whole, values, filters)

    def back(slopes: Numbers) -> tuple[Numbers, dict[str, Numbers]]:
        slopes, gradients = back_whole(slopes)
        return slopes, gradients | {"weight": gradients["weight"][layer.connections]}

    return output, back


@forward.register(Distances)
def _(layer: Distances, values: Numbers, arrays: Arrays, draws: Draws = None) -> Result:
    apart = values[:, None] - arrays["targets"]
    return -np.square(apart).sum(axis=2), lambda slopes: (
        -2 * (slopes[:, :, None] * apart).sum(axis=1),
        {},
    )


@forward.register(Residual)
def _(layer: Residual, values: Numbers, arrays: Arrays, draws: Draws = None) -> Result:
    ways = [forward_all(side, values, arrays, draws) for side in layer.sides(values.shape[1:])]

    def back(slopes: Numbers) -> tuple[Numbers, dict[str, Numbers]]:
        (main, of_main), (shortcut, of_shortcut) = (back_side(slopes) for _, back_side in ways)
        return main + shortcut, of_main | of_shortcut

    return ways[0][0] + ways[1][0], back
