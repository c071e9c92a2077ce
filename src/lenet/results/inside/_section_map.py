import numpy as np

from lenet.results.inside._draw_map import describe_map
from lenet.results.inside._inspection import Inspection
from lenet.results.inside._picture_map import picture_map
from lenet.results.inside._wording import percent
from lenet.results.page._chart import Axis, Series, draw_chart
from lenet.results.page._element import Node, element
from lenet.results.page._page import Section
from lenet.results.page._parts import figure, paragraph, picture

# The stylesheet's eight for series, in light; they come again after eight.
_COLOURS = np.array(
    [
        (0x14, 0x63, 0xB8), (0xB8, 0x4D, 0x00), (0x0B, 0x7A, 0x55), (0x8D, 0x3A, 0xA3),
        (0x7A, 0x65, 0x00), (0x00, 0x73, 0x7F), (0xB0, 0x24, 0x5F), (0x4B, 0x55, 0x63),
    ],
    np.uint8,
)  # fmt: skip
_WIDTH, _HEIGHT = 620, 480
_MANY = 400  # marks, which are smaller then
_INPUT_SIZE = 8  # the radius of an input's mark


def map_section(inspection: Inspection) -> Section | None:
    """What the last layer sees, on a map."""
    if inspection.map is None or inspection.sample is None:
        return None
    sample, points = inspection.sample, inspection.map.points
    labels = sample.examples.labels
    names = inspection.card.class_names
    series = []
    for label in np.unique(labels):
        chosen = np.flatnonzero(labels == label)
        series.append(
            Series(
                names[label],
                tuple((float(x), float(y)) for x, y in points[chosen]),
                "marks",
                int(label) + 1,
                notes=tuple(
                    f"{names[label]}, {sample.place}:{sample.numbers[index]}" for index in chosen
                ),
                mark_size=2.6 if len(labels) > _MANY else 3.6,
            )
        )
    if len(inspection.observations) <= 2:
        for one, (x, y) in zip(inspection.observations, points[len(labels) :], strict=True):
            place = ((float(x), float(y)),)
            colour = 8 if one is inspection.observations[0] else 7
            note = (one.subject.title,)
            series.append(
                Series(one.subject.title, place, "marks", colour, notes=note, mark_size=_INPUT_SIZE)
            )
    across, down = _axis(inspection, 0), _axis(inspection, 1)
    said = describe_map(inspection)
    chart = draw_chart(series, across, down, said, width=_WIDTH, height=_HEIGHT)
    pictures, placed = picture_map(inspection, _COLOURS[np.arange(len(names)) % len(_COLOURS)])
    content: tuple[Node, ...] = (
        paragraph(f"{said}. Images near each other are alike to the network; a mark tells which "
                  "image it is when you point at it."),
        element("div", chart, class_="wide"),
        figure(
            picture(pictures, f"{len(placed)} of the images at their places", size=900),
            f"The same map with {len(placed)} of the images at their places.",
        ),
    )  # fmt: skip
    return Section("A map of images", "map", content)


def _axis(inspection: Inspection, direction: int) -> Axis:
    """A direction of the map, with some room at its ends."""
    assert inspection.map is not None
    values = inspection.map.points[:, direction]
    low, high = float(values.min()), float(values.max())
    room = 0.03 * (high - low) or 1.0
    shares = inspection.map.shares
    order = ("first", "second")[direction]
    label = "" if shares is None else f"{order} direction, {percent(shares[direction])} of variance"
    return Axis(label, low - room, high + room)
