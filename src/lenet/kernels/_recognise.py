"""The layers of PyTorch that the numbers of a block are in."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lenet.errors import ModelError
from lenet.kernels._blocks import Block, fold_batch_norm
from lenet.kernels._pytorch import has_global_hooks, has_hooks, is_dispatched, is_in_transform

BatchNorm = nn.BatchNorm1d | nn.BatchNorm2d


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
        norm, weight, bias = self.batch_norm, self.layer.weight, self.layer.bias
        if not norm:
            assert bias is not None  # `check` sees to that
            return [weight, bias]
        numbers = {name: tensor.numpy() for name, tensor in norm.state_dict().items()}
        before = None if bias is None else bias.detach().numpy()
        folded = fold_batch_norm(weight.detach().numpy(), before, numbers, norm.eps)
        return [torch.from_numpy(array) for array in folded]

    def check(self) -> None:
        """Raise unless the layers have all numbers that they should, as the code reads them."""
        layer, norm, shape = self.layer, self.batch_norm, self.block.weight_shape
        _check(layer, layer.weight, shape)
        if layer.bias is not None or not norm:
            _check(layer, layer.bias, shape[:1])
        if norm:
            for tensor in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
                _check(norm, tensor, shape[:1])


def is_listened_to(layers: Iterable[nn.Module]) -> bool:
    """Whether something else than a layer's own code wants to see what goes in and out of it."""
    return has_global_hooks() or any(
        "forward" in vars(layer) or has_hooks(layer) for layer in layers
    )


def _check(layer: nn.Module, tensor: Tensor | None, shape: tuple[int, ...]) -> None:
    if type(tensor) not in (nn.Parameter, Tensor):
        message = f"The compiled kernels do not serve {layer} with such weights."
        raise ModelError(message)
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


def is_being_traced() -> bool:
    """Whether the network is being compiled, exported or traced."""
    return torch.compiler.is_compiling() or bool(torch.jit.is_tracing())  # type: ignore[attr-defined, no-untyped-call]


def find_observer() -> str | None:
    """Who sees, or changes, what PyTorch's operations are now, if anybody does."""
    if is_being_traced():
        return "The network is being compiled or exported."
    if is_in_transform():
        return "`torch.func` is at work."
    return "A mode wants to see PyTorch's operations." if is_dispatched() else None
