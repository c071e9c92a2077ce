"""How far a network's probabilities can be trusted, from held-out images."""

import numpy as np
import numpy.typing as npt

from lenet.models import Calibration

_KEPT = 0.99  # of the right answers pass the threshold
_COLDEST, _HOTTEST = 0.05, 20.0
_STRICTEST = 1 - 1e-6  # threshold; a probability of 1 is asked of no answer


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
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    exact = logits.astype(np.float64)
    count, classes = logits.shape
    targets = np.full((count, classes), 1 / (count + 2) / (classes - 1))
    targets[np.arange(count), labels] = 1 - 1 / (count + 2)

    def cross_entropy(log_temperature: float) -> float:
        scaled = log_softmax(exact / np.exp(log_temperature), axis=1)
        return -float((targets * scaled).sum(axis=1).mean())

    bounds = np.log(_COLDEST), np.log(_HOTTEST)
    temperature = float(np.exp(minimize_scalar(cross_entropy, bounds=bounds, method="bounded").x))
    probabilities = np.exp(log_softmax(exact / temperature, axis=1))
    is_right = exact.argmax(axis=1) == labels
    given = np.sort(probabilities.max(axis=1)[is_right])
    threshold = float(given[int((1 - _KEPT) * len(given))]) if len(given) else 0.0
    return Calibration(temperature, min(threshold, _STRICTEST), count)
