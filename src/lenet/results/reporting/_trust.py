"""How far to trust it: its probabilities, its worst mistakes, and images that change."""

import numpy as np
import numpy.typing as npt

from lenet.core import escape_name
from lenet.results._wording import counted, percent, probability
from lenet.results.measure._doubt import (
    BINS,
    expected_calibration_error,
    find_suspects,
    reliability,
)
from lenet.results.measure._evaluate import Answers
from lenet.results.measure._robustness import Robustness, RobustnessPoint
from lenet.results.measure._scores import Answered, wilson_interval
from lenet.results.page._chart import Axis, Series, draw_chart
from lenet.results.page._page import Element, Node, Section, element
from lenet.results.page._parts import figure, note, paragraph, picture, picture_grid, remark, row
from lenet.results.reporting._findings import Findings
from lenet.runs import Run

_SHOWN = 24
_SIZE = 96
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


def calibration_section(findings: Findings) -> Section:
    """How far the network's probabilities can be trusted."""
    calibration, evaluation = findings.answers.card.calibration, findings.evaluation
    raw = findings.answers.probabilities()
    sure, right = percent(float(raw.max(axis=1).mean())), percent(evaluation.accuracy)
    content: list[Node] = [
        paragraph(
            f"As trained, the network gives its answers a probability of {sure} on average, and "
            f"{right} of them are right. Below, answers of about the same probability are put "
            "together, and a bar is how many of them are right: if it ends at the dashed line the "
            "network is as sure as it should be, below the line it is too sure."
        )
    ]
    if answered := evaluation.answered:
        content.append(
            paragraph(
                f"Where the likeliest class is below {percent(answered.threshold)}, or nothing is "
                f"to be seen, {_or_none(findings)}",
                element("code", "lenet predict"),
                f" answers none of the classes. Of these images {answered.right:,} get the right "
                f"answer so, {answered.wrong:,} a wrong one and {answered.none:,} none"
                f"{_promised(findings, answered)}",
            )
        )
    diagrams = [_diagram(findings, raw, "As trained")]
    if findings.is_calibrated:
        title = f"At temperature {calibration.temperature:.2f}"
        diagrams.append(_diagram(findings, findings.probabilities, title))
        content.append(
            paragraph(
                f"The temperature of {calibration.temperature:.2f} stands in the model file, as "
                f"measured on {counted(calibration.images, 'validation image')}. To divide the "
                "logits by it changes no answer, only how sure it is."
            )
        )
    else:
        content.append(
            note(
                "The model file has no temperature: no images were held out to measure it on, or "
                "the training is not finished. A ",
                element("code", "validation"),
                " share, such as 0.1, holds some out.",
            )
        )
    return Section("How far to trust it", "calibration", (*content, row(diagrams)))


def _or_none(findings: Findings) -> str:
    """What else is answered by none of the classes."""
    card, words = findings.answers.card, ""
    if card.calibration.means:
        words += "or the image is unlike all that the network learnt, "
    if card.none_index is not None:
        words += "or what the counter-examples taught, the share of none of these, is larger, "
    return words


def _promised(findings: Findings, answered: Answered) -> str:
    """The end of the sentence that counts the answers: how many are right, and should be."""
    given, promised = answered.right + answered.wrong, findings.answers.card.calibration
    if not given or not promised.answered_right:
        return "."
    return (
        f": {percent(answered.right / given)} of the answers are right. The threshold was chosen "
        f"so that {percent(promised.answered_right)} are, as measured on "
        f"{counted(promised.images, 'validation image')}, of which {percent(promised.answered)} "
        "are answered."
    )


def _diagram(findings: Findings, probabilities: npt.NDArray[np.float64], title: str) -> Element:
    labels = findings.answers.examples.labels
    parts = reliability(probabilities, labels)
    error = expected_calibration_error(probabilities, labels)
    middles = [(part.low + part.high) / 2 for part in parts]
    right = Series(
        "right",
        tuple(zip(middles, (part.accuracy for part in parts), strict=True)),
        "bars",
        1,
        tuple(wilson_interval(round(part.accuracy * part.images), part.images) for part in parts),
        1 / BINS,
    )
    probability = Axis("probability of the answer", 0, 1, is_share=True)
    chart = draw_chart(
        [right],
        probability,
        Axis("are right", 0, 1, is_share=True),
        f"Reliability diagram: {title}, expected calibration error {percent(error)}. "
        + "; ".join(
            f"{part.images} answers at {percent(part.confidence)}: {percent(part.accuracy)} right"
            for part in parts
        ),
        diagonal=True,
    )
    most = max(part.images for part in parts)
    counts = Series(
        "answers",
        tuple(zip(middles, (float(part.images) for part in parts), strict=True)),
        "bars",
        8,
        bar_width=1 / BINS,
    )
    histogram = draw_chart(
        [counts],
        probability,
        Axis("answers", 0, 1.08 * most, ticks=(0, most)),
        "How many answers were given with which probability.",
        height=130,
    )
    caption = (
        f"Expected calibration error {percent(error, 2)} (Guo et al. 2017, {BINS} bins); whiskers "
        "are 95 % intervals. Below: how many answers there are."
    )
    return figure(element("div", chart, histogram), caption, title)


