"""What a network's answers are worth: loss, accuracy, and how far they can be trusted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lenet.core import has_torch, require_torch, thread_count
from lenet.datasets import ArrayBatches, BatchesOf
from lenet.errors import ModelError
from lenet.kernels import PlainPredictor, Predictor, chosen_engine, try_kernels
from lenet.models import (
    ArrayNetwork,
    Calibration,
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

_KEPT = 0.99  # of the right answers pass the threshold
_COLDEST, _HOTTEST = 0.05, 20.0
_NEAR, _ROUNDS = 1e-12, 100  # relative to the temperature; of looking for it
_STRICTEST = 1 - 1e-6  # threshold; a probability of 1 is asked of no answer


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
    network: ArrayNetwork | nn.Module, batches: BatchesOf[Any]
) -> tuple[float, float]:
    """Mean cross-entropy and accuracy over a split, in evaluation mode.

    Args:
        network: The network, on the batches' device; left in the mode it was in.
        batches: The examples.

    Returns:
        The mean loss in nats and the accuracy, 0 to 1.
    """
    logits, labels = compute_logits(network, batches), as_array(batches.labels)
    loss, _ = cross_entropy(logits.astype(np.float64), labels)
    return loss, int((logits.argmax(axis=1) == labels).sum()) / len(labels)


class HeldOut:
    """Images that are not trained on, of which each process scores a part."""

    def __init__(self, batches: BatchesOf[Any], peers: Peers):
        self.batches, self._peers = batches, peers
        self._is_shared = peers.size > 1
        part = part_of(len(batches.labels), peers)
        self._own = batches.part(part) if self._is_shared else batches

    def evaluate(self, network: ArrayNetwork | nn.Module) -> tuple[float, float]:
        """Mean cross-entropy and accuracy over all of them, in every process."""
        if not self._is_shared:
            return evaluate_loss_and_accuracy(network, self.batches)
        import torch

        count, total = len(self._own.labels), len(self.batches.labels)
        loss, accuracy = evaluate_loss_and_accuracy(network, self._own) if count else (0.0, 0.0)
        sums = torch.tensor(
            [loss * count, round(accuracy * count)], dtype=torch.float64, device="cpu"
        )
        self._peers.add_up(sums)
        total_loss, correct = sums.tolist()
        return total_loss / total, correct / total


def calibrate(logits: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> Calibration:
    """Find the temperature and the threshold that suit a network.

    The temperature is the one at which the cross-entropy is least (Guo et al. 2017, "On
    Calibration of Modern Neural Networks", section 4.2), with labels smoothed as if one image in
    N + 2 had another one (Platt 1999, "Probabilistic Outputs for Support Vector Machines",
    section 2.2): few images that are all right are little evidence that the network is always
    right. The threshold lets 99 of 100 right answers pass; where fewer than 100 are right, it is
    their lowest probability. It is at most 1 - 1e-6.

    Args:
        logits: The network's outputs for images that it did not learn from, (N, classes).
        labels: What the images are, (N,).

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
    temperature = _best_temperature(exact, targets)
    probabilities = _softmax(exact / temperature)
    is_right = exact.argmax(axis=1) == labels
    given = np.sort(probabilities.max(axis=1)[is_right])
    threshold = float(given[int((1 - _KEPT) * len(given))]) if len(given) else 0.0
    return Calibration(temperature, min(threshold, _STRICTEST), count)


def _best_temperature(logits: Floats, targets: Floats) -> float:
    """Where the cross-entropy is least, which is convex in the inverse of the temperature.

    That is found by Newton's method; where this leaves the bounds, these are halved.

    Args:
        logits: float64 (N, classes), each row's largest 0.
        targets: How likely each class is taken to be, (N, classes).
    """
    low, high, inverse = 1 / _HOTTEST, 1 / _COLDEST, 1.0
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
