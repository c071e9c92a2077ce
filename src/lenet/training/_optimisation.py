import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from lenet.training._recipe import Recipe

# The shape of one-cycle, as torch.optim.lr_scheduler.OneCycleLR has it by default.
_WARM_UP = 0.3
_START_DIVISOR = 25.0
_END_DIVISOR = 1e4


def build_optimiser(
    recipe: Recipe,
    parameters: Iterable[nn.Parameter],
    learning_rate: torch.Tensor | None = None,
) -> torch.optim.Optimizer:
    """The optimiser of a recipe over a network's parameters.

    Args:
        recipe: Its kind, momentum and weight decay.
        parameters: What it updates.
        learning_rate: Where it finds its learning rate at every step, a number on the parameters'
            device; then a step is one kernel, which may be captured in a CUDA graph.
    """
    settings: dict[str, Any] = {
        "lr": recipe.learning_rate if learning_rate is None else learning_rate,
        "weight_decay": recipe.weight_decay,
        "fused": learning_rate is not None,
    }
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(
            parameters, momentum=recipe.momentum, nesterov=recipe.nesterov, **settings
        )
    kind = torch.optim.Adam if recipe.optimiser == "adam" else torch.optim.AdamW
    return kind(parameters, **settings)


def learning_rate_at(recipe: Recipe, step: int, steps_per_epoch: int) -> float:
    """The learning rate of a step, as a function of the step alone.

    Args:
        recipe: Its schedule, peak learning rate and epochs.
        step: The step in the whole training, counted from 0.
        steps_per_epoch: Batches an epoch.

    >>> learning_rate_at(Recipe(schedule="cosine", learning_rate=1, epochs=2), 5, 5)
    0.5
    """
    peak, total = recipe.learning_rate, recipe.epochs * steps_per_epoch
    if recipe.schedule == "step":
        changes = step // steps_per_epoch // recipe.step_epochs
        return float(peak * recipe.step_factor**changes)
    if recipe.schedule == "cosine":
        return _cosine(peak, 0.0, step / total)
    if recipe.schedule == "one-cycle":
        start = peak / _START_DIVISOR
        turn = _WARM_UP * total - 1
        if step <= turn:
            return _cosine(start, peak, step / turn)
        return _cosine(peak, start / _END_DIVISOR, (step - turn) / max(total - 1 - turn, 1))
    return peak


def _cosine(start: float, end: float, progress: float) -> float:
    """Half a cosine from `start` at progress 0 to `end` at 1."""
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2
