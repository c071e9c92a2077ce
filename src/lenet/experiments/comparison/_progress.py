"""How far a comparison is, for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from lenet.core import escape_text
from lenet.experiments.comparison._scored_split import ScoredSplit
from lenet.runs import Run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


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
        """Show an empty bar."""
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
        """Let the bar grow."""
        self._shares[job] = share
        if self._bar:
            self._bar.update(self._task, completed=sum(self._shares))

    def on_end(self, job: int, folder: Path | None) -> None:
        """Write the training's line."""
        self._ended += 1
        result = Run(folder).result if folder else None
        score = "diverged"
        if result:
            accuracies = {"validation": result.validation_accuracy, "test": result.test_accuracy}
            accuracy = accuracies[self._split]
            reached = "" if accuracy is None else f"{self._split} acc {accuracy:.4f}, "
            score = f"{reached}{result.seconds:.1f} s"
        self._console.print(
            escape_text(f"{self._ended}/{len(self._titles)}  {self._titles[job]}: {score}"),
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
        self.on_share(job, 1.0)

    def on_stop(self) -> None:
        """Take the bar away."""
        if self._bar:
            self._bar.stop()
