"""A network for the compiled kernels from a file's settings and weights, without PyTorch."""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from lenet.errors import ModelError
from lenet.kernels import ConvBlock, DenseBlock
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
    shape = config.input_shape
    blocks: list[ConvBlock | DenseBlock] = []
    parameters: list[Array] = []
    layers = _layers(weights)
    for number, (weight, bias) in enumerate(layers):
        if weight.ndim == 4 and isinstance(config, LeNetConfig) and len(shape) == 3:
            convolution = ConvBlock(
                *shape,
                filters=len(weight),
                kernel_size=config.kernel_size,
                padding=config.padding if number == 0 else 0,
                activation=hidden,
                pooling=config.pooling,
            )
            blocks.append(convolution)
            shape = convolution.output_shape
        else:
            is_last = number == len(layers) - 1
            dense = DenseBlock(math.prod(shape), len(weight), "none" if is_last else hidden)
            blocks.append(dense)
            shape = dense.output_shape
        if weight.shape != blocks[-1].weight_shape:
            message = (
                f"Weights of shape {weight.shape} stand where {blocks[-1].weight_shape} belong."
            )
            raise ModelError(message)
        parameters += [weight, bias]
    if shape != (config.classes,):
        message = f"The network ends with {shape}, not with {config.classes} classes."
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
