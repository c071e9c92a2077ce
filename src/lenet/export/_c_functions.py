"""The C function of a stage, whatever it computes with."""

import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from lenet.export._c_stages import Stage
from lenet.export._windows import Windows, as_maps, pooling_windows
from lenet.models import TrainedLayer
from lenet.models import layers as kinds

_NUMBERS_A_LINE = {"float": 5, "int8_t": 15, "uint8_t": 18}  # 7 of 32 bits
_FEW = "abcd"  # numbers in a window, each of which has a name: loops over them are slower
_MANY_INPUTS = 512  # of a sum in floats
_PART = "float part = 0.0f; /* of the sum: a term added to a small number loses less */"
_LONGEST_LINE = 100


@dataclass(frozen=True, eq=False)
class Constant:
    """A constant array of the C code."""

    type: str  # `float`, `int8_t`, `uint8_t`, `int32_t` or `uint32_t`
    name: str  # its name
    values: npt.NDArray[np.generic]  # one or two dimensions

    @property
    def size(self) -> int:
        """In bytes."""
        return self.values.size * (1 if self.type.endswith("int8_t") else 4)

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
    """How one stage is written in C."""

    stage: Stage  # what it computes
    given_type: str  # of a number that comes in
    sum_type: str  # of a weighted sum
    value_type: str  # of a number that comes out
    constants: Sequence[Constant]  # its weights, which are the first, and what else it knows
    start: str  # the expression that a sum of `unit` begins with
    # What makes a value of `sum`: statements, and an expression at the end. Of padding, the
    # expressions of what is within the frame and of the frame.
    results: Sequence[str]
    pooled: Sequence[str]  # what makes a value of a window's `total` or `largest`

    @property
    def is_float(self) -> bool:
        """Whether it computes with floats."""
        return self.sum_type == "float"

    def function(self) -> str:
        """The C function, and the one that it calls for a number of a convolution."""
        stage, layer = self.stage, self.stage.computes
        lines = []
        if isinstance(layer, kinds.Padding):
            body = self._padding(layer)
        elif isinstance(layer, kinds.Convolution):
            lines, body = self._at_one_place(layer), self._maps()
        else:
            body = self._maps() if stage.pooling else self._row()
        given = [f"const {self.given_type} *{name}" for name in ("input", "other")]
        parameters = ", ".join([*given[: len(stage.inputs)], f"{self.value_type} *output"])
        sizes = ("x".join(map(str, shape)) for shape in (stage.input_shape, stage.output_shape))
        lines += _comment(f"{_describe(stage)}: {' to '.join(sizes)}.")
        lines += _function(f"static void {stage.name}({parameters})", body)
        short: list[str] = []
        for line in lines:
            while len(line) > _LONGEST_LINE:
                end = line.rindex(" ", 0, _LONGEST_LINE)
                short.append(line[:end])
                line = " " * (len(line) - len(line.lstrip()) + 4) + line[end + 1 :]
            short.append(line)
        return "\n".join(short)

    def _row(self) -> list[str]:
        """A dense layer, distances, a sum of two inputs or an activation."""
        stage, sum_ = self.stage, f"{self.sum_type} sum = {self.start};"
        results = [*self.results[:-1], f"output[unit] = {self.results[-1]};"]
        if not isinstance(stage.computes, (kinds.Dense, kinds.Distances)):
            return _loop("unit", math.prod(stage.output_shape), [f"const {sum_}", *results])
        inputs = math.prod(stage.input_shape)
        weight = f"const {self.constants[0].type} *weight = {stage.name}_weights[unit];"
        part = max(size for size in range(1, math.isqrt(inputs) + 1) if inputs % size == 0)
        product = "weight[index] * input[index]"
        if isinstance(stage.computes, kinds.Distances) and self.is_float:
            offset = "(input[index] - weight[index])"
            loop = _loop("index", inputs, [f"sum -= {offset} * {offset};"])
        elif self.is_float and inputs > _MANY_INPUTS and part > 1:
            inner = _loop("index", f"start + {part}", [f"part += {product};"], "start")
            loop = _loop("start", inputs, [_PART, *inner, "sum += part;"], 0, part)
        else:
            loop = _loop("index", inputs, [f"sum += {product};"])
        return _loop("unit", stage.output_shape[0], [weight, sum_, "", *loop, *results])

    def _at_one_place(self, layer: kinds.Convolution) -> list[str]:
        """The function for a number of a convolution's output."""
        stage, is_last = self.stage, self.stage.pooling is None
        all_channels, height, width = as_maps(stage.input_shape)
        channels, (down, across) = all_channels // layer.groups, layer.dilation
        is_long = self.is_float and channels * math.prod(layer.kernel_size) > _MANY_INPUTS
        seen = (
            f"window[({height} * channel + {_times(down, 'y')}) * {width} + {_times(across, 'x')}]"
        )
        step = [f"{'part' if is_long else 'sum'} += *weight++ * {seen};"]
        loops = _loop("y", layer.kernel_size[0], _loop("x", layer.kernel_size[1], step))
        if is_long:
            loops = [_PART, *loops, "sum += part;"]
        each = layer.filters // layer.groups
        group = f"window += {channels * height * width} * (unit / {each});"
        kind = self.value_type if is_last else self._inner_type
        return [
            *_comment(f"{_describe(stage, whole=False)}, at one place."),
            *_function(
                f"static {kind} {stage.name}_at(const {self.given_type} *window, int unit)",
                [
                    f"const {self.constants[0].type} *weight = {stage.name}_weights[unit];",
                    f"{self.sum_type} sum = {self.start};",
                    "",
                    *([group] if layer.groups > 1 else []),
                    *_loop("channel", channels, loops),
                    *self.results[:-1],
                    f"return {self.results[-1]};",
                ],
            ),
        ]

    @property
    def _inner_type(self) -> str:
        """Of a number that is pooled."""
        return "float" if self.is_float else "uint8_t"

    def _maps(self) -> list[str]:
        """Feature maps: a convolution's, pooled or not, or windows of what comes in."""
        stage = self.stage
        units, rows, columns = as_maps(stage.output_shape)
        if stage.pooling:
            body = [*self._window(stage.pooling), *self.pooled[:-1]]
            body.append(f"*output++ = {self.pooled[-1]};")
        else:
            body = [f"*output++ = {self._number('input', self._offset('row', 'column'))};"]
        return _loop("unit", units, _loop("row", rows, _loop("column", columns, body)))

    def _number(self, origin: str, offset: str) -> str:
        """The number at a place, of what comes in or of a convolution of it."""
        if isinstance(self.stage.computes, kinds.Convolution):
            return f"{self.stage.name}_at({origin} + {offset}, unit)".replace(" + 0,", ",")
        return f"{origin}[{offset}]"

    def _offset(self, row: str, column: str, steps: Sequence[int] = (1, 1)) -> str:
        """How far the number, or what a convolution sees for it, is from the first."""
        units, height, width = as_maps(self.stage.input_shape)
        layer = self.stage.computes
        (down, across), plane = (1, 1), f"{_times(height * width, 'unit')} + " if units > 1 else ""
        if isinstance(layer, kinds.Convolution):
            (down, across), plane = layer.stride, ""
        down, across = down * width * steps[0], across * steps[1]
        if row.isdigit():
            return str(down * int(row) + across * int(column))
        return f"{plane}{_times(down, row)} + {_times(across, column)}"

    def _window(self, pooling: TrainedLayer) -> list[str]:
        """The statements that make the `total` or the `largest` of a window."""
        stage, sizes, sides = self.stage, self.stage.window_sizes(), pooling_windows(pooling)
        is_max = not (
            stage.averages or isinstance(pooling.layer, (kinds.Subsampling, kinds.BatchNorm))
        )
        word = f"{self._inner_type} largest" if is_max else f"{self.sum_type} total"
        if sizes and math.prod(sizes) <= len(_FEW) and sides[0].spread == 1 == sides[1].spread:
            start = self._offset("row", "column", [side.step for side in sides])
            if sizes == (1, 1):
                return [f"const {word} = {self._number('input', start)};"]
            names = _FEW[: math.prod(sizes)]
            one_by_one = [
                f"const {self._inner_type} {name} = "
                f"{self._number('window', self._offset(str(row), str(column)))};"
                for name, (row, column) in zip(names, np.ndindex(sizes), strict=True)
            ]
            result = reduce("larger({}, {})".format, names) if is_max else " + ".join(names)
            window = f"const {self.given_type} *window = input + {start};"
            return [window, *one_by_one, f"const {word} = {result};"]
        top, bottom = _ends(stage, "row", sides[0])
        left, right = _ends(stage, "column", sides[1])
        lines = []
        if not sizes:
            lines.append(f"const int top = {top}, bottom = {bottom};")
            lines.append(f"const int left = {left}, right = {right};")
            top, bottom, left, right = "top", "bottom", "left", "right"
        initial = ("-INFINITY" if is_max else "0.0f") if self.is_float else "0"
        number = self._number("input", self._offset("y", "x"))
        step = f"largest = larger(largest, {number});" if is_max else f"total += {number};"
        inner = _loop("x", right, [step], left, sides[1].spread)
        return [
            *lines,
            f"{word} = {initial};",
            "",
            *_loop("y", bottom, inner, top, sides[0].spread),
        ]

    def _padding(self, layer: kinds.Padding) -> list[str]:
        """What is round feature maps."""
        channels, height, width = as_maps(self.stage.input_shape)
        left, right, above, below = layer.margins
        within = f"row >= 0 && row < {height} && column >= 0 && column < {width}"
        body = [
            f"const int inside = {within};",
            f"*output++ = inside ? {self.results[0]} : {self.results[1]};",
        ]
        columns = _loop("column", width + right, body, -left)
        return _loop("channel", channels, _loop("row", height + below, columns, -above))


