"""A tracker, what it is told of a run, and the guard between it and the training."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from lenet.core import hide_secrets, json_text, read_json_object, write_atomically
from lenet.errors import RunError
from lenet.training._history import CurvePoint, TrainingResult
from lenet.training._trainer import Listener, Trainer

TRACKING_FILE = "tracking.json"  # which trackers are told of a run, and what they need to go on
_NOT_FACTS = ("format", "settings", "recipe", "normalisation")
_NOT_METRICS = ("epoch", "seconds")
_OF_RESULT = ("test_loss", "test_accuracy", "best_epoch", "tutorial_examples_per_second")
_EVENTS = [name for name in vars(Listener) if name.startswith("on_")]


@dataclass(frozen=True)
class TrackedRun:
    """What a tracker knows of a run.

    Attributes:
        folder: Where the run lies.
        config: The content of its `config.json`.
    """

    folder: Path
    config: dict[str, Any]

    @property
    def settings(self) -> dict[str, Any]:
        """The fields of the recipe and of the network's settings, together."""
        return {**self.config["recipe"], **self.config["settings"]}

    @property
    def facts(self) -> dict[str, Any]:
        """What else decides the run: version, dataset, model, preset, seed and so on."""
        return {name: value for name, value in self.config.items() if name not in _NOT_FACTS}


class Tracker(Listener):
    """A listener that tells a program for many trainings of this one.

    A tracker is made, connects before the run folder is made, begins before the training, and is
    then called as every listener. What it raises after it has connected is caught by its `Guard`.

    Attributes:
        name: What it is called in `--track`.
    """

    name: ClassVar[str]

    def connect(self, runs_folder: Path) -> None:
        """Make sure that there is something to tell.

        Args:
            runs_folder: Where the run folder will be made.

        Raises:
            TrackerError: There is nothing that answers.
        """

    def begin(self, trainer: Trainer, run: TrackedRun) -> None:
        """Start to tell of a run, or go on; then all of the trainer's history is told, once.

        Args:
            trainer: About to train; after a resume it has a history.
            run: What it trains.
        """
        raise NotImplementedError


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
        for event in _EVENTS:
            setattr(self, event, partial(self._pass_on, event))

    def begin(self, trainer: Trainer, run: TrackedRun) -> None:
        self._pass_on("begin", trainer, run)

    def _pass_on(self, event: str, *arguments: Any) -> None:
        if self._broken:
            return
        try:
            getattr(self.tracker, event)(*arguments)
        except Exception as error:  # whatever the tracker's library raises
            self._broken = True
            self._tell(
                f"The tracker `{self.tracker.name}` stopped working, and the training goes on "
                f"without it: {describe_error(error)}"
            )


def describe_error(error: Exception) -> str:
    """The first line of an error's message, or its class where it has none.

    The address of a server that it names may hold a password, which is left out.
    """
    return hide_secrets(str(error).strip().partition("\n")[0]) or type(error).__name__


def pack_trackers(names: Iterable[str]) -> str:
    """The file's content when nothing has been told yet."""
    return json_text({name: {} for name in names}, indent=2)


def read_tracking(folder: Path) -> dict[str, dict[str, Any]]:
    """By the trackers' names, what each of them has kept; nothing for a run that is not tracked.

    Raises:
        RunError: The file is damaged.
    """
    path = folder / TRACKING_FILE
    if not path.exists():
        return {}
    kept = read_json_object(path, RunError)
    if not all(isinstance(value, dict) for value in kept.values()):
        message = f"`{path}` is damaged: it does not hold an object for each tracker."
        raise RunError(message)
    return kept


def keep_for_tracker(folder: Path, name: str, values: dict[str, Any]) -> None:
    kept = read_tracking(folder)
    if kept.get(name) != values:
        write_atomically(folder / TRACKING_FILE, json_text({**kept, name: values}, indent=2))


@dataclass(frozen=True)
class Metrics:
    """Numbers that a tracker shows for one instant of a training.

    Attributes:
        step: Steps made in all by then.
        time: Of the clock on the wall, seconds since 1970.
        values: By the names that they have in `history.jsonl` and `result.json`.
    """

    step: int
    time: float
    values: dict[str, float]


def metrics_of_point(trainer: Trainer, point: CurvePoint) -> Metrics:
    """A point of the curve, with the speed up to it by the wall clock.

    The moment of a point from before a resume leaves the pause out, as `point.seconds` does.
    """
    values = {name: value for name, value in point.to_dict().items() if name not in _NOT_METRICS}
    values["examples_per_second"] = point.epoch * len(trainer.dataset.train) / point.seconds
    step = round(point.epoch * trainer.steps_per_epoch)
    return Metrics(step, time.time() - (trainer.seconds - point.seconds), values)


def metrics_of_result(trainer: Trainer, result: TrainingResult) -> Metrics:
    """What only the end of a training tells: the last point has the rest."""
    known = trainer.history[-1].to_dict()
    values = result.to_dict()
    own = {name: values[name] for name in _OF_RESULT if name not in known}
    own = {name: float(value) for name, value in own.items() if value is not None}
    return Metrics(trainer.steps_done, time.time(), own)
