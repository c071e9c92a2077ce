"""How far a comparison or a sweep is, for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from lenet.core import escape_text, format_setting

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lenet.experiments._definition import SweepTrial
    from lenet.experiments._options import ScoredSplit


class Progress:
    """Who is told how a comparison goes; the methods here do nothing."""

    def on_start(self, titles: Sequence[str]) -> None:
        """Trainings of these titles will be made."""

    def on_share(self, job: int, share: float) -> None:
        """A training has come so far, 0 to 1."""

    def on_end(self, job: int, folder: Path | None) -> None:
        """A training has ended and has a run folder, or has diverged and has none."""

    def on_stop(self) -> None:
        """There is no more to tell, also after an error."""


class ConsoleProgress(Progress):
    """A line a training, and in a terminal a bar below; on standard error.

    Args:
        split: Whose accuracy is told: who chooses on validation should not see the test's.
    """

    def __init__(self, split: ScoredSplit = "test") -> None:
        self._split = split
        self._console = Console(stderr=True)
        self._bar: Bar | None = None
        self._task = TaskID(0)
        self._titles: Sequence[str] = ()
        self._shares: list[float] = []
        self._ended = 0

    def on_start(self, titles: Sequence[str]) -> None:
        self._titles, self._shares = titles, [0.0] * len(titles)
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=self._console,
                transient=True,
            )
            self._task = self._bar.add_task("trainings", total=len(titles))
            self._bar.start()

    def on_share(self, job: int, share: float) -> None:
        self._shares[job] = share
        if self._bar:
            self._bar.update(self._task, completed=sum(self._shares))

    def on_end(self, job: int, folder: Path | None) -> None:
        from lenet.runs import Run

        self._ended += 1
        result = Run(folder).result if folder else None
        score = "diverged"
        if result:
            accuracies = {"validation": result.validation_accuracy, "test": result.test_accuracy}
            accuracy = accuracies[self._split]
            reached = "" if accuracy is None else f"{self._split} acc {accuracy:.4f}, "
            score = f"{reached}{result.seconds:.1f} s"
        _print(self._console, f"{self._ended}/{len(self._titles)}  {self._titles[job]}: {score}")
        self.on_share(job, 1.0)

    def on_stop(self) -> None:
        if self._bar:
            self._bar.stop()


class SweepProgress:
    """Who is told how a sweep goes; the methods here do nothing."""

    def on_message(self, text: str) -> None:
        """Something that the person should know."""

    def on_trial(self, trial: SweepTrial, made: int, wanted: int) -> None:
        """A trial has ended, or was lost.

        Args:
            trial: The trial.
            made: How many of those that were asked for are made.
            wanted: How many were asked for.
        """


class SweepConsoleProgress(SweepProgress):
    """A line a trial on standard error."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._best = -1.0

    def on_message(self, text: str) -> None:
        _print(self._console, text)

    def on_trial(self, trial: SweepTrial, made: int, wanted: int) -> None:
        accuracy = trial.validation_accuracy
        parts: list[str] = [] if trial.state == "complete" else [trial.state]
        if accuracy is not None:
            parts.append(f"validation acc {accuracy:.4f}")
        parts += [f"{name} {format_value(value)}" for name, value in trial.settings.items()]
        text = f"{made}/{wanted}  trial {trial.number}: {', '.join(parts)}"
        if trial.state == "complete" and accuracy is not None and accuracy > self._best:
            self._best = accuracy
            text += "  (best so far)"
        self.on_message(text)


def format_value(value: object) -> str:
    """A setting's value as a person reads it, in as many digits as a search can tell apart."""
    return format_setting(value, digits=4)


def _print(console: Console, text: str) -> None:
    """Write a line as it is."""
    console.print(escape_text(text), highlight=False, markup=False, soft_wrap=True)
