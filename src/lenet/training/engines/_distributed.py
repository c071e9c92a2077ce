"""A training step that several processes make together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from lenet.datasets import Selection
from lenet.models import ArrayNetwork
from lenet.training.engines._engine import Engine, OptimiserState, TwoPhaseEngine
from lenet.training.peers._group import Peers, part_of

_BETWEEN_LOOKS_ON_GPU = 16  # steps after which a GPU is waited for, to see who wants to stop


class DistributedEngine(Engine):
    """Steps of several processes, each of which takes a part of every batch.

    The gradients of the batch's mean loss are the sum of what the parts give, each weighted by its
    share of the batch. So the update is the one that a single process would make of the whole
    batch, up to the order of the sums, and it is the same in all processes. One tensor goes round,
    with all gradients, the loss, the right answers, and whether somebody wants to stop.

    A step that fails because a process is gone has changed nothing.
    """

    def __init__(self, engine: TwoPhaseEngine, peers: Peers):
        self._engine, self._peers = engine, peers
        self._made, self._stop_agreed = 0, False
        self.draws_numbers = engine.draws_numbers
        self.name, self.network, self.batches = engine.name, engine.network, engine.batches

    @property
    def stop_agreed(self) -> bool:
        return self._stop_agreed

    def still_serves(self) -> bool:
        return self._engine.still_serves()

    def state(self) -> OptimiserState:
        return self._engine.state()

    def load_state(self, state: OptimiserState) -> None:
        self._engine.load_state(state)

    def seed_draws(self, seed: int) -> None:
        self._engine.seed_draws(seed)

    @contextmanager
    def running(self) -> Iterator[None]:
        with self._engine.running():
            yield

    def make_scores(self, steps: int) -> tuple[Any, Any]:
        return self._engine.make_scores(steps)

    def step(self, selection: Selection[Any], learning_rate: float) -> tuple[Tensor, Tensor]:
        count = len(selection.indices)
        own = selection.part(part_of(count, self._peers))
        # The kernels have no batch normalisation here, so they change nothing but weights.
        buffers = () if isinstance(self.network, ArrayNetwork) else self.network.buffers()
        kept = [(buffer, buffer.clone()) for buffer in buffers]
        try:
            with self._batch_norm():
                share = len(own.indices) / count
                loss, correct = self._engine.compute_gradients(own, share)
            loss, correct, stop = self._add_up(loss * share, correct)
        except BaseException:
            for buffer, before in kept:
                buffer.copy_(before)
            raise
        self._engine.update(learning_rate)
        self._made += 1
        if not stop.is_cuda or self._made % _BETWEEN_LOOKS_ON_GPU == 0:
            self._stop_agreed = bool(stop > 0)
        return loss, correct

    def _batch_norm(self) -> AbstractContextManager[object]:
        """What makes batch normalisation one of the whole batch; the kernels have none here."""
        return nullcontext() if self.name == "native" else SharedBatchNorm(self._peers)

    def _add_up(self, loss: Tensor | float, correct: Tensor | int) -> tuple[Tensor, Tensor, Tensor]:
        gradients = [torch.as_tensor(gradient) for gradient in self._engine.gradients]
        place = gradients[0].device if gradients else None
        beside = [loss, correct, float(self.stop_wanted)]
        values = [torch.as_tensor(value, dtype=torch.float32, device=place) for value in beside]
        bucket = torch.cat([*(gradient.reshape(-1) for gradient in gradients), torch.stack(values)])
        self._peers.add_up(bucket)
        *sums, found = bucket.split_with_sizes(
            [*(gradient.numel() for gradient in gradients), len(values)]
        )
        for gradient, total in zip(gradients, sums, strict=True):
            gradient.copy_(total.view_as(gradient))
        return found[0], found[1].round().long(), found[2]


class SharedBatchNorm(TorchFunctionMode):
    """While it is entered, batch normalisation in training mode sees all processes' images.

    Mean and variance are those of the whole batch, and gradients go back through them to every
    image, as if one process had all. It takes the place of `torch.nn.functional.batch_norm`, so it
    works in any network that calls its layers in the same order in every process. PyTorch's own
    `SyncBatchNorm` is for GPUs only.
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
