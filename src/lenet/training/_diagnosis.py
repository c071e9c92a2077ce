"""Why a network does not learn: what its layers do to a batch, and what to try."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lenet.datasets import Split
from lenet.kernels import use_kernels
from lenet.training._recipe import Recipe

_STUCK = 0.98  # of the loss of always guessing by class frequency
_PATIENCE = 400  # steps; a healthy sigmoid network at the tutorial's recipe needs about 300
_SATURATED = 0.02  # how near a sigmoid's output may come to 0 or 1 before it hardly learns
_SUSPECT = 0.9  # share of saturated or dead units that makes a layer worth naming
_LARGE_LEARNING_RATE = 0.5  # for activations without an upper bound


@dataclass(frozen=True)
class LayerHealth:
    """How an activation layer answers to a batch.

    Attributes:
        position: The layer's place in the network, counted from 0.
        name: Its class, such as `Sigmoid`.
        saturated: Share of its outputs, 0 to 1, so near a bound that no gradient comes through.
        dead: Share of its units, 0 to 1, that are 0 for every image; ReLU only.
    """

    position: str
    name: str
    saturated: float
    dead: float


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a network that does not learn, and what to try.

    Attributes:
        loss: The training loss that does not fall.
        chance_loss: The loss of guessing by class frequency: log(classes) where all are alike.
        layers: The activation layers' health, first layer first.
        remedies: What to try, most likely first, each a sentence.
    """

    loss: float
    chance_loss: float
    layers: tuple[LayerHealth, ...]
    remedies: tuple[str, ...]

    def __str__(self) -> str:
        sick = [
            f"layer {layer.position} ({layer.name}) is {max(layer.dead, layer.saturated):.0%} "
            + ("dead" if layer.dead >= layer.saturated else "saturated")
            for layer in self.layers
            if max(layer.dead, layer.saturated) >= _SUSPECT
        ]
        findings = f" Look at {', '.join(sick)}." if sick else ""
        return (
            f"Not learning: the loss is {self.loss:.3f}, and guessing gives "
            f"{self.chance_loss:.3f}.{findings} {' '.join(self.remedies)}"
        )


def chance_loss(split: Split) -> float:
    """The loss, in nats, of guessing by the frequency of each class: log(classes) at most."""
    frequencies = np.bincount(split.labels) / len(split)
    frequencies = frequencies[frequencies > 0]
    return float(-(frequencies * np.log(frequencies)).sum())


def is_stuck(loss: float, chance: float, steps: int, epoch: int, recipe: Recipe) -> bool:
    """Whether a loss is so near chance so late that the person should be told.

    Args:
        loss: The latest epoch's training loss.
        chance: The loss of guessing.
        steps: Steps made in all.
        epoch: Epochs completed.
        recipe: Says how many there will be.
    """
    late = epoch == recipe.epochs or (epoch >= 2 and steps >= _PATIENCE)
    return late and loss > _STUCK * chance


@torch.no_grad()
def diagnose(
    model: nn.Module, images: Tensor, loss: float, chance: float, steps: int, recipe: Recipe
) -> Diagnosis:
    """Look at every activation layer's answer to a batch and say what to try.

    Args:
        model: The network, on the device of the images.
        images: Float batch (B, C, H, W).
        loss: The training loss that does not fall.
        chance: The loss of guessing by class frequency.
        steps: Steps made in all.
        recipe: The recipe it is trained with.
    """
    layers: list[LayerHealth] = []
    hooks = [
        layer.register_forward_hook(partial(_examine, layers, position))
        for position, layer in model.named_modules()
        if isinstance(layer, (nn.Sigmoid, nn.Tanh, nn.ReLU))
    ]
    try:
        with use_kernels("torch"):  # layer by layer
            model(images)
    finally:
        for hook in hooks:
            hook.remove()
    return Diagnosis(loss, chance, tuple(layers), _remedies(model, layers, steps, recipe))


def _examine(
    layers: list[LayerHealth], position: str, layer: nn.Module, inputs: Any, output: Tensor
) -> None:
    """Note the health of one activation layer as its output comes by."""
    saturated = dead = 0.0
    if isinstance(layer, nn.ReLU):
        units = output.flatten(1)
        dead = float((units == 0).all(dim=0).float().mean())
    else:
        lowest = 0.0 if isinstance(layer, nn.Sigmoid) else -1.0
        margin = _SATURATED * (1.0 - lowest)
        outside = (output < lowest + margin) | (output > 1.0 - margin)
        saturated = float(outside.float().mean())
    layers.append(LayerHealth(position, type(layer).__name__, saturated, dead))


def _remedies(
    model: nn.Module, layers: list[LayerHealth], steps: int, recipe: Recipe
) -> tuple[str, ...]:
    """What to try, most likely first."""
    initialisation = getattr(getattr(model, "config", None), "initialisation", "pytorch")
    kinds = {layer.name for layer in layers}
    remedies = []
    if "ReLU" in kinds and recipe.learning_rate >= _LARGE_LEARNING_RATE:
        remedies.append("ReLU needs smaller steps: try `learning_rate` 0.1.")
    if "Sigmoid" in kinds:
        if initialisation == "pytorch":
            remedies.append(
                "PyTorch's own initial weights are too small for sigmoids: try "
                "`initialisation` xavier."
            )
        if recipe.learning_rate < _LARGE_LEARNING_RATE and recipe.optimiser == "sgd":
            remedies.append("Sigmoids need large steps: try `learning_rate` 0.9.")
        if steps < _PATIENCE:
            remedies.append(
                f"{steps} steps are few for sigmoids, which need about 300 to begin: try a "
                "smaller `batch_size` or more `epochs`."
            )
    if "ReLU" not in kinds:
        remedies.append("Or take `activation` relu with `learning_rate` 0.1.")
    return tuple(remedies)