def mistakes_section(findings: Findings) -> Section:
    """The wrong answers that were given most surely."""
    answers, probabilities = findings.answers, findings.probabilities
    given = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(given != answers.examples.labels)
    title, anchor = "Worst mistakes", "mistakes"
    if not len(wrong):
        return Section(title, anchor, (paragraph("There is none: every answer is right."),))
    surest = wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")][:_SHOWN]
    calibrated = ", as calibrated," if findings.is_calibrated else ""
    said = paragraph(
        f"Of {counted(len(wrong), 'wrong answer')}, the {len(surest)} given most surely. The "
        f"figure is the probability{calibrated} that the network gave its wrong answer."
    )
    shown, names = [], findings.class_names
    for index in surest:
        true, taken_for = names[answers.examples.labels[index]], names[given[index]]
        share = float(probabilities[index].max())
        alt = f"{true}, taken for {taken_for}"
        shown.append(_shown(answers, index, alt, (taken_for, share, f"is {true}")))
    return Section(title, anchor, (said, picture_grid(shown)))


def suspects_section(findings: Findings) -> Section | None:
    """Images whose label may be wrong, among those that the network did not learn from."""
    answers = findings.held_out or findings.answers
    if answers.split == "train":
        return None
    labels = answers.examples.labels
    probabilities = answers.probabilities(answers.card.calibration.temperature)
    suspects = find_suspects(probabilities, labels)
    shown, names = [], answers.card.classes
    for index in suspects[:_SHOWN]:
        label, taken_for = names[labels[index]], names[probabilities[index].argmax()]
        share = float(probabilities[index, labels[index]])
        alt = f"labelled {label}, perhaps {taken_for}"
        shown.append(_shown(answers, index, alt, (label, share, f"or {taken_for}?")))
    return Section(
        "Worth a second look",
        "suspects",
        (
            paragraph(_count_suspects(answers, len(suspects))),
            paragraph(
                "An image stands here if the network takes it for another class at least as surely "
                "as it takes, on average, that class's own images for what they are (confident "
                "learning, Northcutt et al. 2021). Some have a wrong label, some show two things "
                "or neither, and many are plain mistakes of the network: look before you change a "
                "label."
            ),
            *([picture_grid(shown)] if shown else []),
        ),
    )


def _count_suspects(answers: Answers, count: int) -> str:
    """How many suspects there are among which images."""
    where = f"Among the {len(answers.examples):,} {answers.split} images"
    if answers.split == "validation":
        where += ", which were held out from training,"
    if not count:
        return f"{where} there is no label that the network doubts."
    said = f"{where} {'is' if count == 1 else 'are'} {count:,} with a label that the network doubts"
    shown = f"; these {_SHOWN} have the least probable labels" if count > _SHOWN else ""
    return f"{said}{shown}. The figure is the probability of the label."


def _shown(
    answers: Answers, index: int, alt: str, said: tuple[str, float, str]
) -> tuple[Element, Node]:
    """An image, a class with its probability, what is to be added, and where the image is."""
    name, share, more = said
    where = _place(answers, index)
    below = element(
        "span",
        element("strong", name),
        f" {probability(share)}",
        element("br"),
        more,
        element("br"),
        remark(where),
    )
    return picture(answers.examples.images[index], f"{where}: {alt}", size=_SIZE), below


def _place(answers: Answers, index: int) -> str:
    """Which of a dataset's images this is: its name, or its number counted from 0.

    Without a name, a validation image is called by its number in the training images.
    """
    source, data = answers.source, answers.dataset
    if answers.examples.names is not None:
        return escape_name(answers.examples.names[index])
    if answers.split == "test" or not isinstance(source, Run):
        return f"{answers.split} no. {index:,}"
    config = source.config
    if data.validation is not None or not config.recipe.validation:
        return f"{answers.split} no. {index:,}"
    kept, held_out = data.train.halves(config.recipe.validation, config.seed)
    places = held_out if answers.split == "validation" else kept
    return f"train no. {places[index]:,}"


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
    return paragraph(
        "Most misleading: ",
        element("strong", describe_change(worst, point)),
        f", with {percent(point.accuracy, 0)} of the answers right at a mean confidence of "
        f"{percent(point.confidence, 0)}.",
    )


def describe_change(measured: Robustness, point: RobustnessPoint) -> str:
    """What happens to the images, and how strongly."""
    return f"{measured.corruption.name} {_write(measured, point)}".rstrip()


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
