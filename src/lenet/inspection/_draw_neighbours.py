from __future__ import annotations

from typing import TYPE_CHECKING

from lenet.inspection._inspection import Inspection
from lenet.inspection._sheet import HEAD, MARGIN, MUTED, RIGHT, WIDTH, WRONG, Sheet, shorten
from lenet.inspection._wording import name_answer, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FIRST = 2.35  # inches from the input to its first neighbour
_LARGEST = 1.15
_WITH_DISTANCES = 6  # inputs at most; there is no room for them beside smaller images


def draw_neighbours(inspection: Inspection) -> Figure:
    """Draw the training images that the network finds most like each input, with their labels.

    Args:
        inspection: With its observations; those of several images at a time are left out.

    Returns:
        A figure that belongs to no window; `figure.savefig` writes it.
    """
    shown = [one for one in inspection.observations if one.neighbours is not None]
    data = inspection.data
    size = _LARGEST if len(shown) <= _WITH_DISTANCES else 0.8
    height = size + 0.42
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
        step = (WIDTH - MARGIN - _FIRST - size / 2) / max(1, len(one.neighbours.indices))
        for column, (index, distance) in enumerate(
            zip(one.neighbours.indices, one.neighbours.distances, strict=True)
        ):
            left = MARGIN + _FIRST + size / 2 + column * step
            label = int(data.train.labels[index])
            sheet.show_image(data.train.images[index], left, top, size)
            colour = RIGHT if label == one.answer else WRONG
            sheet.write(left, top + size + 0.12, shorten(names[label]), color=colour, fontsize=10)
            if len(shown) <= _WITH_DISTANCES:
                at = left + size
                said = number(float(distance))
                sheet.write(at, top + size + 0.12, said, color=MUTED, fontsize=8, ha="right")
    return sheet.figure
