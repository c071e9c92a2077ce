"""The pictures of comparisons and sweeps."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from lenet.core import INKS, Drawing, Series, draw_series

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lenet.experiments._comparison import Comparison, Entry
    from lenet.experiments._definition import SweepTrial
    from lenet.training import CurvePoint

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
    entries = comparison.entries
    figure = Drawing(figsize=(12, 3.6 + 0.22 * max(0, len(entries) - 8)), layout="constrained")
    losses, accuracies, finals = figure.subplots(1, 3, width_ratios=(1, 1, 0.9))
    held_out = {
        point.held_out_name for entry in entries for run in entry.runs for point in run.history[-1:]
    }
    name = held_out.pop() if len(held_out) == 1 else "held-out"
    draw_series(losses, _curves(entries, lambda point: point.train_loss), "epoch")
    losses.set(title="train loss", xlim=(0, None), ylim=(0, None))
    draw_series(accuracies, _curves(entries, lambda point: point.held_out_accuracy), "epoch")
    accuracies.set(title=f"{name} accuracy", xlim=(0, None))
    _draw_finals(finals, comparison)
    if title:
        figure.suptitle(title)
    return figure


def _curves(
    entries: Sequence[Entry], value: Callable[[CurvePoint], float | None]
) -> Iterator[Series]:
    """Each contender's mean and range over its seeds, at the ends of epochs."""
    for index, entry in enumerate(entries):
        curves = [
            {point.epoch: value(point) for point in run.history if point.ends_epoch}
            for run in entry.runs
        ]
        # Seeds may stop at different epochs; where one has stopped the others go on.
        epochs = sorted({epoch for curve in curves for epoch in curve})
        heights = [
            np.array([curve[epoch] for curve in curves if epoch in curve], np.float64)
            for epoch in epochs
        ]
        yield Series(
            entry.label,
            tuple((epoch, float(np.mean(ys))) for epoch, ys in zip(epochs, heights, strict=True)),
            colour=index + 1,
            ranges=tuple((ys.min(), ys.max()) for ys in heights) if len(curves) > 1 else (),
            mark_size=6,
            dashes=index // len(INKS),  # so that styles differ for the first 28
        )


def _draw_finals(axes: Axes, comparison: Comparison) -> None:
    """Each seed's final accuracy as a dot, the mean as a line; this is the legend too."""
    from matplotlib.ticker import MaxNLocator

    entries = comparison.entries
    means = []
    for index, entry in enumerate(entries):
        ink = INKS[index % len(INKS)]
        count = len(entry.accuracies)
        places = index + (np.linspace(-0.15, 0.15, count) if count > 1 else np.zeros(count))
        axes.plot(entry.accuracies, places, "o", color=ink, alpha=0.6, markersize=4)
        if count:
            ends = (entry.accuracy, index - 0.3), (entry.accuracy, index + 0.3)
            means.append(Series("", ends, colour=index + 1, dashes=index // len(INKS)))
    draw_series(axes, means, "")
    labels = [
        f"{entry.label}  {entry.accuracy:.4f}" if entry.accuracies else f"{entry.label}  diverged"
        for entry in entries
    ]
    axes.set(title=f"final {comparison.split} accuracy", ylim=(len(entries) - 0.5, -0.5))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set_yticks(range(len(entries)), labels)
    axes.yaxis.tick_right()
    for label, ink in zip(axes.get_yticklabels(), itertools.cycle(INKS), strict=False):
        label.set_color(ink)


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
    figure = Drawing(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()

    def places(*states: str) -> list[tuple[float, float]]:
        return [
            (trial.number, trial.validation_accuracy)
            for trial in trials
            if trial.state in states and trial.validation_accuracy is not None
        ]

    complete, stopped = tuple(places("complete")), places("pruned", "diverged")
    without = [t.number for t in trials if t.counts and t.validation_accuracy is None]
    drawn = [Series("complete", complete, "marks", mark_size=4)] if complete else []
    draw_series(axes, drawn, "trial")
    if complete:
        numbers, scores = zip(*complete, strict=True)
        best = list(itertools.accumulate(scores, max))
        axes.step(numbers, best, color=INKS[2], where="post", label=f"best {best[-1]:.4f}")
    if stopped:
        axes.plot(*zip(*stopped, strict=True), "x", color=INKS[1], label="stopped", markersize=5)
    if without:
        lowest = [_LOWEST] * len(without)
        above = axes.get_xaxis_transform()
        label = "diverged or refused"
        axes.plot(without, lowest, "^", color=INKS[1], label=label, markersize=5, transform=above)
    axes.set(ylabel="validation accuracy", title=title)
    if complete or stopped or without:
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
    height = max(2.0, 1.2 + 0.35 * len(importance))
    figure = Drawing(figsize=(6, height), layout="constrained")
    axes = figure.subplots()
    names = sorted(importance, key=lambda name: importance[name])
    shares = [importance[name] for name in names]
    bars = axes.barh([name.replace("_", " ") for name in names], shares, color=INKS[0])
    axes.bar_label(bars, [f"{share:.2f}" for share in shares], padding=3)
    axes.set(xlabel=f"importance, from {trials} complete trials", title=title)
    axes.set_xlim(0, 1.1 * max(shares, default=1.0))
    axes.spines[["top", "right"]].set_visible(False)
    if not names:
        axes.set_yticks([])
        axes.set_title("\n".join(filter(None, [title, "too few trials to tell"])))
    return figure
