"""A network for the compiled kernels from a file's settings and weights, without PyTorch."""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from lenet.errors import ModelError
from lenet.kernels import ConvBlock, DenseBlock, fold_batch_norm, parameter_shapes
from lenet.models._lenet_config import LeNetConfig
from lenet.models._model_config import ModelConfig
from lenet.models._predecessor_configs import MLPConfig, SoftmaxConfig

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
            layers.append(fold_batch_norm(*layers.pop(), arrays))
        else:
            weight = arrays["weight"].astype(np.float32)
            bias = arrays.get("bias", np.zeros(len(weight)))
            layers.append((weight, bias.astype(np.float32)))
    return layers
