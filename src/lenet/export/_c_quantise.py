"""A network in whole numbers: bytes between the layers, int8 weights, int32 sums.

A byte of a layer stands for low + step · byte. A weighted sum of bytes is brought to the bytes of
the next layer by a fixed-point multiplication and a shift, after Jacob et al. (2018), "Quantization
and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", section 2.2. As
`low` may be any number, it goes into the bias instead of a zero point.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lenet.errors import ModelError
from lenet.export._c_stages import Stage
from lenet.models import (
    ActivationLayer,
    ConvolutionLayer,
    DistanceLayer,
    PoolingLayer,
    SubsamplingLayer,
)
from lenet.pictures import Pixels

Array = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

_BEYOND = 0.05  # percent of the values at each end of a table get no steps of their own
_LARGEST_WEIGHT = 127
_LARGEST_BIAS = 2**28
_LARGEST_SUM = 2**30  # so that the difference of two logits is an int32, too
_LARGEST_SHIFT = 62  # so that nothing is lost off the end of 64 bits


@dataclass(frozen=True)
class ByteRange:
    """What a byte stands for: low + step · byte.

    Attributes:
        low: What byte 0 stands for.
        step: From each byte to the next.
    """

    low: float
    step: float

    @classmethod
    def between(cls, low: float, high: float) -> "ByteRange":
        """Bytes from a number to another; where these are equal, the step is 1."""
        return cls(low, (high - low) / 255 or 1.0)

    def numbers(self) -> Array:
        """What the 256 bytes stand for."""
        return (self.low + self.step * np.arange(256)).astype(np.float32)

    def bytes_of(self, numbers: Array) -> Bytes:
        """The nearest byte to each number."""
        nearest: Bytes = np.clip(np.rint((numbers - self.low) / self.step), 0, 255).astype(np.uint8)
        return nearest


PIXELS = ByteRange(0.0, 1.0)


@dataclass(frozen=True, eq=False)
class IntegerSums:
    """Weighted sums of bytes, and what brings each output's sum to the range that is wanted.

    Attributes:
        weights: int8 (outputs, …), -127 to 127.
        biases: int32 (outputs,).
        multipliers: uint32 (outputs,), below 2³¹.
        shifts: uint8 (outputs,), from 1 to 62; a sum · multiplier / 2^shift is the result.
    """

    weights: npt.NDArray[np.int8]
    biases: npt.NDArray[np.int32]
    multipliers: npt.NDArray[np.uint32]
    shifts: npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class IntegerStage:
    """A stage in whole numbers.

    Attributes:
        stage: What it computes.
        padding: The byte round the image.
        sums: Of the layer with the weights.
        table: The activation's result for each of 256 bytes; nothing where limiting the sum to
            bytes is all (ReLU), and after the last stage.
        pooled_sums: Of LeNet-5's subsampling: one weight a channel, for the sum of four bytes.
        last_table: The table of the activation after it.
    """

    stage: Stage
    padding: int
    sums: IntegerSums
    table: Bytes | None
    pooled_sums: IntegerSums | None
    last_table: Bytes | None


def quantise(stages: Sequence[Stage], images: Pixels) -> tuple[list[IntegerStage], float]:
    """Turn a network into whole numbers.

    Args:
        stages: A network that takes pixels from 0 to 255.
        images: uint8 (N, C, H, W), a few hundred that it was trained on: they show which numbers
            occur between its layers.

    Returns:
        Its stages, and the logit that 1 stands for in the last one's results.

    Raises:
        ModelError: A layer has so many inputs that its sums need more than 32 bits.
    """
    quantised: list[IntegerStage] = []
    values = images.astype(np.float32)
    given = PIXELS
    for stage in stages[:-1]:
        values = stage.layer.apply(values)
        sums, table, given, values = _sum_and_activate(
            stage.name, *_weights_and_biases(stage), stage.activation, given, values
        )
        pooled_sums, last_table = None, None
        if stage.pooling:
            values = stage.pooling.apply(values)
        is_average = isinstance(stage.pooling, PoolingLayer) and stage.pooling.kind == "average"
        if is_average and table is not None:
            # Halves are rounded up: an eighth too much in the mean. Not so after ReLU, whose many
            # zeros are averaged without rounding.
            given = ByteRange(given.low - given.step / 8, given.step)
        if isinstance(stage.pooling, SubsamplingLayer):
            of_each = np.repeat(stage.pooling.coefficients[:, None], 4, axis=1)
            pooled_sums, last_table, given, values = _sum_and_activate(
                stage.name, of_each, stage.pooling.biases, stage.last_activation, given, values
            )
        quantised.append(IntegerStage(stage, _padding(stage), sums, table, pooled_sums, last_table))
    output = stages[-1]
    weights, biases = _weights_and_biases(output)
    offsets = biases + given.low * weights.sum(axis=1)
    unit = float(_weight_steps(weights, offsets, given).max()) * given.step
    sums = _integer_sums(output.name, weights, biases, given, ByteRange(0.0, unit))
    quantised.append(IntegerStage(output, 0, sums, None, None, None))
    return quantised, unit


def _weights_and_biases(stage: Stage) -> tuple[Array, Array]:
    """Those of the layer, as sums over its inputs."""
    layer = stage.layer
    if isinstance(layer, DistanceLayer):
        # Of -|x - t|², -|x|² is the same for all classes and does not change probabilities.
        return 2 * layer.targets, -np.square(layer.targets).sum(axis=1)
    return layer.weights, layer.biases


def _padding(stage: Stage) -> int:
    """The byte that is nearest to what is round the input of a stage."""
    value = stage.layer.padding_value if isinstance(stage.layer, ConvolutionLayer) else 0.0
    return min(max(round(value), 0), 255)


def _sum_and_activate(
    name: str,
    weights: Array,
    biases: Array,
    activation: ActivationLayer | None,
    given: ByteRange,
    values: Array,
) -> tuple[IntegerSums, Bytes | None, ByteRange, Array]:
    """Weighted sums and the activation after them.

    Args:
        name: Of the stage, for messages.
        weights: (outputs, …).
        biases: (outputs,).
        activation: What follows.
        given: What the bytes that come in stand for.
        values: The sums that occur.

    Returns:
        The sums in whole numbers, the activation's table where it needs one, what the bytes that
        come out stand for, and the activated values.
    """
    low, high = float(values.min()), float(values.max())
    if activation is None or activation.function == "relu":
        before = ByteRange.between(0.0 if activation else low, max(high, 0.0))
        sums = _integer_sums(name, weights, biases, given, before)
        return sums, None, before, activation.apply(values) if activation else values
    low, high = np.percentile(values, (_BEYOND, 100 - _BEYOND))
    before = ByteRange.between(float(low), float(high))
    results = activation.apply(before.numbers())
    after = ByteRange.between(float(results.min()), float(results.max()))
    sums = _integer_sums(name, weights, biases, given, before)
    return sums, after.bytes_of(results), after, activation.apply(values)


def _weight_steps(
    weights: Array, biases: npt.NDArray[np.floating], given: ByteRange
) -> npt.NDArray[np.float64]:
    """What 1 stands for in the whole-numbered weights of each output.

    Where a bias is huge beside its weights, they become coarser, so that it has room.
    """
    largest = np.abs(weights.reshape(len(weights), -1)).max(axis=1)
    steps = np.maximum(largest / _LARGEST_WEIGHT, np.abs(biases) / (given.step * _LARGEST_BIAS))
    return np.where(steps == 0, 1.0, steps).astype(np.float64)


def _integer_sums(
    name: str, weights: Array, biases: Array, given: ByteRange, wanted: ByteRange
) -> IntegerSums:
    """Weighted sums of bytes of one range that give bytes of another.

    Raises:
        ModelError: A sum could need more than 32 bits.
    """
    rows = weights.reshape(len(weights), -1).astype(np.float64)
    steps = _weight_steps(weights, biases + given.low * rows.sum(axis=1) - wanted.low, given)
    integers = np.rint(rows / steps[:, None])
    offsets = biases + given.low * steps * integers.sum(axis=1) - wanted.low
    integer_biases = np.rint(offsets / (steps * given.step))
    largest = np.abs(integer_biases) + 255 * np.abs(integers).sum(axis=1)
    if largest.max() > _LARGEST_SUM:
        message = (
            f"`{name}` has {rows.shape[1]} inputs, too many for sums of 32 bits; export it "
            "without `int8`."
        )
        raise ModelError(message)
    factors = [_fixed_point(factor) for factor in steps * given.step / wanted.step]
    return IntegerSums(
        weights=integers.reshape(weights.shape).astype(np.int8),
        biases=integer_biases.astype(np.int32),
        multipliers=np.array([multiplier for multiplier, _ in factors], np.uint32),
        shifts=np.array([shift for _, shift in factors], np.uint8),
    )


def _fixed_point(factor: float) -> tuple[int, int]:
    """A multiplier below 2³¹ and a shift: multiplier / 2^shift is the factor, to 31 bits."""
    exponent = math.frexp(factor)[1]
    shift = max(1, min(31 - exponent, _LARGEST_SHIFT))
    return min(round(math.ldexp(factor, shift)), 2**31 - 1), shift
