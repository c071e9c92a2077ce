"""What is answered for a network's outputs: the one place in Python that decides it.

The page (`playground/network.js`), an export to ONNX (`export/_onnx_network.py`) and one to C
(`export/_c_files.py`) have the same rules in their languages; a test holds all four together.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Any

import numpy as np
import numpy.typing as npt

from lenet.core import Settings
from lenet.errors import SettingError

NO_ANSWER = -1
LEAST_PROBABILITY = 1e-35  # a smaller one counts as that for distances, as float32 has it
# Beyond these float32 can't compute with what is made of them, and exports do.
_LEAST, _MOST = 1e-6, 1e6

Floats = npt.NDArray[np.float64]
Rows = tuple[tuple[float, ...], ...]


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
        answered: Which share of those images of a class is answered.
        whitening: What the logarithms of an image's probabilities are multiplied by, a row for each
            of them, so that within the classes they vary by 1 in every direction.
        means: Where the images of each class lie then, a row each; none where distances are not
            known.
        reach: How far from the nearest of them an image may lie to be answered.

    Raises:
        SettingError: A value is ill-typed or out of range.
    """

    temperature: float = 1.0
    threshold: float = 0.0
    images: int = 0
    answered_right: float = 0.0
    answered: float = 0.0
    whitening: Rows = ()
    means: Rows = ()
    reach: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        is_sane = _LEAST <= self.temperature <= _MOST
        self.require("temperature", is_sane, f"from {_LEAST:g} to {_MOST:,.0f}")
        is_sane = self.threshold == 0 or _LEAST <= self.threshold <= 1
        self.require("threshold", is_sane, f"0, or from {_LEAST:g} to 1")
        self.require("images", self.images >= 0, "at least 0")
        self.require("answered_right", 0 <= self.answered_right < 1, "at least 0 and below 1")
        self.require("answered", 0 <= self.answered <= 1, "from 0 to 1")
        self.require("reach", 0 <= self.reach <= _MOST, f"from 0 to {_MOST:,.0f}")
        size, rows = len(self.means), (*self.whitening, *self.means)
        if len(self.whitening) != size or any(len(row) != size for row in rows):
            message = "`whitening` and `means` must have as many rows, each of as many numbers."
            raise SettingError(message)
        if not all(abs(value) <= _MOST for row in rows for value in row):
            message = f"`whitening` and `means` must hold numbers up to {_MOST:,.0f}."
            raise SettingError(message)

    def distances(self, probabilities: Floats) -> Floats:
        """How far images lie from the class that is nearest to them, (N,); 0 if that is not known.

        It is Mahalanobis' distance of the logarithms of the probabilities, with one covariance for
        all classes (Lee et al. 2018, "A Simple Unified Framework for Detecting Out-of-Distribution
        Samples and Adversarial Attacks", section 2.1, has that of a layer's outputs).

        Args:
            probabilities: Of every output, (N, outputs).
        """
        if not self.means:
            return np.zeros(len(probabilities))
        whitening, means = self._arrays
        places = np.log(np.maximum(probabilities, LEAST_PROBABILITY)) @ whitening
        nearest = np.full(len(places), inf)
        for mean in means:
            np.minimum(nearest, ((places - mean) ** 2).sum(axis=1), out=nearest)
        distances: Floats = np.sqrt(nearest)
        return distances

    @cached_property
    def _arrays(self) -> tuple[Floats, Floats]:
        return np.array(self.whitening), np.array(self.means)


@dataclass(frozen=True, eq=False)
class Decisions:
    """What is answered for some images.

    Attributes:
        probabilities: Of every output, calibrated, float64 (N, outputs); rows sum up to 1.
        likeliest: The likeliest of the classes that may be answered, int64 (N,).
        probability: How likely that one is, float64 (N,).
        none_probability: The share of `_none`, float64 (N,); 0 where the network has no such
            output.
        distance: How far the image lies from the nearest class, float64 (N,); 0 where the network
            knows no distances.
        is_far: Whether that, and nothing else, is too much for an answer, bool (N,).
        is_sure: Whether the likeliest class is the answer, bool (N,).
    """

    probabilities: npt.NDArray[np.float64]
    likeliest: npt.NDArray[np.int64]
    probability: npt.NDArray[np.float64]
    none_probability: npt.NDArray[np.float64]
    distance: npt.NDArray[np.float64]
    is_far: npt.NDArray[np.bool_]
    is_sure: npt.NDArray[np.bool_]

    @property
    def answers(self) -> npt.NDArray[np.int64]:
        """The classes that are answered, (N,); -1 for none of them."""
        return np.where(self.is_sure, self.likeliest, NO_ANSWER)


def decide(
    scores: npt.NDArray[np.floating[Any]],
    calibration: Calibration,
    none_index: int | None,
    threshold: float | None = None,
) -> Decisions:
    """What a network answers; `ModelCard.decide` knows the rest of it.

    The probabilities are the softmax of all outputs at the temperature. The likeliest class but
    `_none` is the answer if it is at least as likely as the threshold wants and as `_none`, and the
    image lies within reach of a class. Where the threshold is 0, nothing is too far.

    Args:
        scores: The network's logits, (N, outputs); a constant may be added to a row.
        calibration: Temperature, threshold and distances.
        none_index: Which output, the last, is that of `_none`; `None` where there is no such.
        threshold: The least probability of an answer, if not the calibration's.
    """
    least = calibration.threshold if threshold is None else threshold
    scaled = scores.astype(np.float64) / calibration.temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    shares: npt.NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    likeliest = scaled[:, :none_index].argmax(axis=1)  # shares may be too small to differ
    probability = np.take_along_axis(shares, likeliest[:, None], axis=1)[:, 0]
    of_none = np.zeros(len(shares)) if none_index is None else shares[:, none_index]
    distance = calibration.distances(shares)
    is_likely = (probability >= least) & (probability >= of_none)
    is_far = is_likely & (distance > calibration.reach) & (least > 0)
    return Decisions(shares, likeliest, probability, of_none, distance, is_far, is_likely & ~is_far)
