"""A training step that several processes make together."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from lenet.datasets import Selection
from lenet.training._peers import Peers, part_of
from lenet.training._shared_batch_norm import SharedBatchNorm

if TYPE_CHECKING:
    from lenet.training._steps import NativeSteps
    from lenet.training._torch_steps import TorchSteps

_BETWEEN_LOOKS_ON_GPU = 16  # steps after which a GPU is waited for, to see who wants to stop


class SharedSteps:
    """Steps of several processes, each of which takes a part of every batch.

    The gradients of the batch's mean loss are the sum of what the parts give, each weighted by its
    share of the batch. So the update is the one that a single process would make of the whole
    batch, up to the order of the sums, and it is the same in all processes. One tensor goes round,
    with all gradients, the loss, the right answers, and whether somebody wants to stop.

    A step that fails because a process is gone has changed nothing.

    Args:
        steps: How a part's gradients are computed, and the weights updated.
        model: The network.
        peers: The processes.
        wants_to_stop: Whether this process was asked to stop.

    Attributes:
        stop_agreed: Whether all processes know, after the same step, that one wants to stop.
    """

    def __init__(
        self,
        steps: TorchSteps | NativeSteps,
        model: nn.Module,
        peers: Peers,
        wants_to_stop: Callable[[], bool],
    ):
        self._steps, self._model, self._peers = steps, model, peers
        self._wants_to_stop, self.stop_agreed = wants_to_stop, False
        self._made = 0
        self.kernels = steps.kernels
        self.still_serves = steps.still_serves
        self.state, self.load_state = steps.state, steps.load_state

    def __call__(
        self, selection: Selection, learning_rate: float
    ) -> tuple[Tensor | float, Tensor | int]:
        """Update the weights by a batch, of which this process computes its part."""
        count = len(selection.indices)
        own = selection.part(part_of(count, self._peers))
        kept = [(buffer, buffer.clone()) for buffer in self._model.buffers()]
        try:
            with self._batch_norm():
                share = len(own.indices) / count
                loss, correct = self._steps.compute_gradients(own, share)
            loss, correct, stop = self._add_up(loss * share, correct)
        except BaseException:
            for buffer, before in kept:
                buffer.copy_(before)
            raise
        self._steps.update(learning_rate)
        self._made += 1
        if not stop.is_cuda or self._made % _BETWEEN_LOOKS_ON_GPU == 0:
            self.stop_agreed = bool(stop > 0)
        return loss, correct

    def _batch_norm(self) -> AbstractContextManager[object]:
        """What makes batch normalisation one of the whole batch; the kernels have none here."""
        return nullcontext() if self.kernels == "native" else SharedBatchNorm(self._peers)

    def _add_up(self, loss: Tensor | float, correct: Tensor | int) -> tuple[Tensor, Tensor, Tensor]:
        """Add up over all processes, the gradients in place."""
        gradients = self._steps.gradients
        place = gradients[0].device if gradients else None
        beside = [loss, correct, float(self._wants_to_stop())]
        values = [torch.as_tensor(value, dtype=torch.float32, device=place) for value in beside]
        bucket = torch.cat([*(gradient.reshape(-1) for gradient in gradients), torch.stack(values)])
        self._peers.add_up(bucket)
        *sums, found = bucket.split_with_sizes(
            [*(gradient.numel() for gradient in gradients), len(values)]
        )
        for gradient, total in zip(gradients, sums, strict=True):
            gradient.copy_(total.view_as(gradient))
        return found[0], found[1].round().long(), found[2]
