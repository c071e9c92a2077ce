"""Whether a network is right as often as it says, and which labels it doubts."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BINS = 15  # as Guo et al. have it


@dataclass(frozen=True)
class ReliabilityBin:
    """The answers that were given with about the same probability.

    Attributes:
        low: The probabilities lie above this,
        high: and up to this.
        images: How many answers there are, at least 1.
        confidence: Their mean probability.
        accuracy: Share of them that is right.
    """

    low: float
    high: float
    images: int
    confidence: float
    accuracy: float


def reliability(
    probabilities: npt.NDArray[np.floating],
    labels: npt.NDArray[np.int64],
    bins: int = BINS,
) -> tuple[ReliabilityBin, ...]:
    """Group a network's answers by the probability that it gave them.

    Args:
        probabilities: Of every class for every image, (N, classes), 0 to 1.
        labels: What the images are, (N,).
        bins: Into how many parts of equal width 0 to 1 is cut.

    Returns:
        The parts that hold answers, in order. Plotted as accuracy over confidence they are the
        reliability diagram of Guo et al. (2017), "On Calibration of Modern Neural Networks".

    >>> given = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]])
    >>> [(part.images, part.accuracy) for part in reliability(given, np.array([0, 1, 1]), bins=2)]
    [(3, 0.6666666666666666)]
    """
    confidences = probabilities.max(axis=1).astype(np.float64)
    is_right = probabilities.argmax(axis=1) == labels
    edges = np.linspace(0, 1, bins + 1)
    places = np.searchsorted(edges[1:-1], confidences)
    return tuple(
        ReliabilityBin(
            low=float(edges[place]),
            high=float(edges[place + 1]),
            images=int((places == place).sum()),
            confidence=float(confidences[places == place].mean()),
            accuracy=float(is_right[places == place].mean()),
        )
        for place in np.unique(places)
    )


def expected_calibration_error(
    probabilities: npt.NDArray[np.floating],
    labels: npt.NDArray[np.int64],
    bins: int = BINS,
) -> float:
    """How far confidence and accuracy lie apart, on average over the answers.

    Args:
        probabilities: Of every class for every image, (N, classes), 0 to 1.
        labels: What the images are, (N,).
        bins: Into how many parts of equal width 0 to 1 is cut.

    Source: Guo et al. (2017), "On Calibration of Modern Neural Networks", equation 3.

    >>> given = np.array([[0.9, 0.1], [0.9, 0.1]])
    >>> round(expected_calibration_error(given, np.array([0, 1])), 3)
    0.4
    """
    parts = reliability(probabilities, labels, bins)
    apart = sum(part.images * abs(part.accuracy - part.confidence) for part in parts)
    return apart / len(labels)


def find_suspects(
    probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Find images whose label is worth a second look.

    An image is one if the network takes it for another class at least as surely as it takes, on
    average, that class's own images for what they are (Northcutt, Jiang and Chuang 2021, "Confident
    Learning", section 3.1). Many of them are mistakes of the network, not of the label.

    Args:
        probabilities: Of every class for every image, (N, classes); of images that the network did
            not learn from, as it knows by heart what it has learnt.
        labels: What the images are said to be, (N,).

    Returns:
        Their indices, the least probable label first.

    >>> given = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.05, 0.95]])
    >>> find_suspects(given, np.array([0, 0, 1, 0]))
    array([3])
    """
    given = probabilities.astype(np.float64)
    classes = given.shape[1]
    own = given[np.arange(len(labels)), labels]
    usual = np.full(classes, np.inf)  # nothing is taken for a class that has no images
    for label in np.unique(labels):
        usual[label] = own[labels == label].mean()
    sure = np.where(given >= usual, given, -1.0)
    is_suspect = (sure.max(axis=1) >= 0) & (sure.argmax(axis=1) != labels)
    suspects = np.flatnonzero(is_suspect)
    return suspects[np.argsort(own[suspects], kind="stable")]
