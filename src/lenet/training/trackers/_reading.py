from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lenet.training._history import CurvePoint, TrainingResult
    from lenet.training._trainer import Trainer

_NOT_METRICS = ("epoch", "seconds")
_OF_RESULT = ("test_loss", "test_accuracy", "best_epoch", "tutorial_examples_per_second")


@dataclass(frozen=True)
class Reading:
    """Numbers that belong to one instant of a training.

    Attributes:
        step: Steps made in all by then.
        time: Of the clock on the wall, seconds since 1970.
        values: By the names that they have in `history.jsonl` and `result.json`.
    """

    step: int
    time: float
    values: dict[str, float]


def read_point(trainer: Trainer, point: CurvePoint) -> Reading:
    """A point of the curve, with the speed up to it by the wall clock.

    The moment of a point from before a resume leaves the pause out, as `point.seconds` does.
    """
    values = {name: value for name, value in point.to_dict().items() if name not in _NOT_METRICS}
    values["examples_per_second"] = point.epoch * len(trainer.dataset.train) / point.seconds
    step = round(point.epoch * trainer.steps_per_epoch)
    return Reading(step, time.time() - (trainer.seconds - point.seconds), values)


def read_result(trainer: Trainer, result: TrainingResult) -> Reading:
    """What only the end of a training tells: the last point has the rest."""
    known = trainer.history[-1].to_dict()
    values = result.to_dict()
    own = {name: float(values[name]) for name in _OF_RESULT if name not in known}
    return Reading(trainer.steps_done, time.time(), own)
