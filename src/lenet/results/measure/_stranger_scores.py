"""What is answered for strangers, which are pictures of none of the classes, and the ROC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lenet.core import Series, escape_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NEVER = -1.0  # below every threshold
_POINTS = 50  # of a curve, each with the one before it
_TOGETHER = "all of them"

Shares = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RocPoint:
    """What one threshold does.

    Attributes:
        threshold: The least probability of an answer; at 0 all is answered in which anything is to
            be seen, even where `_none` is likelier.
        strangers: Share of the strangers that are answered.
        right: Share of the test images that get the right answer.
    """

    threshold: float
    strangers: float
    right: float


@dataclass(frozen=True)
class StrangerScore:
    """What `predict` answers for strangers of a kind, for which none of the classes is right.

    Attributes:
        kind: What they are: `noise images`, `garments`, `digits`, `drawn signs`, `own pictures`, or
            `counter-examples`, which are test images of the class `_none`.
        images: How many there were.
        answered: How many of them pass for one of the classes.
        confidence: The mean probability of those answers; `None` where there is none.
        taken_for: For which classes they pass, the most frequent first, each with how often.
        area: The area under the curve: how often an image that is answered rightly is surer than a
            stranger, if one of each is drawn. What is answered wrongly counts as less sure than
            all strangers, so it is at most the accuracy.
        roc: The curve itself, from high thresholds to low ones, by up to a hundred points.
    """

    kind: str
    images: int
    answered: int
    confidence: float | None
    taken_for: tuple[tuple[str, int], ...]
    area: float
    roc: tuple[RocPoint, ...]


@dataclass(frozen=True)
class Strangers:
    """What `predict` answers for pictures of none of the classes.

    Attributes:
        threshold: The model's, below which an answer is none.
        right: Share of the test images that get the right answer at it.
        kinds: Each kind's score.
        together: That of all strangers.
    """

    threshold: float
    right: float
    kinds: tuple[StrangerScore, ...]
    together: StrangerScore

    def to_dict(self) -> dict[str, Any]:
        """The values as JSON can hold them."""
        return asdict(self)


def score_strangers(
    kinds: Mapping[str, tuple[npt.NDArray[np.int64], Shares]],
    right: Shares,
    classes: Sequence[str],
    threshold: float,
    answered_right: float,
) -> Strangers:
    """Count which strangers pass, and see what other thresholds would do.

    Args:
        kinds: For the images of each kind which class is answered, -1 for none, and up to which
            threshold each is answered, `NEVER` for those that never are: both (N,).
        right: The same threshold for each test image, (M,); `NEVER` for those answered wrongly.
        classes: What the classes are called.
        threshold: The model's.
        answered_right: Share of the test images that are answered rightly at it.
    """
    scores = [_score(kind, *answers, right, classes) for kind, answers in kinds.items()]
    every = [np.concatenate(parts) for parts in zip(*kinds.values(), strict=True)]
    together = _score(_TOGETHER, every[0], every[1], right, classes)
    return Strangers(threshold, answered_right, tuple(scores), together)


def _score(
    kind: str,
    given: npt.NDArray[np.int64],
    passes: Shares,
    right: Shares,
    classes: Sequence[str],
) -> StrangerScore:
    answered = given >= 0
    counts = np.bincount(given[answered], minlength=len(classes))
    often = [index for index in np.argsort(-counts, kind="stable") if counts[index]]
    return StrangerScore(
        kind,
        len(given),
        int(answered.sum()),
        float(passes[answered].mean()) if answered.any() else None,
        tuple((classes[index], int(counts[index])) for index in often),
        _area(right, passes),
        _curve(right, passes),
    )


def _area(right: Shares, strangers: Shares) -> float:
    """The share of pairs in which the test image is surer; where both are as sure, a half."""
    ordered = np.sort(strangers)
    sure = right[right > NEVER]
    below, up_to = (np.searchsorted(ordered, sure, side) for side in ("left", "right"))
    return float((below + up_to).sum()) / (2 * len(right) * len(strangers))


def _curve(right: Shares, strangers: Shares) -> tuple[RocPoint, ...]:
    """The corners of the curve, thinned out where they lie close, least near its upper left end."""
    thresholds = np.unique(np.concatenate([right, strangers, [0.0, 1.0]]))[::-1]
    thresholds = thresholds[thresholds >= 0]
    x, y = (
        1 - np.searchsorted(np.sort(scores), thresholds, "left") / len(scores)
        for scores in (strangers, right)
    )
    along = np.sqrt(x) - np.sqrt(1 - y)
    places = np.searchsorted(along, np.linspace(along[0], along[-1], _POINTS))
    places = places.clip(1, len(along) - 1)
    kept = np.unique([0, *(places - 1), *places, len(along) - 1])  # both ends of what is straight
    return tuple(
        RocPoint(float(thresholds[at]), float(x[at]), float(y[at])) for at in kept.tolist()
    )


def describe_strangers(strangers: Strangers) -> list[str]:
    """A sentence for each kind of strangers: how many pass, and for what.

    >>> garments = StrangerScore("garments", 1000, 23, 0.97, (("8", 20), ("1", 3)), 0.99, ())
    >>> describe_strangers(Strangers(0.9, 0.98, (garments,), garments))
    ['Of 1,000 garments 23 pass for one of the classes (2.3 %), most of them for 8.']
    """
    return [_describe(score) for score in strangers.kinds]


def _describe(score: StrangerScore) -> str:
    if not score.answered:
        return f"Of {score.images:,} {score.kind} none passes for one of the classes."
    names = [escape_name(name) for name, _ in score.taken_for]
    often = f"for {names[0]}" if score.answered == 1 else f"all of them for {names[0]}"
    if len(names) > 1:
        most = score.taken_for[0][1] > score.answered / 2
        often = f"most of them for {names[0]}" if most else f"most often for {names[0]}"
    passes = "passes" if score.answered == 1 else "pass"
    share = f"{100 * score.answered / score.images:.1f} %"
    return (
        f"Of {score.images:,} {score.kind} {score.answered:,} {passes} for one of the classes "
        f"({share}), {often}."
    )


def roc_series(
    strangers: Strangers, most_strangers: float = 1.0, least_right: float = 0.0
) -> list[Series]:
    """The curves of all kinds, of all together, and a mark where the model's threshold puts each.

    Args:
        strangers: What was measured.
        most_strangers: Up to which share of the strangers the curves are drawn,
        least_right: and from which share of the test images on.
    """
    several = len(strangers.kinds) > 1
    scores = [*strangers.kinds, *([strangers.together] if several else [])]
    drawn = [
        Series(
            f"{score.kind}, area {score.area:.4f}",
            _within(score.roc, most_strangers, least_right),
            "line",
            colour,
            dashes=(colour - 1) % 4,
        )
        for colour, score in enumerate(scores, 1)
    ]
    for colour, score in enumerate(scores, 1):
        at = score.answered / score.images, strangers.right
        if at[0] <= most_strangers and at[1] >= least_right:
            told = f"{score.kind} at the threshold {strangers.threshold:.3f}"
            drawn.append(Series("", (at,), "marks", colour, notes=(told,), mark_size=4.5))
    return drawn


def _within(
    roc: Sequence[RocPoint], most_strangers: float, least_right: float
) -> tuple[tuple[float, float], ...]:
    """A curve from below to the right, as far as it lies within a window."""
    points = [(0.0, 0.0), *((point.strangers, point.right) for point in roc)]
    points.append((1.0, points[-1][1]))
    x, y = np.array(points).T
    inside = (x <= most_strangers) & (y >= least_right)
    shown = [tuple(map(float, point)) for point in np.array(points)[inside]]
    if least_right > 0 and y.max() > least_right:  # where it comes in from below
        after = int((y >= least_right).argmax())
        share = (least_right - y[after - 1]) / (y[after] - y[after - 1])
        at = float(x[after - 1] + share * (x[after] - x[after - 1]))
        if at <= most_strangers:
            shown.insert(0, (at, least_right))
    if most_strangers < 1 and shown:  # and where it goes out at the right
        shown.append((most_strangers, float(np.interp(most_strangers, x, y))))
    return tuple((across, up) for across, up in shown)


def draw_roc(strangers: Strangers, title: str = "") -> Figure:
    """Draw for every threshold the test images answered rightly against the strangers answered.

    Args:
        strangers: What was measured.
        title: What stands above the picture.

    Returns:
        A figure that belongs to no window; `figure.savefig` writes it.
    """
    from lenet.core import Drawing, draw_series

    figure = Drawing(figsize=(6.4, 4.4), layout="constrained")
    axes = figure.subplots()
    draw_series(axes, roc_series(strangers), "share of the strangers that are answered")
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.set(ylabel="share of the test images answered rightly", title=title)
    axes.set(xlim=(-0.02, 1), ylim=(0, 1.02))
    axes.legend(loc="lower right")
    return figure
