"""The C functions of a network's stages, in floats or in whole numbers."""

import math
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from string import Template

import numpy as np
import numpy.typing as npt

from lenet.export._c_quantise import Bytes, IntegerStage, IntegerSums
from lenet.export._c_stages import Stage
from lenet.export._windows import Windows, as_maps, pooling_windows
from lenet.models.layers import (
    Activation,
    BatchNorm,
    Convolution,
    Dense,
    Distances,
    Padding,
    Subsampling,
)

_NUMBERS_A_LINE = {"float": 5, "int8_t": 15, "uint8_t": 18}  # 7 of 32 bits
_FEW = "abcd"  # numbers in a window, each of which has a name
_MANY_INPUTS = 512  # of a sum in floats
_LONGEST_LINE = 100
_COUNT = "((bottom - top) * (right - left))"  # of the numbers in a window

# A window is computed where it is pooled, so that the convolution's whole output is never stored.
_AT_ONE_PLACE = Template("""\
$comment
static $value_type ${name}_at(const $given_type *window, int unit)
{
    const $weight_type *weight = ${name}_weights[unit];
    $sum_type sum = $start;

$group    for (int channel = 0; channel < $channels; channel++) {
$begin        for (int y = 0; y < $kernel_height; y++) {
            for (int x = 0; x < $kernel_width; x++) {
                $sum += *weight++ * window[($height * channel + $y) * $width + $x];
            }
        }
$end    }
$results
}
""")
_MAPS = Template("""\
$comment
static void $name(const $given_type *input, $value_type *output)
{
    for (int unit = 0; unit < $units; unit++) {
        for (int row = 0; row < $rows; row++) {
            for (int column = 0; column < $columns; column++) {
$body
            }
        }
    }
}
""")
_WINDOW = Template("""\
$type $word = $initial;

for (int y = $top; y < $bottom; y$down) {
    for (int x = $left; x < $right; x$across) {
        $update
    }
}
""")
_ROW = Template("""\
$comment
static void $name($given, $value_type *output)
{
    for (int unit = 0; unit < $units; unit++) {
$weight        $sum_type sum = $start;

$loop$results
    }
}
""")
_LOOP = """\
        for (int index = 0; index < {inputs}; index++) {{
            {step}
        }}
"""
_LOOP_IN_PARTS = """\
        for (int start = 0; start < {inputs}; start += {part}) {{
            float part = 0.0f; /* of the sum: a term added to a small number loses less */
            for (int index = start; index < start + {part}; index++) {{
                part += weight[index] * input[index];
            }}
            sum += part;
        }}
"""
_PADDING = Template("""\
$comment
static void $name(const $given_type *input, $value_type *output)
{
    for (int channel = 0; channel < $channels; channel++) {
        for (int row = $top; row < $bottom; row++) {
            for (int column = $left; column < $right; column++) {
                const int inside = row >= 0 && row < $height && column >= 0 && column < $width;
                *output++ = inside ? $element : $value;
            }
        }
    }
}
""")

# What the stages call: a return type, parameters, and statements.
_FLOAT_HELPERS = {
    "sigmoid": ("float", "float x", "return 1.0f / (1.0f + expf(-x));"),
    "relu": ("float", "float x", "return x > 0.0f ? x : 0.0f;"),
    "leaky_relu": ("float", "float x, float slope", "return x > 0.0f ? x : slope * x;"),
    "elu": ("float", "float x, float alpha", "return x > 0.0f ? x : alpha * expm1f(x);"),
    "gelu": ("float", "float x", "return 0.5f * x * (1.0f + erff(0.70710678f * x));"),
    "silu": ("float", "float x", "return x / (1.0f + expf(-x));"),
    "hard_swish": (
        "float",
        "float x",
        "return x <= -3.0f ? 0.0f : x >= 3.0f ? x : x * (x + 3.0f) / 6.0f;",
    ),
    "softplus": ("float", "float x", "return x > 20.0f ? x : log1pf(expf(x));"),
    "scaled_tanh": ("float", "float x", "return 1.7159f * tanhf(0.66666667f * x);"),
    "larger": ("float", "float a, float b", "return a > b ? a : b;"),
}
_INTEGER_HELPERS = {
    "scaled": (
        "uint64_t",
        "uint32_t number, uint32_t multiplier, int shift",
        "return ((uint64_t)number * multiplier + ((uint64_t)1 << (shift - 1))) >> shift;",
    ),
    "to_byte": (
        "uint8_t",
        "int32_t sum, uint32_t multiplier, int shift",
        "if (sum <= 0) {\n    return 0;\n}\n"
        "const uint64_t result = scaled((uint32_t)sum, multiplier, shift);\n"
        "return result < 255 ? (uint8_t)result : 255;",
    ),
    "to_logit": (
        "int32_t",
        "int32_t sum, uint32_t multiplier, int shift",
        "if (sum < 0) {\n    return -(int32_t)scaled((uint32_t)-sum, multiplier, shift);\n}\n"
        "return (int32_t)scaled((uint32_t)sum, multiplier, shift);",
    ),
    "larger": ("uint8_t", "uint8_t a, uint8_t b", "return a > b ? a : b;"),
}
_EXPLAINED = {
    "scaled": "A number of 32 bits times multiplier / 2^shift, rounded to the nearest.",
    "to_byte": "A sum as one of the 256 steps between two layers; what lies beyond is cut off.",
    "to_logit": "The sum of a class in the unit of all classes.",
}


