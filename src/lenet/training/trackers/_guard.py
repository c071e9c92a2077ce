from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lenet.training._listener import Listener

if TYPE_CHECKING:
    from lenet.training._diagnosis import Diagnosis
    from lenet.training._history import CurvePoint, TrainingResult
    from lenet.training._trainer import Trainer
    from lenet.training.trackers._tracker import TrackedRun, Tracker


class Guard(Listener):
    """Stands between a training and a tracker, which may break and must not cost the training.

    What the tracker raises is told once; from then on it is left out.

    Args:
        tracker: Who is told how the training goes.
        tell: Brings a message to the person.
    """

    def __init__(self, tracker: Tracker, tell: Callable[[str], None]):
        self.tracker = tracker
        self._tell, self._broken = tell, False

    def begin(self, trainer: Trainer, run: TrackedRun) -> None:
        """Let the tracker begin."""
        self._try(lambda: self.tracker.begin(trainer, run))

    def on_start(self, trainer: Trainer) -> None:
        """Pass the event on."""
        self._try(lambda: self.tracker.on_start(trainer))

    def on_step(self, trainer: Trainer) -> None:
        """Pass the event on."""
        self._try(lambda: self.tracker.on_step(trainer))

    def on_point(self, trainer: Trainer, point: CurvePoint) -> None:
        """Pass the event on."""
        self._try(lambda: self.tracker.on_point(trainer, point))

    def on_epoch(self, trainer: Trainer, point: CurvePoint) -> None:
        """Pass the event on."""
        self._try(lambda: self.tracker.on_epoch(trainer, point))

    def on_diagnosis(self, trainer: Trainer, diagnosis: Diagnosis) -> None:
        """Pass the event on."""
        self._try(lambda: self.tracker.on_diagnosis(trainer, diagnosis))

    def on_finish(self, trainer: Trainer, result: TrainingResult) -> None:
        """Pass the event on."""
        self._try(lambda: self.tracker.on_finish(trainer, result))

    def on_stop(self, trainer: Trainer) -> None:
        """Pass the event on."""
        self._try(lambda: self.tracker.on_stop(trainer))

    def _try(self, call: Callable[[], None]) -> None:
        if self._broken:
            return
        try:
            call()
        except Exception as error:  # whatever the tracker's library raises
            self._broken = True
            self._tell(
                f"The tracker `{self.tracker.name}` stopped working, and the training goes on "
                f"without it: {describe_error(error)}"
            )


def describe_error(error: Exception) -> str:
    """The first line of an error's message, or its class where it has none."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
