"""How a sweep is, for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from lenet.core import escape_text, format_setting

if TYPE_CHECKING:
    from lenet.experiments.sweeps._records import SweepTrial


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
        """Pass the message on."""
        self._console.print(escape_text(text), highlight=False, markup=False, soft_wrap=True)

    def on_trial(self, trial: SweepTrial, made: int, wanted: int) -> None:
        """Write the trial's line."""
        text = f"{made}/{wanted}  trial {trial.number}: {describe_trial(trial)}"
        accuracy = trial.validation_accuracy
        if trial.state == "complete" and accuracy is not None and accuracy > self._best:
            self._best = accuracy
            text += "  (best so far)"
        self.on_message(text)


def describe_trial(trial: SweepTrial) -> str:
    """A trial in a line: how it ended, its score, its settings."""
    parts: list[str] = []
    if trial.state != "complete":
        parts.append(trial.state)
    if trial.validation_accuracy is not None:
        parts.append(f"validation acc {trial.validation_accuracy:.4f}")
    parts += [f"{name} {format_value(value)}" for name, value in trial.settings.items()]
    return ", ".join(parts)


def format_value(value: object) -> str:
    """A setting's value as a person reads it, in as many digits as a search can tell apart."""
    return format_setting(value, digits=4)
