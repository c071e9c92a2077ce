from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lenet.errors import ModelError
from lenet.results.inside._colours import ColourScale, Numbers, mosaic
from lenet.results.inside._inspection import Inspection
from lenet.results.inside._layers import LayerFilters
from lenet.results.inside._sheet import HEAD, MARGIN, MUTED, WIDTH, Sheet, shorten
from lenet.results.inside._wording import counted

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_FILTERS = 64  # that are drawn of a layer
_MOST_OUTPUTS, _MOST_INPUTS = 32, 16  # of a layer that sees many maps
_NAME = 0.62  # inches for a layer's name
_LARGEST = 1.9  # inches for one picture
_SPACE, _CAPTION = 0.25, 0.4  # beside and above the picture of a class


def draw_filters(inspection: Inspection) -> Figure:
    """Draw the filters of every convolution, and what the first dense layer looks for in pixels.

    Args:
        inspection: With its filters.

    Returns:
        A figure that belongs to no window; `figure.savefig` writes it.

    Raises:
        ModelError: No layer of the network has weights that are pictures.
    """
    if not inspection.filters:
        message = "No layer of this network has weights that can be seen as pictures."
        raise ModelError(message)
    heights = [_height(inspection, filters) for filters in inspection.filters]
    sheet = Sheet(HEAD + sum(heights) + MARGIN, "What the network looks for")
    top = HEAD
    for filters, height in zip(inspection.filters, heights, strict=True):
        scale = filter_scale(filters)
        sheet.write(MARGIN, top + 0.12, filters.name, fontweight="bold", fontsize=13)
        sheet.write(MARGIN, top + 0.38, f"{describe_filters(filters)}. {scale}", color=MUTED)
        if names := class_templates(inspection, filters):
            _draw_templates(sheet, filters, names, top + _NAME)
        else:
            sheet.show_numbers(filter_mosaic(filters), scale, MARGIN, top + _NAME, _width(filters))
        top += height
    return sheet.figure


def _draw_templates(
    sheet: Sheet, filters: LayerFilters, names: tuple[str, ...], top: float
) -> None:
    """Each class's picture under its name."""
    columns, size = filter_columns(filters), _template_size(filters)
    scale = filter_scale(filters)
    for index, name in enumerate(names):
        left = MARGIN + (size[0] + _SPACE) * (index % columns)
        down = top + (size[1] + _CAPTION) * (index // columns)
        sheet.write(left, down + 0.1, shorten(name, 18), fontweight="bold")
        sheet.show_numbers(filters.weights[index, 0], scale, left, down + 0.25, size[0])


def _template_size(filters: LayerFilters) -> tuple[float, float]:
    """Width and height in inches of each class's picture."""
    height, width = filters.weights.shape[2:]
    columns = filter_columns(filters)
    wide = min((WIDTH - 2 * MARGIN) / columns - _SPACE, _LARGEST * width / max(height, width))
    return wide, wide * height / width


def _width(filters: LayerFilters) -> float:
    """Inches that a layer's pictures take together."""
    return min(WIDTH - 2 * MARGIN, _LARGEST * filter_columns(filters))


def _height(inspection: Inspection, filters: LayerFilters) -> float:
    """Inches that a layer takes, with its name."""
    if names := class_templates(inspection, filters):
        rows = -(-len(names) // filter_columns(filters))
        return _NAME + rows * (_template_size(filters)[1] + _CAPTION) + 0.1
    rows, columns = filter_mosaic(filters).shape
    height: float = _NAME + _width(filters) * rows / columns + 0.25
    return height


def filter_mosaic(filters: LayerFilters) -> Numbers:
    """A layer's pictures as one.

    Of a layer that sees one map, or colours, each picture is one of its own; else each column is a
    map that it puts out, and each row one that it sees.
    """
    weights = filters.weights
    columns = filter_columns(filters)
    if weights.shape[1] == 1:
        return mosaic(weights[strongest(filters), 0], columns)
    kept = weights[:_MOST_OUTPUTS, :_MOST_INPUTS].transpose(1, 0, 2, 3)
    return mosaic(kept.reshape(-1, *kept.shape[2:]), columns)


def filter_columns(filters: LayerFilters) -> int:
    """How many pictures stand in a row."""
    outputs, inputs = int(filters.weights.shape[0]), int(filters.weights.shape[1])
    if inputs > 1:
        return min(outputs, _MOST_OUTPUTS)
    if outputs > 16:
        return 16
    return outputs if outputs <= 8 else -(-outputs // 2)


def filter_scale(filters: LayerFilters) -> ColourScale:
    """One scale for a layer."""
    return ColourScale.of([filters.weights], is_signed=True)


def strongest(filters: LayerFilters) -> npt.NDArray[np.int64]:
    """The filters that are drawn, in their order: of too many, those with the largest weights."""
    norms = np.linalg.norm(filters.weights.reshape(len(filters.weights), -1), axis=1)
    return np.sort((-norms).argsort(kind="stable")[:MOST_FILTERS])


def describe_filters(filters: LayerFilters) -> str:
    """What the pictures are."""
    outputs, inputs, height, width = filters.weights.shape
    size = f"{height}×{width}"
    if inputs == 1:
        said = f"{counted(outputs, 'filter')} of {size}"
        return said + (f", the {MOST_FILTERS} strongest" if outputs > MOST_FILTERS else "")
    said = f"{outputs} × {counted(inputs, 'filter')} of {size}: a column for each map it puts out"
    said += ", a row for each that it sees"
    if outputs > _MOST_OUTPUTS or inputs > _MOST_INPUTS:
        said += f"; {min(outputs, _MOST_OUTPUTS)} × {min(inputs, _MOST_INPUTS)} shown"
    return said


def class_templates(inspection: Inspection, filters: LayerFilters) -> tuple[str, ...]:
    """The classes that the pictures are templates of, if they are."""
    names = inspection.card.class_names
    is_last = filters.name == inspection.last_layer
    is_template = is_last and filters.weights.shape[:2] == (len(names), 1)
    return names if is_template and len(names) <= MOST_FILTERS else ()
