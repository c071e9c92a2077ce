from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure

    from lenet.experiments.sweeps._records import SweepTrial

# Colours that stay apart for the colour-blind (Okabe and Ito 2008).
_COMPLETE, _PRUNED, _BEST, _BARS = "#0072B2", "#D55E00", "#009E73", "#0072B2"
_LOWEST = 0.02  # of the height, that the trials without an accuracy stand at


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
    complete = [
        (trial.number, trial.validation_accuracy)
        for trial in trials
        if trial.state == "complete" and trial.validation_accuracy is not None
    ]
    stopped = [
        (trial.number, trial.validation_accuracy)
        for trial in trials
        if trial.state in ("pruned", "diverged") and trial.validation_accuracy is not None
    ]
    without = [
        trial.number for trial in trials if trial.counts and trial.validation_accuracy is None
    ]
    if complete:
        numbers, accuracies = zip(*complete, strict=True)
        axes.plot(numbers, accuracies, "o", color=_COMPLETE, label="complete", markersize=4)
        best = [max(accuracies[: index + 1]) for index in range(len(accuracies))]
        axes.step(numbers, best, color=_BEST, where="post", label=f"best {best[-1]:.4f}")
    if stopped:
        numbers, accuracies = zip(*stopped, strict=True)
        axes.plot(numbers, accuracies, "x", color=_PRUNED, label="stopped", markersize=5)
    if without:
        axes.plot(
            without,
            [_LOWEST] * len(without),
            "^",
            color=_PRUNED,
            label="diverged or refused",
            markersize=5,
            transform=axes.get_xaxis_transform(),
        )
    axes.set(xlabel="trial", ylabel="validation accuracy", title=title)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
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
    from lenet.core import Drawing

    height = max(2.0, 1.2 + 0.35 * len(importance))
    figure = Drawing(figsize=(6, height), layout="constrained")
    axes = figure.subplots()
    names = sorted(importance, key=lambda name: importance[name])
    shares = [importance[name] for name in names]
    bars = axes.barh([name.replace("_", " ") for name in names], shares, color=_BARS)
    axes.bar_label(bars, [f"{share:.2f}" for share in shares], padding=3)
    axes.set(xlabel=f"importance, from {trials} complete trials", title=title)
    axes.set_xlim(0, 1.1 * max(shares, default=1.0))
    axes.spines[["top", "right"]].set_visible(False)
    if not names:
        axes.set_yticks([])
        axes.set_title("\n".join(filter(None, [title, "too few trials to tell"])))
    return figure
