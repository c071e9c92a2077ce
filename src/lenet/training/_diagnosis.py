"""Why a network does not learn: what its layers do to a batch, and what to try."""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lenet.datasets import Dataset, Split
from lenet.kernels import use_kernels
from lenet.models import RadialBasis
from lenet.training._computing import build_loss
from lenet.training._history import CurvePoint
from lenet.training._recipe import Recipe

_STUCK = 0.98  # of the way from the least loss to that of guessing
_BEYOND_CHANCE = 0.1  # of what guessing gets wrong
_PATIENCE = 400  # steps; a healthy sigmoid network at the tutorial's recipe needs about 300
_FEW_STEPS = 100  # for a network without sigmoids
_BOUNDS = {"Sigmoid": (0.0, 1.0), "Tanh": (-1.0, 1.0), "ScaledTanh": (-1.7159, 1.7159)}
_SATURATED = 0.02  # of the distance between the bounds: nearer to one, a unit hardly learns
_SUSPECT = 0.9  # share of saturated or dead units that makes a layer worth naming
_LARGE, _SMALL = 5.0, 0.5  # times the learning rate that suits


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
        chance_loss: The loss of the best answer that is the same for every image: with
            cross-entropy log(classes), where all classes are alike.
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
        findings = f" L{', '.join(sick)[1:]}." if sick else ""
        return (
            f"Not learning: the loss is {self.loss:.3f}, and guessing gives "
            f"{self.chance_loss:.3f}.{findings} {' '.join(self.remedies)}"
        )


def chance_loss(model: nn.Module, split: Split, recipe: Recipe) -> float:
    """The loss, in nats, of the best answer that is the same for every image."""
    return _constant_loss(model, _shares(split), recipe)


def _least_loss(model: nn.Module, split: Split, recipe: Recipe) -> float:
    """The loss of being sure of every image and right: above 0 where labels are smoothed."""
    shares = _shares(split)
    if _distances(model) is None:  # as much for one class as for another
        return _constant_loss(model, torch.eye(1, len(shares))[0].double(), recipe)
    alone = torch.eye(len(shares)).double()
    return sum(
        float(share) * _constant_loss(model, one, recipe)
        for share, one in zip(shares, alone, strict=True)
    )


def _shares(split: Split) -> Tensor:
    """How frequent each class is: float64, 0 to 1."""
    return torch.from_numpy(np.bincount(split.labels) / len(split))


def _constant_loss(model: nn.Module, shares: Tensor, recipe: Recipe) -> float:
    """The smallest mean loss of a constant answer to labels of which each has its share.

    It is the entropy of the labels, smoothed as the recipe has it; with LeNet-5's loss too, as the
    logits may be so large that its additional class does not count. Where the answer is a distance
    from each class's picture the logits are not free, and the best is looked for.
    """
    if output := _distances(model):
        return _constant_loss_by_distances(output, shares, recipe)
    settings = getattr(model, "config", None)
    classes = max(len(shares), getattr(settings, "classes", 0))
    target = nn.functional.pad(shares, (0, classes - len(shares)))
    target = (1 - recipe.label_smoothing) * target + recipe.label_smoothing / classes
    return float(torch.special.entr(target).sum())


def _constant_loss_by_distances(output: RadialBasis, shares: Tensor, recipe: Recipe) -> float:
    """The same where the logits are distances: a search from the mean of the pictures on."""
    pictures = output.targets.detach().cpu().double()
    loss = build_loss(recipe)
    labels = shares.nonzero().flatten()
    weights = shares[labels]
    place = (weights @ pictures[labels]).requires_grad_()
    search = torch.optim.LBFGS([place], max_iter=100, line_search_fn="strong_wolfe")

    def mean_loss() -> Tensor:
        search.zero_grad()
        logits = -(place - pictures).square().sum(dim=1)
        losses = [loss(logits[None], label[None]) for label in labels]
        mean = weights @ torch.stack(losses)
        mean.backward()  # type: ignore[no-untyped-call]
        return mean.detach()

    with torch.enable_grad():
        search.step(mean_loss)  # type: ignore[no-untyped-call]
        return float(mean_loss())


def _distances(model: nn.Module) -> RadialBasis | None:
    """The output layer of a network whose logits are distances."""
    return next((layer for layer in model.modules() if isinstance(layer, RadialBasis)), None)


def _beats_guessing(accuracy: float, split: Split) -> bool:
    """Whether an accuracy is clearly above that of always naming the most frequent class."""
    share = float(np.bincount(split.labels).max()) / len(split)
    noise = 2 * math.sqrt(share * (1 - share) / len(split))
    return accuracy >= min(1.0, share + max(_BEYOND_CHANCE * (1 - share), noise))


