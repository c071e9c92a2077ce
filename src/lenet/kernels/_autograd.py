"""The compiled kernels as functions that PyTorch can differentiate."""

import logging
import math
import threading
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lenet.errors import ModelError
from lenet.kernels._blocks import (
    Activation,
    Block,
    ConvBlock,
    DenseBlock,
    Native,
    Pooling,
    call,
    native_network,
    parameter_shapes,
    pointers,
)
from lenet.kernels._interface import Images
from lenet.kernels._library import kernel_status, try_kernels
from lenet.kernels._pytorch import find_unheard
from lenet.kernels._recognise import find_observer, is_plain

# Without a convolution, whose first use in PyTorch takes a tenth of a second.
_TRIED = DenseBlock(6, 5, "sigmoid"), DenseBlock(5, 4, "relu"), DenseBlock(4, 3)
_TRIED_IMAGES = 3
_LARGEST_DIFFERENCE = 1e-4  # of the norm; rounding alone stays far below

_TORCH_ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "none": lambda values: values,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
}
_TORCH_POOLINGS: dict[Pooling, Callable[..., Tensor]] = {
    "average": F.avg_pool2d,
    "max": F.max_pool2d,
}


def run_blocks(blocks: Sequence[Block], images: Tensor, parameters: Sequence[Tensor]) -> Tensor:
    """What a network of blocks makes of images (B, …), by the kernels or by PyTorch.

    Raises:
        ModelError: `native` is chosen, and the kernels can't do it; or the images or the parameters
            do not fit.
    """
    if math.prod(images.shape[1:]) != math.prod(blocks[0].input_shape):
        message = f"The images are {tuple(images.shape[1:])}, not {blocks[0].input_shape}."
        raise ModelError(message)
    shapes = [tuple(parameter.shape) for parameter in parameters]
    if shapes != parameter_shapes(blocks):
        message = f"The parameters are {shapes}, not {parameter_shapes(blocks)}."
        raise ModelError(message)
    output = try_kernels(lambda: _run_with_kernels(blocks, images, parameters))
    return _run_with_torch(blocks, images, parameters) if output is None else output


def _run_with_kernels(
    blocks: Sequence[Block], images: Tensor, parameters: Sequence[Tensor]
) -> Tensor:
    """The same by the compiled kernels, or the error that says why not."""
    check_pytorch()
    if obstacle := _find_obstacle(images, parameters):
        raise ModelError(obstacle)
    keeps = torch.is_grad_enabled()  # `forward` can't see it: there gradients are always off
    output: Tensor = _Blocks.apply(tuple(blocks), keeps, images, *parameters)  # type: ignore[no-untyped-call]
    return output


def _find_obstacle(images: Tensor, parameters: Sequence[Tensor]) -> str | None:
    """Why the compiled kernels can't take these tensors now, or nothing."""
    for tensor in (images, *parameters):
        if type(tensor) not in (Tensor, torch.nn.Parameter) or tensor.device.type != "cpu":
            return "A tensor is not an ordinary one on the CPU."
        if tensor.dtype != torch.float32:
            return f"A tensor is {tensor.dtype}, not float32."
        if tensor.layout != torch.strided:
            return f"A tensor is {tensor.layout}, not strided."
    if not all(is_plain(parameter) for parameter in parameters):
        return "The weights are not contiguous."
    if len(images) == 0:
        return "The batch is empty."
    if torch.is_autocast_enabled("cpu"):
        return "Automatic mixed precision is on."
    return find_observer()


def _run_with_torch(
    blocks: Sequence[Block], images: Tensor, parameters: Sequence[Tensor]
) -> Tensor:
    """The same by PyTorch's operations."""
    values = images
    for index, block in enumerate(blocks):
        weight, bias = parameters[2 * index : 2 * index + 2]
        activate = _TORCH_ACTIVATIONS[block.activation]
        if isinstance(block, ConvBlock):
            maps = activate(F.conv2d(values, weight, bias, padding=block.padding))
            values = _TORCH_POOLINGS[block.pooling](maps, 2)
        else:
            values = activate(F.linear(values.flatten(1), weight, bias))
    return values


