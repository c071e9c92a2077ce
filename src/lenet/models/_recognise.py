"""A network that is built in PyTorch, as the list of layers that describes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from lenet.errors import LenetError, ModelError
from lenet.kernels import layers_of
from lenet.models import layers as kinds
from lenet.models._modules import (
    PartialConvolution,
    RadialBasis,
    Residual,
    ScaledTanh,
    Subsampling,
)
from lenet.models.layers import FUNCTIONS, Layer, Shape, place_layers, shapes_of

_DRAWING = (
    nn.Dropout,
    nn.Dropout1d,
    nn.Dropout2d,
    nn.Dropout3d,
    nn.AlphaDropout,
    nn.FeatureAlphaDropout,
    nn.RReLU,
)
_UNINITIALISED = nn.UninitializedParameter, nn.UninitializedBuffer
SEQUENTIAL_FORWARDS: set[object] = {nn.Sequential.forward}  # `KernelSequential` adds its own


def is_sequential(module: nn.Module) -> bool:
    """Whether a module calls its layers one by one and does nothing besides."""
    return type(module).forward in SEQUENTIAL_FORWARDS and "forward" not in vars(module)


def leaves(module: nn.Module, place: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The layers of an `nn.Sequential`, and of those in it, with their names, in their order.

    Other than in `named_modules()`, a layer that stands in two places is there twice.
    """
    assert isinstance(module, nn.Sequential)
    for name, layer in layers_of(module).items():
        if is_sequential(layer):
            yield from leaves(layer, f"{place}{name}.")
        else:
            yield f"{place}{name}", layer


def draws_numbers(module: nn.Module) -> bool:
    """Whether training a network may draw random numbers: by dropout, or by its own code."""
    return any(
        isinstance(layer, _DRAWING)
        or not type(layer).__module__.startswith(("torch.nn.", "lenet.models."))
        for layer in module.modules()
    )


def describe_module(module: nn.Module, shape: Shape) -> list[Layer]:
    """The layers of a network: see `Network.from_module`."""
    if not is_sequential(module):
        message = f"A `{type(module).__name__}` is no `nn.Sequential`."
        raise ModelError(message)
    numbers = [*module.parameters(), *module.buffers()]
    if any(isinstance(one, _UNINITIALISED) for one in numbers):  # of lazy layers
        try_out(module, (1, *shape))
    described = describe_layers(leaves(module), shape)
    wanted = shapes_of(place_layers(described, shape), "weights")
    shared = len(list(module.parameters())) < len(wanted)
    if shared or wanted.keys() != dict(module.named_parameters()).keys():
        message = "Its layers share weights." if shared else "Its weights were renamed."
        raise ModelError(message)
    return described


def describe_layers(named: Iterable[tuple[str, nn.Module]], shape: Shape) -> list[Layer]:
    """Layers one after the other, each with its name: see `describe_layer`."""
    layers = []
    for name, module in named:
        layers.append(describe_layer(module, shape, name))
        shape = layers[-1].output_shape(shape)
    return layers


def describe_layer(module: nn.Module, shape: Shape, name: str = "") -> Layer:
    """One layer, from what comes in, without the batch, and its place in the network.

    Raises:
        ModelError: It is none that lenet knows, does not fit what comes in, or was changed in a way
            that its description could not tell.
    """
    read = _READERS.get(type(module))
    label = f"Layer `{name}`, a `{type(module).__name__}`,"
    if read is None or "forward" in vars(module):
        message = f"{label} is none that lenet can describe."
        raise ModelError(message)
    try:
        layer = read(module, shape, name)
    except LenetError as error:
        message = f"{label} is none that lenet can describe: {error}"
        raise ModelError(message) from None
    layer.output_shape(shape)
    with torch.device("meta"):
        wanted, found = _settings(layer.module(shape)), _settings(module)
    for setting, value in wanted.items():
        if found.get(setting) != value:
            message = (
                f"{label} has `{setting}` {found.get(setting)!r}, where lenet knows {value!r} at "
                "this place."
            )
            raise ModelError(message)
    return layer


def count_outputs(module: nn.Module, input_shape: Shape) -> int:
    """How many numbers a network gives for an image; an error for less than two in a row."""
    output = try_out(module, (1, *input_shape))
    if not isinstance(output, torch.Tensor) or output.ndim != 2 or output.shape[1] < 2:
        shape = getattr(output, "shape", None)
        found = type(output).__name__ if shape is None else f"a tensor of shape {tuple(shape)}"
        message = f"The network gives {found} for an image, not (1, classes)."
        raise ModelError(message)
    return output.shape[1]


def try_out(module: nn.Module, input_shape: Shape) -> Any:
    """What a network makes of a batch of zeros, in evaluation mode."""
    device = next((one.device for one in module.parameters()), torch.device("cpu"))
    try:
        with in_evaluation_mode(module), torch.no_grad():
            return module(torch.zeros(input_shape, dtype=torch.float32, device=device))
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        message = f"The network does not take a batch of shape {tuple(input_shape)}: {error}"
        raise ModelError(message) from error


