"""A network in whole numbers: bytes between the layers, int8 weights, int32 sums.

A byte of a layer stands for low + step · byte. A weighted sum of bytes is brought to the bytes of
the next layer by a fixed-point multiplication and a shift, after Jacob et al. (2018), "Quantization
and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", section 2.2. As
`low` may be any number, it goes into the bias instead of a zero point.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lenet.errors import ModelError
from lenet.export._c_stages import Stage
from lenet.models import Normalisation, TrainedLayer
from lenet.models import layers as kinds
from lenet.pictures import Pixels

Array = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.floating]

# Percent of the values at each end of a table that get no steps of their own: more where the
# activation hardly changes there.
_BEYOND = {"sigmoid": 0.05, "tanh": 0.05, "scaled_tanh": 0.05}
_BEYOND_OTHERWISE = 0.01
_LARGEST_WEIGHT = 127
_LARGEST_FACTOR = 2**20  # of the two bytes in a residual sum
_NEAR = 0.25  # of a step; what padding puts round feature maps is that near to a byte
_PART = 64  # images at a time, as what all windows see needs much memory
_LARGEST_BIAS = 2**28
_LARGEST_SUM = 2**30  # so that the difference of two logits is an int32, too
_LARGEST_SHIFT = 62  # so that nothing is lost off the end of 64 bits


@dataclass(frozen=True)
class ByteRange:
    """What a byte stands for: low + step · byte."""

    low: float  # what byte 0 stands for
    step: float  # from each byte to the next

    @classmethod
    def between(cls, low: float, high: float) -> "ByteRange":
        """Bytes from a number to another; where these are equal, the step is 1.

        If 0 lies between them, it is what a byte stands for exactly: there may be much of it.
        """
        step = (high - low) / 255 or 1.0
        return cls(step * round(low / step) if low < 0 < high else low, step)

    def numbers(self) -> Array:
        """What the 256 bytes stand for."""
        return (self.low + self.step * np.arange(256)).astype(np.float32)

    def bytes_of(self, numbers: Array) -> Bytes:
        """The nearest byte to each number."""
        nearest: Bytes = np.clip(np.rint((numbers - self.low) / self.step), 0, 255).astype(np.uint8)
        return nearest


@dataclass(frozen=True, eq=False)
class IntegerSums:
    """Weighted sums of bytes, and what brings each output's sum to the range that is wanted."""

    # Int8 (outputs, …), -127 to 127; the two of a residual sum are int32 (1, 2).
    weights: npt.NDArray[np.signedinteger]
    biases: npt.NDArray[np.int32]  # int32 (outputs,)
    multipliers: npt.NDArray[np.uint32]  # uint32 (outputs,), below 2³¹
    # Uint8 (outputs,), from 1 to 62; a sum · multiplier / 2^shift is the result.
    shifts: npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class IntegerStage:
    """A stage in whole numbers."""

    stage: Stage  # what it computes
    sums: IntegerSums | None = None  # of the layer with the weights, or of a residual sum
    # The activation's result for each of 256 bytes; nothing where limiting the sum to bytes is all
    # (ReLU), and where there is no activation. Of padding, the bytes of the range that comes out
    # for those of the one that comes in, where these differ.
    table: Bytes | None = None
    # Of subsampling and batch normalisation: one weight a channel, for each number of a window.
    pooled_sums: IntegerSums | None = None
    last_table: Bytes | None = None  # the table of the activation after the pooling
    around: int = 0  # the byte that padding puts round feature maps
    # Whether whole numbers of 32 bits come out: scaled sums, or those of an average without its
    # division.
    gives_logits: bool = False


def quantise(
    stages: Sequence[Stage], images: Pixels, normalisation: Normalisation
) -> tuple[list[IntegerStage], float]:
    """A network in whole numbers, and the logit that 1 stands for in the last stage's results.

    A few hundred images that it was trained on, uint8 (N, C, H, W), show which numbers occur
    between its layers.

    Raises:
        ModelError: A layer has so many inputs that its sums need more than 32 bits, or can't be
            had in whole numbers at its place.
    """
    mean, std = normalisation.mean, normalisation.std
    numbers = {0: ((images / 255 - mean) / std).astype(np.float32)}
    ranges = {0: ByteRange(-mean / std, 1 / (255 * std))}
    quantised = []
    for place, stage in enumerate(stages, 1):
        work = _Quantiser(stage, [ranges[one] for one in stage.inputs], place == len(stages))
        numbers[place] = work.run([numbers[one] for one in stage.inputs])
        ranges[place] = work.range
        quantised.append(IntegerStage(stage, **work.found))
        still_wanted = {one for later in stages[place:] for one in later.inputs}
        numbers = {one: values for one, values in numbers.items() if one in still_wanted}
    return quantised, work.range.step


