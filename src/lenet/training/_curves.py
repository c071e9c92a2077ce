from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lenet.training._history import CurvePoint

# Colours that stay apart for the colour-blind (Okabe and Ito 2008).
_LOSS, _TRAIN, _HELD_OUT = "#0072B2", "#CC79A7", "#009E73"


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
    _plot(axes, "train loss", _LOSS, "-", [(p.epoch, p.train_loss) for p in history])
    _plot(axes, "train acc", _TRAIN, "--", [(p.epoch, p.train_accuracy) for p in history])
    ends = [point for point in history if point.held_out_accuracy is not None]
    if ends or not history or history[-1].epoch < 1:
        name = f"{ends[-1].held_out_name} acc" if ends else "test acc"
        held_out = [(point.epoch, point.held_out_accuracy or 0.0) for point in ends]
        _plot(axes, name, _HELD_OUT, "-.", held_out)
    axes.set(xlabel="epoch", xlim=(0, epochs), title=title)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure


def _plot(
    axes: Axes, name: str, colour: str, style: str, points: list[tuple[float, float]]
) -> None:
    """Add one curve, with its latest value in the legend."""
    label = f"{name} {points[-1][1]:.3f}" if points else name
    xs, ys = zip(*points, strict=True) if points else ((), ())
    marker = "o" if len(points) == 1 or style == "-." else None
    axes.plot(xs, ys, style, color=colour, label=label, marker=marker, markersize=3)
