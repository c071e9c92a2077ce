"""Why a network does not learn: what its layers do to a batch, and what to try."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lenet.datasets import Dataset, Split
from lenet.models import ArrayNetwork, Network, known_network, module_of
from lenet.models.layers import Distances, layer_values
from lenet.training._history import CurvePoint
from lenet.training._losses import loss_and_slopes
from lenet.training._recipe import Recipe

if TYPE_CHECKING:
    import torch
    from torch import nn

Exact = npt.NDArray[np.float64]
_MOST_TRIES, _FLAT = 1000, 1e-10

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


def chance_loss(network: ArrayNetwork | nn.Module, split: Split, recipe: Recipe) -> float:
    """The loss, in nats, of the best answer that is the same for every image."""
    return _constant_loss(network, _shares(split), recipe)


def _least_loss(network: ArrayNetwork | nn.Module, split: Split, recipe: Recipe) -> float:
    """The loss of being sure of every image and right: above 0 where labels are smoothed."""
    shares = _shares(split)
    alone = np.eye(len(shares))
    if _pictures(network) is None:  # as much for one class as for another
        return _constant_loss(network, alone[0], recipe)
    return sum(
        float(share) * _constant_loss(network, one, recipe)
        for share, one in zip(shares, alone, strict=True)
    )


def _shares(split: Split) -> Exact:
    """How frequent each class is, 0 to 1, as the loss counts images."""
    counts = np.bincount(split.labels, split.weights).astype(np.float64)
    shares: Exact = counts / counts.sum()
    return shares


def _constant_loss(network: ArrayNetwork | nn.Module, shares: Exact, recipe: Recipe) -> float:
    """The smallest mean loss of a constant answer to labels of which each has its share.

    It is the entropy of the labels, smoothed as the recipe has it; with LeNet-5's loss too, as the
    logits may be so large that its additional class does not count. Where the answer is a distance
    from each class's picture the logits are not free, and the best is looked for.
    """
    pictures = _pictures(network)
    if pictures is not None:
        return _constant_loss_by_distances(pictures, shares, recipe)
    classes = max(len(shares), getattr(_settings(network), "classes", 0))
    target = np.pad(shares, (0, classes - len(shares)))
    target = (1 - recipe.label_smoothing) * target + recipe.label_smoothing / classes
    there = target[target > 0]
    return -float((there * np.log(there)).sum())


def _constant_loss_by_distances(pictures: Exact, shares: Exact, recipe: Recipe) -> float:
    """The same where the logits are distances: downhill from the mean of the pictures on."""
    labels = np.flatnonzero(shares)
    weights = shares[labels]

    def mean_loss(place: Exact) -> tuple[float, Exact]:
        apart = place - pictures
        logits = np.tile(-np.square(apart).sum(axis=1), (len(labels), 1))
        found = [
            loss_and_slopes(logits[row : row + 1], labels[row : row + 1], recipe)
            for row in range(len(labels))
        ]
        slope = sum(weight * slopes[0] for weight, (_, slopes) in zip(weights, found, strict=True))
        loss = sum(weight * loss for weight, (loss, _) in zip(weights, found, strict=True))
        return float(loss), -2 * slope @ apart

    place, step = weights @ pictures[labels], 0.1
    loss, slope = mean_loss(place)
    for _ in range(_MOST_TRIES):
        new_loss, new_slope = mean_loss(place - step * slope)
        if new_loss <= loss - step * float(slope @ slope) / 2:
            place, loss, slope, step = place - step * slope, new_loss, new_slope, 2 * step
        else:
            step /= 2
        if step * float(slope @ slope) < _FLAT:
            break
    return loss


def _settings(network: ArrayNetwork | nn.Module) -> object:
    """The settings of a network of the registry, if it is one."""
    if isinstance(network, ArrayNetwork):
        return None if isinstance(network.settings, Network) else network.settings
    return getattr(network, "config", None)


def _pictures(network: ArrayNetwork | nn.Module) -> Exact | None:
    """The pictures that a network's logits are distances from, float64, if they are."""
    if isinstance(network, ArrayNetwork):
        last = network.placed[-1].layer
        if not isinstance(last, Distances):
            return None
        return network.arrays[f"{last.name}.targets"].astype(np.float64)
    from lenet.models import RadialBasis

    output = next((layer for layer in network.modules() if isinstance(layer, RadialBasis)), None)
    return None if output is None else output.targets.detach().cpu().double().numpy()


