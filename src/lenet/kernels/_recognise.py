"""A network's layers as blocks that the compiled kernels know, or why they are not."""

import math
from collections.abc import Iterable, Iterator

from torch import Tensor, nn
from torch.nn.modules.module import _has_any_global_hook

from lenet.errors import ModelError, SettingError
from lenet.kernels._blocks import (
    Activation,
    Block,
    ConvBlock,
    DenseBlock,
    Pooling,
    parameter_shapes,
)

_ACTIVATIONS: dict[type[nn.Module], Activation] = {
    nn.Sigmoid: "sigmoid",
    nn.Tanh: "tanh",
    nn.ReLU: "relu",
}
_POOLINGS: dict[type[nn.Module], Pooling] = {nn.AvgPool2d: "average", nn.MaxPool2d: "max"}


def recognise_blocks(
    layers: Iterable[nn.Module], input_shape: tuple[int, ...]
) -> tuple[list[Block], list[Tensor]]:
    """A network as blocks, with their weights and biases.

    Args:
        layers: The network's layers in their order.
        input_shape: Channels, height and width of an image.

    Raises:
        ModelError: The compiled kernels do not serve the network; the message says which layer.

    >>> layers = nn.Flatten(), nn.Linear(784, 10)
    >>> recognise_blocks(layers, (1, 28, 28))[0]
    [DenseBlock(inputs=784, outputs=10, activation='none')]
    """
    queue = list(layers)
    if is_listened_to(queue):
        message = "A hook wants to see what goes through the layers."
        raise ModelError(message)
    blocks: list[Block] = []
    parameters: list[Tensor] = []
    shape = tuple(input_shape)
    while queue:
        layer = queue.pop(0)
        if type(layer) is nn.Flatten and layer.start_dim == 1 and layer.end_dim == -1:
            shape = (math.prod(shape),)
            continue
        try:
            block = _next_block(layer, queue, shape)
        except SettingError as error:
            raise ModelError(str(error)) from None
        blocks.append(block)
        parameters += _parameters(layer, block)
        shape = block.output_shape
    if not blocks:
        message = "There are no layers."
        raise ModelError(message)
    if shape != blocks[-1].output_shape:
        message = "The compiled kernels do not serve a `Flatten` at the end."
        raise ModelError(message)
    return blocks, parameters


def _next_block(layer: nn.Module, queue: list[nn.Module], shape: tuple[int, ...]) -> Block:
    """The block that begins with a layer; takes the layers that belong to it off the queue."""
    if type(layer) is nn.Conv2d and len(shape) == 3:
        activation = _ACTIVATIONS.get(type(queue[0])) if queue else None
        pooling = _pooling(queue[1]) if len(queue) > 1 else None
        if activation is None or pooling is None or not _is_plain_convolution(layer, shape):
            raise _unknown(layer)
        del queue[:2]
        return ConvBlock(
            *shape,
            filters=layer.out_channels,
            kernel_size=layer.kernel_size[0],
            padding=int(layer.padding[0]),
            activation=activation,
            pooling=pooling,
        )
    if type(layer) is nn.Linear and shape == (layer.in_features,):
        activation = _ACTIVATIONS.get(type(queue[0]), "none") if queue else "none"
        if activation != "none":
            del queue[0]
        return DenseBlock(layer.in_features, layer.out_features, activation)
    raise _unknown(layer)


def is_listened_to(layers: Iterable[nn.Module]) -> bool:
    """Whether something else than a layer's own code wants to see what goes in and out of it."""
    return bool(_has_any_global_hook()) or any(  # type: ignore[no-untyped-call]
        "forward" in vars(layer)
        or layer._forward_hooks
        or layer._forward_pre_hooks
        or layer._backward_hooks
        or layer._backward_pre_hooks
        for layer in layers
    )


def _is_plain_convolution(layer: nn.Conv2d, shape: tuple[int, ...]) -> bool:
    """Whether it has a square kernel and none of the rarer settings."""
    return (
        layer.in_channels == shape[0]
        and layer.kernel_size[0] == layer.kernel_size[1]
        and layer.stride == (1, 1)
        and layer.dilation == (1, 1)
        and layer.groups == 1
        and layer.padding_mode == "zeros"
        and not isinstance(layer.padding, str)
        and layer.padding[0] == layer.padding[1]
    )


def _pooling(layer: nn.Module) -> Pooling | None:
    """The kind of a 2×2 pooling, or nothing for any other layer."""
    kind = _POOLINGS.get(type(layer))
    settings = {
        name: value
        for name, value in vars(layer).items()
        if not name.startswith("_") and name != "training"
    }
    sizes = {settings.pop("kernel_size", 0), settings.pop("stride", 0)}
    rare = {"ceil_mode", "divisor_override", "padding", "return_indices"}
    plain = sizes <= {2, (2, 2)} and not any(settings.get(name) for name in rare)
    return kind if plain and settings.get("dilation", 1) in (1, (1, 1)) else None


def _parameters(layer: nn.Module, block: Block) -> Iterator[Tensor]:
    """Weights and biases, if they are numbers that the compiled code can read."""
    for parameter, shape in zip((layer.weight, layer.bias), parameter_shapes([block]), strict=True):
        if not isinstance(parameter, Tensor) or type(parameter) not in (nn.Parameter, Tensor):
            raise _unknown(layer)
        if not is_plain(parameter):
            message = f"The parameters of {layer} are not contiguous float32 on the CPU."
            raise ModelError(message)
        if parameter.shape != shape:
            message = f"A parameter of {layer} is {tuple(parameter.shape)}, not {shape}."
            raise ModelError(message)
        yield parameter


def is_plain(tensor: Tensor) -> bool:
    """Whether a tensor is contiguous float32 on the CPU."""
    kind = str(tensor.dtype), tensor.device.type, str(tensor.layout)
    return kind == ("torch.float32", "cpu", "torch.strided") and tensor.is_contiguous()


def _unknown(layer: nn.Module) -> ModelError:
    """The error for a layer that the kernels do not know, or not at its place."""
    return ModelError(f"The compiled kernels do not serve {layer} at its place.")
