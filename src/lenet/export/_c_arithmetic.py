"""What the C code of a stage computes with: floats, or whole numbers."""

import math
import re

import numpy as np

from lenet.export._c_functions import Constant, StageCode, float_literal, helper, window_edges
from lenet.export._c_quantise import Bytes, IntegerStage, IntegerSums
from lenet.export._c_stages import Stage
from lenet.models import layers as kinds

_COUNT = "((bottom - top) * (right - left))"  # of the numbers in a window
# Functions that the stages call.
_FLOATS = {
    name: helper("float", f"{name}(float x{more})", f"return {value};")
    for name, more, value in (
        ("sigmoid", "", "1.0f / (1.0f + expf(-x))"),
        ("relu", "", "x > 0.0f ? x : 0.0f"),
        ("leaky_relu", ", float slope", "x > 0.0f ? x : slope * x"),
        ("elu", ", float alpha", "x > 0.0f ? x : alpha * expm1f(x)"),
        ("gelu", "", "0.5f * x * (1.0f + erff(0.70710678f * x))"),
        ("silu", "", "x / (1.0f + expf(-x))"),
        ("hard_swish", "", "x <= -3.0f ? 0.0f : x >= 3.0f ? x : x * (x + 3.0f) / 6.0f"),
        ("softplus", "", "x > 20.0f ? x : log1pf(expf(x))"),
        ("scaled_tanh", "", "1.7159f * tanhf(0.66666667f * x)"),
        ("larger", ", float y", "x > y ? x : y"),
    )
}
_INTEGERS = {
    "scaled": helper(
        "uint64_t",
        "scaled(uint32_t number, uint32_t multiplier, int shift)",
        "return ((uint64_t)number * multiplier + ((uint64_t)1 << (shift - 1))) >> shift;",
        "A number of 32 bits times multiplier / 2^shift, rounded to the nearest.",
    ),
    "to_byte": helper(
        "uint8_t",
        "to_byte(int32_t sum, uint32_t multiplier, int shift)",
        "if (sum <= 0) {\n    return 0;\n}\n"
        "const uint64_t result = scaled((uint32_t)sum, multiplier, shift);\n"
        "return result < 255 ? (uint8_t)result : 255;",
        "A sum as one of the 256 steps between two layers; what lies beyond them is cut off.",
    ),
    "to_logit": helper(
        "int32_t",
        "to_logit(int32_t sum, uint32_t multiplier, int shift)",
        "if (sum < 0) {\n    return -(int32_t)scaled((uint32_t)-sum, multiplier, shift);\n}\n"
        "return (int32_t)scaled((uint32_t)sum, multiplier, shift);",
        "The sum of a class in the unit of all classes.",
    ),
    "larger": helper("uint8_t", "larger(uint8_t x, uint8_t y)", "return x > y ? x : y;"),
}


def helpers(code: str, is_int8: bool) -> list[str]:
    """The functions that are called in some code."""
    made: list[str] = []
    for name, function in reversed((_INTEGERS if is_int8 else _FLOATS).items()):
        if re.search(rf"\b{name}\(", code):
            made.insert(0, function)
            code += function
    return made


def float_code(stage: Stage) -> StageCode:
    """A stage in floats; one that takes the image takes its bytes."""
    name, layer, pooling = stage.name, stage.computes, stage.pooling
    arrays = stage.layer.arrays if stage.layer else {}
    constants, start = [], "0.0f"
    if isinstance(layer, kinds.Distances):
        constants.append(Constant("float", f"{name}_weights", arrays["targets"]))
    elif isinstance(layer, (kinds.Convolution, kinds.Dense)):
        weights = arrays["weight"].reshape(len(arrays["weight"]), -1)
        constants.append(Constant("float", f"{name}_weights", weights))
        if "bias" in arrays:
            constants.append(Constant("float", f"{name}_biases", arrays["bias"]))
            start = f"{name}_biases[unit]"
    else:
        start = "input[unit] + other[unit]" if isinstance(layer, kinds.Residual) else "input[unit]"
    results = [_activated("sum", stage.activation)]
    if isinstance(layer, kinds.Padding):
        results = ["*input++", float_literal(layer.value)]
    pooled = ["largest"]
    if stage.averages:
        size = stage.window_sizes()
        share = float_literal(1 / math.prod(size)) if size else ""
        pooled = [f"{share} * total" if size else f"total / (float){_COUNT}"]
    elif pooling and isinstance(pooling.layer, (kinds.Subsampling, kinds.BatchNorm)):
        gains, offsets = pooling.arrays["weight"], pooling.arrays["bias"]
        if isinstance(pooling.layer, kinds.BatchNorm):
            gains, offsets = map(np.float32, pooling.layer.gain_and_offset(pooling.arrays))
        constants.append(Constant("float", f"{name}_gains", gains))
        constants.append(Constant("float", f"{name}_offsets", offsets))
        pooled = [f"{name}_gains[unit] * total + {name}_offsets[unit]"]
    if stage.last_activation:
        pooled = [f"const float sum = {pooled[0]};", _activated("sum", stage.last_activation)]
    given = "float" if all(stage.inputs) else "uint8_t"
    constants += window_edges(stage)
    return StageCode(stage, given, "float", "float", constants, start, results, pooled)


