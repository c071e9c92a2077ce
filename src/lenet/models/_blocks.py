"""A network for the compiled kernels from a file's settings and weights, without PyTorch."""

import math

from lenet.errors import ModelError
from lenet.kernels import ConvBlock, DenseBlock
from lenet.models._lenet_config import LeNetConfig
from lenet.models._model_config import ModelConfig
from lenet.models._plain_layers import Array, Arrays, ConvolutionLayer, DenseLayer, plain_layers
from lenet.models._predecessor_configs import MLPConfig, SoftmaxConfig


def network_blocks(
    config: ModelConfig, weights: Arrays
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
    parameters: list[Array] = []
    shape = config.input_shape
    layers = plain_layers(config, weights)
    for layer in layers:
        if isinstance(layer, ConvolutionLayer) and isinstance(config, LeNetConfig):
            channels, height, width = shape
            convolution = ConvBlock(
                channels,
                height,
                width,
                filters=len(layer.biases),
                kernel_size=config.kernel_size,
                padding=layer.padding,
                activation=hidden,
                pooling=config.pooling,
            )
            blocks.append(convolution)
            shape = convolution.output_shape
        elif isinstance(layer, DenseLayer):
            outputs = len(layer.biases)
            blocks.append(
                DenseBlock(math.prod(shape), outputs, "none" if layer is layers[-1] else hidden)
            )
            shape = (outputs,)
        else:
            continue  # an activation or a pooling is part of the block before
        parameters += [layer.weights, layer.biases]
    return blocks, parameters