@dataclass(frozen=True, eq=False)
class Constant:
    """A constant array of the C code.

    Attributes:
        type: `float`, `int8_t`, `uint8_t`, `int32_t` or `uint32_t`.
        name: Its name.
        values: One or two dimensions.
    """

    type: str
    name: str
    values: npt.NDArray[np.generic]

    @property
    def size(self) -> int:
        """In bytes."""
        bits = int((re.findall(r"\d+", self.type) or ["32"])[0])
        return self.values.size * bits // 8

    def definition(self) -> str:
        """The C code that defines it."""
        sizes = "".join(f"[{size}]" for size in self.values.shape)
        start = f"static const {self.type} {self.name}{sizes} = {{\n"
        if self.values.ndim == 1:
            return f"{start}{self._numbers(self.values)}}};\n"
        rows = "".join(f"    {{\n{self._numbers(row)}    }},\n" for row in self.values)
        return f"{start}{rows}}};\n"

    def _numbers(self, values: npt.NDArray[np.generic]) -> str:
        literals = map(float_literal if self.type == "float" else str, values.tolist())
        return number_lines(list(literals), _NUMBERS_A_LINE.get(self.type, 7))


@dataclass(frozen=True, eq=False)
class StageCode:
    """How one stage is written in C.

    Attributes:
        stage: What it computes.
        given_type: Of a number that comes in.
        sum_type: Of a weighted sum, and of what is pooled as an average.
        value_type: Of a number that comes out.
        constants: Its weights and what else it knows.
        start: The expression that a sum of `unit` begins with.
        step: The statement that takes in `input[index]`, for a dense layer.
        results: What makes a value of `sum`: statements, and an expression at the end.
        inner_type: Of that value where it is pooled.
        pooled: What makes a value of a window's `sum` or maximum.
        around: The expression of what padding puts round feature maps.
    """

    stage: Stage
    given_type: str
    sum_type: str
    value_type: str
    constants: Sequence[Constant]
    start: str
    step: str
    results: Sequence[str]
    inner_type: str
    pooled: Sequence[str]
    around: str

    def function(self) -> str:
        """The C function, and the one that it calls for a number of a convolution."""
        lines: list[str] = []
        for line in self._function().splitlines():
            while len(line) > _LONGEST_LINE:
                end = line.rindex(" ", 0, _LONGEST_LINE)
                lines.append(line[:end])
                line = " " * (len(line) - len(line.lstrip()) + 4) + line[end + 1 :]
            lines.append(line)
        return "\n".join([*lines, ""])

    def _function(self) -> str:
        """The same with lines of any length."""
        stage, layer = self.stage, self.stage.computes
        words = {
            "name": stage.name,
            "comment": _comment(f"{_describe(stage)}: {_sizes(stage)}."),
            "given_type": self.given_type,
            "sum_type": self.sum_type,
            "value_type": self.value_type,
            "units": as_maps(stage.output_shape)[0],
            "start": self.start,
        }
        if isinstance(layer, Padding):
            return self._padding(words, layer)
        if isinstance(layer, Convolution):
            return f"{self._at_one_place(words, layer)}\n{self._maps(words)}"
        return self._maps(words) if stage.pooling else self._row(words)

    def _row(self, words: dict[str, object]) -> str:
        """A dense layer, distances, a sum of two inputs or an activation."""
        stage, weight, loop = self.stage, "", ""
        if isinstance(stage.computes, (Dense, Distances)):
            weight_type, inputs = self.constants[0].type, math.prod(stage.input_shape)
            weight = f"        const {weight_type} *weight = {stage.name}_weights[unit];\n"
            part = max(size for size in range(1, math.isqrt(inputs) + 1) if inputs % size == 0)
            is_long = self.sum_type == "float" and inputs > _MANY_INPUTS and part > 1
            is_dense = isinstance(stage.computes, Dense)
            loop = _LOOP_IN_PARTS if is_long and is_dense else _LOOP
            loop = loop.format(inputs=inputs, part=part, step=self.step)
        else:
            words["units"] = math.prod(stage.output_shape)
        given = [f"const {self.given_type} *{name}" for name in ("input", "other")]
        return _ROW.substitute(
            words,
            given=", ".join(given[: len(stage.inputs)]),
            weight=weight,
            loop=loop,
            results=_lines(self.results, "output[unit] = {};", 8),
        )

    def _at_one_place(self, words: dict[str, object], layer: Convolution) -> str:
        """The function for a number of a convolution's output."""
        stage = self.stage
        all_channels, height, width = as_maps(stage.input_shape)
        channels, (down, across) = all_channels // layer.groups, layer.dilation
        group = f"window += {channels * height * width} * (unit / {layer.filters // layer.groups});"
        in_parts = self.sum_type == "float" and channels * math.prod(layer.kernel_size) > (
            _MANY_INPUTS
        )
        return _AT_ONE_PLACE.substitute(
            words,
            comment=_comment(f"{_describe(stage, whole=False)}, at one place."),
            weight_type=self.constants[0].type,
            value_type=self.inner_type,
            group=f"    {group}\n" if layer.groups > 1 else "",
            channels=channels,
            height=height,
            width=width,
            kernel_height=layer.kernel_size[0],
            kernel_width=layer.kernel_size[1],
            y=_times(down, "y"),
            x=_times(across, "x"),
            begin="        float part = 0.0f; /* of the sum, which loses less so */\n"
            if in_parts
            else "",
            sum="part" if in_parts else "sum",
            end="        sum += part;\n" if in_parts else "",
            results=_lines(self.results, "return {};", 4),
        )

    def _maps(self, words: dict[str, object]) -> str:
        """Feature maps: a convolution's, pooled or not, or windows of what comes in."""
        stage = self.stage
        units, height, width = as_maps(stage.input_shape)
        down, across, plane = 1, 1, f"{_times(height * width, 'unit')} + " if units > 1 else ""
        if isinstance(stage.computes, Convolution):
            (down, across), plane = stage.computes.stride, ""

        def place(row: str, column: str, rows: int = 1, columns: int = 1) -> str:
            """Where the number lies, or the window that a convolution sees for it."""
            rows, columns = rows * down * width, columns * across
            return f"{plane}{_times(rows, row)} + {_times(columns, column)}"

        def number(origin: str, offset: str) -> str:
            if isinstance(stage.computes, Convolution):
                return f"{stage.name}_at({origin} + {offset}, unit)".replace(" + 0,", ",")
            return f"{origin}[{offset}]"

        if stage.pooling is None:
            body = f"*output++ = {number('input', place('row', 'column'))};"
        else:
            sizes, sides = stage.window_sizes(), pooling_windows(stage.pooling)
            is_max = not (stage.averages or isinstance(stage.pools, (Subsampling, BatchNorm)))
            word, kind = ("largest", self.inner_type) if is_max else ("total", self.sum_type)
            if sizes and math.prod(sizes) <= len(_FEW) and sides[0].spread == 1 == sides[1].spread:
                origin = place("row", "column", sides[0].step, sides[1].step)
                names = _FEW[: math.prod(sizes)]
                lines = [f"const {self.given_type} *window = input + {origin};"]
                for name, (y, x) in zip(names, np.ndindex(sizes), strict=True):
                    one = number("window", str(down * width * y + across * x))
                    lines.append(f"const {self.inner_type} {name} = {one};")
                value = " + ".join(names)
                if is_max:
                    value = reduce("larger({}, {})".format, names)
                lines.append(f"const {kind} {word} = {value};")
            else:
                ends = (*_ends(stage, "row", sides[0]), *_ends(stage, "column", sides[1]))
                sides_of_it = "top", "bottom", "left", "right"
                lines = []
                if not sizes:
                    lines.append(f"const int top = {ends[0]}, bottom = {ends[1]};")
                    lines.append(f"const int left = {ends[2]}, right = {ends[3]};")
                    ends = sides_of_it
                initial = "0" if self.sum_type == "int32_t" else "-INFINITY" if is_max else "0.0f"
                one = number("input", place("y", "x"))
                lines += _WINDOW.substitute(
                    dict(zip(sides_of_it, ends, strict=True)),
                    type=kind,
                    word=word,
                    initial=initial,
                    down=_steps(sides[0].spread),
                    across=_steps(sides[1].spread),
                    update=f"largest = larger(largest, {one});" if is_max else f"total += {one};",
                ).splitlines()
            *statements, value = self.pooled
            body = "\n".join([*lines, *statements, f"*output++ = {value};"])
        body = textwrap.indent(body, " " * 16)
        _, rows_out, columns_out = as_maps(stage.output_shape)
        return _MAPS.substitute(words, rows=rows_out, columns=columns_out, body=body)

    def _padding(self, words: dict[str, object], layer: Padding) -> str:
        """What is round feature maps."""
        channels, height, width = as_maps(self.stage.input_shape)
        left, right, above, below = layer.margins
        return _PADDING.substitute(
            words,
            channels=channels,
            height=height,
            width=width,
            top=-above,
            bottom=height + below,
            left=-left,
            right=width + right,
            element=self.results[-1],
            value=self.around,
        )


