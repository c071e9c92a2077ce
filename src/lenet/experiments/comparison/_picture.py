from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lenet.experiments.comparison._comparison import Comparison, Entry
    from lenet.training import CurvePoint

# Colours that stay apart for the colour-blind (Okabe and Ito 2008).
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_STYLES = ("-", "--", "-.", ":")
_PLACES = "center left"


def draw_comparison(comparison: Comparison, title: str = "") -> Figure:
    """Draw all curves: train loss and held-out accuracy by epoch, and the final test accuracies.

    A line is the mean over the seeds, the band reaches from the lowest to the highest seed, and a
    dot in the last picture is a seed.

    Args:
        comparison: What to draw.
        title: What stands above the picture.

    Returns:
        A figure that belongs to no window; `figure.savefig` writes it.
    """
    from matplotlib.ticker import MaxNLocator

    from lenet.core import Drawing

    entries = comparison.entries
    figure = Drawing(figsize=(12, 3.6 + 0.22 * max(0, len(entries) - 8)), layout="constrained")
    losses, accuracies, finals = figure.subplots(1, 3, width_ratios=(1, 1, 0.9))
    for index, entry in enumerate(entries):
        style = _style(index)
        _plot(losses, entry, style, lambda point: point.train_loss)
        _plot(accuracies, entry, style, lambda point: point.held_out_accuracy)
    held_out = {
        point.held_out_name for entry in entries for run in entry.runs for point in run.history[-1:]
    }
    name = held_out.pop() if len(held_out) == 1 else "held-out"
    losses.set(xlabel="epoch", title="train loss")
    losses.set_ylim(bottom=0)
    accuracies.set(xlabel="epoch", title=f"{name} accuracy")
    for axes in (losses, accuracies):
        axes.set_xlim(left=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _draw_finals(finals, comparison)
    for axes in (losses, accuracies, finals):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    if title:
        figure.suptitle(title)
    return figure


def _style(index: int) -> tuple[str, str]:
    """Colour and dashes of a contender; they differ for the first 28."""
    return _COLOURS[index % len(_COLOURS)], _STYLES[index // len(_COLOURS) % len(_STYLES)]


def _plot(
    axes: Axes,
    entry: Entry,
    style: tuple[str, str],
    value: Callable[[CurvePoint], float | None],
) -> None:
    """Add a contender's mean and range over its seeds, at the ends of epochs."""
    curves = []
    for run in entry.runs:
        ends = [point for point in run.history if point.ends_epoch]
        curves.append({point.epoch: value(point) for point in ends})
    if not curves:
        return
    # Seeds may stop at different epochs; where one has stopped the others go on.
    epochs = sorted({epoch for curve in curves for epoch in curve})
    table: npt.NDArray[np.float64] = np.array(
        [[curve.get(epoch, np.nan) for epoch in epochs] for curve in curves], dtype=np.float64
    )
    colour, dashes = style
    marker = "o" if len(epochs) == 1 else None
    axes.plot(epochs, np.nanmean(table, axis=0), dashes, color=colour, marker=marker)
    if len(curves) > 1:
        low, high = np.nanmin(table, axis=0), np.nanmax(table, axis=0)
        axes.fill_between(epochs, low, high, color=colour, alpha=0.15, linewidth=0)


def _draw_finals(axes: Axes, comparison: Comparison) -> None:
    """Each seed's final accuracy as a dot, the mean as a line; this is the legend too."""
    from matplotlib.ticker import MaxNLocator

    entries = comparison.entries
    for index, entry in enumerate(entries):
        colour, dashes = _style(index)
        spread = np.linspace(-0.15, 0.15, len(entry.accuracies)) if len(entry.accuracies) > 1 else 0
        places = np.full(len(entry.accuracies), float(index)) + spread
        axes.plot(entry.accuracies, places, "o", color=colour, alpha=0.6, markersize=4)
        if entry.accuracies:
            axes.plot([entry.accuracy] * 2, [index - 0.3, index + 0.3], dashes, color=colour)
    labels = [
        f"{entry.label}  {entry.accuracy:.4f}" if entry.accuracies else f"{entry.label}  diverged"
        for entry in entries
    ]
    axes.set(title=f"final {comparison.split} accuracy", ylim=(len(entries) - 0.5, -0.5))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set_yticks(range(len(entries)), labels)
    axes.yaxis.tick_right()
    for index, label in enumerate(axes.get_yticklabels()):
        label.set_color(_style(index)[0])
