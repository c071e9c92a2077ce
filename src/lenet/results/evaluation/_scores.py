import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

_Z = 1.959963984540054  # the normal distribution holds 95 % within ± this many deviations


@dataclass(frozen=True)
class ClassScore:
    """How well one class is recognised.

    Attributes:
        name: The class.
        precision: Share of the images called so that are so; 0 if none was called so.
        recall: Share of the images that are so that were called so; 0 if there were none.
        f1: The harmonic mean of the two.
        images: How many images of the class there were.
    """

    name: str
    precision: float
    recall: float
    f1: float
    images: int


@dataclass(frozen=True)
class Evaluation:
    """How good a network is on a split.

    Attributes:
        dataset: The dataset's name.
        split: `train`, `validation` or `test`.
        images: How many images there were.
        accuracy: Share of them that were classified rightly.
        interval: The accuracy's 95 % confidence interval (Wilson 1927).
        loss: Mean cross-entropy in nats.
        classes: Each class's score.
        confusion: How many images of each class (row) were called what (column).
    """

    dataset: str
    split: str
    images: int
    accuracy: float
    interval: tuple[float, float]
    loss: float
    classes: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]

    def to_dict(self) -> dict[str, Any]:
        """The values as JSON can hold them."""
        return asdict(self)


def wilson_interval(correct: int, count: int) -> tuple[float, float]:
    """The 95 % confidence interval of a share.

    Args:
        correct: How many were right, 0 to `count`.
        count: Of how many, at least 1.

    Source: E. B. Wilson (1927), "Probable inference, the law of succession, and statistical
    inference".

    >>> [round(bound, 4) for bound in wilson_interval(8200, 10000)]
    [0.8123, 0.8274]
    """
    share = correct / count
    middle = share + _Z**2 / (2 * count)
    reach = _Z * math.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2))
    scale = 1 + _Z**2 / count
    return max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale)


def score_predictions(
    labels: npt.NDArray[np.int64],
    predictions: npt.NDArray[np.int64],
    class_names: tuple[str, ...],
    *,
    loss: float,
    dataset: str,
    split: str,
) -> Evaluation:
    """Score predictions against the truth.

    Args:
        labels: The true classes, shape (N,).
        predictions: The classes that the network gave, shape (N,).
        class_names: The classes; labels and predictions are indices into them.
        loss: The mean cross-entropy in nats, which goes into the evaluation as it is.
        dataset: The dataset's name.
        split: Which of its splits this is.
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    every_class = np.arange(len(class_names))
    columns = precision_recall_fscore_support(
        labels, predictions, labels=every_class, zero_division=0.0
    )
    scores = (
        ClassScore(name, float(precision), float(recall), float(f1), int(images))
        for name, precision, recall, f1, images in zip(class_names, *columns, strict=True)
    )
    confusion = confusion_matrix(labels, predictions, labels=every_class)
    correct = int((labels == predictions).sum())
    return Evaluation(
        dataset=dataset,
        split=split,
        images=len(labels),
        accuracy=correct / len(labels),
        interval=wilson_interval(correct, len(labels)),
        loss=loss,
        classes=tuple(scores),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
    )
