"""What is answered for a network's outputs: the one place in Python that decides it.

The page (`playground/network.js`), an export to ONNX (`export/_onnx_network.py`) and one to C
(`export/_c_files.py`) have the same rules in their languages; a test holds all four together.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
import numpy.typing as npt

from lenet.core import Settings

NO_ANSWER = -1


@dataclass(frozen=True)
class Calibration(Settings):
    """How far a network's probabilities can be trusted, measured on held-out images.

    Attributes:
        temperature: What the logits are divided by before the softmax, so that of the answers
            given with 80 % about 80 % are right (Guo et al. 2017, "On Calibration of Modern Neural
            Networks").
        threshold: The probability below which an answer is "none of these".
        images: How many images it was measured on; 0 if it was not.
        answered_right: Which share of the answers that the threshold lets pass is right, as far as
            those images can show it; 0 where that is not known.
        answered: Which share of those images of a class it lets pass.

    Raises:
        SettingError: A value is ill-typed or out of range.
    """

    temperature: float = 1.0
    threshold: float = 0.0
    images: int = 0
    answered_right: float = 0.0
    answered: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("temperature", 0 < self.temperature < inf, "above 0 and finite")
        self.require("threshold", 0 <= self.threshold <= 1, "from 0 to 1")
        self.require("images", self.images >= 0, "at least 0")
        self.require("answered_right", 0 <= self.answered_right < 1, "at least 0 and below 1")
        self.require("answered", 0 <= self.answered <= 1, "from 0 to 1")


@dataclass(frozen=True, eq=False)
class Decisions:
    """What is answered for some images.

    Attributes:
        probabilities: Of every output, calibrated, float64 (N, outputs); rows sum up to 1.
        likeliest: The likeliest of the classes that may be answered, int64 (N,).
        probability: How likely that one is, float64 (N,).
        none_probability: The share of `_none`, float64 (N,); 0 where the network has no such
            output.
        is_sure: Whether the likeliest class is the answer, bool (N,).
    """

    probabilities: npt.NDArray[np.float64]
    likeliest: npt.NDArray[np.int64]
    probability: npt.NDArray[np.float64]
    none_probability: npt.NDArray[np.float64]
    is_sure: npt.NDArray[np.bool_]

    @property
    def answers(self) -> npt.NDArray[np.int64]:
        """The classes that are answered, (N,); -1 for none of them."""
        return np.where(self.is_sure, self.likeliest, NO_ANSWER)


def decide(
    scores: npt.NDArray[np.floating[Any]], calibration: Calibration, none_index: int | None
) -> Decisions:
    """What a network answers; `ModelCard.decide` knows the rest of it.

    The probabilities are the softmax of all outputs at the temperature. The likeliest class but
    `_none` is the answer if it is at least as likely as the threshold wants and as `_none`.

    Args:
        scores: The network's logits, (N, outputs); a constant may be added to a row.
        calibration: Temperature and threshold.
        none_index: Which output, the last, is that of `_none`; `None` where there is no such.
    """
    scaled = scores.astype(np.float64) / calibration.temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    shares: npt.NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    likeliest = scaled[:, :none_index].argmax(axis=1)  # shares may be too small to differ
    probability = np.take_along_axis(shares, likeliest[:, None], axis=1)[:, 0]
    of_none = np.zeros(len(shares)) if none_index is None else shares[:, none_index]
    is_sure = (probability >= calibration.threshold) & (probability >= of_none)
    return Decisions(shares, likeliest, probability, of_none, is_sure)