def is_stuck(
    model: nn.Module, point: CurvePoint, dataset: Dataset, steps: int, recipe: Recipe
) -> bool:
    """Whether a network is so near chance after so many steps that the person should be told.

    It is not if its accuracy on any of the splits is above chance, whatever the loss is.
    """
    if point.epoch < recipe.epochs and (point.epoch < 2 or steps < _PATIENCE):
        return False
    scores = (
        (point.train_accuracy, dataset.train),
        (point.validation_accuracy, dataset.validation),
        (point.test_accuracy, dataset.test),
    )
    for accuracy, split in scores:
        if accuracy is not None and split is not None and _beats_guessing(accuracy, split):
            return False
    chance = chance_loss(model, dataset.train, recipe)
    least = _least_loss(model, dataset.train, recipe)
    return chance > least and point.train_loss > least + _STUCK * (chance - least)


@torch.no_grad()
def diagnose(
    model: nn.Module, images: Tensor, loss: float, chance: float, steps: int, recipe: Recipe
) -> Diagnosis:
    """Look at every activation layer's answer to a batch and say what to try.

    Args:
        model: The network, on the device of the images.
        images: Float batch (B, C, H, W).
        loss: The training loss that does not fall.
        chance: The loss of the best answer that is the same for every image.
        steps: Steps made in all.
        recipe: The recipe it is trained with.
    """
    layers: list[LayerHealth] = []
    hooks = [
        layer.register_forward_hook(partial(_examine, layers, position))
        for position, layer in model.named_modules()
        if isinstance(layer, nn.ReLU) or type(layer).__name__ in _BOUNDS
    ]
    was_training = model.training
    model.eval()  # what is only looked at is not changed: batch normalisation's means, for example
    try:
        with use_kernels("torch"):  # layer by layer
            model(images)
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    return Diagnosis(loss, chance, tuple(layers), _remedies(model, steps, recipe))


def _examine(
    layers: list[LayerHealth], position: str, layer: nn.Module, inputs: Any, output: Tensor
) -> None:
    """Note the health of one activation layer as its output comes by."""
    saturated = dead = 0.0
    if isinstance(layer, nn.ReLU):
        units = output.flatten(1)
        dead = float((units == 0).all(dim=0).float().mean())
    else:
        lowest, highest = _BOUNDS[type(layer).__name__]
        margin = _SATURATED * (highest - lowest)
        outside = (output < lowest + margin) | (output > highest - margin)
        saturated = float(outside.float().mean())
    layers.append(LayerHealth(position, type(layer).__name__, saturated, dead))


def _remedies(model: nn.Module, steps: int, recipe: Recipe) -> tuple[str, ...]:
    """What to try, most likely first: settings that the network has, each sentence by itself."""
    config = getattr(model, "config", None)
    kinds = {type(layer).__name__ for layer in model.modules()}
    is_sigmoid = "Sigmoid" in kinds
    remedies = []
    if is_sigmoid and kinds.isdisjoint({"BatchNorm1d", "BatchNorm2d"}):
        small = {"pytorch": "PyTorch's own initial weights", "normal": "Initial weights of 0.01"}
        initialisation, remedy = getattr(config, "initialisation", None), "`initialisation` xavier"
        if config is None:
            initialisation, remedy = "pytorch", "`torch.nn.init.xavier_uniform_`"
        if initialisation in small:
            which = small[initialisation]
            remedies.append(f"{which} are too small for sigmoids: try {remedy}.")
    suited = _suited_rate(recipe, is_sigmoid)
    if recipe.learning_rate >= _LARGE * suited:
        remedies.append(f"Smaller steps may do it: try `learning_rate` {suited:.2g}.")
    elif recipe.learning_rate < _SMALL * suited:
        whose = "Sigmoids need large steps" if is_sigmoid else "Larger steps may do it"
        remedies.append(f"{whose}: try `learning_rate` {suited:.2g}.")
    if steps < (_PATIENCE if is_sigmoid else _FEW_STEPS):
        need = " for sigmoids, which need about 300 to begin" if is_sigmoid else ""
        remedies.append(
            f"{steps} step{'s are' if steps != 1 else ' is'} few{need}: try a smaller "
            "`batch_size` or more `epochs`."
        )
    if hasattr(config, "activation") and kinds.isdisjoint({"ReLU", "GELU"}):
        rate = _suited_rate(recipe, is_sigmoid=False)
        remedies.append(
            f"ReLU begins sooner: try `activation` relu with `learning_rate` {rate:.2g}."
        )
    return tuple(remedies) or (
        "Try a `learning_rate` ten times smaller or larger, and see whether the labels belong to "
        "the images.",
    )


def _suited_rate(recipe: Recipe, is_sigmoid: bool) -> float:
    """A learning rate at which such networks learn by the recipe's optimiser."""
    if recipe.optimiser == "sgd":  # momentum makes the steps longer
        return (0.9 if is_sigmoid else 0.1) * (1 - recipe.momentum)
    return 0.005 if is_sigmoid else 0.001