def beats_guessing(accuracy: float, images: npt.ArrayLike) -> bool:
    """Whether an accuracy is clearly above that of always naming the most frequent class.

    It is what training, comparisons, sweeps and reports call learnt: better than that by a tenth of
    what it gets wrong, and by twice the standard error.

    Args:
        accuracy: The accuracy, 0 to 1.
        images: How many images there are of each class, shape (classes,).

    >>> beats_guessing(0.12, [100] * 10), beats_guessing(0.5, [100] * 10)
    (False, True)
    """
    counts = np.asarray(images)
    share, count = float(counts.max() / counts.sum()), float(counts.sum())
    noise = 2 * math.sqrt(share * (1 - share) / count)
    return accuracy >= min(1.0, share + max(_BEYOND_CHANCE * (1 - share), noise))


def is_stuck(
    network: ArrayNetwork | nn.Module,
    point: CurvePoint,
    dataset: Dataset,
    steps: int,
    recipe: Recipe,
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
        if accuracy is None or split is None:
            continue
        if beats_guessing(accuracy, np.bincount(split.labels)):
            return False
    chance = chance_loss(network, dataset.train, recipe)
    least = _least_loss(network, dataset.train, recipe)
    return chance > least and point.train_loss > least + _STUCK * (chance - least)


def diagnose(
    network: ArrayNetwork | nn.Module,
    images: npt.NDArray[np.float32] | torch.Tensor,
    loss: float,
    chance: float,
    steps: int,
    recipe: Recipe,
) -> Diagnosis:
    """Look at every activation layer's answer to a batch and say what to try.

    Args:
        network: The network; a module on the device of the images.
        images: float32 (B, C, H, W).
        loss: The training loss that does not fall.
        chance: The loss of the best answer that is the same for every image.
        steps: Steps made in all.
        recipe: The recipe it is trained with.
    """
    known = known_network(network, tuple(images.shape[1:]))
    if known is not None:
        values = layer_values(known.placed, np.asarray(images), known.arrays)
        seen = [(one.layer.name, one.layer.title(one.input_shape), made) for one, made in values]
    else:
        seen = _watch(module_of(network), images)
    layers = [_examine(*one) for one in seen if one[1] == "ReLU" or one[1] in _BOUNDS]
    kinds = {kind for _, kind, _ in seen}
    return Diagnosis(loss, chance, tuple(layers), _remedies(network, kinds, steps, recipe))


def _watch(
    module: nn.Module, images: npt.NDArray[np.float32] | torch.Tensor
) -> list[tuple[str, str, npt.NDArray[Any]]]:
    """Names, kinds and outputs of a module's layers, as a batch goes through it."""
    import torch

    from lenet.models import in_evaluation_mode

    seen: list[tuple[str, str, npt.NDArray[Any]]] = []

    def note(name: str, layer: nn.Module, _: Any, output: Any) -> None:
        if isinstance(output, torch.Tensor):
            seen.append((name, type(layer).__name__, output.detach().float().cpu().numpy().copy()))

    hooks = [
        layer.register_forward_hook(partial(note, name)) for name, layer in module.named_modules()
    ]
    try:
        # What is only looked at is not changed: batch normalisation's means, for example.
        with in_evaluation_mode(module), torch.no_grad():
            module(torch.from_numpy(images) if isinstance(images, np.ndarray) else images)
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def _examine(position: str, name: str, output: npt.NDArray[Any]) -> LayerHealth:
    """The health of one activation layer."""
    saturated = dead = 0.0
    if name == "ReLU":
        dead = float((output.reshape(len(output), -1) == 0).all(axis=0).mean())
    else:
        lowest, highest = _BOUNDS[name]
        margin = _SATURATED * (highest - lowest)
        saturated = float(((output < lowest + margin) | (output > highest - margin)).mean())
    return LayerHealth(position, name, saturated, dead)


def _remedies(
    network: ArrayNetwork | nn.Module, kinds: set[str], steps: int, recipe: Recipe
) -> tuple[str, ...]:
    """What to try, most likely first: settings that the network has, each sentence by itself."""
    config = _settings(network)
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
