from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lenet.training._diagnosis import Diagnosis
    from lenet.training._history import CurvePoint, TrainingResult
    from lenet.training._trainer import Trainer


class Listener:
    """Something that is told how a training goes; override what is of interest.

    The trainer's attributes may be read, and its state saved, in every call.
    """

    def on_message(self, text: str) -> None:
        """Something that the person should know, before the training or while it goes on."""

    def on_start(self, trainer: Trainer) -> None:
        """The first step is about to be made, or the first after a resume."""

    def on_step(self, trainer: Trainer) -> None:
        """A step was made; called often, so it should cost next to nothing."""

    def on_point(self, trainer: Trainer, point: CurvePoint) -> None:
        """The curve grew by a point: five times an epoch."""

    def on_epoch(self, trainer: Trainer, point: CurvePoint) -> None:
        """An epoch is over; `point` is its last and holds the look at held-out images."""

    def on_diagnosis(self, trainer: Trainer, diagnosis: Diagnosis) -> None:
        """The network does not learn, and this may be why."""

    def on_finish(self, trainer: Trainer, result: TrainingResult) -> None:
        """The training is complete."""

    def on_stop(self, trainer: Trainer) -> None:
        """The training ended, complete or by an error; always the last call."""
