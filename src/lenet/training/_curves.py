"""Curves out of a terminal's characters."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from rich.text import Text

from lenet.training._history import with_last_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lenet.core import Series

_COLOURS = ("cyan", "magenta", "green", "red")  # of a terminal, in rich's words
# Of each line so many dots by turns are drawn and left out, for who sees no colours.
_DASHES = ((1, 0), (5, 3), (1, 3), (5, 2, 1, 2))
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of U+2800, by row and column
_MARGIN = 6  # columns for the numbers on the left
_TICK = 3  # columns between two numbers below
_SAMPLE = 5  # columns of a line in the legend


def draw_terminal_curves(curves: Sequence[Series], x_end: float, width: int, height: int) -> Text:
    """Draw curves with axes and a legend out of braille characters, each of which shows 2×4 dots.

    Args:
        curves: The lines; the later ones on top. They differ in colour and in dashes.
        x_end: The epoch at which the x axis ends; it starts at 0.
        width: Columns to use in all.
        height: Lines for the curves; the axis, its numbers and the legend take three more.
    """
    columns = max(width - _MARGIN - 1, 10)
    finite = [y for curve in curves for _, y in curve.points if math.isfinite(y)]
    y_end = max([1.0, *finite])
    cells = [[0] * columns for _ in range(height)]
    colours = [[""] * columns for _ in range(height)]
    for curve, (colour, dashes) in _styled(curves):
        drawn = _dots(curve.points, 2 * columns / x_end, 4 * height / y_end)
        for x, y in itertools.compress(drawn, _dashed(dashes)):
            column, row = min(x // 2, columns - 1), min(y // 4, height - 1)
            cells[height - 1 - row][column] |= _DOTS[3 - y % 4][x % 2]
            colours[height - 1 - row][column] = colour
    return _assemble(cells, colours, curves, x_end, y_end)


def _styled(curves: Sequence[Series]) -> Iterator[tuple[Series, tuple[str, tuple[int, ...]]]]:
    """Each curve with its colour and its dashes."""
    styles = itertools.cycle(zip(_COLOURS, _DASHES, strict=True))
    return zip(curves, styles, strict=False)


def _dashed(dashes: tuple[int, ...]) -> Iterator[bool]:
    """Which dots along a line are drawn, without end."""
    turns = [place % 2 == 0 for place, count in enumerate(dashes) for _ in range(count)]
    return itertools.cycle(turns)


def _ticks(x_end: float, columns: int) -> dict[int, str]:
    """The numbers below the x axis, by their columns: as many round ones as there is room for."""
    step = 10.0 ** math.floor(math.log10(x_end) - 1)
    if x_end >= 1:
        step = max(step, 1.0)  # whole epochs
    factors = itertools.cycle((2, 2.5, 2))
    while (len(f"{x_end:g}") + _TICK) * (x_end / step + 1) > columns:
        step *= next(factors)
    numbers = (step * index for index in range(math.floor(x_end / step + 1e-9) + 1))
    return {min(round(x * columns / x_end), columns - 1): f"{x:g}" for x in numbers}


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
    ticks = _ticks(x_end, columns)
    axis = "".join("┬" if column in ticks else "─" for column in range(columns))
    numbers = f"{'epoch':>{_MARGIN}} "
    for column, number in ticks.items():  # ends where the axis does
        start = min(_MARGIN + 1 + column - len(number) // 2, _MARGIN + 1 + columns - len(number))
        numbers = f"{numbers:<{start}}{number}"
    picture.append(f"{0.0:>{_MARGIN - 1}.1f} └{axis}\n{numbers}\n", "dim")
    picture.append(" " * (_MARGIN + 1))
    for curve, (colour, dashes) in _styled(curves):
        dots = list(itertools.islice(_dashed(dashes), 2 * _SAMPLE))
        sample = zip(dots[::2], dots[1::2], strict=True)
        picture.append(
            "".join(chr(0x2800 + 0x04 * left + 0x20 * right) for left, right in sample), colour
        )
        picture.append(f" {with_last_value(curve).name}   ")
    return picture
