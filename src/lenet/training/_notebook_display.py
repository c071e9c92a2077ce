from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from lenet.training._curves import draw_curves
from lenet.training._display import PlainDisplay

if TYPE_CHECKING:
    from lenet.training._history import CurvePoint
    from lenet.training._trainer import Trainer

_SHARE = 0.1  # of the training's time that drawing may take


class NotebookDisplay(PlainDisplay):
    """The tutorial's picture, growing in the output cell while the training runs."""

    def __init__(self) -> None:
        super().__init__()
        self._handle: Any = None
        self._not_before = 0.0

    def write(self, text: str) -> None:
        """Write lines to the cell as they are; rich would make them HTML."""
        import sys

        sys.stdout.write(text + "\n")

    def on_point(self, trainer: Trainer, point: CurvePoint) -> None:
        """Draw anew, as often as the share of time allows."""
        if time.monotonic() >= self._not_before:
            self._draw(trainer)

    def on_epoch(self, trainer: Trainer, point: CurvePoint) -> None:
        """Nothing to write: the picture shows it."""

    def on_stop(self, trainer: Trainer) -> None:
        """Leave the whole curve standing."""
        self._draw(trainer)

    def _draw(self, trainer: Trainer) -> None:
        from IPython.display import display

        started = time.monotonic()
        figure = draw_curves(trainer.history, trainer.recipe.epochs, trainer.dataset.name)
        if self._handle is None:
            self._handle = display(figure, display_id=True)
        else:
            self._handle.update(figure)
        ended = time.monotonic()
        self._not_before = ended + (ended - started) / _SHARE
