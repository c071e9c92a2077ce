"""What each kind of layer makes of a batch (N, …) in evaluation mode: slowly, and to be read."""

import math
from collections.abc import Callable
from functools import reduce, singledispatch
from typing import Any

import numpy as np
import numpy.typing as npt

from lenet.models.layers._layer import Array, Arrays, Layer, Pair, Placed, arrays_under
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


def apply(layer: Layer, values: Array, arrays: Arrays) -> Array:
    """What a layer makes of a batch.

    Args:
        layer: The layer.
        values: The batch, (N, …).
        arrays: The layer's weights and statistics by their names.
    """
    return np.asarray(_compute(layer, values, arrays), dtype=np.float32)


@singledispatch
def _compute(layer: Layer, values: Array, arrays: Arrays) -> npt.NDArray[Any]:
    raise NotImplementedError(layer.kind)


@_compute.register(Convolution)
def _(layer: Convolution, values: Array, arrays: Arrays) -> npt.NDArray[Any]:
    seen = _windows(
        _framed(values, layer.padding, 0), layer.kernel_size, layer.stride, layer.dilation
    )
    sums = [
        np.tensordot(part, filters, ((1, 4, 5), (1, 2, 3)))
        for part, filters in zip(
            np.split(seen, layer.groups, axis=1),
            np.split(arrays["weight"], layer.groups),
            strict=True,
        )
    ]
    bias = arrays.get("bias", np.float32(0))
    return np.moveaxis(np.concatenate(sums, axis=3) + bias, 3, 1)


@_compute.register(Dense)
def _(layer: Dense, values: Array, arrays: Arrays) -> npt.NDArray[Any]:
    sums: npt.NDArray[Any] = values @ arrays["weight"].T + arrays.get("bias", np.float32(0))
    return sums


@_compute.register(Activation)
def _(layer: Activation, values: Array, arrays: Arrays) -> npt.NDArray[Any]:
    return _FUNCTIONS[layer.function](values, layer.parameter or 0)


@_compute.register(Pooling)
def _(layer: Pooling, values: Array, arrays: Arrays) -> npt.NDArray[Any]:
    def seen(values: Array, padding: float, beyond: float) -> npt.NDArray[Any]:
        """What the window sees, with numbers for the padding and for what is beyond that."""
        places = layer.output_shape(values.shape[1:])[1:]
        whole = _framed(values, layer.padding, padding)
        way = zip(
            places, layer.stride, layer.dilation, layer.kernel_size, whole.shape[2:], strict=True
        )
        missing = [
            max(0, (count - 1) * step + spread * (size - 1) + 1 - have)
            for count, step, spread, size, have in way
        ]
        margins = ((0, 0), (0, 0), *((0, count) for count in missing))
        whole = np.pad(whole, margins, constant_values=beyond)
        return _windows(whole, layer.kernel_size, layer.stride, layer.dilation)

    if layer.method == "max":
        largest: npt.NDArray[Any] = seen(values, -np.inf, -np.inf).max(axis=(4, 5))
        return largest
    counts = seen(np.ones_like(values[:1, :1]), float(layer.count_padding), 0).sum(axis=(4, 5))
    averages: npt.NDArray[Any] = seen(values, 0, 0).sum(axis=(4, 5)) / counts
    return averages


@_compute.register(AdaptivePooling)
def _(layer: AdaptivePooling, values: Array, arrays: Arrays) -> npt.NDArray[Any]:
    combine = np.max if layer.method == "max" else np.mean
    rows, columns = map(layer.edges, values.shape[2:], layer.output_size)
    pooled = [
        [combine(values[:, :, top:bottom, left:right], axis=(2, 3)) for left, right in columns]
        for top, bottom in rows
    ]
    return np.moveaxis(np.array(pooled), (0, 1), (2, 3))


