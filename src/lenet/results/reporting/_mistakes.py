import numpy as np

from lenet.datasets import stratified_halves
from lenet.results.evaluation._answers import Answers
from lenet.results.evaluation._suspects import find_suspects
from lenet.results.pages._element import Element, Node, element
from lenet.results.pages._page import Section
from lenet.results.pages._parts import paragraph, remark
from lenet.results.pages._pictures import picture, picture_grid
from lenet.results.reporting._findings import Findings
from lenet.results.reporting._wording import counted, probability
from lenet.runs import Run

_SHOWN = 24
_SIZE = 96


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
    shown = []
    for index in surest:
        true, taken_for = _names(answers, index, int(given[index]))
        caption = element(
            "span",
            element("strong", taken_for),
            f" {probability(float(probabilities[index].max()))}",
            element("br"),
            f"is {true}",
        )
        shown.append(_shown(answers, index, f"{true}, taken for {taken_for}", caption))
    return Section(title, anchor, (said, picture_grid(shown)))


def suspects_section(findings: Findings) -> Section | None:
    """Images whose label may be wrong, among those that the network did not learn from."""
    answers = findings.held_out or findings.answers
    if answers.split == "train":
        return None
    labels = answers.examples.labels
    probabilities = answers.probabilities(answers.card.calibration.temperature)
    suspects = find_suspects(probabilities, labels)
    own = probabilities[np.arange(len(labels)), labels]
    shown = [
        _suspect(answers, index, int(probabilities[index].argmax()), float(own[index]))
        for index in suspects[:_SHOWN]
    ]
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


def _suspect(answers: Answers, index: int, given: int, share: float) -> tuple[Element, Node]:
    """An image with its label, the label's probability, and what the network takes it for."""
    label, taken_for = _names(answers, index, given)
    caption = element(
        "span",
        element("strong", label),
        f" {probability(share)}",
        element("br"),
        f"or {taken_for}?",
    )
    return _shown(answers, index, f"labelled {label}, perhaps {taken_for}", caption)


def _names(answers: Answers, index: int, given: int) -> tuple[str, str]:
    """What an image is said to be and what the network takes it for."""
    names = answers.dataset.class_names
    return names[answers.examples.labels[index]], names[given]


def _shown(answers: Answers, index: int, alt: str, caption: Element) -> tuple[Element, Node]:
    """An image, what is to be said of it, and where it is to be found."""
    where = _place(answers, index)
    below = element("span", caption, element("br"), remark(where))
    return picture(answers.examples.images[index], f"{where}: {alt}", size=_SIZE), below


def _place(answers: Answers, index: int) -> str:
    """Which of a dataset's images this is, counted from 0; validation is part of training."""
    source, data = answers.source, answers.dataset
    if answers.split == "test" or not isinstance(source, Run):
        return f"{answers.split} no. {index:,}"
    config = source.config
    if data.validation is not None or not config.recipe.validation:
        return f"{answers.split} no. {index:,}"
    kept, held_out = stratified_halves(data.train.labels, config.recipe.validation, config.seed)
    places = held_out if answers.split == "validation" else kept
    return f"train no. {places[index]:,}"
