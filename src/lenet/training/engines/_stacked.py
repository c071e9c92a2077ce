"""A step of several networks of one form as one computation, for `train_in_lockstep`."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.utils import vector_to_parameters

from lenet.datasets import Batches, DrawnChanges, Selection, apply_changes
from lenet.kernels import KernelChoice
from lenet.training._computing import StackedOptimiser, build_loss, compute_in
from lenet.training._recipe import Recipe
from lenet.training.engines._engine import Engine, OptimiserState
from lenet.training.engines._graph import CapturedSteps


class StackedEngine:
    """Steps of several networks of one form, each with its own weights, images and numbers.

    Every operation is made once, on tensors with one more dimension, so a convolution of K networks
    is one grouped convolution. On a GPU the whole step is captured as a graph, as in `GraphEngine`.

    Args:
        models: K networks with the same layers, whose weights become views of a stack.
        recipes: Of each; they differ in nothing but learning rate and its schedule, momentum,
            weight decay and when to stop.
        batches: Where the examples of each come from, parts of the same images on one device.
        states: What the optimiser of each has remembered so far.

    Source: https://docs.pytorch.org/tutorials/intermediate/ensembling.html
    """

    def __init__(
        self,
        models: Sequence[nn.Module],
        recipes: Sequence[Recipe],
        batches: Sequence[Batches],
        states: Sequence[OptimiserState],
    ):
        self.count = len(models)
        self._precision = recipes[0].precision
        self._stack = Stack(models)
        self._optimiser = StackedOptimiser(recipes, self._stack.weights)
        self._begun = [bool(state) for state in states]
        for number, state in enumerate(states):
            self._load_state(number, state)
        self._loss = vmap(build_loss(recipes[0]))
        self._images = batches[0].placed.images
        self._labels = batches[0].placed.labels
        self._device = batches[0].device
        rows = [one.placed.rows for one in batches if one.placed.rows is not None]
        self._rows = torch.stack(rows) if rows else None
        ranges = [(one.mean, one.std) for one in batches]
        self._ranges: Tensor | None = None
        if any(one != (0.0, 1.0) for one in ranges):
            self._ranges = torch.tensor(ranges, device=self._device).T[:, :, None, None, None, None]
        self._captured = CapturedSteps(self.compute)
        self._told_rates: list[float] = []

    def step(
        self, selections: Sequence[Selection], learning_rates: Sequence[float]
    ) -> tuple[Tensor, Tensor]:
        """Update the weights of each network by a batch of its own; all batches are of one size.

        Returns:
            Each one's mean loss, float32 (K,), and how many images it had right, int64 (K,);
            overwritten by the next step.
        """
        rates = list(learning_rates)
        if rates != self._told_rates:
            told = torch.tensor(rates, dtype=torch.float32)[:, None]
            self._optimiser.learning_rates.copy_(told, non_blocking=True)
            self._told_rates = rates
        scores = self._captured(self.join(selections))
        self._begun = [True] * self.count
        return scores

    @staticmethod
    def join(selections: Sequence[Selection]) -> Selection:
        """The batches of several networks as one, in their order."""
        changes: dict[str, Tensor | None] = {}
        for name, dimension in (("mirrored", 0), ("distortions", 0), ("shifts", 1)):
            parts = [getattr(selection.changes, name) for selection in selections]
            changes[name] = None if parts[0] is None else torch.cat(parts, dim=dimension)
        indices = torch.cat([selection.indices for selection in selections])
        return Selection(indices, DrawnChanges(**changes))

    def compute(self, selection: Selection) -> tuple[Tensor, Tensor]:
        """The step itself, of the batches of all networks one after the other."""
        images, labels = self._take(selection)
        with compute_in(self._precision, self._device):
            logits = vmap(self._forward)(self._stack.parameters, self._stack.buffers, images)
            losses = self._loss(logits, labels)
        parameters = list(self._stack.parameters.values())
        # No network's loss depends on another's weights, so this is the gradient of each.
        gradients = torch.autograd.grad(losses.sum(), parameters)
        self._optimiser.step(torch.cat([gradient.flatten(1) for gradient in gradients], dim=1))
        correct = (logits.detach().argmax(dim=2) == labels).sum(dim=1)
        return losses.detach(), correct

    def state(self, number: int) -> OptimiserState:
        """What a network's optimiser remembers."""
        if not self._begun[number]:
            return {}
        state: OptimiserState = {}
        for name, values in self._optimiser.state.items():
            row = values[number]
            if name == "step":
                parts = [row[0]] * len(self._stack.parameters)
            else:
                parts = self._stack.parameters_of(row)
            for index, part in enumerate(parts):
                state.setdefault(index, {})[name] = part
        return state

    def release(self, number: int) -> None:
        """Let a network go, with weights of its own; what is computed for it is no more of use."""
        self._stack.release(number)

    def _forward(
        self, parameters: dict[str, Tensor], buffers: dict[str, Tensor], images: Tensor
    ) -> Tensor:
        """The logits of one network, (B, classes)."""
        logits: Tensor = functional_call(self._stack.template, (parameters, buffers), (images,))
        return logits

    def _take(self, selection: Selection) -> tuple[Tensor, Tensor]:
        """The examples: images, float32 (K, B, C, H, W), and labels, int64 (K, B)."""
        places = selection.indices.view(self.count, -1)
        if self._rows is not None:
            places = self._rows.gather(1, places)
        pixels = apply_changes(self._images[places.flatten()], selection.changes)
        images = pixels.to(torch.float32, copy=True).div_(255)
        images = images.view(self.count, -1, *images.shape[1:])
        if self._ranges is not None:
            means, deviations = self._ranges
            images = images.sub_(means).div_(deviations)
        return images, self._labels[places]

    def _load_state(self, number: int, state: OptimiserState) -> None:
        for name, values in self._optimiser.state.items():
            if not state:
                continue
            parts = [state[index][name] for index in range(len(self._stack.parameters))]
            row = values[number]
            if name == "step":
                row.copy_(parts[0])
            else:
                row.copy_(torch.cat([part.flatten() for part in parts]))