@_compute.register(BatchNorm)
def _(layer: BatchNorm, values: Array, arrays: Arrays) -> npt.NDArray[Any]:
    along = (-1, *[1] * (values.ndim - 2))
    gain, offset = (each.reshape(along) for each in layer.gain_and_offset(arrays))
    scaled: npt.NDArray[Any] = values * gain + offset
    return scaled


@_compute.register(Dropout)
def _(layer: Dropout, values: Array, arrays: Arrays) -> npt.NDArray[Any]:
    return values


@_compute.register(Flatten)
def _(layer: Flatten, values: Array, arrays: Arrays) -> npt.NDArray[Any]:
    return values.reshape(len(values), -1)


@_compute.register(Padding)
def _(layer: Padding, values: Array, arrays: Arrays) -> npt.NDArray[Any]:
    left, right, above, below = layer.margins
    margins = ((0, 0), (0, 0), (above, below), (left, right))
    return np.pad(values, margins, constant_values=layer.value)


@_compute.register(Subsampling)
def _(layer: Subsampling, values: Array, arrays: Arrays) -> npt.NDArray[Any]:
    sums = _windows(values, (2, 2), (2, 2)).sum(axis=(4, 5))
    result: npt.NDArray[Any] = sums * arrays["weight"][:, None, None]
    return result + arrays["bias"][:, None, None]


@_compute.register(PartialConvolution)
def _(layer: PartialConvolution, values: Array, arrays: Arrays) -> npt.NDArray[Any]:
    whole, filters = layer.whole(arrays)
    return apply(whole, values, filters)


@_compute.register(Distances)
def _(layer: Distances, values: Array, arrays: Arrays) -> npt.NDArray[Any]:
    distances: npt.NDArray[Any] = np.square(values[:, None] - arrays["targets"]).sum(axis=2)
    return -distances


@_compute.register(Residual)
def _(layer: Residual, values: Array, arrays: Arrays) -> npt.NDArray[Any]:
    def step(given: Array, one: Placed) -> Array:
        return apply(one.layer, given, arrays_under(one.layer.name, arrays))

    main, shortcut = (reduce(step, side, values) for side in layer.sides(values.shape[1:]))
    total: npt.NDArray[Any] = main + shortcut
    return total


def _sigmoid(values: Array, _: float = 0) -> npt.NDArray[Any]:
    result: npt.NDArray[Any] = 0.5 * (1 + np.tanh(0.5 * values))
    return result


def _gelu(values: Array, _: float) -> npt.NDArray[Any]:
    from scipy.special import erf

    result: npt.NDArray[Any] = values * (1 + erf(values / math.sqrt(2))) / 2
    return result


_FUNCTIONS: dict[str, Callable[[Array, float], npt.NDArray[Any]]] = {
    "identity": lambda x, _: x,
    "sigmoid": _sigmoid,
    "tanh": lambda x, _: np.tanh(x),
    "relu": lambda x, _: np.maximum(x, 0),
    "leaky_relu": lambda x, slope: np.where(x > 0, x, slope * x),
    "elu": lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
    "gelu": _gelu,
    "silu": lambda x, _: x * _sigmoid(x),
    "hard_swish": lambda x, _: x * np.clip(x + 3, 0, 6) / 6,
    "softplus": lambda x, _: np.logaddexp(x, 0),
    "scaled_tanh": lambda x, _: 1.7159 * np.tanh(2 / 3 * x),
}


def _framed(values: Array, padding: Pair, fill: float) -> Array:
    """Feature maps with rows and columns round them."""
    margins = ((0, 0), (0, 0), *((margin, margin) for margin in padding))
    return np.pad(values, margins, constant_values=fill) if any(padding) else values


def _windows(
    values: Array, kernel: Pair, stride: Pair = (1, 1), dilation: Pair = (1, 1)
) -> npt.NDArray[Any]:
    """What a window sees on its way, (N, C, H', W', rows, columns)."""
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    seen = np.lib.stride_tricks.sliding_window_view(values, reach, (2, 3))
    return seen[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]
