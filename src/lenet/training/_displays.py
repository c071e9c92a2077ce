"""What a person sees of a training while it runs: lines in a pipe, curves, a growing picture."""

from __future__ import annotations

import sys
import time
from importlib.util import find_spec
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from lenet.core import escape_text
from lenet.training._curves import draw_terminal_curves
from lenet.training._diagnosis import Diagnosis
from lenet.training._history import (
    CurvePoint,
    TrainingResult,
    draw_curves,
    learning_curves,
)
from lenet.training._trainer import Listener, Trainer

_REDRAW = 0.2  # seconds between two pictures in a terminal
_LOWEST_PLOT = 6  # lines
_NUMBERS_WIDTH = 76  # columns beside the bar
_DRAWING_SHARE = 0.1  # of the training's time that drawing in a notebook may take


class PlainDisplay(Listener):
    """One plain line an epoch, for pipes and log files.

    Args:
        console: Where the lines go; standard output where none is given.
    """

    console: Console

    def __init__(self, console: Console | None = None):
        self.console = console or Console()

    def write(self, text: str) -> None:
        """Write lines as they are, without wrapping or colouring them."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def on_message(self, text: str) -> None:
        self.write(escape_text(text))

    def on_diagnosis(self, trainer: Trainer, diagnosis: Diagnosis) -> None:
        self.write(str(diagnosis))

    def on_epoch(self, trainer: Trainer, point: CurvePoint) -> None:
        epoch = f"epoch {point.epoch:>2.0f}/{trainer.recipe.epochs}"
        self.write(f"{epoch}  {describe_point(point)}  {describe_pace(trainer)}")

    def on_finish(self, trainer: Trainer, result: TrainingResult) -> None:
        self.write(describe_result(result, str(trainer.device)))


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
        self._live = Live(console=self.console, auto_refresh=False, redirect_stderr=False)
        self._live.start()
        self._draw(trainer)

    def on_step(self, trainer: Trainer) -> None:
        if time.monotonic() - self._drawn > _REDRAW:
            self._draw(trainer)

    def on_epoch(self, trainer: Trainer, point: CurvePoint) -> None:
        self._draw(trainer)

    def on_finish(self, trainer: Trainer, result: TrainingResult) -> None:
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
            width, height = self.console.size
            curves, epochs = learning_curves(trainer.history), trainer.recipe.epochs
            height = max(_LOWEST_PLOT, height // 2)
            parts.append(draw_terminal_curves(curves, epochs, width, height))
        parts.append(self._progress_line(trainer))
        return Group(*parts)

    def _progress_line(self, trainer: Trainer) -> Table:
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


class NotebookDisplay(PlainDisplay):
    """The tutorial's picture, growing in the output cell while the training runs."""

    def __init__(self) -> None:
        super().__init__()
        self._cell, self._not_before = NotebookCell(), 0.0

    def write(self, text: str) -> None:
        """Write lines to the cell as they are; rich would make them HTML."""
        sys.stdout.write(text + "\n")

    def on_point(self, trainer: Trainer, point: CurvePoint) -> None:
        if time.monotonic() >= self._not_before:
            self._draw(trainer)

    def on_epoch(self, trainer: Trainer, point: CurvePoint) -> None:
        """Nothing to write: the picture shows it."""

    def on_stop(self, trainer: Trainer) -> None:
        self._draw(trainer)

    def _draw(self, trainer: Trainer) -> None:
        started = time.monotonic()
        self._cell.show(draw_curves(trainer.history, trainer.recipe.epochs, trainer.dataset.name))
        ended = time.monotonic()
        self._not_before = ended + (ended - started) / _DRAWING_SHARE


class NotebookCell:
    """A place in a notebook's output cell for a picture that is replaced again and again."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, figure: Any) -> None:
        """Put a picture there.

        Args:
            figure: Of matplotlib.
        """
        from IPython.display import display

        if self._handle is None:
            self._handle = display(figure, display_id=True)
        else:
            self._handle.update(figure)


def pick_display() -> PlainDisplay:
    """The display that suits where the output goes: a notebook, a terminal, or a pipe."""
    if in_notebook() and find_spec("matplotlib"):
        return NotebookDisplay()
    console = Console()
    if console.is_terminal and not console.is_dumb_terminal:
        return TerminalDisplay(console)
    return PlainDisplay(console)


def in_notebook() -> bool:
    """Whether this is a notebook, which shows pictures; nothing is imported to find out."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    # Colab's shell, and those of other services, derive from Jupyter's.
    return "ZMQInteractiveShell" in [kind.__name__ for kind in type(get_ipython()).__mro__]


def describe_point(point: CurvePoint) -> str:
    """A point of the curve in the tutorial's words."""
    text = f"loss {point.train_loss:.3f}  train acc {point.train_accuracy:.3f}"
    if point.held_out_accuracy is not None:
        text += f"  {point.held_out_name} acc {point.held_out_accuracy:.3f}"
    return text


def describe_pace(trainer: Trainer) -> str:
    """Images a second since the start, by the wall clock, and the time that is left."""
    if not trainer.steps_done:
        return ""
    images = trainer.steps_done / trainer.steps_per_epoch * len(trainer.dataset.train)
    left = trainer.seconds * (trainer.total_steps / trainer.steps_done - 1)
    minutes, seconds = divmod(round(left), 60)
    remaining = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    return f"{images / trainer.seconds:,.0f} examples/s  {remaining} left"


def describe_result(result: TrainingResult, device: str) -> str:
    """The tutorial's two closing lines, with the two ways to count examples a second.

    >>> from lenet.training import TrainingResult
    >>> print(describe_result(TrainingResult(
    ...     train_loss=0.4766, train_accuracy=0.82, test_loss=0.52, test_accuracy=0.795,
    ...     validation_accuracy=None, best_epoch=10, epochs=10, seconds=80.0,
    ...     examples_per_second=7500.0, tutorial_examples_per_second=8004.2), "cpu"))
    loss 0.477, train acc 0.820, test acc 0.795
    7500.0 examples/sec on cpu (wall clock over whole epochs)
    8004.2 examples/sec on cpu (as the tutorial counts: steps only)
    """
    scores = f"loss {result.train_loss:.3f}, train acc {result.train_accuracy:.3f}"
    if result.validation_accuracy is not None:
        scores += f", validation acc {result.validation_accuracy:.3f} (epoch {result.best_epoch})"
    if result.test_accuracy is not None:
        scores += f", test acc {result.test_accuracy:.3f}"
    return (
        f"{scores}\n"
        f"{result.examples_per_second:.1f} examples/sec on {device} (wall clock over whole "
        "epochs)\n"
        f"{result.tutorial_examples_per_second:.1f} examples/sec on {device} (as the tutorial "
        "counts: steps only)"
    )
