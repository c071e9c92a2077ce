"""The pictures of comparisons and sweeps."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lenet.experiments._comparison import Comparison, Entry
    from lenet.experiments._trials import SweepTrial
    from lenet.training import CurvePoint

# Colours that stay apart for the colour-blind (Okabe and Ito 2008).
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_STYLES = ("-", "--", "-.", ":")
_COMPLETE, _STOPPED, _BEST = _COLOURS[:3]
_LOWEST = 0.02  # of the height, that the trials without an accuracy stand at


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
        _tidy(axes)
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


def draw_history(trials: Sequence[SweepTrial], title: str = "") -> Figure:
    """Draw each trial's validation accuracy by its number, and the best so far.

    A dot is a complete trial, a cross one that was stopped on the way, and a triangle at the bottom
    one that diverged or was refused before it had an accuracy.

    Args:
        trials: The trials, in order; may be empty.
        title: What stands above the picture.

    Returns:
        A figure that belongs to no window; `figure.savefig` writes it.
    """
    from matplotlib.ticker import MaxNLocator

    from lenet.core import Drawing

    figure = Drawing(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()

    def places(*states: str) -> tuple[list[int], list[float]]:
        chosen = [trial for trial in trials if trial.state in states]
        pairs = [(one.number, one.validation_accuracy) for one in chosen]
        scored = [(number, score) for number, score in pairs if score is not None]
        return [number for number, _ in scored], [score for _, score in scored]

    complete, stopped = places("complete"), places("pruned", "diverged")
    without = [t.number for t in trials if t.counts and t.validation_accuracy is None]
    if complete[0]:
        axes.plot(*complete, "o", color=_COMPLETE, label="complete", markersize=4)
        best = list(itertools.accumulate(complete[1], max))
        axes.step(complete[0], best, color=_BEST, where="post", label=f"best {best[-1]:.4f}")
    if stopped[0]:
        axes.plot(*stopped, "x", color=_STOPPED, label="stopped", markersize=5)
    if without:
        lowest = [_LOWEST] * len(without)
        above = axes.get_xaxis_transform()
        label = "diverged or refused"
        axes.plot(without, lowest, "^", color=_STOPPED, label=label, markersize=5, transform=above)
    axes.set(xlabel="trial", ylabel="validation accuracy", title=title)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _tidy(axes)
    if complete[0] or stopped[0] or without:
        axes.legend(frameon=False, loc="best")
    return figure


def draw_importance(importance: Mapping[str, float], trials: int, title: str = "") -> Figure:
    """Draw how much of the trials' differences each setting explains.

    Args:
        importance: The share of each setting, together 1; empty where it can't be told yet.
        trials: How many complete trials it was told from.
        title: What stands above the picture.

    Returns:
        A figure that belongs to no window; `figure.savefig` writes it.
    """
    from lenet.core import Drawing

    height = max(2.0, 1.2 + 0.35 * len(importance))
    figure = Drawing(figsize=(6, height), layout="constrained")
    axes = figure.subplots()
    names = sorted(importance, key=lambda name: importance[name])
    shares = [importance[name] for name in names]
    bars = axes.barh([name.replace("_", " ") for name in names], shares, color=_COMPLETE)
    axes.bar_label(bars, [f"{share:.2f}" for share in shares], padding=3)
    axes.set(xlabel=f"importance, from {trials} complete trials", title=title)
    axes.set_xlim(0, 1.1 * max(shares, default=1.0))
    axes.spines[["top", "right"]].set_visible(False)
    if not names:
        axes.set_yticks([])
        axes.set_title("\n".join(filter(None, [title, "too few trials to tell"])))
    return figure


def _tidy(axes: Axes) -> None:
    """Give axes a faint grid and no box."""
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
