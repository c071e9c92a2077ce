from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console

from lenet.core import escape_text
from lenet.training._listener import Listener

if TYPE_CHECKING:
    from lenet.training._diagnosis import Diagnosis
    from lenet.training._history import CurvePoint, TrainingResult
    from lenet.training._trainer import Trainer


def pick_display() -> PlainDisplay:
    """The display that suits where the output goes: a notebook, a terminal, or a pipe."""
    if in_notebook():
        from lenet.training._notebook_display import NotebookDisplay

        return NotebookDisplay()
    console = Console()
    if console.is_terminal and not console.is_dumb_terminal:
        from lenet.training._terminal_display import TerminalDisplay

        return TerminalDisplay(console)
    return PlainDisplay(console)


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
        """Pass the message on; control characters in it are shown escaped."""
        self.write(escape_text(text))

    def on_diagnosis(self, trainer: Trainer, diagnosis: Diagnosis) -> None:
        """Say what is wrong and what to try."""
        self.write(str(diagnosis))

    def on_epoch(self, trainer: Trainer, point: CurvePoint) -> None:
        """Write the epoch's line."""
        epoch = f"epoch {point.epoch:>2.0f}/{trainer.recipe.epochs}"
        self.write(f"{epoch}  {describe_point(point)}  {describe_pace(trainer)}")

    def on_finish(self, trainer: Trainer, result: TrainingResult) -> None:
        """Write the tutorial's closing lines."""
        self.write(describe_result(result, str(trainer.device)))


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


def in_notebook() -> bool:
    """Whether this is a notebook, which shows pictures; nothing is imported to find out."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    # Colab's shell, and those of other services, derive from Jupyter's.
    return "ZMQInteractiveShell" in [kind.__name__ for kind in type(get_ipython()).__mro__]
