"""Batch normalisation over a batch whose parts lie in several processes."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from lenet.training._peers import Peers


class SharedBatchNorm(TorchFunctionMode):
    """While it is entered, batch normalisation in training mode sees all processes' images.

    Mean and variance are those of the whole batch, and gradients go back through them to every
    image, as if one process had all. It takes the place of `torch.nn.functional.batch_norm`, so it
    works in any network that calls its layers in the same order in every process. PyTorch's own
    `SyncBatchNorm` is for GPUs only.

    Args:
        peers: The processes.
    """

    def __init__(self, peers: Peers):
        super().__init__()
        self._peers = peers

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if function is F.batch_norm:
            return self._normalise(*args, **(kwargs or {}))
        return function(*args, **(kwargs or {}))

    def _normalise(
        self,
        images: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Tensor:
        """What `torch.nn.functional.batch_norm` would give for the whole batch, of this part."""
        if not training:
            return F.batch_norm(images, running_mean, running_var, weight, bias, False, 0.0, eps)
        values = images.float()
        others = [axis for axis in range(values.ndim) if axis != 1]
        shape = [1, -1, *[1] * (values.ndim - 2)]
        own_count = values.new_full((1,), values.numel() // values.shape[1], dtype=torch.float64)
        sums: Tensor = _Sum.apply(  # type: ignore[no-untyped-call]
            self._peers, torch.cat([values.sum(others).double(), own_count])
        )
        count = sums[-1].detach()
        mean = sums[:-1] / count
        centred = values - mean.float().view(shape)
        squares: Tensor = _Sum.apply(  # type: ignore[no-untyped-call]
            self._peers, centred.square().sum(others).double()
        )
        variance = squares / count
        normalised = centred * (variance + eps).rsqrt().float().view(shape)
        if weight is not None:
            normalised = normalised * weight.view(shape)
        if bias is not None:
            normalised = normalised + bias.view(shape)
        with torch.no_grad():
            if running_mean is not None:
                running_mean.lerp_(mean.to(running_mean.dtype), momentum)
            if running_var is not None:
                unbiased = squares / (count - 1).clamp(min=1)
                running_var.lerp_(unbiased.to(running_var.dtype), momentum)
        return normalised.to(images.dtype)


class _Sum(torch.autograd.Function):
    """A sum over all processes, through which gradients go to all of them."""

    @staticmethod
    def forward(ctx: Any, peers: Peers, tensor: Tensor) -> Tensor:
        ctx.peers = peers
        total = tensor.clone()
        peers.add_up(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor]:
        total = gradient.contiguous().clone()
        ctx.peers.add_up(total)
        return None, total
