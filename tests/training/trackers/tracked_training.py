"""Trainings of a few steps that are tracked, and that end as a test wants."""

from typing import Any

import lenet
from lenet.datasets import Dataset
from lenet.errors import InterruptedTraining
from lenet.training import CurvePoint, Listener, Trainer


class Messages(Listener):
    """Keeps what the person is told."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def on_message(self, text: str) -> None:
        self.texts.append(text)


class Crash(RuntimeError):
    """What a training dies of here."""


class CrashAt(Listener):
    """Lets a training die, between two checkpoints, at an epoch of its curve."""

    def __init__(self, epoch: float) -> None:
        self.epoch = epoch

    def on_point(self, trainer: Trainer, point: CurvePoint) -> None:
        if point.epoch >= self.epoch:
            raise Crash


class StopAt(CrashAt):
    """Asks for a stop, as Ctrl-C does."""

    def on_point(self, trainer: Trainer, point: CurvePoint) -> None:
        if point.epoch >= self.epoch:
            trainer.request_stop()


def track(dataset: Dataset, *trackers: str, **settings: Any) -> lenet.Run:
    """A silent training of two epochs of 16 steps, five points each."""
    settings = {"preset": "tutorial", "epochs": 2, "batch_size": 8, "listeners": [], **settings}
    return lenet.train(dataset=dataset, track=trackers, **settings)


def track_until(end: CrashAt, dataset: Dataset, *trackers: str, **settings: Any) -> lenet.Run:
    """The same, ended on the way."""
    try:
        track(dataset, *trackers, listeners=[end], **settings)
    except (Crash, InterruptedTraining):
        return lenet.open_run()
    message = "the training should have ended on the way"
    raise AssertionError(message)
