"""Losses in NumPy, with their slopes: what PyTorch's give, in the type of the logits."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from lenet.training._recipe import Recipe

Numbers: TypeAlias = npt.NDArray[Any]  # float32 or float64

RUBBISH_PENALTY = 1.0


def loss_and_slopes(
    logits: Numbers, labels: Numbers, recipe: Recipe, weights: Numbers | None = None
) -> tuple[float, Numbers]:
    """The mean loss of a recipe in nats, and its slope by the logits (B, classes).

    Args:
        logits: Of B images, (B, classes).
        labels: The true classes (B,).
        recipe: Its loss and label smoothing.
        weights: How much each image counts (B,), with mean 1 over all images; alike by default.
    """
    if recipe.loss == "map":
        return map_loss(logits, labels, weights)
    return cross_entropy(logits, labels, recipe.label_smoothing, weights)


def cross_entropy(
    logits: Numbers, labels: Numbers, smoothing: float = 0.0, weights: Numbers | None = None
) -> tuple[float, Numbers]:
    """The mean of -log p(label), and its slope.

    Args:
        logits: Of B images, (B, classes).
        labels: The true classes (B,).
        smoothing: The share of the truth that all classes have alike (Szegedy et al. 2016).
        weights: How much each image counts, (B,).
    """
    log_probabilities = log_softmax(logits)
    truth = np.full_like(logits, smoothing / logits.shape[1])
    truth[np.arange(len(labels)), labels] += 1 - smoothing
    found, slopes = truth * log_probabilities, np.exp(log_probabilities) - truth
    if weights is not None:
        found, slopes = found * weights[:, None], slopes * weights[:, None]
    return float(-found.sum() / len(labels)), slopes / len(labels)


def map_loss(
    logits: Numbers, labels: Numbers, weights: Numbers | None = None
) -> tuple[float, Numbers]:
    """LeNet-5's loss: a wrong class should be far away, but farther than rubbish is no merit.

    It is cross-entropy with one more class, rubbish, whose penalty is fixed. The paper calls it the
    maximum a posteriori criterion and leaves the penalty open but for its sign; here it is 1.

    Args:
        logits: Minus each class's penalty, (B, classes).
        labels: The true classes (B,).
        weights: How much each image counts, (B,).

    Source: LeCun et al. (1998), equation 9.
    """
    with_rubbish = np.pad(logits, ((0, 0), (0, 1)), constant_values=-RUBBISH_PENALTY)
    loss, slopes = cross_entropy(with_rubbish, labels, weights=weights)
    return loss, slopes[:, :-1]


def log_softmax(logits: Numbers) -> Numbers:
    """The logarithms of the classes' probabilities, of the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    result: Numbers = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result
