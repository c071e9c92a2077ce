import numpy as np
import numpy.typing as npt

from lenet.results.evaluation._reliability import expected_calibration_error, reliability
from lenet.results.evaluation._scores import wilson_interval
from lenet.results.pages._chart import draw_chart
from lenet.results.pages._chart_frame import Axis
from lenet.results.pages._chart_series import Series
from lenet.results.pages._element import Element, Node, element
from lenet.results.pages._page import Section
from lenet.results.pages._parts import figure, note, paragraph, row
from lenet.results.reporting._findings import Findings
from lenet.results.reporting._wording import counted, percent

_BINS = 15


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


def _diagram(findings: Findings, probabilities: npt.NDArray[np.float64], title: str) -> Element:
    """The reliability diagram, above a histogram of the probabilities."""
    labels = findings.answers.examples.labels
    parts = reliability(probabilities, labels, _BINS)
    error = expected_calibration_error(probabilities, labels, _BINS)
    middles = [(part.low + part.high) / 2 for part in parts]
    right = Series(
        "right",
        tuple(zip(middles, (part.accuracy for part in parts), strict=True)),
        "bars",
        1,
        tuple(wilson_interval(round(part.accuracy * part.images), part.images) for part in parts),
        1 / _BINS,
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
        bar_width=1 / _BINS,
    )
    histogram = draw_chart(
        [counts],
        probability,
        Axis("answers", 0, 1.08 * most, ticks=(0, most)),
        "How many answers were given with which probability.",
        height=130,
    )
    caption = (
        f"Expected calibration error {percent(error, 2)} (Guo et al. 2017, {_BINS} bins); whiskers "
        "are 95 % intervals. Below: how many answers there are."
    )
    return figure(element("div", chart, histogram), caption, title)
