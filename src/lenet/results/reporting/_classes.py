import math

from lenet.results.evaluation._scores import wilson_interval
from lenet.results.pages._element import Element, Node, element
from lenet.results.pages._page import Section
from lenet.results.pages._parts import Column, paragraph, table
from lenet.results.pages._pictures import picture
from lenet.results.reporting._findings import Findings
from lenet.results.reporting._wording import percent

_WIDTH, _HEIGHT = 170, 16


def classes_section(findings: Findings) -> Section:
    """How well each class is recognised."""
    evaluation = findings.evaluation
    confusion = evaluation.confusion
    called = [sum(column) for column in zip(*confusion, strict=True)]
    intervals = [
        (
            _interval(confusion[index][index], called[index]),
            _interval(confusion[index][index], score.images),
        )
        for index, score in enumerate(evaluation.classes)
    ]
    bounds = [pair[0] for two in intervals for pair in two if pair is not None]
    low = math.floor(10 * min(bounds, default=0.0)) / 10
    rows: list[list[Node]] = []
    for score, (precise, recalled) in zip(evaluation.classes, intervals, strict=True):
        rows.append(
            [
                _named(findings, len(rows), score.name),
                _with_bar(score.precision, precise, low),
                _with_bar(score.recall, recalled, low),
                percent(score.f1) if score.images else "–",
                f"{score.images:,}",
            ]
        )
    columns = [
        Column("class"),
        Column("precision"),
        Column("recall"),
        Column("F1", is_number=True),
        Column("images", is_number=True),
    ]
    said = paragraph(
        element("strong", "Precision"),
        ": of the images that were called so, how many are. ",
        element("strong", "Recall"),
        ": of the images that are so, how many were called so. ",
        element("strong", "F1"),
        " is the harmonic mean of both.",
    )
    caption = (
        f"Bars reach over the 95 % intervals (Wilson), on a scale from {percent(low, 0)} to 100 %; "
        "the stroke is the value."
    )
    return Section("Class by class", "classes", (said, table(columns, rows, caption)))


def _interval(correct: int, count: int) -> tuple[float, float] | None:
    """The interval of a share, where there is one."""
    return wilson_interval(correct, count) if count else None


def _named(findings: Findings, index: int, name: str) -> Element:
    """A class with the first of its images."""
    examples = findings.answers.examples
    members = (examples.labels == index).nonzero()[0]
    if not len(members):
        return element("span", name, class_="named")
    image = picture(examples.images[members[0]], f"An image of {name}", size=28)
    return element("span", image, element("span", name), class_="named")


def _with_bar(value: float, interval: tuple[float, float] | None, low: float) -> Element | str:
    """A share with its interval as a bar."""
    if interval is None:
        return "–"
    start, end, at = (
        _WIDTH * (bound - low) / (1 - low) for bound in (*interval, max(value, interval[0]))
    )
    middle = _HEIGHT / 2
    said = f"95 % interval {percent(interval[0])} to {percent(interval[1])}"
    bar = element(
        "svg",
        element("title", said),
        element("line", x1=0, x2=_WIDTH, y1=middle, y2=middle, class_="grid"),
        element(
            "rect",
            x=round(start, 2),
            width=round(max(end - start, 1.0), 2),
            y=middle - 4.5,
            height=9,
            rx=2,
            class_="interval",
        ),
        element("rect", x=round(at - 1, 2), width=2, y=0, height=_HEIGHT, class_="at"),
        viewBox=f"-2 0 {_WIDTH + 4} {_HEIGHT}",
        preserveAspectRatio="none",  # on phones it is made narrower, not lower
        width=_WIDTH + 4,
        height=_HEIGHT,
        role="img",
        aria_label=said,
    )
    return element("span", element("span", percent(value)), bar, class_="share")
