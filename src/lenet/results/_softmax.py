"""Probabilities of logits, so that no large number overflows."""

from typing import Any

import numpy as np
import numpy.typing as npt

Exact = npt.NDArray[np.float64]


def log_softmax(logits: npt.NDArray[Any]) -> Exact:
    """The logarithms of the classes' probabilities, from logits (…, classes)."""
    exact = logits.astype(np.float64)
    result: Exact = exact - np.logaddexp.reduce(exact, axis=-1, keepdims=True)
    return result


def softmax(logits: npt.NDArray[Any]) -> Exact:
    """The classes' probabilities, from logits (…, classes)."""
    return np.exp(log_softmax(logits))
