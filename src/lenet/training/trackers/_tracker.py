from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lenet.training._listener import Listener

if TYPE_CHECKING:
    from lenet.training._trainer import Trainer

_NOT_FACTS = ("format", "settings", "recipe", "normalisation")


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
