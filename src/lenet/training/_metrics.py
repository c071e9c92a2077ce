"""What a network's answers are worth: loss, accuracy, and how far they can be trusted."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lenet.core import has_torch, require_torch, thread_count
from lenet.datasets import ArrayBatches, BatchesOf
from lenet.errors import ModelError
from lenet.kernels import PlainPredictor, Predictor, chosen_engine, try_kernels
from lenet.models import (
    LEAST_PROBABILITY,
    ArrayNetwork,
    Calibration,
    Decisions,
    decide,
    kernel_predictor,
    known_network,
    module_of,
)
from lenet.models.layers import forward_all
from lenet.training._losses import cross_entropy
from lenet.training.engines._engine import as_array
from lenet.training.peers._group import Peers, part_of

if TYPE_CHECKING:
    from torch import nn

Logits = npt.NDArray[np.float32]  # (N, classes)
Floats = npt.NDArray[np.float64]

_COLDEST, _HOTTEST = 0.2, 20.0  # temperatures
_DOUBLED_BY = 10  # wrong answers, which show how sure is too sure
_NEAR, _ROUNDS = 1e-12, 100  # relative to the temperature; of looking for it
_KEPT = 0.99  # of the right answers, where thresholds begin and within reach
_LEAST, _MOST = 0.5, 0.9  # where they begin at least and at most
_FEWEST, _FEWEST_OF_A_CLASS = 100, 10  # images that say where classes lie
_MOST_CLASSES = 100
_RIDGE = 1e-3  # of the mean variance
_LEAST_SPREAD = 0.01  # of a logarithm, beside its rounding
_STEPS = 1000  # thresholds are thousandths, as people read them
_ENOUGH = 0.9  # right of those answered, where the wanted share can't be reached


def compute_logits(network: ArrayNetwork | nn.Module, batches: BatchesOf[Any]) -> Logits:
    """What a network in evaluation mode makes of every example of a split, in its order.

    The compiled kernels do it where they serve, as `use_engine` says; else PyTorch, and NumPy
    where that is not installed.

    Args:
        network: The network, on the batches' device; left in the mode it was in.
        batches: The examples, without shuffling and augmentation.

    Raises:
        ModelError: `native` or `numpy` is chosen and does not serve.
        MissingExtraError: PyTorch is needed and not installed.
    """
    known, shape = None, tuple(batches.placed.images.shape[1:])
    if _are_on_cpu(batches):
        known = known_network(network, shape)
    if chosen_engine() == "numpy":
        if known is not None:
            return _by_numpy(known, batches)
        ArrayNetwork.from_module(module_of(network), shape)  # says why it is no list of layers
        message = "NumPy computes on the CPU alone."
        raise ModelError(message)
    if predictor := try_kernels(lambda: _make_predictor(known or network, batches)):
        pieces = map(as_array, batches.pieces())
        return np.concatenate([predictor(piece, thread_count()) for piece in pieces])
    if known is not None and chosen_engine() == "auto" and not has_torch():
        return _by_numpy(known, batches)
    require_torch("The engine `torch`" if chosen_engine() == "torch" else "This network")
    return _by_torch(module_of(network), batches)


def evaluate_loss_and_accuracy(
    network: ArrayNetwork | nn.Module, batches: BatchesOf[Any], *, none_index: int | None = None
) -> tuple[float, float]:
    """Mean cross-entropy and accuracy over a split, in evaluation mode.

    Args:
        network: The network, on the batches' device; left in the mode it was in.
        batches: The examples.
        none_index: The label of counter-examples, which are left out, as is their output where the
            likeliest is looked for, and as `lenet evaluate` does it. `None` counts all of them.

    Returns:
        The mean loss in nats and the accuracy, 0 to 1.
    """
    logits, labels = compute_logits(network, batches), as_array(batches.labels)
    if none_index is not None:
        logits, labels = logits[labels != none_index], labels[labels != none_index]
    loss, _ = cross_entropy(logits.astype(np.float64), labels)
    return loss, int((logits[:, :none_index].argmax(axis=1) == labels).sum()) / len(labels)


class HeldOut:
    """Images that are not trained on, of which each process scores a part.

    Args:
        batches: All of them.
        peers: The processes.
        none_index: The label of counter-examples, which do not count where there are others;
            `None` where all of them do.
    """

    def __init__(self, batches: BatchesOf[Any], peers: Peers, none_index: int | None = None):
        self.batches, self._peers = batches, peers
        has_others = none_index is not None and (as_array(batches.labels) != none_index).any()
        self._none_index = none_index if has_others else None
        self._is_shared = peers.size > 1
        part = part_of(len(batches.labels), peers)
        self._own = batches.part(part) if self._is_shared else batches

    def evaluate(self, network: ArrayNetwork | nn.Module) -> tuple[float, float]:
        """Mean cross-entropy and accuracy over all of them, in every process."""
        if not self._is_shared:
            return self._evaluate(network, self.batches)
        import torch

        count, total = map(self._count, (self._own, self.batches))
        loss, accuracy = self._evaluate(network, self._own) if count else (0.0, 0.0)
        sums = torch.tensor(
            [loss * count, round(accuracy * count)], dtype=torch.float64, device="cpu"
        )
        self._peers.add_up(sums)
        total_loss, correct = sums.tolist()
        return total_loss / total, correct / total

    def _count(self, batches: BatchesOf[Any]) -> int:
        labels = as_array(batches.labels)
        none = self._none_index
        return len(labels) if none is None else int((labels != none).sum())

    def _evaluate(
        self, network: ArrayNetwork | nn.Module, batches: BatchesOf[Any]
    ) -> tuple[float, float]:
        return evaluate_loss_and_accuracy(network, batches, none_index=self._none_index)


def calibrate(
    logits: Logits,
    labels: npt.NDArray[np.int64],
    *,
    none_index: int | None = None,
    answered_right: float = 0.99,
) -> Calibration:
    """Find the temperature, the threshold and the reach that suit a network.

    The temperature is the one at which the cross-entropy is least (Guo et al. 2017, "On
    Calibration of Modern Neural Networks", section 4.2), with labels smoothed as if one image in
    N + 2 had another one (Platt 1999, "Probabilistic Outputs for Support Vector Machines",
    section 2.2): few images that are all right are little evidence that the network is always
    right. Nor are they any that it is surer than it says. Where all are right, the likelihood grows
    for ever as the logits are multiplied (Albert and Anderson 1984, "On the existence of maximum
    likelihood estimates in logistic regression models"), and whatever is no such image is answered
    surely, too: ten wrong answers let them be doubled, and none not be multiplied at all.

    The threshold is the least of 0.5, 0.501, … 0.999 at which of those answered the wanted share is
    right, counted by Laplace's rule of succession as if one more were right and one more wrong. It
    begins where 99 of 100 right answers pass, though not above 0.9: to ask less would answer
    strangers, and hardly anything more that is right. With counter-examples it begins at 0.5, as
    their output takes from the probability of strangers. Where no threshold reaches the share, it
    is the one that comes nearest, if that is 0.9 or as much as so few images can show. Else the
    threshold is the share itself, below which a network that can't tell is to be silent.

    Without counter-examples it is found, too, where the classes lie among the logarithms of the
    probabilities (Lee et al. 2018, "A Simple Unified Framework for Detecting Out-of-Distribution
    Samples and Adversarial Attacks", section 2.1), and how far from them 99 of 100 images do that
    are taken for what they are, each as if the others alone had said where. That takes 100 images,
    and 10 of each class.

    Args:
        logits: The network's outputs for images that it did not learn from, (N, outputs).
        labels: What the images are, (N,).
        none_index: The label of counter-examples, whose output is the last; each that is answered
            counts as wrong. `None` where the network has no such output.
        answered_right: The share that is wanted, at least 0 and below 1.

    >>> logits = np.array([[4.0, 0.0], [0.0, 4.0], [4.0, 0.0]], dtype=np.float32)
    >>> round(calibrate(logits, np.array([0, 1, 1])).temperature, 1)  # two of three are right
    9.9
    >>> sure = np.array([[30.0, 0.0], [0.0, 30.0]] * 50, dtype=np.float32)
    >>> round(calibrate(sure, np.array([0, 1] * 50)).temperature, 1)  # 100 of 100 are right
    6.5
    """
    exact = logits.astype(np.float64)
    exact -= exact.max(axis=1, keepdims=True)
    count, classes = logits.shape
    targets = np.full((count, classes), 1 / (count + 2) / (classes - 1))
    targets[np.arange(count), labels] = 1 - 1 / (count + 2)
    wrong = int((exact.argmax(axis=1) != labels).sum())
    largest = min(1 + wrong / _DOUBLED_BY, 1 / _COLDEST)
    temperature = _best_temperature(exact, targets, largest)
    decided = decide(exact, Calibration(temperature), none_index)
    threshold, reached = _choose_threshold(decided, labels, none_index, answered_right)
    found = Calibration(temperature, threshold, count, reached)
    if none_index is None:
        found = _find_reach(found, decided, labels)
    passes = decide(exact, found, none_index).is_sure
    answered = float(passes[labels != none_index].mean()) if (labels != none_index).any() else 0.0
    return replace(found, answered=answered)


def _find_reach(
    found: Calibration, decided: Decisions, labels: npt.NDArray[np.int64]
) -> Calibration:
    """Add to a calibration where the classes lie, and how far from them an image may.

    Nothing is added where the images are too few to tell, or the classes too many for a small file.
    """
    shares, is_right = decided.probabilities, decided.likeliest == labels
    count, classes = shares.shape
    sizes = np.bincount(labels, minlength=classes)
    is_told = count >= _FEWEST and sizes.min() >= _FEWEST_OF_A_CLASS and is_right.any()
    if classes > _MOST_CLASSES or not is_told or not np.isfinite(shares).all():
        return found
    places = np.log(np.maximum(shares, LEAST_PROBABILITY))
    means = np.stack([places[labels == label].mean(axis=0) for label in range(classes)])
    away = places - means[labels]
    freedom = count - classes
    covariance = away.T @ away / freedom
    # What hardly varies, or by chance not at all, says little of what is far.
    covariance += np.eye(classes) * (_RIDGE * covariance.trace() / classes + _LEAST_SPREAD**2)
    whitening = np.linalg.cholesky(np.linalg.inv(covariance))
    found = replace(found, whitening=_as_rows(whitening), means=_as_rows(means @ whitening))
    # As if each image were not among those that its distance is measured by, which by the formula
    # of Sherman and Morrison takes no second covariance.
    part = ((away @ whitening) ** 2).sum(axis=1) / freedom
    without = (sizes / (sizes - 1))[labels]
    farther = without * np.sqrt((freedom - 1) / freedom / np.maximum(1 - without * part, _NEAR))
    distances = np.sort((found.distances(shares) * farther)[is_right])
    last = math.ceil(_KEPT * (len(distances) + 1))
    return replace(found, reach=float(distances[min(last, len(distances)) - 1]))


def _as_rows(matrix: Floats) -> tuple[tuple[float, ...], ...]:
    """A matrix as a model file has it, with as many digits as float32."""
    return tuple(tuple(float(f"{value:.7g}") for value in row) for row in matrix)


def _choose_threshold(
    decided: Decisions, labels: npt.NDArray[np.int64], none_index: int | None, wanted: float
) -> tuple[float, float]:
    """The threshold, and which share of the answers is right by it; 0 where none can be shown.

    Args:
        decided: What is answered without a threshold.
        labels: What the images are, (N,).
        none_index: The label of counter-examples, if there are any.
        wanted: The share that is to be right.
    """
    is_right = decided.is_sure & (decided.likeliest == labels)
    given, right = (np.sort(decided.probability[one]) for one in (decided.is_sure, is_right))
    begins_low = none_index is not None or not len(right)
    usual = _LEAST if begins_low else right[int((1 - _KEPT) * len(right))]
    first = int(_STEPS * min(max(usual, _LEAST), _MOST))
    thresholds = np.arange(first, _STEPS) / _STEPS
    answered, are_right = (len(one) - np.searchsorted(one, thresholds) for one in (given, right))
    shares = np.where(answered > 0, (are_right + 1) / (answered + 2), 0.0)
    if (shares >= wanted).any():
        return float(thresholds[(shares >= wanted).argmax()]), wanted
    few = len(labels)
    best = int(shares.argmax())
    if shares[best] >= min(_ENOUGH, few / (few + 2)):
        return float(thresholds[best]), float(shares[best])
    return wanted, 0.0


def calibration_notice(found: Calibration, wanted: float) -> str:
    """What a person should know of a calibration: what could not be shown, or what it costs.

    Args:
        found: What `calibrate` found.
        wanted: Which share of the answers was to be right.

    Returns:
        Sentences; empty where the wanted share was reached and most images are answered.

    >>> print(calibration_notice(Calibration(1.2, 0.9, 50, 51 / 52), 0.99))
    50 images were held out, too few to show that 99 % of the answers are right: ...
    """
    share, least, shown, passing = (
        f"{100 * value:.4g} %"
        for value in (wanted, found.threshold, found.answered_right, round(found.answered, 3))
    )
    if found.answered_right >= wanted:
        if found.answered >= _MOST:
            return ""
        return (
            f"For {share} of the answers to be right, each needs a probability of {least}, and "
            f"{passing} of the held-out images get one. A lower `answered_right` answers more."
        )
    needed = math.ceil((2 * wanted - 1) / (1 - wanted) - 1e-9)  # all right, by Laplace's rule
    if found.images < needed:
        said = (
            f"{found.images:,} images were held out, too few to show that {share} of the answers "
            f"are right: that takes {needed:,} at least."
        )
    else:
        said = (
            f"No threshold makes {share} of the answers right on the {found.images:,} held-out "
            "images."
        )
    said += f" An answer needs a probability of {least}; "
    if found.answered_right:
        return f"{said}{shown} of such answers are right, as far as these images can show."
    return f"{said}hardly any has it, as the network can't tell the classes apart."


def _best_temperature(logits: Floats, targets: Floats, largest: float) -> float:
    """Where the cross-entropy is least, which is convex in the inverse of the temperature.

    That is found by Newton's method; where this leaves the bounds, these are halved.

    Args:
        logits: float64 (N, classes), each row's largest 0.
        targets: How likely each class is taken to be, (N, classes).
        largest: What the logits may be multiplied by at most, at least 1.
    """
    low, high, inverse = 1 / _HOTTEST, largest, 1.0
    for _ in range(_ROUNDS):
        probabilities = _softmax(logits * inverse)
        mean = (probabilities * logits).sum(axis=1, keepdims=True)
        slope = float((mean[:, 0] - (targets * logits).sum(axis=1)).mean())
        curvature = float((probabilities * (logits - mean) ** 2).sum(axis=1).mean())
        low, high = (low, inverse) if slope > 0 else (inverse, high)
        before = inverse
        inverse = before - slope / curvature if curvature else low
        if not low < inverse < high:
            inverse = math.sqrt(low * high)
        if abs(inverse - before) <= _NEAR * before:
            break
    return 1 / inverse


def _softmax(logits: Floats) -> Floats:
    """The probabilities of logits whose largest in each row is 0."""
    powers: Floats = np.exp(logits)
    powers /= powers.sum(axis=1, keepdims=True)
    return powers


def _make_predictor(
    network: ArrayNetwork | nn.Module, batches: BatchesOf[Any]
) -> Predictor | PlainPredictor:
    if not _are_on_cpu(batches):
        message = "The compiled kernels are for the CPU."
        raise ModelError(message)
    known = network
    if not isinstance(known, ArrayNetwork):  # which says why it is none
        known = ArrayNetwork.from_module(known, tuple(batches.placed.images.shape[1:]))
    elif not known.is_unwatched:
        message = "A hook wants to see what goes through the network, or it was changed."
        raise ModelError(message)
    byte_values = as_array(batches.byte_values)
    only_if_quick = chosen_engine() == "auto" and has_torch()
    return kernel_predictor(known.network, known.arrays, byte_values, only_if_quick=only_if_quick)


def _are_on_cpu(batches: BatchesOf[Any]) -> bool:
    return isinstance(batches, ArrayBatches) or batches.labels.device.type == "cpu"


def _by_numpy(known: ArrayNetwork, batches: BatchesOf[Any]) -> Logits:
    found = [forward_all(known.placed, as_array(images), known.arrays)[0] for images, _ in batches]
    return np.concatenate(found).astype(np.float32)


def _by_torch(module: nn.Module, batches: BatchesOf[Any]) -> Logits:
    import torch

    from lenet.models import in_evaluation_mode

    with in_evaluation_mode(module), torch.no_grad():
        found = [
            # `as_tensor` would move it to the user's default device.
            module(torch.from_numpy(images) if isinstance(images, np.ndarray) else images)
            for images, _ in batches
        ]
        return torch.cat(found).cpu().numpy()
