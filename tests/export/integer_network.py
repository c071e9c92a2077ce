"""The whole-numbered network by the formulas, with exact sums of PyTorch, and not by the C code."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from lenet.export._c_quantise import IntegerStage, IntegerSums  # what the C code is written from
from lenet.models import TrainedLayer
from lenet.models.layers import (
    AdaptivePooling,
    BatchNorm,
    Convolution,
    Padding,
    Pooling,
    Residual,
    Subsampling,
)

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
    assert np.abs(sums).max() < 2**31
    limited = np.clip(scale(sums, of), 0, 255)
    return limited if table is None else table[limited].astype(np.int64)


def add_up(values: Integers, quantised: IntegerStage) -> Integers:
    """The weighted sums of a convolution or a dense layer."""
    layer, sums = quantised.stage.computes, quantised.sums
    assert sums is not None
    weights, biases = sums.weights.astype(np.int64), sums.biases.astype(np.int64)
    if not isinstance(layer, Convolution):
        added: Integers = values.reshape(len(values), -1) @ weights.T + biases
        return added
    way = {"stride": layer.stride, "dilation": layer.dilation, "groups": layer.groups}
    exact = F.conv2d(*(torch.from_numpy(one).double() for one in (values, weights)), None, **way)
    return exact.long().numpy() + biases[:, None, None]


def pool_bytes(values: Integers, pooling: TrainedLayer, is_sum: bool) -> Integers:
    """Windows of bytes as one byte each, halves rounded up."""
    layer, exact = pooling.layer, torch.from_numpy(values).double()
    assert isinstance(layer, (Pooling, AdaptivePooling))
    if layer.method == "max":
        module = layer.module(pooling.input_shape)
        return module(exact).long().numpy()
    if isinstance(layer, Pooling):
        way = (layer.kernel_size, layer.stride, layer.padding, layer.ceil_mode, True, 1)
        sums, counts = (F.avg_pool2d(one, *way) for one in (exact, torch.ones_like(exact)))
        sums, counts = sums.long().numpy(), counts.long().numpy()
    else:
        sums = counts = np.zeros((len(values), *pooling.output_shape), np.int64)
        sums, counts = sums.copy(), counts.copy()
        _, height, width = pooling.input_shape
        rows, columns = layer.output_size
        for row, column in np.ndindex(rows, columns):
            window = values[
                :,
                :,
                row * height // rows : -(-(row + 1) * height // rows),
                column * width // columns : -(-(column + 1) * width // columns),
            ]
            sums[:, :, row, column] = window.sum(axis=(2, 3))
            counts[:, :, row, column] = window.shape[2] * window.shape[3]
    return sums if is_sum else (sums + counts // 2) // counts


def integer_logits(
    stages: Sequence[IntegerStage], images: npt.NDArray[np.uint8]
) -> npt.NDArray[np.int32]:
    """What the last stage makes of images, (N, classes)."""
    all_values = [images.astype(np.int64)]
    for quantised in stages:
        stage, sums, table = quantised.stage, quantised.sums, quantised.table
        given = [all_values[number] for number in stage.inputs]
        values = given[0].reshape(len(images), *stage.input_shape)
        if isinstance(stage.computes, Padding):
            values = values if table is None else table[values].astype(np.int64)
            left, right, above, below = stage.computes.margins
            margins = ((0, 0), (0, 0), (above, below), (left, right))
            values = np.pad(values, margins, constant_values=quantised.around)
        elif sums is not None:
            if isinstance(stage.computes, Residual):
                first, second = sums.weights[0].astype(np.int64)
                values = first * values + second * given[1].reshape(values.shape)
                values = (values + sums.biases[0]).reshape(len(images), 1, -1)
            else:
                values = add_up(values, quantised)
            is_end = quantised.gives_logits and stage.pooling is None
            values = scale(values, sums) if is_end else activate(values, sums, table)
        elif table is not None:
            values = table[values].astype(np.int64)
        if stage.pooling is not None:
            pooling, more = stage.pooling, quantised.pooled_sums
            values = values.reshape(len(images), *pooling.input_shape)
            if more is not None:
                if isinstance(pooling.layer, Subsampling):
                    values = F.avg_pool2d(torch.from_numpy(values).double(), 2, divisor_override=1)
                    values = values.long().numpy()
                else:
                    assert isinstance(pooling.layer, BatchNorm)
                along = (-1, *[1] * (values.ndim - 2))
                weights = more.weights[:, 0].astype(np.int64).reshape(along)
                added = weights * values + more.biases.astype(np.int64).reshape(along)
                values = (
                    scale(added, more)
                    if quantised.gives_logits
                    else activate(added, more, quantised.last_table)
                )
            else:
                values = pool_bytes(values, pooling, quantised.gives_logits)
                if quantised.last_table is not None:
                    values = quantised.last_table[values].astype(np.int64)
        all_values.append(values)
    return all_values[-1].reshape(len(images), -1).astype(np.int32)
