"""A process of its own that trains one network after the other, on its share of the cores.

Jobs come in on standard input and events go out on standard output, a JSON object a line. Unlike
the processes of `multiprocessing` it does not import the caller's program again, so a comparison
works in a script without a guard, in a notebook and from the command line.
"""

import functools
import json
import os
import sys
from dataclasses import asdict, dataclass
from typing import Any, TextIO

from lenet.datasets import Dataset, DataSource, load_dataset
from lenet.errors import LenetError, NonFiniteLossError
from lenet.kernels import KernelChoice
from lenet.runs import train
from lenet.training import CurvePoint, Listener, Trainer


@dataclass(frozen=True)
class Job:
    """One training.

    Attributes:
        dataset: The dataset's name; or where images of one's own are read from and how.
        preset: The preset, where one is named.
        model: The network's name, where one is named.
        settings: Fields of the recipe and of the network's settings.
        seed: Of weights, order, augmentation and split.
        device: Where to train.
        threads: CPU threads.
        kernels: What computes on a CPU.
        runs_folder: Where the run is looked for, and made if it is not there.
    """

    dataset: str | DataSource
    preset: str | None
    model: str | None
    settings: dict[str, Any]
    seed: int
    device: str
    threads: int
    kernels: KernelChoice
    runs_folder: str


class _Teller(Listener):
    """Says after every epoch how far the training is."""

    def __init__(self, events: TextIO):
        self._events = events

    def on_epoch(self, trainer: Trainer, point: CurvePoint) -> None:
        """Tell the share that is done."""
        _tell(self._events, share=trainer.epoch / trainer.recipe.epochs)


def run_job(job: Job, data: Dataset, listeners: list[Listener]) -> str:
    """Train, or take the run that is there already; gives its folder."""
    run = train(
        job.model,
        data,
        preset=job.preset,
        seed=job.seed,
        device=job.device,
        threads=job.threads,
        kernels=job.kernels,
        runs_folder=job.runs_folder,
        reuse=True,
        listeners=listeners,
        **job.settings,
    )
    return str(run.folder)


def main() -> None:
    """Work until there are no more jobs."""
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # nothing else may come between the events
    load = functools.cache(load_dataset)
    for line in sys.stdin:
        job = read_job(line)
        try:
            _tell(events, run=run_job(job, load(job.dataset), [_Teller(events)]))
        except NonFiniteLossError as error:
            _tell(events, diverged=str(error))
        except LenetError as error:
            _tell(events, error=str(error), exit_code=error.exit_code)


def _tell(events: TextIO, **event: Any) -> None:
    """Write an event at once."""
    events.write(json.dumps(event) + "\n")
    events.flush()


def job_line(job: Job) -> str:
    """A job as the process reads it."""
    return json.dumps(asdict(job)) + "\n"


def read_job(line: str) -> Job:
    """A job from its line."""
    values = json.loads(line)
    if isinstance(values["dataset"], dict):
        values["dataset"] = DataSource.from_dict(values["dataset"])
    return Job(**values)


if __name__ == "__main__":
    main()
