"""The learning curve: what its lines are, as a picture, and out of a terminal's characters."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from lenet.training._history import CurvePoint

_COLOURS = ("cyan", "magenta", "green")  # of a terminal: loss, training, held-out images
# Of a picture: colours that stay apart for the colour-blind (Okabe and Ito 2008), and styles.
_INKS = (("#0072B2", "-"), ("#CC79A7", "--"), ("#009E73", "-."))
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of U+2800, by row and column
_MARGIN = 6  # columns for the numbers on the left


@dataclass(frozen=True)
class Curve:
    """A line to draw.

    Attributes:
        name: For the legend.
        colour: Its colour in a terminal, in rich's words.
        points: Pairs (x, y), x ascending.
    """

    name: str
    colour: str
    points: list[tuple[float, float]]


def learning_curves(history: Sequence[CurvePoint]) -> list[Curve]:
    """The tutorial's three curves from a history, or two where no images are held out.

    Args:
        history: The points, in order; may be empty.

    Returns:
        Train loss, train accuracy and accuracy on held-out images, over epochs.
    """
    lines = [
        ("train loss", [(point.epoch, point.train_loss) for point in history]),
        ("train acc", [(point.epoch, point.train_accuracy) for point in history]),
    ]
    ends = [point for point in history if point.ends_epoch]
    if ends or not history or history[-1].epoch < 1:
        name = f"{ends[-1].held_out_name} acc" if ends else "test acc"
        lines.append((name, [(point.epoch, point.held_out_accuracy or 0.0) for point in ends]))
    pairs = zip(lines, _COLOURS, strict=False)
    return [Curve(name, colour, points) for (name, points), colour in pairs]


def draw_curves(history: Sequence[CurvePoint], epochs: int, title: str = "") -> Figure:
    """Draw the tutorial's picture: train loss, train accuracy and, if any, held-out accuracy.

    Args:
        history: The points, in order; may be empty.
        epochs: Where the x axis ends.
        title: What stands above the picture.

    Returns:
        A figure that belongs to no window; `figure.savefig` writes it.
    """
    from matplotlib.ticker import MaxNLocator

    from lenet.core import Drawing

    figure = Drawing(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for curve, (colour, style) in zip(learning_curves(history), _INKS, strict=False):
        points = curve.points
        label = f"{curve.name} {points[-1][1]:.3f}" if points else curve.name
        xs, ys = zip(*points, strict=True) if points else ((), ())
        marker = "o" if len(points) == 1 or style == "-." else None
        axes.plot(xs, ys, style, color=colour, label=label, marker=marker, markersize=3)
    axes.set(xlabel="epoch", xlim=(0, epochs), title=title)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure


def draw_terminal_curves(curves: list[Curve], x_end: float, width: int, height: int) -> Text:
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
    for curve in curves:
        for x, y in _dots(curve.points, 2 * columns / x_end, 4 * height / y_end):
            column, row = min(x // 2, columns - 1), min(y // 4, height - 1)
            cells[height - 1 - row][column] |= _DOTS[3 - y % 4][x % 2]
            colours[height - 1 - row][column] = curve.colour
    return _assemble(cells, colours, curves, x_end, y_end)


def _dots(
    points: list[tuple[float, float]], x_scale: float, y_scale: float
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
    curves: list[Curve],
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
    for curve in curves:
        value = f" {curve.points[-1][1]:.3f}" if curve.points else ""
        legend.append("━━ ", curve.colour)
        legend.append(f"{curve.name}{value}   ")
    end = f"epoch {x_end:g}"
    legend.append(" " * max(0, _MARGIN + 1 + columns - len(legend) - len(end)))
    legend.append(end, "dim")
    picture.append(legend)
    return picture