def window_edges(stage: Stage) -> Iterable[Constant]:
    """Where windows of a pooling begin and end that follow no simple rule."""
    if stage.pooling:
        for side, windows in zip(("row", "column"), pooling_windows(stage.pooling), strict=True):
            if windows.size is None:
                yield Constant("int32_t", f"{stage.name}_{side}s", np.array(windows.edges))


def helper(kind: str, parameters: str, statements: str, comment: str = "") -> str:
    """A small function that the stages call."""
    lines = [f"/* {comment} */"] if comment else []
    return "\n".join([*lines, *_function(f"static {kind} {parameters}", statements.split("\n"))])


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


def _block(head: str, lines: Iterable[str]) -> list[str]:
    return [f"{head} {{", *(f"    {line}" if line else "" for line in lines), "}"]


def _function(head: str, lines: Iterable[str]) -> list[str]:
    return [head, "{", *_block("", lines)[1:], ""]


def _loop(
    name: str, end: int | str, lines: Iterable[str], start: int | str = 0, step: int = 1
) -> list[str]:
    """A loop from a number to before another."""
    steps = "++" if step == 1 else f" += {step}"
    return _block(f"for (int {name} = {start}; {name} < {end}; {name}{steps})", lines)


def _times(factor: int, name: str) -> str:
    """A product without a needless factor."""
    return name if factor == 1 else f"{factor} * {name}"


