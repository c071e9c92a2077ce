"""A step of several networks of one form as one computation, for `train_in_lockstep`."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.utils import vector_to_parameters

from lenet.datasets import Batches, DrawnChanges, Selection, apply_changes
from lenet.kernels import BETA_OF_MEAN, BETA_OF_SQUARE, EPSILON, EngineName
from lenet.training._computing import CLIPPING_EPSILON
from lenet.training._recipe import Recipe
from lenet.training.engines._engine import Engine, OptimiserState
from lenet.training.engines._graph import CapturedSteps, is_watched
from lenet.training.engines._torch import build_loss, compute_in


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
            told = torch.tensor(rates, dtype=torch.float32, device="cpu")[:, None]
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
                state.setdefault(index, {})[name] = part.detach().cpu().numpy()
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
            places = range(len(self._stack.parameters))
            parts = [torch.as_tensor(state[index][name], device="cpu") for index in places]
            row = values[number]
            if name == "step":
                row.copy_(parts[0])
            else:
                row.copy_(torch.cat([part.flatten() for part in parts]))


class StackMember(Engine):
    """One network's side of a `StackedEngine`: what a checkpoint asks for."""

    name: EngineName = "torch"

    network: nn.Module
    batches: Batches

    def __init__(self, stacked: StackedEngine, number: int, network: nn.Module, batches: Batches):
        self._stacked, self._number = stacked, number
        self.network, self.batches = network, batches

    def step(self, selection: Selection, learning_rate: float) -> tuple[Tensor, Tensor]:
        """Never: steps are made for all networks at once."""
        raise NotImplementedError

    def state(self) -> OptimiserState:
        return self._stacked.state(self._number)

    def load_state(self, state: OptimiserState) -> None:
        raise NotImplementedError


def is_plain(model: nn.Module) -> bool:
    """Whether all weights of a network are to be trained and nothing listens to its layers."""
    return all(one.requires_grad for one in model.parameters()) and not is_watched(model)


class StackedOptimiser:
    """SGD, Adam or AdamW for several networks, each with numbers of its own.

    It computes what PyTorch's optimisers compute, for a row of weights a network. PyTorch's own
    can't take a learning rate for each row.

    Args:
        recipes: One a network. Optimiser, Nesterov and gradient clipping are those of the first.
        weights: float32 (K, P), a row a network, updated in place.

    Attributes:
        learning_rates: float32 (K, 1), of the step that comes next.
        state: What is remembered from step to step, by PyTorch's names: (K, P), and the number of
            steps (K, 1).
    """

    def __init__(self, recipes: Sequence[Recipe], weights: Tensor):
        first = recipes[0]
        self._weights, self._kind, self._nesterov = weights, first.optimiser, first.nesterov
        self._largest_norm = first.gradient_clipping

        def column(values: Sequence[float]) -> Tensor:
            return torch.tensor(values, dtype=torch.float32, device=weights.device)[:, None]

        self.learning_rates = column([recipe.learning_rate for recipe in recipes])
        self._momentum = column([recipe.momentum for recipe in recipes])
        decays = [recipe.weight_decay for recipe in recipes]
        self._decay = column(decays) if any(decays) else None
        names: tuple[str, ...] = ("exp_avg", "exp_avg_sq")
        if self._kind == "sgd":
            names = ("momentum_buffer",) if any(recipe.momentum for recipe in recipes) else ()
        self.state = {name: torch.zeros_like(weights) for name in names}
        if self._kind != "sgd":
            self.state["step"] = torch.zeros_like(self.learning_rates)

    @torch.no_grad()
    def step(self, gradients: Tensor) -> None:
        """Update the weights by their gradients (K, P)."""
        if self._largest_norm:
            norms = gradients.norm(dim=1, keepdim=True)
            shares = (self._largest_norm / (norms + CLIPPING_EPSILON)).clamp(max=1)
            gradients = gradients * shares
        if self._decay is not None and self._kind != "adamw":
            gradients = gradients.addcmul(self._weights, self._decay)
        if self._kind == "sgd":
            self._step_by_sgd(gradients)
        else:
            self._step_by_adam(gradients)

    def _step_by_sgd(self, gradients: Tensor) -> None:
        """The rule of `torch.optim.SGD`."""
        if self.state:
            buffer = self.state["momentum_buffer"]  # 0 at first, so that it begins as the gradient
            buffer.mul_(self._momentum).add_(gradients)
            gradients = gradients.addcmul(buffer, self._momentum) if self._nesterov else buffer
        self._weights.addcmul_(gradients, self.learning_rates, value=-1)

    def _step_by_adam(self, gradients: Tensor) -> None:
        """The rule of `torch.optim.Adam` and `torch.optim.AdamW`."""
        mean, square, steps = (self.state[name] for name in ("exp_avg", "exp_avg_sq", "step"))
        steps += 1
        if self._decay is not None and self._kind == "adamw":
            self._weights.mul_(1 - self.learning_rates * self._decay)
        mean.lerp_(gradients, 1 - BETA_OF_MEAN)
        square.mul_(BETA_OF_SQUARE).addcmul_(gradients, gradients, value=1 - BETA_OF_SQUARE)
        sizes = self.learning_rates / _one_minus_power(BETA_OF_MEAN, steps)
        roots = square.sqrt().div_(_one_minus_power(BETA_OF_SQUARE, steps).sqrt()).add_(EPSILON)
        self._weights.addcdiv_(mean * sizes, roots, value=-1)


def _one_minus_power(base: float, exponents: Tensor) -> Tensor:
    """1 - base^exponent, without losing digits where the power is near 1."""
    return -torch.expm1(exponents * math.log(base))


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
                setattr(holder, name, next(stacked)[number])

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
                setattr(holder, name, buffer.clone())


def _buffers(model: nn.Module) -> list[tuple[nn.Module, str, Tensor]]:
    """The buffers in the order of `named_buffers`, each with the layer that holds it."""
    return [
        (layer, name, buffer)
        for layer in model.modules()
        for name, buffer in layer.named_buffers(recurse=False)
    ]