def integer_code(quantised: IntegerStage, is_last: bool) -> StageCode:
    """A stage in whole numbers: bytes come in and out, and of the last one int32 logits."""
    stage, sums, more = quantised.stage, quantised.sums, quantised.pooled_sums
    name, own = stage.name, f"{stage.name}_pooled"
    constants: list[Constant] = []
    start, results, pooled = "input[unit]", ["sum"], ["largest"]
    if isinstance(stage.computes, kinds.Padding):
        within = "*input++" if quantised.table is None else f"{name}_table[*input++]"
        results = [within, str(quantised.around)]
    elif sums is not None:
        scale = "to_logit" if quantised.gives_logits and not stage.pooling else "to_byte"
        if isinstance(stage.computes, kinds.Residual):
            (first, second), bias = sums.weights[0], sums.biases[0]
            start = f"{first} * input[unit] + {second} * other[unit]"
            start += f" {'-' if bias < 0 else '+'} {abs(bias)}"
            value = f"{scale}(sum, {sums.multipliers[0]}u, {sums.shifts[0]})"
        else:
            start = f"{name}_biases[unit]"
            constants += _scaling(name, sums, sums.weights.reshape(len(sums.weights), -1))
            value = f"{scale}(sum, {name}_multipliers[unit], {name}_shifts[unit])"
        results = _looked_up(name, value, quantised.table)
    elif quantised.table is not None:
        results = [f"{name}_table[sum]"]
    constants += _table(name, quantised.table)
    if stage.averages and quantised.gives_logits:
        pooled = ["total"]
    elif stage.averages:
        size = stage.window_sizes()
        count, half = (math.prod(size), math.prod(size) // 2) if size else ("count", "count / 2")
        counted = [] if size else [f"const int32_t count = {_COUNT};"]
        pooled = [*counted, f"(uint8_t)((total + {half}) / {count})"]
    if more is not None:
        constants += _scaling(own, more, more.weights[:, 0])  # all numbers of a window have one
        scale = "to_logit" if quantised.gives_logits else "to_byte"
        value = f"{scale}(sum, {own}_multipliers[unit], {own}_shifts[unit])"
        pooled = [
            f"const int32_t sum = {own}_weights[unit] * total + {own}_biases[unit];",
            *_looked_up(own, value, quantised.last_table),
        ]
    elif quantised.last_table is not None:
        pooled[-1] = f"{own}_table[{pooled[-1]}]"
    constants += [*_table(own, quantised.last_table), *window_edges(stage)]
    kind = "int32_t" if is_last else "uint8_t"
    return StageCode(stage, "uint8_t", "int32_t", kind, constants, start, results, pooled)


def _scaling(name: str, sums: IntegerSums, weights: np.ndarray) -> list[Constant]:
    """The weights and biases of sums, and what brings them to the range that is wanted."""
    return [
        Constant("int8_t", f"{name}_weights", weights),
        Constant("int32_t", f"{name}_biases", sums.biases),
        Constant("uint32_t", f"{name}_multipliers", sums.multipliers),
        Constant("uint8_t", f"{name}_shifts", sums.shifts),
    ]


def _table(name: str, table: Bytes | None) -> list[Constant]:
    return [] if table is None else [Constant("uint8_t", f"{name}_table", table)]


def _looked_up(name: str, value: str, table: Bytes | None) -> list[str]:
    """A scaled sum, through the table of the activation after it where it needs one."""
    if table is None:
        return [value]
    return [f"const uint8_t step = {value};", f"{name}_table[step]"]


def _activated(value: str, activation: kinds.Activation | None) -> str:
    """An expression, given to the function of an activation."""
    if activation is None:
        return value
    function = "tanhf" if activation.function == "tanh" else activation.function
    parameter = f", {float_literal(activation.parameter)}" if activation.parameter else ""
    return f"{function}({value}{parameter})"
