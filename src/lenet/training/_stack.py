"""The weights of several networks of one form in one tensor."""

import copy
from collections.abc import Sequence
from itertools import accumulate, pairwise

import torch
from torch import Tensor, nn


class Stack:
    """The weights and buffers of several networks of one form.

    A row of `weights` is a network, all its weights one after the other, so that an optimiser's
    work is a few operations on one tensor. The networks' own parameters and buffers become views of
    the stack: what changes there changes here, and the other way round.

    Args:
        models: Networks with the same layers, on one device.

    Attributes:
        weights: float32 (K, P): K networks with P weights.
        parameters: The same by the parameters' names, (K, …), for autograd.
        buffers: The buffers by their names, (K, …).
        template: The networks' layers without any weights.
    """

    def __init__(self, models: Sequence[nn.Module]):
        self._models = list(models)
        first = self._models[0]
        self.template = copy.deepcopy(first).to("meta").train()
        self._shapes = {name: value.shape for name, value in first.named_parameters()}
        ends = accumulate((shape.numel() for shape in self._shapes.values()), initial=0)
        self._columns = [slice(*pair) for pair in pairwise(ends)]
        rows = [
            torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
            for model in self._models
        ]
        self.weights = torch.stack(rows)
        self.parameters = {
            name: value.detach().requires_grad_()
            for name, value in self.by_name(self.weights).items()
        }
        of_models = [dict(model.named_buffers()) for model in self._models]
        self.buffers = {
            name: torch.stack([buffers[name] for buffers in of_models]) for name in of_models[0]
        }
        for number, model in enumerate(self._models):
            self._point(model, number)

    def by_name(self, rows: Tensor) -> dict[str, Tensor]:
        """Views of a tensor like `weights`, (K, P), by the parameters' names: (K, …)."""
        return {
            name: rows[:, columns].view(-1, *shape)
            for (name, shape), columns in zip(self._shapes.items(), self._columns, strict=True)
        }

    def parameters_of(self, row: Tensor) -> list[Tensor]:
        """Views of a network's row, (P,), in the shapes of its parameters and in their order."""
        return [
            row[columns].view(shape)
            for shape, columns in zip(self._shapes.values(), self._columns, strict=True)
        ]

    def release(self, number: int) -> None:
        """Give a network weights and buffers of its own again, with the same values."""
        with torch.no_grad():
            for parameter in self._models[number].parameters():
                parameter.data = parameter.data.clone()
            for holder, name, buffer in _buffers(self._models[number]):
                holder._buffers[name] = buffer.clone()

    def _point(self, model: nn.Module, number: int) -> None:
        """Let a network's parameters and buffers be views of the stack."""
        views = self.parameters_of(self.weights[number])
        for parameter, view in zip(model.parameters(), views, strict=True):
            parameter.data = view
            parameter.grad = None
        stacked = iter(self.buffers.values())
        for holder, name, _ in _buffers(model):
            holder._buffers[name] = next(stacked)[number]


def _buffers(model: nn.Module) -> list[tuple[nn.Module, str, Tensor]]:
    """The buffers in the order of `named_buffers`, each with the layer that holds it."""
    return [
        (layer, name, buffer)
        for layer in model.modules()
        for name, buffer in layer._buffers.items()
        if buffer is not None
    ]
