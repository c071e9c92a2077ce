from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lenet.core import escape_name
from lenet.results.evaluation._scores import Evaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
