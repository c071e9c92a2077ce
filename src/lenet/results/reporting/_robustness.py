import numpy as np

from lenet.results._wording import percent
from lenet.results.measure._robustness import Robustness, RobustnessPoint
from lenet.results.page._chart import Axis, Series, draw_chart
from lenet.results.page._element import Element, element
from lenet.results.page._page import Section
from lenet.results.page._parts import figure, paragraph, picture, row
from lenet.results.reporting._findings import Findings

_TITLES = {
    "shift": "Shifted",
    "rotation": "Turned",
    "size": "Larger and smaller",
    "noise": "Noise",
    "blur": "Blurred",
    "brightness": "Darker and brighter",
    "contrast": "Less and more contrast",
    "inversion": "Inverted",
}
_NOTABLE = 0.1
_UNITS = {"pixels": "\N{NARROW NO-BREAK SPACE}px", "degrees": "°", "times": "×"}


def robustness_section(findings: Findings) -> Section:
    """What becomes of the accuracy when images are not as the network knows them."""
    measured = findings.robustness
    example = _pick_example(findings)
    said = paragraph(
        f"The same {measured[0].images:,} images, shifted, turned, scaled, disturbed and lit "
        "otherwise, were given to the network without any preparation. It should become less sure "
        "as it becomes less accurate; where confidence stays above accuracy it is wrong without "
        "knowing."
    )
    charts = row(_draw(findings, one, example) for one in measured)
    content = (said, _most_misleading(measured), charts)
    return Section("When images change", "robustness", content)


def _most_misleading(measured: tuple[Robustness, ...]) -> Element:
    """Where confidence lies farthest above accuracy."""
    worst, point = max(
        ((one, point) for one in measured for point in one.points),
        key=lambda pair: pair[1].confidence - pair[1].accuracy,
    )
    if point.confidence - point.accuracy < _NOTABLE:
        return paragraph("Nowhere here is it much surer than it is right.")
    change = f"{worst.corruption.name} {_write(worst, point)}".rstrip()
    return paragraph(
        "Most misleading: ",
        element("strong", change),
        f", with {percent(point.accuracy, 0)} of the answers right at a mean confidence of "
        f"{percent(point.confidence, 0)}.",
    )


def _draw(findings: Findings, measured: Robustness, example: int) -> Element:
    """Accuracy and confidence by strength, and what one image becomes."""
    corruption = measured.corruption
    strip = element(
        "ol",
        *(_example(findings, measured, point, example) for point in measured.points),
        class_="strip",
    )
    title = _TITLES[corruption.name]
    if len(measured.points) < 3:
        plain, changed = measured.points[0], measured.points[-1]
        words = (
            f"{percent(changed.accuracy)} right instead of {percent(plain.accuracy)}, at a mean "
            f"confidence of {percent(changed.confidence)}."
        )
        return figure(strip, words, title)
    strengths = [point.strength for point in measured.points]
    accuracy = Series(
        "accuracy",
        tuple((point.strength, point.accuracy) for point in measured.points),
        "marked-line",
        1,
        tuple(point.interval for point in measured.points),
    )
    confidence = Series(
        "mean confidence",
        tuple((point.strength, point.confidence) for point in measured.points),
        "marked-line",
        2,
    )
    chart = draw_chart(
        [accuracy, confidence],
        Axis(corruption.unit, strengths[0], strengths[-1], ticks=tuple(strengths)),
        Axis("", 0, 1, is_share=True),
        f"{title}: "
        + "; ".join(
            f"{_write(measured, point)}, {percent(point.accuracy)} right, "
            f"confidence {percent(point.confidence)}"
            for point in measured.points
        ),
        height=220,
    )
    return figure(element("div", chart, strip), title=title)


def _example(
    findings: Findings, measured: Robustness, point: RobustnessPoint, example: int
) -> Element:
    corruption = measured.corruption
    image = findings.answers.examples.images[example : example + 1]
    changed = corruption.apply(image, point.strength)[0]
    strength = _write(measured, point) or _TITLES[corruption.name].lower()
    alt = f"The example, {corruption.name}: {strength}"
    if point.strength == corruption.plain:
        strength, alt = "as is", "The example as it is"
    return element("li", picture(changed, alt, size=64), element("span", strength))


def _write(measured: Robustness, point: RobustnessPoint) -> str:
    """A strength with its unit."""
    unit = measured.corruption.unit
    if not unit:
        return ""
    sign = "+" if measured.corruption.name == "brightness" and point.strength > 0 else ""
    return f"{sign}{point.strength:g}{_UNITS.get(unit, '')}"


def _pick_example(findings: Findings) -> int:
    """A rightly classified image: surer than three quarters of them, and not the surest."""
    labels = findings.answers.examples.labels
    sure = findings.probabilities.max(axis=1)
    right = np.flatnonzero(findings.probabilities.argmax(axis=1) == labels)
    if not len(right):
        return 0
    return int(right[np.argsort(sure[right], kind="stable")[-(len(right) // 4 + 1)]])
