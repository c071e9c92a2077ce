"""Windows that go over feature maps (N, C, H, W): what they see, and slopes on their way back."""

from functools import reduce

import numpy as np

from lenet.models.layers._functions import Numbers
from lenet.models.layers._layer import Pair


def add_frame(values: Numbers, padding: Pair, fill: float) -> Numbers:
    """Feature maps with rows and columns round them."""
    margins = ((0, 0), (0, 0), *((margin, margin) for margin in padding))
    return np.pad(values, margins, constant_values=fill) if any(padding) else values


def remove_frame(framed: Numbers, start: Pair, values: Numbers) -> Numbers:
    """The part of framed maps where `values` were put."""
    (top, left), (height, width) = start, values.shape[2:]
    return framed[:, :, top : top + height, left : left + width]


def windows_of(
    values: Numbers, kernel: Pair, stride: Pair = (1, 1), dilation: Pair = (1, 1)
) -> Numbers:
    """What a window sees on its way, (N, C, H', W', rows, columns)."""
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    seen = np.lib.stride_tricks.sliding_window_view(values, reach, (2, 3))
    return seen[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]


def combine_windows(function: np.ufunc, windows: Numbers) -> Numbers:
    """What becomes of each window's numbers, (N, C, H', W'); place by place, which is quickest."""
    places = np.ndindex(windows.shape[4:])
    return reduce(function, (windows[..., row, column] for row, column in places))


def add_windows(
    windows: Numbers, shape: tuple[int, ...], stride: Pair, dilation: Pair = (1, 1)
) -> Numbers:
    """Maps (N, C, H, W) that hold, at each place, the sum of what windows have there."""
    total = np.zeros(shape, windows.dtype)
    rows, columns = windows.shape[2:4]
    for row in range(windows.shape[4]):
        for column in range(windows.shape[5]):
            top, left = row * dilation[0], column * dilation[1]
            total[
                :,
                :,
                top : top + stride[0] * (rows - 1) + 1 : stride[0],
                left : left + stride[1] * (columns - 1) + 1 : stride[1],
            ] += windows[..., row, column]
    return total


def share_slopes(slopes: Numbers, kernel: Pair) -> Numbers:
    """Windows (…, rows, columns) of which all places have the same slope."""
    return np.broadcast_to(slopes[..., None, None], (*slopes.shape, *kernel))


def slopes_to_largest(windows: Numbers, slopes: Numbers) -> Numbers:
    """Zeros like windows (…, rows, columns), with each slope where its window is largest."""
    flat = windows.reshape(*windows.shape[:-2], -1)
    result = np.zeros(flat.shape, slopes.dtype)
    np.put_along_axis(result, flat.argmax(axis=-1)[..., None], slopes[..., None], axis=-1)
    return result.reshape(windows.shape)
