"""Curves out of a terminal's characters."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from rich.text import Text

from lenet.training._history import with_last_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lenet.core import Series

_COLOURS = ("cyan", "magenta", "green", "red")  # of a terminal, in rich's words
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of U+2800, by row and column
_MARGIN = 6  # columns for the numbers on the left


def draw_terminal_curves(curves: Sequence[Series], x_end: float, width: int, height: int) -> Text:
    """Draw curves with axes and a legend out of braille characters, each of which shows 2×4 dots.

    Args:
        curves: The lines; the later ones on top.
        x_end: Where the x axis ends; it starts at 0.
        width: Columns to use in all.
        height: Lines for the curves; axis and legend take two more.
    """
    columns = max(width - _MARGIN - 1, 10)
    finite = [y for curve in curves for _, y in curve.points if math.isfinite(y)]
    y_end = max([1.0, *finite])
    cells = [[0] * columns for _ in range(height)]
    colours = [[""] * columns for _ in range(height)]
    for curve, colour in zip(curves, itertools.cycle(_COLOURS), strict=False):
        for x, y in _dots(curve.points, 2 * columns / x_end, 4 * height / y_end):
            column, row = min(x // 2, columns - 1), min(y // 4, height - 1)
            cells[height - 1 - row][column] |= _DOTS[3 - y % 4][x % 2]
            colours[height - 1 - row][column] = colour
    return _assemble(cells, colours, curves, x_end, y_end)


def _dots(
    points: Sequence[tuple[float, float]], x_scale: float, y_scale: float
) -> list[tuple[int, int]]:
    """The dots of a line through points, counted from the lower left corner."""
    scaled = [
        (max(x * x_scale - 1, 0.0), max(y * y_scale - 1, 0.0))
        for x, y in points
        if math.isfinite(y)
    ]
    dots = [(round(x), round(y)) for x, y in scaled[:1]]
    for (x0, y0), (x1, y1) in itertools.pairwise(scaled):
        steps = max(1, math.ceil(max(abs(x1 - x0), abs(y1 - y0))))
        for step in range(1, steps + 1):
            share = step / steps
            dots.append((round(x0 + (x1 - x0) * share), round(y0 + (y1 - y0) * share)))
    return dots


def _assemble(
    cells: list[list[int]],
    colours: list[list[str]],
    curves: Sequence[Series],
    x_end: float,
    y_end: float,
) -> Text:
    """The characters with their axes and legend."""
    height, columns = len(cells), len(cells[0])
    picture = Text(no_wrap=True)
    for row in range(height):
        is_labelled = row % 4 == 0
        label = f"{y_end * (height - row - 0.5) / height:.1f}" if is_labelled else ""
        picture.append(f"{label:>{_MARGIN - 1}} ┤" if is_labelled else f"{'':>{_MARGIN}}│", "dim")
        for bits, colour in zip(cells[row], colours[row], strict=True):
            picture.append(chr(0x2800 + bits), colour)
        picture.append("\n")
    picture.append(f"{0.0:>{_MARGIN - 1}.1f} └{'─' * columns}\n", "dim")
    legend = Text(" " * (_MARGIN + 1))
    for curve, colour in zip(curves, itertools.cycle(_COLOURS), strict=False):
        legend.append("━━ ", colour)
        legend.append(f"{with_last_value(curve).name}   ")
    end = f"epoch {x_end:g}"
    legend.append(" " * max(0, _MARGIN + 1 + columns - len(legend) - len(end)))
    legend.append(end, "dim")
    picture.append(legend)
    return picture