class _Quantiser:
    """Turns one stage into whole numbers, for bytes of which it is known what they stand for."""

    def __init__(self, stage: Stage, given: Sequence[ByteRange], is_last: bool):
        self.stage, self.given, self.is_last = stage, given, is_last
        self.range = given[0]  # what a byte stands for so far
        self.found: dict[str, Any] = {}

    def run(self, given: Sequence[Array]) -> Array:
        """What comes out for the numbers that come in; `found` and `range` say the rest."""
        stage, layer, pooling = self.stage, self.stage.computes, self.stage.pooling
        values = given[0].reshape(-1, *stage.input_shape)
        if isinstance(layer, kinds.Residual):
            values = values + given[1].reshape(values.shape)
            weights = np.array([[one.step for one in self.given]])
            biases = np.array([sum(one.low for one in self.given)])
            self.range = ByteRange(0.0, 1.0)
            values = self._sum("", weights, biases, stage.activation, values, _LARGEST_FACTOR)
        elif stage.layer:
            values = _apply(stage.layer, values)
            if isinstance(layer, kinds.Padding):
                self._widen(layer.value)
            else:
                values = self._sum("", *self._weights(stage.layer), stage.activation, values)
        elif stage.activation:
            values = self._activate("table", stage.activation, values)
        if pooling is None:
            return values
        values = _apply(pooling, values)
        if isinstance(pooling.layer, (kinds.BatchNorm, kinds.Subsampling)):
            weights, biases = self._weights(pooling)
            return self._sum("pooled_", weights, biases, stage.last_activation, values)
        count = math.prod(stage.window_sizes() or ()) if stage.averages else 1
        if self.is_last and stage.last_activation is None and count > 1:
            self.found["gives_logits"] = True
            self.range = ByteRange(0.0, self.range.step / count)
        elif count % 2 == 0 and self.range.low:
            # Halves are rounded up: an eighth too much in the mean of four. Not so after ReLU,
            # whose many zeros are averaged without rounding.
            self.range = ByteRange(self.range.low - self.range.step / (2 * count), self.range.step)
        if stage.last_activation:
            values = self._activate("last_table", stage.last_activation, values)
        return values

    def _weights(self, trained: TrainedLayer) -> tuple[Floats, Floats]:
        """Weights and biases of a layer, as sums over its inputs."""
        layer, arrays = trained.layer, trained.arrays
        if isinstance(layer, kinds.Distances):
            if not self.is_last or self.stage.activation:
                message = (
                    f"{layer.label} can be had in whole numbers at the end of a network alone; "
                    "export it without `int8`."
                )
                raise ModelError(message)
            # Of -|x - t|², -|x|² is the same for all classes and does not change probabilities.
            return 2 * arrays["targets"], -np.square(arrays["targets"]).sum(axis=1)
        if isinstance(layer, kinds.BatchNorm):
            gains, offsets = layer.gain_and_offset(arrays)
            return gains[:, None], offsets
        weights = arrays["weight"]
        if isinstance(layer, kinds.Subsampling):
            weights = np.repeat(weights[:, None], 4, axis=1)
        return weights, arrays.get("bias", np.zeros(len(weights), np.float32))

    def _sum(
        self,
        part: str,
        weights: Floats,
        biases: Floats,
        activation: kinds.Activation | None,
        values: Array,
        largest: int = _LARGEST_WEIGHT,
    ) -> Array:
        """Note weighted sums, with weights (outputs, …), and the activation after them.

        `part` is `pooled_` or nothing, and `values` are the sums that occur; back come the
        activated ones.
        """
        stage, given = self.stage, self.range
        if self.is_last and activation is None and (part or stage.pooling is None):
            offsets = biases + given.low * weights.reshape(len(weights), -1).sum(axis=1)
            unit = float(_weight_steps(weights, offsets, given, largest).max()) * given.step
            self.range = ByteRange(0.0, unit)
            self.found["gives_logits"] = True
        elif activation is None or activation.function == "relu":
            low = 0.0 if activation else float(values.min())
            self.range = ByteRange.between(low, max(float(values.max()), 0.0))
        else:
            beyond = _BEYOND.get(activation.function, _BEYOND_OTHERWISE)
            low, high = np.percentile(values, (beyond, 100 - beyond))
            self.range = ByteRange.between(float(low), float(high))
        label = (stage.pooling.layer if part and stage.pooling else stage).label
        self.found[f"{part}sums"] = _integer_sums(
            label, weights, biases, given, self.range, largest
        )
        if activation is None:
            return values
        if activation.function == "relu":
            return np.maximum(values, 0)
        return self._activate("last_table" if part else "table", activation, values)

    def _activate(self, table: str, activation: kinds.Activation, values: Array) -> Array:
        """Note an activation as a table of all bytes."""
        results = kinds.apply(activation, self.range.numbers(), {})
        self.range = ByteRange.between(float(results.min()), float(results.max()))
        self.found[table] = self.range.bytes_of(results)
        return kinds.apply(activation, values, {})

    def _widen(self, value: float) -> None:
        """Note the byte for what padding puts round feature maps, and make room for it."""
        before, place = self.range, (value - self.range.low) / self.range.step
        is_near = abs(place - round(place)) < _NEAR or self.stage.inputs == (0,)
        if not (0 <= round(place) <= 255 and is_near):
            low, high = before.low, before.low + 255 * before.step
            low, high = min(low, value), max(high, value)
            step = (high - low) / 255
            self.range = ByteRange(value - step * round((value - low) / step), step)
            self.found["table"] = self.range.bytes_of(before.numbers())
        self.found["around"] = round((value - self.range.low) / self.range.step)


