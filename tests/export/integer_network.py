"""The whole-numbered network in NumPy, by the formulas and not by the C code."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lenet.export._c_quantise import IntegerStage, IntegerSums
from lenet.models import ConvolutionLayer, PoolingLayer, SubsamplingLayer

Integers = npt.NDArray[np.int64]


def scale(sums: Integers, of: IntegerSums) -> Integers:
    """sum · multiplier / 2^shift, halves away from 0; sums are (N, outputs, …)."""
    shape = (1, -1, *[1] * (sums.ndim - 2))
    multipliers = of.multipliers.astype(np.int64).reshape(shape)
    shifts = of.shifts.astype(np.int64).reshape(shape)
    half = np.left_shift(np.int64(1), shifts - 1)
    return np.sign(sums) * np.right_shift(np.abs(sums) * multipliers + half, shifts)


def activate(sums: Integers, of: IntegerSums, table: npt.NDArray[np.uint8] | None) -> Integers:
    """Sums as bytes, through the table of the activation where there is one."""
    limited = np.clip(scale(sums, of), 0, 255)
    return limited if table is None else table[limited].astype(np.int64)


def integer_logits(
    stages: Sequence[IntegerStage], images: npt.NDArray[np.uint8]
) -> npt.NDArray[np.int32]:
    """What the last stage makes of images, (N, classes)."""
    values = images.astype(np.int64)
    for number, quantised in enumerate(stages):
        layer, sums = quantised.stage.layer, quantised.sums
        weights, biases = sums.weights.astype(np.int64), sums.biases.astype(np.int64)
        if isinstance(layer, ConvolutionLayer):
            margin = (layer.padding, layer.padding)
            values = np.pad(
                values, ((0, 0), (0, 0), margin, margin), constant_values=quantised.padding
            )
            windows = np.lib.stride_tricks.sliding_window_view(values, weights.shape[2:], (2, 3))
            added = np.einsum("nchwyx,ocyx->nohw", windows, weights, optimize=True)
            added += biases[:, None, None]
        else:
            added = values.reshape(len(values), -1) @ weights.T + biases
        assert np.abs(added).max() < 2**31
        if number == len(stages) - 1:
            return scale(added, sums).astype(np.int32)
        values = activate(added, sums, quantised.table)
        pooling = quantised.stage.pooling
        if pooling is None:
            continue
        height, width = (size // 2 * 2 for size in values.shape[2:])
        corners = np.stack(
            [values[:, :, row:height:2, column:width:2] for row in (0, 1) for column in (0, 1)]
        )
        if isinstance(pooling, SubsamplingLayer):
            assert quantised.pooled_sums is not None
            more = quantised.pooled_sums
            weight = more.weights[:, 0].astype(np.int64)[:, None, None]
            added = corners.sum(axis=0) * weight + more.biases.astype(np.int64)[:, None, None]
            values = activate(added, more, quantised.last_table)
        elif isinstance(pooling, PoolingLayer) and pooling.kind == "max":
            values = corners.max(axis=0)
        else:
            values = (corners.sum(axis=0) + 2) // 4
    raise AssertionError
