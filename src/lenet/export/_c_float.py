"""A network's stages as C that computes with floats."""

from collections.abc import Sequence

from lenet.export._c_functions import StageCode
from lenet.export._c_stages import Stage
from lenet.export._c_text import Constant, float_literal
from lenet.models import (
    ActivationLayer,
    ConvolutionLayer,
    DistanceLayer,
    PoolingLayer,
    SubsamplingLayer,
)

_FUNCTIONS = {
    "sigmoid": """\
static float sigmoid(float x)
{
    return 1.0f / (1.0f + expf(-x));
}
""",
    "relu": """\
static float relu(float x)
{
    return x > 0.0f ? x : 0.0f;
}
""",
    "gelu": """\
static float gelu(float x)
{
    return 0.5f * x * (1.0f + erff(0.70710678f * x));
}
""",
    "scaled-tanh": """\
static float scaled_tanh(float x)
{
    return 1.7159f * tanhf(0.66666667f * x);
}
""",
    "max": """\
static float larger(float a, float b)
{
    return a > b ? a : b;
}
""",
}
_NAMES = {"tanh": "tanhf", "scaled-tanh": "scaled_tanh"}


def float_stages(stages: Sequence[Stage]) -> list[StageCode]:
    """Each stage with float weights; the first takes bytes unless it has padding."""
    return [_stage_code(stage, stage is stages[0]) for stage in stages]


def float_functions(stages: Sequence[Stage]) -> list[str]:
    """The functions that the stages call."""
    used: set[str] = set()
    for stage in stages:
        activations = (stage.activation, stage.last_activation)
        used |= {activation.function for activation in activations if activation}
        if isinstance(stage.pooling, PoolingLayer):
            used.add(stage.pooling.kind)
    return [code for name, code in _FUNCTIONS.items() if name in used]


def _stage_code(stage: Stage, is_first: bool) -> StageCode:
    """One stage."""
    name, layer, pooling = stage.name, stage.layer, stage.pooling
    weights = layer.targets if isinstance(layer, DistanceLayer) else layer.weights
    constants = [Constant("float", f"{name}_weights", weights.reshape(len(weights), -1))]
    if isinstance(layer, DistanceLayer):
        start = "0.0f"
        step = "sum -= (input[index] - weight[index]) * (input[index] - weight[index]);"
    else:
        constants.append(Constant("float", f"{name}_biases", layer.biases))
        start, step = f"{name}_biases[unit]", "sum += weight[index] * input[index];"
    pooled: tuple[str, ...] = ("*output++ = 0.25f * (a + b + c + d);",)
    if isinstance(pooling, SubsamplingLayer):
        pooled_name = name.replace("convolution", "subsampling")
        constants.append(Constant("float", f"{pooled_name}_coefficients", pooling.coefficients))
        constants.append(Constant("float", f"{pooled_name}_biases", pooling.biases))
        pooled = (
            f"const float sum = {pooled_name}_coefficients[unit] * (a + b + c + d);",
            f"const float biased = sum + {pooled_name}_biases[unit];",
            f"*output++ = {_activated('biased', stage.last_activation)};",
        )
    elif pooling and pooling.kind == "max":
        pooled = ("*output++ = larger(larger(a, b), larger(c, d));",)
    padding = layer.padding_value if isinstance(layer, ConvolutionLayer) else 0.0
    return StageCode(
        stage=stage,
        given_type="uint8_t" if is_first and not stage.has_padding else "float",
        weight_type="float",
        sum_type="float",
        value_type="float",
        constants=tuple(constants),
        start=start,
        step=step,
        value=_activated("sum", stage.activation),
        corner_type="float",
        pooling=pooled,
        padding=float_literal(padding),
    )


def _activated(value: str, activation: ActivationLayer | None) -> str:
    """An expression, given to the function of an activation."""
    if activation is None:
        return value
    return f"{_NAMES.get(activation.function, activation.function)}({value})"
