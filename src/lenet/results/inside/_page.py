from lenet._version import __version__
from lenet.results.inside._inspection import Inspection, Observation
from lenet.results.inside._section_activations import activations_section
from lenet.results.inside._section_filters import filters_section
from lenet.results.inside._section_map import map_section
from lenet.results.inside._section_neighbours import neighbours_section
from lenet.results.inside._section_saliency import saliency_section
from lenet.results.inside._wording import describe_inspection, is_right, percent
from lenet.results.page._element import Element, Node, element
from lenet.results.page._page import Page
from lenet.results.page._parts import (
    Column,
    bullets,
    figure,
    note,
    picture,
    picture_grid,
    row,
    table,
)

_SHOWN_CLASSES = 5
_BAR = 120  # pixels of a probability of 1


def build_inspection_page(inspection: Inspection) -> Page:
    """The page that shows what was found inside a network: one file, no requests, no scripts.

    Args:
        inspection: What was found.
    """
    sections = (
        filters_section(inspection),
        activations_section(inspection),
        saliency_section(inspection),
        neighbours_section(inspection),
        map_section(inspection),
    )
    said = [_without_backticks(one) for one in describe_inspection(inspection)]
    lead: list[Node] = [element("section", bullets(said))]
    if inspection.observations:
        lead = [element("section", _inputs(inspection), bullets(said))]
    if inspection.missing:
        lead.append(note(_without_backticks(inspection.missing)))
    card = inspection.card
    trained = f"`{card.model}` trained on `{card.dataset}`".replace("`", "")
    titles = " and ".join(one.subject.title for one in inspection.observations)
    title = "Inside the network"
    if 0 < len(inspection.observations) <= 2:
        title += f": {titles}"
    return Page(
        title,
        f"{inspection.name}: {trained}",
        lead=tuple(lead),
        sections=tuple(section for section in sections if section is not None),
        footer=(f"Written by lenet {__version__}.",),
    )


def _inputs(inspection: Inspection) -> Element:
    """What was shown, and what the network takes it for."""
    if len(inspection.observations) <= 2:
        return row(_answer(inspection, one) for one in inspection.observations)
    shown = []
    for one in inspection.observations:
        lines = [element("strong", _answer_in_words(inspection, one)), element("br")]
        caption = element("span", *lines, one.subject.title)
        shown.append((picture(one.subject.image, one.subject.title, size=96), caption))
    return picture_grid(shown)


def _answer(inspection: Inspection, one: Observation) -> Element:
    """One input with its likeliest classes."""
    names = inspection.card.class_names
    best = one.probabilities.argsort()[::-1][:_SHOWN_CLASSES]
    rows = [
        (names[index], _bar(float(one.probabilities[index])), percent(one.probabilities[index]))
        for index in best
    ]
    columns = [Column("class"), Column(""), Column("probability", is_number=True)]
    caption = f"What the network takes {one.subject.title} for"
    shown = picture(one.subject.image, one.subject.title, size=168)
    return figure(element("div", shown, table(columns, rows, caption)), title=one.subject.title)


def _bar(share: float) -> Element:
    """A probability as a bar."""
    bar = element("rect", x=0, y=0, width=max(1.0, _BAR * share), height=12, class_="bar")
    return element(
        "svg",
        element("g", bar, class_="series-1"),
        viewBox=f"0 0 {_BAR} 12",
        width=_BAR,
        height=12,
        aria_hidden="true",
    )


def _answer_in_words(inspection: Inspection, one: Observation) -> str:
    """The likeliest class, and whether that is wrong."""
    answer = inspection.card.class_names[one.answer]
    wrong = ", wrong" if is_right(one) is False else ""
    return f"{answer} {percent(float(one.probabilities[one.answer]))}{wrong}"


def _without_backticks(text: str) -> str:
    """A sentence as it stands on a page."""
    return text.replace("`", "")
