"""A network for the compiled kernels from a file's settings and weights, without PyTorch."""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from lenet.errors import ModelError
from lenet.kernels import ConvBlock, DenseBlock, parameter_shapes
from lenet.models._lenet_config import LeNetConfig
from lenet.models._model_config import ModelConfig
from lenet.models._predecessor_configs import MLPConfig, SoftmaxConfig

_EPSILON = 1e-5  # of PyTorch's batch normalisation

Array = npt.NDArray[np.float32]


def network_blocks(
    config: ModelConfig, weights: Mapping[str, npt.NDArray[np.generic]]
) -> tuple[list[ConvBlock | DenseBlock], list[Array]]:
    """A network as blocks, with their weights and biases; batch normalisation is folded in.

    Args:
        config: The network's settings.
        weights: The arrays of its model file, by their names there.

    Raises:
        ModelError: The kernels do not serve such a network, or the weights are not its.
    """
    if not isinstance(config, (LeNetConfig, MLPConfig, SoftmaxConfig)):
        message = f"The compiled kernels do not serve a network of `{type(config).__name__}`."
        raise ModelError(message)
    hidden = "none" if isinstance(config, SoftmaxConfig) else config.activation
    if hidden == "gelu":
        message = "The compiled kernels do not have the activation `gelu`."
        raise ModelError(message)
    blocks: list[ConvBlock | DenseBlock] = []
    shape = config.input_shape
    if isinstance(config, LeNetConfig):
        for number, filters in enumerate(config.channels):
            padding = config.padding if number == 0 else 0
            channels, height, width = shape
            convolution = ConvBlock(
                channels,
                height,
                width,
                filters=filters,
                kernel_size=config.kernel_size,
                padding=padding,
                activation=hidden,
                pooling=config.pooling,
            )
            blocks.append(convolution)
            shape = convolution.output_shape
    widths = () if isinstance(config, SoftmaxConfig) else config.dense_widths
    for width in widths:
        blocks.append(DenseBlock(math.prod(shape), width, hidden))
        shape = (width,)
    blocks.append(DenseBlock(math.prod(shape), config.classes))
    parameters = [array for layer in _layers(weights) for array in layer]
    found = [array.shape for array in parameters]
    if found != parameter_shapes(blocks):
        message = f"The weights are of shapes {found}, not {parameter_shapes(blocks)}."
        raise ModelError(message)
    return blocks, parameters


def _layers(weights: Mapping[str, npt.NDArray[np.generic]]) -> list[tuple[Array, Array]]:
    """The weights and biases of each layer in their order."""
    by_layer: dict[int, dict[str, npt.NDArray[np.generic]]] = {}
    for name, array in weights.items():
        number, _, kind = name.partition(".")
        by_layer.setdefault(int(number), {})[kind] = array
    layers: list[tuple[Array, Array]] = []
    for _, arrays in sorted(by_layer.items()):
        if "running_mean" in arrays:
            layers.append(_folded(layers.pop()[0], arrays))
        else:
            weight = arrays["weight"].astype(np.float32)
            bias = arrays.get("bias", np.zeros(len(weight)))
            layers.append((weight, bias.astype(np.float32)))
    return layers


def _folded(weight: Array, norm: Mapping[str, npt.NDArray[np.generic]]) -> tuple[Array, Array]:
    """A layer with the batch normalisation after it in its weights and biases."""
    gain, offset, mean, variance = (
        norm[name].astype(np.float64) for name in ("weight", "bias", "running_mean", "running_var")
    )
    scale = gain / np.sqrt(variance + _EPSILON)
    scaled = weight.astype(np.float64) * scale.reshape(-1, *[1] * (weight.ndim - 1))
    return scaled.astype(np.float32), (offset - mean * scale).astype(np.float32)