def _apply(trained: TrainedLayer, values: Array) -> Array:
    """What a layer makes of values, some images at a time."""
    parts = (values[start : start + _PART] for start in range(0, len(values), _PART))
    return np.concatenate([trained.apply(part) for part in parts])


def _weight_steps(
    weights: Floats, biases: Floats, given: ByteRange, largest: int
) -> npt.NDArray[np.float64]:
    """What 1 stands for in the whole-numbered weights of each output.

    Where a bias is huge beside its weights, they become coarser, so that it has room.
    """
    ends = np.abs(weights.reshape(len(weights), -1)).max(axis=1)
    steps = np.maximum(ends / largest, np.abs(biases) / (given.step * _LARGEST_BIAS))
    return np.where(steps == 0, 1.0, steps).astype(np.float64)


def _integer_sums(
    label: str, weights: Floats, biases: Floats, given: ByteRange, wanted: ByteRange, largest: int
) -> IntegerSums:
    """Weighted sums of bytes of one range that give bytes of another."""
    rows = weights.reshape(len(weights), -1).astype(np.float64)
    offsets = biases + given.low * rows.sum(axis=1) - wanted.low
    steps = _weight_steps(rows, offsets, given, largest)
    integers = np.rint(rows / steps[:, None])
    offsets = biases + given.low * steps * integers.sum(axis=1) - wanted.low
    integer_biases = np.rint(offsets / (steps * given.step))
    if (np.abs(integer_biases) + 255 * np.abs(integers).sum(axis=1)).max() > _LARGEST_SUM:
        message = (
            f"{label} has {rows.shape[1]} inputs, too many for sums of 32 bits; export it without "
            "`int8`."
        )
        raise ModelError(message)
    factors = [_fixed_point(factor) for factor in steps * given.step / wanted.step]
    return IntegerSums(
        weights=integers.reshape(weights.shape).astype(
            np.int8 if largest == _LARGEST_WEIGHT else np.int32
        ),
        biases=integer_biases.astype(np.int32),
        multipliers=np.array([multiplier for multiplier, _ in factors], np.uint32),
        shifts=np.array([shift for _, shift in factors], np.uint8),
    )


def _fixed_point(factor: float) -> tuple[int, int]:
    """A multiplier below 2³¹ and a shift: multiplier / 2^shift is the factor, to 31 bits."""
    exponent = math.frexp(factor)[1]
    shift = max(1, min(31 - exponent, _LARGEST_SHIFT))
    return min(round(math.ldexp(factor, shift)), 2**31 - 1), shift
