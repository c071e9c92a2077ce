"""What the network makes of pictures that belong to none of its classes."""

import numpy as np

from lenet.core import escape_name
from lenet.results._wording import percent, probability
from lenet.results.measure._evaluate import Answers
from lenet.results.measure._stranger_scores import (
    Strangers,
    StrangerScore,
    describe_strangers,
    roc_series,
)
from lenet.results.page._chart import Axis, draw_chart
from lenet.results.page._page import Element, Node, Section, element
from lenet.results.page._parts import (
    Column,
    figure,
    paragraph,
    picture,
    picture_grid,
    remark,
    row,
    table,
)
from lenet.results.reporting._findings import Findings

_SHOWN = 6  # of each kind
_SIZE = 84
_NAMED = 3  # classes that a kind is taken for
_WINDOWS = (0.05, 0.1, 0.2, 0.5)  # shares of strangers that the second chart may end at


def strangers_section(findings: Findings) -> Section | None:
    """How many strangers pass for one of the classes, and what another threshold would do."""
    measured = findings.evaluation.strangers
    if measured is None:
        return None
    content: list[Node] = [
        paragraph(
            "Some class is always the likeliest, also for a picture of none of them, a stranger. ",
            *_when_none(findings, measured.threshold),
            " How many strangers pass for one of the classes all the same:",
        ),
        _counts(measured),
        paragraph(
            "A higher threshold lets fewer strangers pass, and fewer images that are right. A "
            "curve goes through all thresholds, from high ones at the lower left to low ones at "
            "the right; the mark is the model's own. The nearer a curve comes to the upper left "
            "corner, the better that kind of stranger can be told by how sure the network is. The "
            "area below is how often an image that is answered rightly is surer than a stranger. "
            "Where a curve is far from the corner no threshold will do: show the network such "
            "pictures, in the class ",
            element("code", "_none"),
            ".",
        ),
        row(_charts(measured)),
    ]
    for kind, answers in findings.answers.of_none.items():
        content += _surest(kind, answers)
    return Section("What belongs to none", "strangers", tuple(content))


def stranger_warning(measured: Strangers | None, most: float = 0.1) -> str | None:
    """What must be known first: the kind of which most pass, if more than a share of it does."""
    if measured is None:
        return None
    worst = max(measured.kinds, key=lambda score: score.answered / score.images)
    if worst.answered <= most * worst.images:
        return None
    return describe_strangers(measured)[measured.kinds.index(worst)]


def strangers_tile(measured: Strangers) -> tuple[str, Node, str]:
    """The share that is refused, with what passes."""
    every = measured.together
    told = f"{every.answered:,} of {every.images:,} pictures of none of the classes pass"
    return "strangers refused", percent(1 - every.answered / every.images), told


def _when_none(findings: Findings, threshold: float) -> list[Node]:
    """Sentences that say when none of the classes is the answer."""
    reasons = [f"below the threshold of {percent(threshold)}"] if threshold else []
    if findings.answers.card.none_index is not None:
        reasons.append("below the share of none of these, which counter-examples taught")
    answers: list[Node] = [element("code", "lenet predict"), " answers none of these."]
    far = ""
    if findings.answers.card.calibration.means:
        far = "or the picture lies farther from every class than 99 of 100 images from their own, "
    if not reasons:
        return [
            "The model file has no threshold, as no images were held out to choose it by. Only "
            "where nothing is to be seen, ",
            *answers,
        ]
    return [f"Where its probability is {' or '.join(reasons)}, {far}", *answers]


def _counts(measured: Strangers) -> Element:
    columns = [
        Column("strangers"),
        Column("pictures", is_number=True),
        Column("pass", is_number=True),
        Column("share", is_number=True),
        Column("mean probability", is_number=True),
        Column("area", is_number=True),
        Column("mostly taken for"),
    ]
    scores = [*measured.kinds, *([measured.together] if len(measured.kinds) > 1 else [])]
    caption = (
        f"At the threshold of {percent(measured.threshold)}, at which {percent(measured.right)} "
        "of the scored images get the right answer. The probability is that of those that pass."
    )
    return table(columns, map(_row, scores), caption)


def _row(score: StrangerScore) -> list[Node]:
    often = ", ".join(
        f"{name}\N{NO-BREAK SPACE}({count:,})" for name, count in score.taken_for[:_NAMED]
    )
    return [
        score.kind,
        f"{score.images:,}",
        f"{score.answered:,}",
        percent(score.answered / score.images),
        "–" if score.confidence is None else percent(score.confidence),
        f"{score.area:.4f}",
        often or "–",
    ]


def _charts(measured: Strangers) -> list[Element]:
    """The curves as a whole, and the corner in which the model's threshold lies."""
    shares = [score.answered / score.images for score in measured.kinds]
    told = "; ".join(
        f"{score.kind}: area {score.area:.4f}, {percent(share)} answered at the model's threshold"
        for score, share in zip(measured.kinds, shares, strict=True)
    )
    usual = draw_roc_chart(measured, f"ROC, for all thresholds. {told}.")
    drawn = [figure(usual, "", "For every threshold")]
    most = next((width for width in _WINDOWS if width >= max(shares)), None)
    least = np.floor(10 * (measured.right - 0.15)) / 10
    if most is not None and least > 0:
        words = f"ROC, up to {percent(most, 0)} of the strangers."
        corner = draw_roc_chart(measured, words, most, float(least))
        drawn.append(figure(corner, "", "The same, near the model's threshold"))
    return drawn


def draw_roc_chart(
    measured: Strangers, alt: str, most_strangers: float = 1.0, least_right: float = 0.0
) -> Element:
    """Draw for every threshold the test images answered rightly against the strangers answered.

    Args:
        measured: What was measured.
        alt: What is to be seen, for those who don't see it.
        most_strangers: Up to which share of the strangers is drawn,
        least_right: and from which share of the test images on.
    """
    return draw_chart(
        roc_series(measured, most_strangers, least_right),
        Axis("strangers that are answered", 0, most_strangers, is_share=True),
        Axis("images answered rightly", least_right, 1, is_share=True),
        alt,
        height=300,
    )


def _surest(kind: str, answers: Answers) -> list[Node]:
    """Those of a kind that pass most surely."""
    decided, given = answers.decisions, answers.given
    passing = np.flatnonzero(given >= 0)
    surest = passing[np.argsort(-decided.probability[passing], kind="stable")][:_SHOWN]
    if not len(surest):
        return []
    shown: list[tuple[Element, Node]] = []
    for index in surest.tolist():
        name = escape_name(answers.examples.name_of(index, answers.split))
        taken_for = answers.card.classes[given[index]]
        below = element(
            "span",
            element("strong", taken_for),
            f" {probability(float(decided.probability[index]))}",
            element("br"),
            remark(name),
        )
        image = picture(
            answers.examples.images[index], f"{name}: taken for {taken_for}", size=_SIZE
        )
        shown.append((image, below))
    return [element("h3", f"{kind.capitalize()} that pass most surely"), picture_grid(shown)]
