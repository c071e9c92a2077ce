"""A network's stages as C that computes with whole numbers."""

from collections.abc import Sequence

from lenet.export._c_functions import StageCode
from lenet.export._c_quantise import Bytes, IntegerStage, IntegerSums
from lenet.export._c_text import Constant
from lenet.models import PoolingLayer, SubsamplingLayer

_SCALED = """\
/* A number of 32 bits times multiplier / 2^shift, rounded to the nearest. */
static uint64_t scaled(uint32_t number, uint32_t multiplier, int shift)
{
    return ((uint64_t)number * multiplier + ((uint64_t)1 << (shift - 1))) >> shift;
}
"""
_TO_BYTE = """\
/* A sum as one of the 256 steps between two layers; what lies beyond them is cut off. */
static uint8_t to_byte(int32_t sum, uint32_t multiplier, int shift)
{
    if (sum <= 0) {
        return 0;
    }
    const uint64_t result = scaled((uint32_t)sum, multiplier, shift);
    return result < 255 ? (uint8_t)result : 255;
}
"""
_TO_LOGIT = """\
/* The sum of a class in the unit of all classes. */
static int32_t to_logit(int32_t sum, uint32_t multiplier, int shift)
{
    if (sum < 0) {
        return -(int32_t)scaled((uint32_t)-sum, multiplier, shift);
    }
    return (int32_t)scaled((uint32_t)sum, multiplier, shift);
}
"""
_LARGER = """\
static uint8_t larger(uint8_t a, uint8_t b)
{
    return a > b ? a : b;
}
"""


def int8_stages(stages: Sequence[IntegerStage]) -> list[StageCode]:
    """Each stage with int8 weights; the last gives int32 logits."""
    return [_stage_code(quantised, quantised is stages[-1]) for quantised in stages]


def int8_functions(stages: Sequence[IntegerStage]) -> list[str]:
    """The functions that the stages call."""
    poolings = [quantised.stage.pooling for quantised in stages]
    is_max = any(isinstance(layer, PoolingLayer) and layer.kind == "max" for layer in poolings)
    return [
        _SCALED,
        *([_TO_BYTE] if len(stages) > 1 else []),
        _TO_LOGIT,
        *([_LARGER] if is_max else []),
    ]


def _stage_code(quantised: IntegerStage, is_last: bool) -> StageCode:
    """One stage."""
    stage = quantised.stage
    name, pooling = stage.name, stage.pooling
    weights = quantised.sums.weights.reshape(len(quantised.sums.weights), -1)
    constants = [
        Constant("int8_t", f"{name}_weights", weights),
        *_scaling_constants(name, quantised.sums, quantised.table),
    ]
    pooled: tuple[str, ...] = ("*output++ = (uint8_t)((a + b + c + d + 2) / 4);",)
    if isinstance(pooling, SubsamplingLayer):
        assert quantised.pooled_sums
        more, pooled_name = quantised.pooled_sums, name.replace("convolution", "subsampling")
        constants.append(Constant("int8_t", f"{pooled_name}_weights", more.weights[:, 0]))
        constants += _scaling_constants(pooled_name, more, quantised.last_table)
        pooled = (
            f"const int32_t sum = {pooled_name}_weights[unit] * (a + b + c + d)",
            f"                    + {pooled_name}_biases[unit];",
            f"const uint8_t step = to_byte(sum, {pooled_name}_multipliers[unit],",
            f"                             {pooled_name}_shifts[unit]);",
            f"*output++ = {pooled_name}_table[step];",
        )
    elif pooling and pooling.kind == "max":
        pooled = ("*output++ = larger(larger(a, b), larger(c, d));",)
    scale = "to_logit" if is_last else "to_byte"
    value, before_value = f"{scale}(sum, {name}_multipliers[unit], {name}_shifts[unit])", ""
    if quantised.table is not None:
        value, before_value = f"{name}_table[step]", f"const uint8_t step = {value};"
    return StageCode(
        stage=stage,
        given_type="uint8_t",
        weight_type="int8_t",
        sum_type="int32_t",
        value_type="int32_t" if is_last else "uint8_t",
        constants=tuple(constants),
        start=f"{name}_biases[unit]",
        step="sum += weight[index] * input[index];",
        value=value,
        before_value=before_value,
        corner_type="uint8_t",
        pooling=pooled,
        padding=str(quantised.padding),
    )


def _scaling_constants(name: str, sums: IntegerSums, table: Bytes | None) -> list[Constant]:
    """The biases of sums, and what brings them to the next layer's range."""
    constants = [
        Constant("int32_t", f"{name}_biases", sums.biases),
        Constant("uint32_t", f"{name}_multipliers", sums.multipliers),
        Constant("uint8_t", f"{name}_shifts", sums.shifts),
    ]
    if table is not None:
        constants.append(Constant("uint8_t", f"{name}_table", table))
    return constants
