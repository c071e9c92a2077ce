"""A network's layers as blocks that the compiled kernels know, or why they are not."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor, nn

from lenet.errors import ModelError, SettingError
from lenet.kernels._batch_norm import BatchNorm, fold, takes
from lenet.kernels._blocks import Activation, Block, ConvBlock, DenseBlock, Pooling

_ACTIVATIONS: dict[type[nn.Module], Activation] = {
    nn.Sigmoid: "sigmoid",
    nn.Tanh: "tanh",
    nn.ReLU: "relu",
}
_POOLINGS: dict[type[nn.Module], Pooling] = {nn.AvgPool2d: "average", nn.MaxPool2d: "max"}
# What `register_module_forward_hook` and its like fill. Nothing public tells whether there are any,
# and the private function that does is not in every release.
_GLOBAL_HOOKS = [
    hooks
    for name, hooks in vars(nn.modules.module).items()
    if name.startswith(("_global_forward", "_global_backward")) and isinstance(hooks, dict)
]


@dataclass(frozen=True)
class RecognisedBlock:
    """A block, and the layers that its numbers are in.

    Attributes:
        block: What it computes, bar the batch normalisation.
        layer: The convolution or the dense layer.
        batch_norm: What stands between that and the activation, if anything does.
    """

    block: Block
    layer: nn.Conv2d | nn.Linear
    batch_norm: BatchNorm | None

    def folded_parameters(self) -> list[Tensor]:
        """Weights and biases, with the batch normalisation in them as in evaluation mode."""
        if self.batch_norm:
            return fold(self.batch_norm, self.layer.weight, self.layer.bias)
        assert self.layer.bias is not None
        return [self.layer.weight, self.layer.bias]

    def trained_parameters(self) -> list[Tensor]:
        """What a step trains: the weights, then the biases or the batch normalisation's own.

        Raises:
            ModelError: The layer has biases before its batch normalisation.
        """
        if not self.batch_norm:
            assert self.layer.bias is not None
            return [self.layer.weight, self.layer.bias]
        if self.layer.bias is not None:
            message = f"{self.layer} has biases, which a batch normalisation takes away again."
            raise ModelError(message)
        return [self.layer.weight, self.batch_norm.weight, self.batch_norm.bias]

    def check(self) -> None:
        """See that the layers have all numbers that they should, as the compiled code reads them.

        Raises:
            ModelError: They do not.
        """
        layer, norm, shape = self.layer, self.batch_norm, self.block.weight_shape
        _check(layer, layer.weight, shape)
        if layer.bias is not None or not norm:
            _check(layer, layer.bias, shape[:1])
        if norm:
            for tensor in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
                _check(norm, tensor, shape[:1])


def recognise_blocks(
    layers: Iterable[nn.Module], input_shape: tuple[int, ...]
) -> tuple[list[Block], list[Tensor]]:
    """A network as blocks, with their weights and biases.

    Batch normalisation is folded into these as it is in evaluation mode, whichever mode its layers
    are in.

    Args:
        layers: The network's layers in their order.
        input_shape: Channels, height and width of an image.

    Raises:
        ModelError: The compiled kernels do not serve the network; the message says which layer.

    >>> layers = nn.Flatten(), nn.Linear(784, 10)
    >>> recognise_blocks(layers, (1, 28, 28))[0]
    [DenseBlock(inputs=784, outputs=10, activation='none')]
    """
    return blocks_and_parameters(recognise_layers(layers, input_shape))


def blocks_and_parameters(
    recognised: Iterable[RecognisedBlock],
) -> tuple[list[Block], list[Tensor]]:
    """The blocks alone, with their weights and biases."""
    found = list(recognised)
    parameters = [parameter for one in found for parameter in one.folded_parameters()]
    return [one.block for one in found], parameters


def recognise_layers(
    layers: Iterable[nn.Module], input_shape: tuple[int, ...]
) -> list[RecognisedBlock]:
    """The same with the layers themselves.

    Raises:
        ModelError: The compiled kernels do not serve the network; the message says which layer.
    """
    queue = list(layers)
    if is_listened_to(queue):
        message = "A hook wants to see what goes through the layers."
        raise ModelError(message)
    recognised: list[RecognisedBlock] = []
    shape = tuple(input_shape)
    while queue:
        layer = queue.pop(0)
        if type(layer) is nn.Flatten and layer.start_dim == 1 and layer.end_dim == -1:
            shape = (math.prod(shape),)
            continue
        try:
            found = _next_block(layer, queue, shape)
        except SettingError as error:
            raise ModelError(str(error)) from None
        found.check()
        recognised.append(found)
        shape = found.block.output_shape
    if not recognised:
        message = "There are no layers."
        raise ModelError(message)
    if shape != recognised[-1].block.output_shape:
        message = "The compiled kernels do not serve a `Flatten` at the end."
        raise ModelError(message)
    return recognised


def _next_block(
    layer: nn.Module, queue: list[nn.Module], shape: tuple[int, ...]
) -> RecognisedBlock:
    """The block that begins with a layer; takes the layers that belong to it off the queue."""
    if type(layer) is nn.Conv2d and len(shape) == 3:
        norm = _take_batch_norm(layer, queue)
        activation = _ACTIVATIONS.get(type(queue[0])) if queue else None
        pooling = _pooling(queue[1]) if len(queue) > 1 else None
        if activation is None or pooling is None or not _is_plain_convolution(layer, shape):
            raise _unknown(layer)
        del queue[:2]
        convolution = ConvBlock(
            *shape,
            filters=layer.out_channels,
            kernel_size=layer.kernel_size[0],
            padding=int(layer.padding[0]),
            activation=activation,
            pooling=pooling,
        )
        return RecognisedBlock(convolution, layer, norm)
    if type(layer) is nn.Linear and shape == (layer.in_features,):
        norm = _take_batch_norm(layer, queue)
        activation = _ACTIVATIONS.get(type(queue[0]), "none") if queue else "none"
        if activation != "none":
            del queue[0]
        dense = DenseBlock(layer.in_features, layer.out_features, activation)
        return RecognisedBlock(dense, layer, norm)
    raise _unknown(layer)


def _take_batch_norm(layer: nn.Conv2d | nn.Linear, queue: list[nn.Module]) -> BatchNorm | None:
    """The batch normalisation that follows a layer, off the queue, if there is one."""
    if not queue or not takes(queue[0], layer):
        return None
    norm = queue.pop(0)
    assert isinstance(norm, BatchNorm)
    return norm


def is_listened_to(layers: Iterable[nn.Module]) -> bool:
    """Whether something else than a layer's own code wants to see what goes in and out of it."""
    return any(_GLOBAL_HOOKS) or any(
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


def _check(layer: nn.Module, tensor: Tensor | None, shape: tuple[int, ...]) -> None:
    """Raise unless the compiled code can read a layer's numbers."""
    if type(tensor) not in (nn.Parameter, Tensor):
        raise _unknown(layer)
    assert tensor is not None
    if not is_plain(tensor):
        message = f"The parameters of {layer} are not contiguous float32 on the CPU."
        raise ModelError(message)
    if tensor.shape != shape:
        message = f"A parameter of {layer} is {tuple(tensor.shape)}, not {shape}."
        raise ModelError(message)


def is_plain(tensor: Tensor) -> bool:
    """Whether a tensor is contiguous float32 on the CPU."""
    kind = str(tensor.dtype), tensor.device.type, str(tensor.layout)
    return kind == ("torch.float32", "cpu", "torch.strided") and tensor.is_contiguous()


def _unknown(layer: nn.Module) -> ModelError:
    """The error for a layer that the kernels do not know, or not at its place."""
    return ModelError(f"The compiled kernels do not serve {layer} at its place.")