class StackMember(Engine):
    """One network's side of a `StackedEngine`: what a checkpoint asks for."""

    kernels: KernelChoice = "torch"

    def __init__(self, stacked: StackedEngine, number: int):
        self._stacked, self._number = stacked, number

    def step(self, selection: Selection, learning_rate: float) -> tuple[Tensor, Tensor]:
        """Never: steps are made for all networks at once."""
        raise NotImplementedError

    def state(self) -> OptimiserState:
        return self._stacked.state(self._number)

    def load_state(self, state: OptimiserState) -> None:
        raise NotImplementedError


def is_plain(model: nn.Module) -> bool:
    """Whether all weights of a network are to be trained and nothing listens to its layers."""
    return all(
        parameter.requires_grad and not parameter._backward_hooks
        for parameter in model.parameters()
    ) and not any(layer._forward_hooks or layer._forward_pre_hooks for layer in model.modules())


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
        rows = [
            torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
            for model in self._models
        ]
        self.weights = torch.stack(rows)
        self.parameters = {
            name: value.detach().requires_grad_()
            for name, value in self._by_name(self.weights).items()
        }
        of_models = [dict(model.named_buffers()) for model in self._models]
        self.buffers = {
            name: torch.stack([buffers[name] for buffers in of_models]) for name in of_models[0]
        }
        for number, model in enumerate(self._models):
            vector_to_parameters(self.weights[number], model.parameters())
            model.zero_grad()
            stacked = iter(self.buffers.values())
            for holder, name, _ in _buffers(model):
                holder._buffers[name] = next(stacked)[number]

    def _by_name(self, rows: Tensor) -> dict[str, Tensor]:
        """Views of a tensor like `weights`, (K, P), by the parameters' names: (K, …)."""
        parts = rows.split_with_sizes([shape.numel() for shape in self._shapes.values()], dim=1)
        return {
            name: part.view(-1, *shape)
            for (name, shape), part in zip(self._shapes.items(), parts, strict=True)
        }

    def parameters_of(self, row: Tensor) -> list[Tensor]:
        """Views of a network's row, (P,), in the shapes of its parameters and in their order."""
        return [value[0] for value in self._by_name(row[None]).values()]

    def release(self, number: int) -> None:
        """Give a network weights and buffers of its own again, with the same values."""
        with torch.no_grad():
            for parameter in self._models[number].parameters():
                parameter.data = parameter.data.clone()
            for holder, name, buffer in _buffers(self._models[number]):
                holder._buffers[name] = buffer.clone()


def _buffers(model: nn.Module) -> list[tuple[nn.Module, str, Tensor]]:
    """The buffers in the order of `named_buffers`, each with the layer that holds it."""
    return [
        (layer, name, buffer)
        for layer in model.modules()
        for name, buffer in layer._buffers.items()
        if buffer is not None
    ]
