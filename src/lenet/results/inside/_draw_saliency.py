from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lenet.results.inside._colours import Colours, ColourScale
from lenet.results.inside._inspection import Inspection, Observation
from lenet.results.inside._saliency import Saliency, border_colour
from lenet.results.inside._sheet import HEAD, MARGIN, MUTED, RIGHT, WIDTH, WRONG, Sheet, shorten
from lenet.results.inside._trace import Images
from lenet.results.inside._wording import is_right, name_answer, number, percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TITLE = "Where the network looks"
_PARTS = (
    ("The image", ""),
    ("Covered", "red: covering it costs probability, blue: it gains"),
    ("Gradient", "bright: the answer's logit depends on the pixel"),
)
_LARGEST = 3.1  # inches for a picture
_MOST_ROWS = 3  # more inputs stand beside each other
_NAME = 1.9  # inches for what an input or a part is called
_SPACE = 0.15
_SAID = 0.35  # below a picture, for its figures


def draw_saliency(inspection: Inspection) -> Figure:
    """Draw which pixels the answers hang on: by covering them, and by the gradient.

    Args:
        inspection: With its observations; those of several images at a time are left out.

    Returns:
        A figure that belongs to no window; `figure.savefig` writes it.
    """
    shown = [one for one in inspection.observations if one.occlusion is not None]
    if len(shown) <= _MOST_ROWS:
        return _draw_rows(inspection, shown)
    return _draw_columns(inspection, shown)


def occlusion_picture(image: Images, occlusion: Saliency) -> Colours:
    """Losses of probability as colours over the faint image, (4, H, W)."""
    colours = ColourScale.of([occlusion], is_signed=True).colour(occlusion)
    ink = np.abs(image.astype(np.float64) - border_colour(image)).mean(axis=0) / 255
    faint = 1 - 0.15 * ink
    over: Colours = np.rint(colours * [faint, faint, faint, np.ones_like(faint)]).astype(np.uint8)
    return over


def gradient_picture(gradient: Saliency) -> Colours:
    """Strengths of the gradient as colours, (4, H, W)."""
    return ColourScale.of([gradient], is_signed=False).colour(gradient)


def describe_occlusion(occlusion: Saliency) -> str:
    """What covering costs at most, and what it gains."""
    most, least = float(occlusion.max()), float(occlusion.min())
    said = f"costs up to {percent(max(most, 0.0))}"
    return said + (f", gains up to {percent(-least)}" if least < -0.005 else "")


def describe_gradient(gradient: Saliency) -> str:
    """What the strongest answer to a pixel is."""
    return f"up to {number(float(gradient.max()))} from black to white"


def _draw_rows(inspection: Inspection, shown: Sequence[Observation]) -> Figure:
    """An input a row, with the figures of each picture."""
    row = _LARGEST + _SAID + _SPACE
    sheet = Sheet(HEAD + 0.6 + row * len(shown) + MARGIN, _TITLE)
    step = (WIDTH - 2 * MARGIN - _NAME) / len(_PARTS)
    for index, (name, meaning) in enumerate(_PARTS):
        left = MARGIN + _NAME + step * index
        sheet.write(left, HEAD + 0.1, name, fontweight="bold", fontsize=13)
        sheet.write(left, HEAD + 0.36, meaning, color=MUTED, fontsize=10)
    for index, one in enumerate(shown):
        top = HEAD + 0.6 + row * index
        _write_heading(sheet, inspection, one, MARGIN, top + 0.2)
        sheet.show_image(one.subject.image, MARGIN + _NAME, top, _LARGEST)
        for place, (picture, said) in enumerate(_pictures(one), start=1):
            left = MARGIN + _NAME + step * place
            sheet.show_colours(picture, left, top, _LARGEST)
            sheet.write(left, top + _LARGEST + 0.15, said, color=MUTED)
    return sheet.figure


def _draw_columns(inspection: Inspection, shown: Sequence[Observation]) -> Figure:
    """An input a column."""
    room = (WIDTH - 2 * MARGIN - _NAME) / len(shown)
    size = min(_LARGEST, room - 0.08)
    row = size + _SPACE
    sheet = Sheet(HEAD + 0.55 + row * len(_PARTS) + MARGIN, _TITLE)
    for index, (name, meaning) in enumerate(_PARTS):
        top = HEAD + 0.55 + row * index
        sheet.write(MARGIN, top + 0.15, name, fontweight="bold", fontsize=13)
        lines = textwrap.fill(meaning, 24)
        sheet.write(MARGIN, top + 0.35, lines, color=MUTED, fontsize=9.5, va="top")
    for index, one in enumerate(shown):
        left, top = MARGIN + _NAME + room * index, HEAD + 0.55
        answer = shorten(inspection.card.class_names[one.answer], max(4, int(room * 11)))
        share = percent(float(one.probabilities[one.answer]))
        sheet.write(left, top - 0.4, answer, **_style(one), fontsize=10)
        sheet.write(left, top - 0.18, share, **_style(one), fontsize=10)
        sheet.show_image(one.subject.image, left, top, size)
        for place, (picture, _) in enumerate(_pictures(one), start=1):
            sheet.show_colours(picture, left, top + row * place, size)
    return sheet.figure


def _pictures(one: Observation) -> list[tuple[Colours, str]]:
    """The two saliencies of an observation with what they reach."""
    assert one.occlusion is not None
    assert one.gradient is not None
    return [
        (occlusion_picture(one.subject.image, one.occlusion), describe_occlusion(one.occlusion)),
        (gradient_picture(one.gradient), describe_gradient(one.gradient)),
    ]


def _style(one: Observation) -> dict[str, str]:
    """How an answer is written: green if it is right, orange if it is wrong."""
    colour = {None: "black", True: RIGHT, False: WRONG}[is_right(one)]
    return {"color": colour, "fontweight": "bold"}


def _write_heading(
    sheet: Sheet, inspection: Inspection, one: Observation, left: float, top: float
) -> None:
    """What an input is, and what it is taken for."""
    lines = textwrap.wrap(one.subject.title, 20)[:3]
    for index, line in enumerate(lines):
        sheet.write(left, top + 0.22 * index, line, color=MUTED)
    answer = shorten(name_answer(inspection, one), 20)
    sheet.write(left, top + 0.22 * len(lines) + 0.06, answer, **_style(one))