def float_code(stages: Sequence[Stage]) -> list[StageCode]:
    """Each stage in floats; those that take the image take its bytes."""
    return [_float_stage(stage) for stage in stages]


def integer_code(stages: Sequence[IntegerStage]) -> list[StageCode]:
    """Each stage in whole numbers: bytes come in and out, and the last gives int32 logits."""
    return [_integer_stage(quantised, quantised is stages[-1]) for quantised in stages]


def helpers(code: str, is_int8: bool) -> list[str]:
    """The functions that are called in some code."""
    made: list[str] = []
    for name, (kind, given, statements) in reversed(
        (_INTEGER_HELPERS if is_int8 else _FLOAT_HELPERS).items()
    ):
        if re.search(rf"\b{name}\(", code):
            explained = f"/* {_EXPLAINED[name]} */\n" if name in _EXPLAINED else ""
            body = textwrap.indent(statements, "    ")
            made.insert(0, f"{explained}static {kind} {name}({given})\n{{\n{body}\n}}\n")
            code += body
    return made


def _float_stage(stage: Stage) -> StageCode:
    """One stage in floats."""
    name, layer, pools = stage.name, stage.computes, stage.pools
    constants, start, step = [], "0.0f", "sum += weight[index] * input[index];"
    if isinstance(layer, Distances):
        constants.append(Constant("float", f"{name}_weights", _arrays(stage)["targets"]))
        step = "sum -= (input[index] - weight[index]) * (input[index] - weight[index]);"
    elif isinstance(layer, (Convolution, Dense)):
        arrays = _arrays(stage)
        weights = arrays["weight"].reshape(len(arrays["weight"]), -1)
        constants.append(Constant("float", f"{name}_weights", weights))
        if "bias" in arrays:
            constants.append(Constant("float", f"{name}_biases", arrays["bias"]))
            start = f"{name}_biases[unit]"
    else:
        start = " + ".join(["input[unit]", "other[unit]"][: len(stage.inputs)])
    pooled = ["largest"]
    if stage.averages:
        size = stage.window_sizes()
        mean = (
            f"{float_literal(1 / math.prod(size))} * total" if size else f"total / (float){_COUNT}"
        )
        pooled = [mean]
    elif isinstance(pools, (Subsampling, BatchNorm)):
        assert stage.pooling
        gains, offsets = stage.pooling.arrays["weight"], stage.pooling.arrays["bias"]
        if isinstance(pools, BatchNorm):
            gains, offsets = map(np.float32, pools.gain_and_offset(stage.pooling.arrays))
        constants.append(Constant("float", f"{name}_gains", gains))
        constants.append(Constant("float", f"{name}_offsets", offsets))
        pooled = [f"{name}_gains[unit] * total + {name}_offsets[unit]"]
    if stage.last_activation:
        pooled = [f"const float sum = {pooled[0]};", _activated("sum", stage.last_activation)]
    is_padding = isinstance(layer, Padding)
    return StageCode(
        stage=stage,
        given_type="float" if all(stage.inputs) else "uint8_t",
        sum_type="float",
        value_type="float",
        constants=[*constants, *_window_edges(stage)],
        start=start,
        step=step,
        results=["*input++" if is_padding else _activated("sum", stage.activation)],
        inner_type="float",
        pooled=pooled,
        around=float_literal(layer.value) if isinstance(layer, Padding) else "",
    )