def _ends(stage: Stage, side: str, windows: Windows) -> tuple[str, str]:
    """The expressions of where a window begins and ends, down or across."""
    if windows.size is None:
        return f"{stage.name}_{side}s[{side}][0]", f"{stage.name}_{side}s[{side}][1]"
    if len(windows.edges) == 1:
        return "0", str(windows.size)
    start = _times(windows.step, side)
    return start, f"{start} + {windows.size}"


def _comment(text: str) -> list[str]:
    return f"/* {'#'.join(textwrap.wrap(text, 94))} */".replace("#", "\n * ").split("\n")


def _describe(stage: Stage, whole: bool = True) -> str:
    """Its layers in words; without the pooling if it is not wanted as a whole."""
    words, layer, pools = stage.name.replace("_", " ").capitalize(), stage.computes, stage.pools
    if isinstance(layer, kinds.Convolution):
        words += f" ({layer.filters} filters of {'x'.join(map(str, layer.kernel_size))})"
    if stage.activation:
        words += f" and {stage.activation.function}"
    if whole and pools:
        size, method = stage.window_sizes(), getattr(pools, "method", "")
        what = {"average": "the average", "max": "the maximum"}.get(method, "the weighted sum")
        words += f" with {what}" + (f" of {size[0]}x{size[1]}" if size else "")
        if stage.last_activation:
            words += f" and {stage.last_activation.function}"
    return words
