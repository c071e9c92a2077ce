"""The C functions of a network's stages; what they multiply, floats or bytes, is filled in."""

import math
from dataclasses import dataclass
from string import Template

from lenet.export._c_stages import Stage
from lenet.export._c_text import Constant
from lenet.models import ConvolutionLayer

# A window is computed where it is pooled, so that the convolution's whole output is never stored.
_CONVOLUTION = Template("""\
/* $what, at one place. */
static $value_type ${name}_at(const $given_type *window, int unit)
{
    const $weight_type *weight = ${name}_weights[unit];
    $sum_type sum = $start;

    for (int channel = 0; channel < $channels; channel++) {
        for (int y = 0; y < $kernel_size; y++) {
            for (int x = 0; x < $kernel_size; x++) {
                sum += *weight++ * window[($height * channel + y) * $width + x];
            }
        }
    }
$before    return $value;
}

/* $kind with $pooled: $given_shape to $result_shape. */
static void $name(const $given_type *input, $value_type *output)
{
    for (int unit = 0; unit < $units; unit++) {
        for (int row = 0; row < $rows; row++) {
            for (int column = 0; column < $columns; column++) {
                const $given_type *window = input + 2 * (row * $width + column);
                const $corner_type a = ${name}_at(window, unit);
                const $corner_type b = ${name}_at(window + 1, unit);
                const $corner_type c = ${name}_at(window + $width, unit);
                const $corner_type d = ${name}_at(window + $diagonal, unit);
$pooling
            }
        }
    }
}
""")

_DENSE = Template("""\
/* $what: $given_shape to $result_shape. */
static void $name(const $given_type *input, $value_type *output)
{
    for (int unit = 0; unit < $units; unit++) {
        const $weight_type *weight = ${name}_weights[unit];
        $sum_type sum = $start;

$loop
$before        output[unit] = $value;
    }
}
""")
_LOOP = """\
        for (int index = 0; index < {inputs}; index++) {{
            {step}
        }}"""
_LOOP_IN_PARTS = """\
        for (int start = 0; start < {inputs}; start += {part}) {{
            float part = 0.0f; /* of the sum: a term added to a small number loses less */
            for (int index = start; index < start + {part}; index++) {{
                part += weight[index] * input[index];
            }}
            sum += part;
        }}"""
_MANY_INPUTS = 512  # of a sum in floats

_FRAME = Template("""\
/* The image with $margin $rows of background on every side: $given_shape to $result_shape. */
static void surround(const uint8_t *pixels, $value_type *output)
{
    for (int channel = 0; channel < $channels; channel++) {
        for (int row = -$margin; row < $height + $margin; row++) {
            for (int column = -$margin; column < $width + $margin; column++) {
                const int inside = row >= 0 && row < $height && column >= 0 && column < $width;
                *output++ = inside ? *pixels++ : $value;
            }
        }
    }
}
""")


@dataclass(frozen=True, eq=False)
class StageCode:
    """How one stage is written in C.

    Attributes:
        stage: What it computes.
        given_type: Of a number that comes in.
        weight_type: Of a weight.
        sum_type: Of a weighted sum.
        value_type: Of a number that comes out.
        constants: Its weights and what else it knows.
        start: The expression that a sum of `unit` begins with.
        step: The statement that takes in `input[index]`, for a dense layer.
        value: The expression that makes an output of `sum`.
        before_value: A statement that stands before it.
        corner_type: Of the four values that are pooled.
        pooling: The statements that pool `a`, `b`, `c` and `d` into `*output++`.
        padding: The expression of what is round an image.
    """

    stage: Stage
    given_type: str
    weight_type: str
    sum_type: str
    value_type: str
    constants: tuple[Constant, ...]
    start: str
    step: str
    value: str
    corner_type: str = ""
    pooling: tuple[str, ...] = ()
    padding: str = "0"
    before_value: str = ""

    def function(self) -> str:
        """The C function."""
        stage, layer = self.stage, self.stage.layer
        words = {
            "name": stage.name,
            "what": _describe(stage),
            "given_type": self.given_type,
            "weight_type": self.weight_type,
            "sum_type": self.sum_type,
            "value_type": self.value_type,
            "start": self.start,
            "value": self.value,
            "units": stage.output_shape[0],
            "given_shape": _shape(stage.input_shape),
            "result_shape": _shape(stage.output_shape),
        }
        indent = " " * (4 if isinstance(layer, ConvolutionLayer) else 8)
        words["before"] = f"{indent}{self.before_value}\n" if self.before_value else ""
        if not isinstance(layer, ConvolutionLayer):
            return _DENSE.substitute(words, loop=self._loop(math.prod(stage.input_shape)))
        channels, height, width = stage.framed_shape
        return _CONVOLUTION.substitute(
            words,
            channels=channels,
            height=height,
            width=width,
            diagonal=width + 1,
            kernel_size=layer.weights.shape[2],
            rows=stage.output_shape[1],
            columns=stage.output_shape[2],
            kind=_kind(stage),
            pooled=_describe_pooling(stage),
            corner_type=self.corner_type,
            pooling="\n".join(f"                {line}" for line in self.pooling),
            given_shape=_shape(stage.framed_shape),
        )

    def _loop(self, inputs: int) -> str:
        """The loop over the inputs of a dense layer."""
        part = max(size for size in range(1, math.isqrt(inputs) + 1) if inputs % size == 0)
        if self.sum_type == "float" and inputs > _MANY_INPUTS and part > 1:
            return _LOOP_IN_PARTS.format(inputs=inputs, part=part)
        return _LOOP.format(inputs=inputs, step=self.step)

    def frame_function(self) -> str:
        """The C function that puts background round an image for this stage."""
        layer = self.stage.layer
        assert isinstance(layer, ConvolutionLayer)
        channels, height, width = self.stage.input_shape
        return _FRAME.substitute(
            margin=layer.padding,
            rows="row" if layer.padding == 1 else "rows",
            channels=channels,
            height=height,
            width=width,
            value_type=self.given_type,
            value=self.padding,
            given_shape=_shape(self.stage.input_shape),
            result_shape=_shape(self.stage.framed_shape),
        )


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _kind(stage: Stage) -> str:
    """The layer in a word and a number."""
    kinds = {"convolution": "Convolution", "dense": "Dense layer", "distances": "Distances"}
    kind, _, number = stage.name.partition("_")
    return f"{kinds[kind]} {number}"


def _describe(stage: Stage) -> str:
    """The layer and its activation in words."""
    words = _kind(stage)
    if isinstance(stage.layer, ConvolutionLayer):
        filters, _, kernel_size, _ = stage.layer.weights.shape
        words += f" ({filters} filters of {kernel_size}x{kernel_size})"
    return f"{words} and {stage.activation.function}" if stage.activation else words


def _describe_pooling(stage: Stage) -> str:
    """What 2×2 numbers become, in words."""
    words = {"average": "the average", "max": "the maximum"}.get(
        getattr(stage.pooling, "kind", ""), "the weighted sum"
    )
    after = f" and {stage.last_activation.function}" if stage.last_activation else ""
    return f"{words} of 2x2{after}"