def _integer_stage(quantised: IntegerStage, is_last: bool) -> StageCode:
    """One stage in whole numbers."""
    stage, sums = quantised.stage, quantised.sums
    name, layer = stage.name, stage.computes
    constants: list[Constant] = []
    start, results = "input[unit]", ["sum"]
    if isinstance(layer, Padding):
        results = ["*input++" if quantised.table is None else f"{name}_table[*input++]"]
        constants += _table(name, quantised.table)
    elif sums is not None:
        scale = "to_logit" if quantised.gives_logits and not stage.pooling else "to_byte"
        if len(stage.inputs) > 1:
            weights, bias = sums.weights[0], sums.biases[0]
            start = f"{weights[0]} * input[unit] + {weights[1]} * other[unit]"
            start += f" {'-' if bias < 0 else '+'} {abs(bias)}"
            value = f"{scale}(sum, {sums.multipliers[0]}u, {sums.shifts[0]})"
        else:
            start = f"{name}_biases[unit]"
            constants += _scaling(name, sums)
            value = _scaled(scale, name)
        results = _looked_up(name, value, quantised.table, constants)
    elif quantised.table is not None:
        constants += _table(name, quantised.table)
        results = [f"{name}_table[sum]"]
    pooled = ["largest"]
    if stage.averages and quantised.gives_logits:
        pooled = ["total"]
    elif stage.averages:
        size = stage.window_sizes()
        count = str(math.prod(size)) if size else "count"
        half = str(math.prod(size) // 2) if size else "count / 2"
        pooled = [f"(uint8_t)((total + {half}) / {count})"]
        if not size:
            pooled.insert(0, f"const int32_t count = {_COUNT};")
    if quantised.pooled_sums is not None:
        own = f"{name}_pooled"
        constants += _scaling(own, quantised.pooled_sums)
        sum_ = f"const int32_t sum = {own}_weights[unit] * total + {own}_biases[unit];"
        value = _scaled("to_logit" if quantised.gives_logits else "to_byte", own)
        pooled = [sum_, *_looked_up(own, value, quantised.last_table, constants)]
    elif quantised.last_table is not None:
        constants += _table(f"{name}_pooled", quantised.last_table)
        pooled[-1] = f"{name}_pooled_table[{pooled[-1]}]"
    return StageCode(
        stage=stage,
        given_type="uint8_t",
        sum_type="int32_t",
        value_type="int32_t" if is_last else "uint8_t",
        constants=[*constants, *_window_edges(stage)],
        start=start,
        step="sum += weight[index] * input[index];",
        results=results,
        inner_type="int32_t" if is_last and not stage.pooling else "uint8_t",
        pooled=pooled,
        around=str(quantised.around),
    )


def _scaling(name: str, sums: IntegerSums) -> list[Constant]:
    """The weights and biases of sums, and what brings them to the range that is wanted."""
    weights = sums.weights.reshape(len(sums.weights), -1)
    if name.endswith("_pooled"):  # all numbers of a window have one
        weights = weights[:, 0]
    return [
        Constant("int8_t", f"{name}_weights", weights),
        Constant("int32_t", f"{name}_biases", sums.biases),
        Constant("uint32_t", f"{name}_multipliers", sums.multipliers),
        Constant("uint8_t", f"{name}_shifts", sums.shifts),
    ]


def _table(name: str, table: Bytes | None) -> list[Constant]:
    """The table of an activation, where it needs one."""
    return [] if table is None else [Constant("uint8_t", f"{name}_table", table)]


def _scaled(function: str, name: str) -> str:
    """The expression of a sum of `unit`, scaled."""
    return f"{function}(sum, {name}_multipliers[unit], {name}_shifts[unit])"


def _looked_up(name: str, value: str, table: Bytes | None, constants: list[Constant]) -> list[str]:
    """A scaled sum through the table of the activation after it, which is a constant then."""
    if table is None:
        return [value]
    constants += _table(name, table)
    return [f"const uint8_t step = {value};", f"{name}_table[step]"]


def _window_edges(stage: Stage) -> Iterable[Constant]:
    """Where windows of a pooling begin and end that follow no simple rule."""
    if stage.pooling and not isinstance(stage.pools, BatchNorm):
        for side, windows in zip(("row", "column"), pooling_windows(stage.pooling), strict=True):
            if windows.size is None:
                yield Constant("int32_t", f"{stage.name}_{side}s", np.array(windows.edges))


def _ends(stage: Stage, side: str, windows: Windows) -> tuple[str, str]:
    """The expressions of where a window begins and ends, down or across."""
    if windows.size is None:
        table = f"{stage.name}_{side}s[{side}]"
        return f"{table}[0]", f"{table}[1]"
    if len(windows.edges) == 1:
        return "0", str(windows.size)
    start = _times(windows.step, side)
    return start, f"{start} + {windows.size}"


def _steps(size: int) -> str:
    """The end of a loop's head."""
    return "++" if size == 1 else f" += {size}"


def _times(factor: int, name: str) -> str:
    """A product without a needless factor."""
    return name if factor == 1 else f"{factor} * {name}"


def _activated(value: str, activation: Activation | None) -> str:
    """An expression, given to the function of an activation."""
    if activation is None:
        return value
    function = "tanhf" if activation.function == "tanh" else activation.function
    parameter = f", {float_literal(activation.parameter)}" if activation.parameter else ""
    return f"{function}({value}{parameter})"


def _arrays(stage: Stage) -> dict[str, npt.NDArray[np.float32]]:
    """The numbers of what it computes first."""
    assert stage.layer
    return stage.layer.arrays


def _lines(results: Sequence[str], last: str, indent: int) -> str:
    """Statements, the last one with the expression at the end."""
    *statements, value = results
    return textwrap.indent("\n".join([*statements, last.format(value)]), " " * indent)


def _comment(text: str) -> str:
    """A comment in lines."""
    lines = "\n * ".join(textwrap.wrap(text, 94, break_long_words=False))
    return f"/* {lines} */"


def _sizes(stage: Stage) -> str:
    """The shapes of what comes in and out."""
    before, after = ("x".join(map(str, shape)) for shape in (stage.input_shape, stage.output_shape))
    return f"{before} to {after}"


def _describe(stage: Stage, whole: bool = True) -> str:
    """Its layers in words; without the pooling if it is not wanted as a whole."""
    words, layer, pools = stage.name.replace("_", " ").capitalize(), stage.computes, stage.pools
    if isinstance(layer, Convolution):
        words += f" ({layer.filters} filters of {'x'.join(map(str, layer.kernel_size))})"
    if stage.activation:
        words += f" and {stage.activation.function}"
    if whole and pools:
        size = stage.window_sizes()
        of = f" of {size[0]}x{size[1]}" if size else ""
        what = {"average": f"the average{of}", "max": f"the maximum{of}"}
        words += f" with {what.get(getattr(pools, 'method', ''), 'a weight for each map')}"
        if stage.last_activation:
            words += f" and {stage.last_activation.function}"
    return words


def float_literal(number: float) -> str:
    """The shortest literal that is the same float32.

    >>> float_literal(0.1), float_literal(3), float_literal(-1e-20)
    ('0.1f', '3.0f', '-1e-20f')
    """
    return str(np.float32(number)) + "f"


def number_lines(literals: list[str], a_line: int) -> str:
    """Literals in indented lines, each of as many."""
    groups = (literals[start : start + a_line] for start in range(0, len(literals), a_line))
    return "".join(f"        {', '.join(group)},\n" for group in groups)
