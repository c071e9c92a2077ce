"""How often a network is right, class by class, and what it mixes up."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lenet.core import escape_name
from lenet.results.measure._stranger_scores import Strangers
from lenet.training import beats_guessing

if TYPE_CHECKING:
    from matplotlib.figure import Figure


_TOPS = (2, 3, 5)
_Z = 1.959963984540054  # the normal distribution holds 95 % within ± this many deviations


@dataclass(frozen=True)
class ClassScore:
    """How well one class is recognised; a class without images has no scores.

    Attributes:
        name: The class.
        precision: Share of the images called so that are so; 0 if none was called so.
        recall: Share of the images that are so that were called so.
        f1: The harmonic mean of the two, 0 where none was called so rightly.
        images: How many images of the class there were.
    """

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    images: int


@dataclass(frozen=True)
class Answered:
    """What `predict` answers, for which an unlikely class is none, and so is an empty picture.

    Where the network has learnt `_none`, a class that is less likely than that is none as well.

    Attributes:
        right: How many images get their class.
        wrong: How many get another one.
        none: How many get none of the classes.
        threshold: The probability below which an answer is none, from the model file.
    """

    right: int
    wrong: int
    none: int
    threshold: float


@dataclass(frozen=True)
class Refused:
    """What `predict` answers for counter-examples, which belong to none of the classes.

    Attributes:
        images: How many there were.
        none: How many get none of the classes, which is right.
    """

    images: int
    none: int


@dataclass(frozen=True)
class Evaluation:
    """How good a network is on a split.

    Attributes:
        dataset: The dataset's name.
        split: `train`, `validation` or `test`.
        images: How many images of a class there were; counter-examples are no such.
        accuracy: Share of them whose likeliest class is the right one. `_none` is no class here, so
            that networks with and without it compare.
        interval: The accuracy's 95 % confidence interval (Wilson 1927).
        loss: Mean cross-entropy in nats.
        classes: Each class's score.
        confusion: How many images of each class (row) were called what (column).
        top_k: For some k, the share of the images whose class is among the k likeliest.
        temperature: What the model file divides logits by.
        calibration_error: How far confidence and accuracy lie apart with that temperature.
        answered: What `predict` answers; the accuracy counts the likeliest class always.
        counter_examples: What it answers for the split's images of the class `_none`, if any.
        strangers: What it answers for these and other pictures of none of the classes, where any
            were shown to it.
    """

    dataset: str
    split: str
    images: int
    accuracy: float
    interval: tuple[float, float]
    loss: float
    classes: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]
    top_k: dict[int, float] | None = None
    temperature: float | None = None
    calibration_error: float | None = None
    answered: Answered | None = None
    counter_examples: Refused | None = None
    strangers: Strangers | None = None

    @property
    def macro_f1(self) -> float:
        """The mean F1 of the classes that have images, each counted alike."""
        return _mean_of(score.f1 for score in self.classes)

    @property
    def balanced_accuracy(self) -> float:
        """The mean recall of the classes that have images, each counted alike."""
        return _mean_of(score.recall for score in self.classes)

    def to_dict(self) -> dict[str, Any]:
        """The values as JSON can hold them."""
        means = {"macro_f1": self.macro_f1, "balanced_accuracy": self.balanced_accuracy}
        return {**asdict(self), **means}

    @property
    def warning(self) -> str | None:
        """That the network is no better than a constant answer, if it is not."""
        counts = [score.images for score in self.classes]
        most = max(self.classes, key=lambda score: score.images)
        if most.images == self.images or beats_guessing(self.accuracy, counts):
            return None
        return (
            "The network has learnt little or nothing: always answering "
            f"`{escape_name(most.name)}` is right for {most.images / self.images:.3f} of these "
            f"images, and it is for {self.accuracy:.3f}."
        )


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
    confusion = np.zeros((len(class_names),) * 2, np.int64)
    np.add.at(confusion, (labels, predictions), 1)
    right, there, called = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    columns = zip(class_names, right.tolist(), there.tolist(), called.tolist(), strict=True)
    scores = (
        ClassScore(
            name,
            hits / given if given else 0.0,
            hits / images,
            2 * hits / (images + given),
            images,
        )
        if images
        else ClassScore(name, None, None, None, 0)
        for name, hits, images, given in columns
    )
    correct = int((labels == predictions).sum())
    return Evaluation(
        dataset=dataset,
        split=split,
        images=len(labels),
        accuracy=correct / len(labels),
        interval=wilson_interval(correct, len(labels)),
        loss=loss,
        classes=tuple(scores),
        confusion=tuple(map(tuple, confusion.tolist())),
    )


def _mean_of(scores: Iterable[float | None]) -> float:
    """The mean of those that there are."""
    return float(np.mean([score for score in scores if score is not None]))


def share_among_likeliest(
    probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]
) -> dict[int, float]:
    """For k of 2, 3 and 5, as far as there are more classes, how often the label is among the k.

    Args:
        probabilities: Of every class for every image, (N, classes), or their logarithms.
        labels: What the images are, (N,).
    """
    own = np.take_along_axis(probabilities, labels[:, None], axis=1)
    before = np.arange(probabilities.shape[1]) < labels[:, None]
    rank = ((probabilities > own) | ((probabilities == own) & before)).sum(axis=1)
    return {k: float((rank < k).mean()) for k in _TOPS if k < probabilities.shape[1]}


@dataclass(frozen=True)
class Confusion:
    """Images of one class that were taken for another.

    Attributes:
        true: What they are.
        given: What they were taken for.
        count: How many, at least 1.
        images: How many images of the true class there were.
    """

    true: str
    given: str
    count: int
    images: int


def frequent_confusions(evaluation: Evaluation, most: int = 5) -> tuple[Confusion, ...]:
    """Which classes are most often taken for which.

    Args:
        evaluation: Whose confusion matrix.
        most: How many to give at most.

    Returns:
        The confusions, the most frequent first; those that never happen are left out.

    >>> from lenet.results import score_predictions
    >>> labels, predictions = np.array([0, 1, 1]), np.array([0, 1, 0])
    >>> frequent_confusions(score_predictions(
    ...     labels, predictions, ("cat", "dog"), loss=0.5, dataset="pets", split="test"))
    (Confusion(true='dog', given='cat', count=1, images=2),)
    """
    names = [score.name for score in evaluation.classes]
    wrong = [
        Confusion(names[row], names[column], count, sum(counts))
        for row, counts in enumerate(evaluation.confusion)
        for column, count in enumerate(counts)
        if row != column and count
    ]
    return tuple(sorted(wrong, key=lambda one: -one.count)[:most])


def confusion_text(evaluation: Evaluation) -> str:
    r"""The confusion matrix as text: true classes down, given classes across.

    >>> from lenet.results import score_predictions
    >>> labels, predictions = np.array([0, 1, 1]), np.array([0, 1, 0])
    >>> print(confusion_text(score_predictions(
    ...     labels, predictions, ("cat", "dog"), loss=0.5, dataset="pets", split="test")))
    true \ given  cat  dog
    cat             1    0
    dog             1    1
    """
    names = [escape_name(score.name) for score in evaluation.classes]
    corner = "true \\ given"
    first = max(len(corner), *map(len, names))
    digits = len(str(max(max(row) for row in evaluation.confusion)))
    widths = [max(len(name), digits) for name in names]
    lines = [corner.ljust(first)]
    lines[0] += "".join(f"  {name:>{width}}" for name, width in zip(names, widths, strict=True))
    for name, row in zip(names, evaluation.confusion, strict=True):
        counts = (f"  {count:>{width}}" for count, width in zip(row, widths, strict=True))
        lines.append(name.ljust(first) + "".join(counts))
    return "\n".join(lines)


def draw_confusion(evaluation: Evaluation, title: str = "") -> Figure:
    """Draw the confusion matrix, each row shaded by its share.

    Args:
        evaluation: Whose matrix.
        title: What stands above the picture.

    Returns:
        A figure that belongs to no window; `figure.savefig` writes it.
    """
    from lenet.core import Drawing

    counts = np.array(evaluation.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = [escape_name(score.name) for score in evaluation.classes]
    side = max(4.0, 0.55 * len(names) + 1.5)
    figure = Drawing(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(*counts.shape):
        if counts[row, column]:
            shade = "white" if shares[row, column] > 0.5 else "black"
            text = str(counts[row, column])
            axes.text(column, row, text, ha="center", va="center", color=shade, fontsize=8)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="given", ylabel="true", title=title)
    return figure
