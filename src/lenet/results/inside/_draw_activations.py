from __future__ import annotations

from typing import TYPE_CHECKING

from lenet.results.inside._colours import Numbers
from lenet.results.inside._inspection import Inspection, Observation
from lenet.results.inside._layer_pictures import layer_mosaic, layer_scale, layer_size
from lenet.results.inside._sheet import (
    HEAD,
    MARGIN,
    MUTED,
    NEUTRAL,
    RIGHT,
    WIDTH,
    WRONG,
    Sheet,
    shorten,
)
from lenet.results.inside._trace import LayerTrace
from lenet.results.inside._wording import is_right, percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAME = 2.1  # inches for a layer's name
_GAP = 0.4  # between two inputs
_TOP = 2.0  # inches for the images and the answers
_COLUMNS = 8, 40  # maps and units a row, of each of two inputs; a single one has twice the room
_LEAST = 0.76  # inches for a layer, so that its name has room
_SPACE = 0.14
_ROW = 0.86  # of an overview
_MOST_ROWS = 4  # more stand in two columns
_ANSWER = 1.5  # inches for what the network says


def draw_activations(inspection: Inspection) -> Figure:
    """Draw what the layers make of the inputs.

    One or two inputs are drawn with all layers below each other. Of more, each is a row, and the
    first activation is drawn, or the layers that were chosen.

    Args:
        inspection: With its observations.

    Returns:
        A figure that belongs to no window; `figure.savefig` writes it.
    """
    if len(inspection.observations) > 2:
        return _draw_overview(inspection)
    return _draw_layers(inspection)


def _draw_layers(inspection: Inspection) -> Figure:
    """Layers below each other, inputs side by side."""
    shown, names = inspection.observations, inspection.card.class_names
    count = len(shown)
    room = (WIDTH - _NAME - 2 * MARGIN - _GAP * (count - 1)) / count
    lefts = [MARGIN + _NAME + index * (room + _GAP) for index in range(count)]
    map_columns, unit_columns = (of_two * 2 // count for of_two in _COLUMNS)
    mosaics = {
        name: [layer_mosaic(one.layer(name), map_columns, unit_columns) for one in shown]
        for name in inspection.layers
    }
    heights = {
        name: max(_LEAST, room * pictures[0].shape[0] / pictures[0].shape[1])
        for name, pictures in mosaics.items()
    }
    total = HEAD + _TOP + sum(heights.values()) + _SPACE * len(heights) + MARGIN
    titles = " and ".join(one.subject.title for one in shown)
    what = "every layer makes" if inspection.shows_all_layers else "the layers make"
    sheet = Sheet(total, f"What {what} of {titles}")
    for one, left in zip(shown, lefts, strict=True):
        sheet.show_image(one.subject.image, left, HEAD, _TOP - 0.3)
        sheet.show_probabilities(
            one, names, left + _TOP + 1.0, HEAD, (room - _TOP - 1.0, _TOP - 0.3)
        )
    distances = {one.name: one.distance for one in inspection.differences}
    top = HEAD + _TOP
    for name, height in heights.items():
        layers = [one.layer(name) for one in shown]
        scale = layer_scale(layers)
        sheet.write(MARGIN, top + 0.1, name, fontweight="bold", fontsize=12)
        lines = [layer_size(layers[0]), scale.ends]
        if name in distances:
            lines.append(f"differ by {percent(distances[name])}")
        for index, line in enumerate(lines):
            sheet.write(MARGIN, top + 0.31 + 0.175 * index, line, fontsize=9.5, color=MUTED)
        for numbers, left in zip(mosaics[name], lefts, strict=True):
            sheet.show_numbers(numbers, scale, left, top, room)
        top += height + _SPACE
    return sheet.figure


def _draw_overview(inspection: Inspection) -> Figure:
    """One layer's answers to many inputs, or a few layers'."""
    shown, layers = inspection.observations, inspection.overview_layers
    across = 2 if len(layers) == 1 and len(shown) > _MOST_ROWS else 1
    down = -(-len(shown) // across)
    whole = (WIDTH - 2 * MARGIN - _GAP * (across - 1)) / across
    room = (whole - _ROW - _ANSWER - 0.15 * len(layers)) / len(layers)
    scales = {name: layer_scale([one.layer(name) for one in shown]) for name in layers}
    mosaics = {name: [_small_mosaic(one.layer(name)) for one in shown] for name in layers}
    shapes = [picture.shape for pictures in mosaics.values() for picture in pictures]
    height = max(_ROW, *(room * rows / columns + 0.1 for rows, columns in shapes))
    named = "Layer " + " and ".join(layers)
    sheet = Sheet(
        HEAD + 0.35 + height * down + MARGIN, f"{named}: what it makes of {len(shown)} images"
    )
    top = HEAD + 0.3
    for column, name in enumerate(layers):
        said = f"{layer_size(shown[0].layer(name))}: {scales[name]}"
        said = said if len(layers) == 1 else f"{name}, {said}"
        left = MARGIN + (_ROW + column * (room + 0.15) if len(layers) > 1 else 0)
        sheet.write(left, top - 0.2, said, color=MUTED)
    for index, one in enumerate(shown):
        left = MARGIN + index // down * (whole + _GAP)
        middle = top + index % down * height
        sheet.show_image(one.subject.image, left, middle, _ROW - 0.1)
        left += _ROW
        for name in layers:
            sheet.show_numbers(mosaics[name][index], scales[name], left, middle, room)
            left += room + 0.15
        _write_answer(sheet, inspection, one, left, middle + 0.12)
    return sheet.figure


def _small_mosaic(layer: LayerTrace) -> Numbers:
    """Up to eight maps a row, and no empty room after fewer."""
    return layer_mosaic(layer, min(8, layer.outputs.shape[1]), min(32, layer.outputs.shape[1]))


def _write_answer(
    sheet: Sheet, inspection: Inspection, one: Observation, left: float, top: float
) -> None:
    """The two likeliest classes, and what it is if it is neither the first."""
    names = inspection.card.class_names
    right = is_right(one)
    colour = NEUTRAL if right is None else RIGHT if right else WRONG
    first, second = one.probabilities.argsort()[::-1][:2]
    lines = [
        (f"{shorten(names[index])} {percent(float(one.probabilities[index]))}", shade, weight)
        for index, shade, weight in ((first, colour, "bold"), (second, MUTED, "normal"))
    ]
    if right is False and one.subject.label is not None:
        lines.append((f"is {shorten(names[one.subject.label])}", WRONG, "normal"))
    elif right is None:
        lines.append((shorten(one.subject.title, 20), MUTED, "normal"))
    for index, (text, shade, weight) in enumerate(lines):
        sheet.write(left, top + 0.24 * index, text, color=shade, fontweight=weight)