class _Blocks(torch.autograd.Function):
    """A network of blocks: forward and backward by the compiled kernels."""

    @staticmethod
    def forward(
        ctx: Any, blocks: tuple[Block, ...], keeps: bool, images: Tensor, *parameters: Tensor
    ) -> Tensor:
        contiguous = images.contiguous()
        outputs = contiguous.new_empty(len(images), *blocks[-1].output_shape)
        network = native_network(blocks)
        arguments = (
            network.handle,
            pointers([parameter.data_ptr() for parameter in parameters]),
            Images(contiguous.data_ptr(), None, None),
            len(images),
            torch.get_num_threads(),
            outputs.data_ptr(),
        )
        if keeps and any(ctx.needs_input_grad):
            ctx.save_for_backward(images, *parameters)
            ctx.blocks, ctx.kept = blocks, Native("kept_batch", *arguments)
        else:
            call("forward", *arguments)
        return outputs

    @staticmethod
    def backward(ctx: Any, output_gradient: Tensor) -> tuple[Tensor | None, ...]:
        images, *parameters = ctx.saved_tensors
        wanted = ctx.needs_input_grad[2:]
        if torch.is_grad_enabled():  # gradients of gradients are asked for: PyTorch has them
            outputs = _run_with_torch(ctx.blocks, images, parameters)
            inputs = [
                tensor for tensor, want in zip([images, *parameters], wanted, strict=True) if want
            ]
            found = iter(torch.autograd.grad(outputs, inputs, output_gradient, create_graph=True))
            return None, None, *(next(found) if want else None for want in wanted)
        image_gradient = images.new_empty(images.shape) if wanted[0] else None
        gradients = [torch.empty_like(parameter) for parameter in parameters]
        output_gradient = output_gradient.contiguous()
        call(
            "kept_batch_backward",
            ctx.kept.handle,
            pointers([parameter.data_ptr() for parameter in parameters]),
            output_gradient.data_ptr(),
            torch.get_num_threads(),
            pointers([gradient.data_ptr() for gradient in gradients]),
            None if image_gradient is None else image_gradient.data_ptr(),
        )
        found_all = (image_gradient, *gradients)
        return (
            None,
            None,
            *(gradient if want else None for gradient, want in zip(found_all, wanted, strict=True)),
        )


_verdicts: list[str | None] = []  # one, from the first use on
_lock = threading.Lock()  # PyTorch counts the levels of forward gradients for all threads together


def check_pytorch() -> None:
    """Let the kernels and PyTorch compute the same, once a process, and compare.

    No release is refused by its number. Of one that does otherwise than the kernels rely on, a line
    says so, and PyTorch computes.

    Raises:
        ModelError: They differ, or PyTorch does not tell who listens to its layers and operations;
            or somebody does now, who would see the comparison.
    """
    with _lock:
        if not _verdicts and kernel_status().reason is None:
            _verdicts.append(_judge())
    if _verdicts and _verdicts[0]:
        raise ModelError(_verdicts[0])


def _judge() -> str | None:
    """Why the kernels are not to stand in for PyTorch's layers, told once; or nothing."""
    fault: str | None
    try:
        observer = find_observer()
        fault = None if observer else _find_fault()
    except Exception as error:  # of whatever class, in a release that nobody has seen
        observer, fault = None, f"{type(error).__name__}: {error}".partition("\n")[0]
    if observer:
        raise ModelError(observer)
    if fault is None:
        return None
    reason = f"The compiled kernels do not fit PyTorch {torch.__version__}: {fault}."
    logging.getLogger("lenet.kernels").warning("%s PyTorch computes by itself.", reason)
    return reason


def _find_fault() -> str | None:
    """What this release of PyTorch does otherwise than the kernels rely on."""
    with torch.inference_mode(False), torch.enable_grad(), torch.autocast("cpu", enabled=False):
        if unheard := find_unheard():
            return f"it does not tell of {unheard}"
        images = _ramp((_TRIED_IMAGES, *_TRIED[0].input_shape))
        inputs = [images, *map(_ramp, parameter_shapes(_TRIED))]
        numbers = []
        for outputs in (
            _Blocks.apply(_TRIED, True, *inputs),  # type: ignore[no-untyped-call]
            _run_with_torch(_TRIED, images, inputs[1:]),
        ):
            loss = (outputs * _ramp(outputs.shape)).sum()
            numbers.append([outputs, *torch.autograd.grad(loss, inputs)])
        for ours, theirs in zip(*numbers, strict=True):
            if not (ours - theirs).norm() <= _LARGEST_DIFFERENCE * theirs.norm():
                return "they compute otherwise"
        torch.autograd.graph.increment_version(inputs)
    return None


def _ramp(shape: Sequence[int]) -> Tensor:
    """Numbers from -1/2 to 1/2, drawn from no generator, whose order somebody may rely on."""
    count = math.prod(shape)
    numbers = torch.arange(count, dtype=torch.float32, device="cpu").mul_(0.618).fmod_(1).sub_(0.5)
    return numbers.reshape(*shape).requires_grad_()
