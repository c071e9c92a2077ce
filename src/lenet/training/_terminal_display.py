from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from lenet.training._display import PlainDisplay, describe_pace
from lenet.training._history import CurvePoint
from lenet.training._terminal_curves import Curve, draw_terminal_curves

if TYPE_CHECKING:
    from lenet.training._history import TrainingResult
    from lenet.training._trainer import Trainer

_REDRAW = 0.2  # seconds between two pictures
_PLOT_HEIGHT = 12  # lines
_NUMBERS_WIDTH = 76  # columns beside the bar
_WIDEST_PLOT = 90  # columns


class TerminalDisplay(PlainDisplay):
    """Curves that grow in the terminal, above a progress bar.

    Args:
        console: A terminal.
    """

    def __init__(self, console: Console):
        super().__init__(console)
        self._live: Live | None = None
        self._drawn = 0.0

    def on_start(self, trainer: Trainer) -> None:
        """Take the lower part of the terminal."""
        self._live = Live(console=self.console, auto_refresh=False, redirect_stderr=False)
        self._live.start()
        self._draw(trainer)

    def on_step(self, trainer: Trainer) -> None:
        """Draw anew, a few times a second."""
        if time.monotonic() - self._drawn > _REDRAW:
            self._draw(trainer)

    def on_epoch(self, trainer: Trainer, point: CurvePoint) -> None:
        """Show the epoch's end at once."""
        self._draw(trainer)

    def on_finish(self, trainer: Trainer, result: TrainingResult) -> None:
        """Leave the finished picture standing and write the closing lines below."""
        self._close(trainer)
        super().on_finish(trainer, result)

    def on_stop(self, trainer: Trainer) -> None:
        """Give the terminal back, also after an error."""
        self._close(trainer)

    def _close(self, trainer: Trainer) -> None:
        if self._live:
            self._draw(trainer)
            self._live.stop()
            self._live = None

    def _draw(self, trainer: Trainer) -> None:
        if self._live:
            self._live.update(self._picture(trainer), refresh=True)
            self._drawn = time.monotonic()

    def _picture(self, trainer: Trainer) -> RenderableType:
        """The curves, where the terminal's characters can show them, and the bar."""
        parts: list[RenderableType] = []
        if self.console.encoding.lower().startswith("utf"):
            width = min(self.console.width, _WIDEST_PLOT)
            curves = training_curves(trainer.history)
            parts.append(draw_terminal_curves(curves, trainer.recipe.epochs, width, _PLOT_HEIGHT))
        parts.append(self._progress_line(trainer))
        return Group(*parts)

    def _progress_line(self, trainer: Trainer) -> Table:
        """The bar with the latest numbers."""
        epoch = min(trainer.epoch + 1, trainer.recipe.epochs)
        bar_width = max(4, min(20, self.console.width - _NUMBERS_WIDTH))
        line = Table.grid(padding=(0, 2), expand=False)
        loss, accuracy = trainer.train_loss_and_accuracy()
        if not trainer.step and trainer.history:
            loss, accuracy = trainer.history[-1].train_loss, trainer.history[-1].train_accuracy
        numbers = f"loss {loss:.3f}  train acc {accuracy:.3f}" if trainer.steps_done else ""
        line.add_row(
            f"epoch {epoch}/{trainer.recipe.epochs}",
            ProgressBar(trainer.total_steps, trainer.steps_done, width=bar_width),
            numbers,
            describe_pace(trainer),
        )
        return line


def training_curves(history: list[CurvePoint]) -> list[Curve]:
    """The tutorial's three curves from a history, or two where no images are held out."""
    curves = [
        Curve("train loss", "cyan", [(point.epoch, point.train_loss) for point in history]),
        Curve("train acc", "magenta", [(point.epoch, point.train_accuracy) for point in history]),
    ]
    ends = [point for point in history if point.ends_epoch]
    if ends or not history or history[-1].epoch < 1:
        held_out_name = ends[-1].held_out_name if ends else "test"
        held_out = [(point.epoch, point.held_out_accuracy or 0.0) for point in ends]
        curves.append(Curve(f"{held_out_name} acc", "green", held_out))
    return curves
