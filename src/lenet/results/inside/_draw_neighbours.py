from __future__ import annotations

from typing import TYPE_CHECKING

from lenet.results.inside._inspection import Inspection
from lenet.results.inside._sheet import HEAD, MARGIN, MUTED, RIGHT, WIDTH, WRONG, Sheet, shorten
from lenet.results.inside._wording import name_answer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_INPUT = 2.9  # inches for an input, with its names
_LARGE, _SMALL = 1.05, 0.8
_WITH_DISTANCES = 6  # inputs at most, so that the drawing fits a screen


def draw_neighbours(inspection: Inspection) -> Figure:
    """Draw the training images that the network finds most like each input, with their labels.

    Args:
        inspection: With its observations; those of several images at a time are left out.

    Returns:
        A figure that belongs to no window; `figure.savefig` writes it.
    """
    shown = [one for one in inspection.observations if one.neighbours is not None]
    data = inspection.data
    has_distances = len(shown) <= _WITH_DISTANCES
    size = _LARGE if has_distances else _SMALL
    height = size + (0.55 if has_distances else 0.36)
    sheet = Sheet(HEAD + 0.1 + height * len(shown) + MARGIN, "The network finds these alike")
    for row, one in enumerate(shown):
        assert one.neighbours is not None
        assert data is not None
        top = HEAD + 0.1 + row * height
        names = data.class_names
        sheet.show_image(one.subject.image, MARGIN, top, size)
        at = MARGIN + size + 0.1
        sheet.write(at, top + 0.2, shorten(one.subject.title.split(" (")[0]), fontweight="bold")
        sheet.write(at, top + 0.45, "taken for", color=MUTED, fontsize=10)
        sheet.write(at, top + 0.65, name_answer(inspection, one), color=MUTED, fontsize=10)
        found = one.neighbours
        step = (WIDTH - 2 * MARGIN - _INPUT) / max(1, len(found.indices))
        pairs = zip(found.indices, found.distances, strict=True)
        for column, (index, distance) in enumerate(pairs):
            left = MARGIN + _INPUT + column * step
            label = int(data.train.labels[index])
            sheet.show_image(data.train.images[index], left, top, size)
            colour = RIGHT if label == one.answer else WRONG
            sheet.write(left, top + size + 0.12, shorten(names[label]), color=colour, fontsize=10)
            if has_distances:
                said = f"{distance:.2g} away"
                sheet.write(left, top + size + 0.31, said, color=MUTED, fontsize=9)
    return sheet.figure