@contextmanager
def in_evaluation_mode(module: nn.Module) -> Iterator[None]:
    """Hold a module in evaluation mode; each layer is in its own again afterwards."""
    modes = {layer: layer.training for layer in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for layer, mode in modes.items():
            layer.training = mode


def _settings(module: nn.Module) -> dict[str, Any]:
    """All that decides what a layer computes, besides its weights; not all of it is printed."""
    settings: dict[str, Any] = {
        name: value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value
        for name, value in vars(module).items()
        if not name.startswith("_") and name not in ("training", "inplace")
    }
    if isinstance(module, (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, nn.Conv2d)):
        settings.pop("output_size", None)  # seen to by the readers, which know `None` and "same"
        settings.pop("padding", None)
    settings["weights"] = sorted(name for name, one in module.named_parameters() if one is not None)
    settings["buffers"] = sorted(name for name, _ in module.named_buffers())
    return settings


def _read_convolution(module: nn.Conv2d, shape: Shape, name: str) -> Layer:
    padding: Any = module.padding
    if padding == "valid":
        padding = 0
    elif padding == "same":
        sides = zip(module.kernel_size, module.dilation, strict=True)
        around = [spread * (size - 1) for size, spread in sides]
        if any(margin % 2 for margin in around):
            message = "its padding `same` is not the same on both sides."
            raise ModelError(message)
        padding = tuple(margin // 2 for margin in around)
    return kinds.Convolution(
        name=name,
        filters=module.out_channels,
        kernel_size=module.kernel_size,
        stride=module.stride,
        padding=padding,
        dilation=module.dilation,
        groups=module.groups,
        bias=module.bias is not None,
    )


def _read_pooling(module: Any, shape: Shape, name: str) -> Layer:
    is_max = isinstance(module, nn.MaxPool2d)
    return kinds.Pooling(
        name=name,
        method="max" if is_max else "average",
        kernel_size=module.kernel_size,
        stride=module.stride,
        padding=module.padding,
        dilation=module.dilation if is_max else (1, 1),
        ceil_mode=module.ceil_mode,
        count_padding=is_max or module.count_include_pad,
    )


def _read_adaptive_pooling(module: Any, shape: Shape, name: str) -> Layer:
    wanted = module.output_size
    wanted = wanted if isinstance(wanted, tuple) else (wanted, wanted)
    return kinds.AdaptivePooling(
        name=name,
        method="max" if isinstance(module, nn.AdaptiveMaxPool2d) else "average",
        output_size=tuple(
            size if one is None else one for one, size in zip(wanted, shape[1:], strict=True)
        ),
    )


def _read_batch_norm(module: Any, shape: Shape, name: str) -> Layer:
    return kinds.BatchNorm(
        name=name,
        epsilon=float(module.eps),
        momentum="cumulative" if module.momentum is None else float(module.momentum),
    )


def _read_residual(module: Residual, shape: Shape, name: str) -> Layer:
    if not is_sequential(module.main) or not is_sequential(module.shortcut):
        message = "its parts are no `nn.Sequential`."
        raise ModelError(message)
    sides = [describe_layers(leaves(side), shape) for side in (module.main, module.shortcut)]
    return kinds.Residual(name=name, main=tuple(sides[0]), shortcut=tuple(sides[1]))


def _read_activation(module: Any, shape: Shape, name: str) -> Layer:
    function = next(key for key, (title, *_) in FUNCTIONS.items() if title == type(module).__name__)
    parameter = getattr(module, "negative_slope", getattr(module, "alpha", None))
    return kinds.Activation(
        name=name,
        function=function,  # type: ignore[arg-type]
        parameter=None if parameter is None else float(parameter),
    )


def _read_dropout(module: Any, shape: Shape, name: str) -> Layer:
    whole_maps = isinstance(module, nn.Dropout2d)
    return kinds.Dropout(name=name, probability=float(module.p), whole_maps=whole_maps)


def _read_padding(module: nn.ConstantPad2d, shape: Shape, name: str) -> Layer:
    margins = tuple(module.padding)
    return kinds.Padding(name=name, margins=margins, value=float(module.value))


_Reader = Callable[[Any, Shape, str], Layer]
_READERS: dict[type[nn.Module], _Reader] = {
    nn.Conv2d: _read_convolution,
    nn.Linear: lambda module, shape, name: kinds.Dense(
        name=name, units=module.out_features, bias=module.bias is not None
    ),
    **dict.fromkeys((nn.AvgPool2d, nn.MaxPool2d), _read_pooling),
    **dict.fromkeys((nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d), _read_adaptive_pooling),
    **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d), _read_batch_norm),
    **dict.fromkeys((nn.Dropout, nn.Dropout2d), _read_dropout),
    nn.Flatten: lambda module, shape, name: kinds.Flatten(name=name),
    **dict.fromkeys((nn.ConstantPad2d, nn.ZeroPad2d), _read_padding),
    Subsampling: lambda module, shape, name: kinds.Subsampling(name=name),
    PartialConvolution: lambda module, shape, name: kinds.PartialConvolution(
        name=name, inputs=tuple(map(tuple, module.inputs))
    ),
    RadialBasis: lambda module, shape, name: kinds.Distances(name=name, classes=module.classes),
    Residual: _read_residual,
    **{getattr(nn, title, ScaledTanh): _read_activation for title, *_ in FUNCTIONS.values()},
}
