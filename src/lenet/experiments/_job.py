"""A job is one or more trainings that are made at a time, in this process or in one of its own.

To a process of its own jobs come in on standard input, and events go out on standard output, a JSON
object a line: after each epoch how a training goes, which is answered with whether it is to go on;
at its end how it ended. When standard input ends, the process stops and ends; at once if the one
that gave the jobs is gone. Unlike the processes of `multiprocessing` it does not import the
caller's program again, so a comparison works in a script without a guard, in a notebook and from
the command line.
"""

import functools
import json
import logging
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from lenet.core import Compute, cpu_threads, json_text, stop_on_signals
from lenet.datasets import Dataset, DataSource, SharedImages, load_dataset
from lenet.errors import (
    Interrupted,
    InterruptedTraining,
    LenetError,
    ModelError,
    NonFiniteLossError,
    SettingError,
)
from lenet.runs import Run, build_trainer, make_plan, train, train_many
from lenet.training import (
    CurvePoint,
    Listener,
    Trainer,
    TrainingResult,
    lockstep_key,
    pick_device,
    train_in_lockstep,
)

_PAUSE = 0.05  # seconds between two looks for a parent that has been asked to end
State = Literal["complete", "pruned", "diverged", "refused", "lost", "running"]


@dataclass(frozen=True)
class Job:
    """Trainings that are made at a time.

    Attributes:
        trainings: For each number what `train` is to be told: `seed`, `model`, `preset`, settings.
        dataset: The dataset's name; or where images of one's own are read from and how.
        compute: Where to train, and by what.
        runs_folder: Where the runs are looked for, and made if they are not there; `None` where
            only the validation accuracy is wanted.
        held_out: Share and seed of the validation split that all trainings have in place of the
            test images; `None` where each holds out what its recipe says.
    """

    trainings: Mapping[int, dict[str, Any]]
    dataset: str | DataSource
    compute: Compute
    runs_folder: str | None = None
    held_out: tuple[float, int] | None = None

    def to_line(self) -> str:
        """The job as a process reads it."""
        return json_text(asdict(self)) + "\n"

    @classmethod
    def from_line(cls, line: str | bytes) -> "Job":
        """A job from its line."""
        values = json.loads(line)
        values["trainings"] = {int(key): value for key, value in values["trainings"].items()}
        if isinstance(values["dataset"], dict):
            values["dataset"] = DataSource.from_dict(values["dataset"])
        values["compute"] = Compute.from_dict(values["compute"])
        values["held_out"] = values["held_out"] and tuple(values["held_out"])
        return cls(**values)


@dataclass(frozen=True)
class Outcome:
    """How a training ended.

    Attributes:
        state: `complete`; `pruned`, as it was told not to go on; `diverged`; `refused`, as its
            settings do not suit each other; `lost`, as its process was stopped.
        reason: Why it is not complete.
        accuracy: On the validation images, where no runs are kept.
        seconds: Wall-clock time of the training, where no runs are kept and it was begun.
        folder: The run's folder, where runs are kept and it is complete.
    """

    state: State
    reason: str = ""
    accuracy: float | None = None
    seconds: float | None = None
    folder: str | None = None


class JobSource:
    """Who has jobs to give, and is told how their trainings go, by their numbers."""

    def next_job(self) -> Job | None:
        """The next job; `None` if there is none now."""
        raise NotImplementedError

    def is_over(self) -> bool:
        """Whether no more jobs will come, once there is none and all that were given are done."""
        return True

    def look(self) -> None:
        """Called again and again while others are at work."""

    def on_epoch(self, number: int, epoch: int, epochs: int, accuracy: float | None) -> bool:
        """An epoch of so many is over, with an accuracy on the validation images if there are any.

        Returns:
            Whether the training is to go on.
        """
        raise NotImplementedError

    def on_end(self, number: int, outcome: Outcome) -> None:
        """A training has ended."""

    def on_death(self, numbers: Sequence[int], code: int) -> None:
        """A process ended by itself, with an exit code, before it was done with such trainings."""
        raise NotImplementedError


class _PrunedTrainingError(Exception):
    """A training was told not to go on."""


_STATES: dict[type[BaseException], State] = {
    NonFiniteLossError: "diverged",
    _PrunedTrainingError: "pruned",
    InterruptedTraining: "lost",
}


class _Teller(Listener):
    """Tells how a training goes, and asks whether it is to go on."""

    def __init__(self, worker: "Worker", number: int):
        self._worker, self._number = worker, number

    def on_start(self, trainer: Trainer) -> None:
        if self._worker.stopping:  # which was asked for before there was a trainer to ask
            trainer.request_stop()

    def on_epoch(self, trainer: Trainer, point: CurvePoint) -> None:
        epochs, accuracy = trainer.recipe.epochs, point.validation_accuracy
        if not self._worker.source.on_epoch(self._number, trainer.epoch, epochs, accuracy):
            message = f"Below the others' median after epoch {trainer.epoch}."
            raise _PrunedTrainingError(message)


class Worker:
    """Does jobs, whose images `load` gives, and tells their source how the trainings go."""

    def __init__(self, source: JobSource, load: Callable[[Job], Dataset]):
        self.source, self.stopping = source, False
        self._load = load
        self._trainers: Sequence[Trainer] = ()

    def do(self, job: Job) -> None:
        """Make the trainings of a job."""
        data = self._load(job)
        with cpu_threads(job.compute.threads):
            make = self._score if job.runs_folder is None else self._keep_runs
            make(job, data)

    def stop(self) -> None:
        """Stop after the step under way. May be called from anywhere."""
        self.stopping = True
        for trainer in self._trainers:
            trainer.request_stop()

    def _keep_runs(self, job: Job, data: Dataset) -> None:
        """Train, or take the runs that are there already."""
        numbers, trainings = list(job.trainings), list(job.trainings.values())
        tellers = [_Teller(self, number) for number in numbers]
        options = {**job.compute.to_dict(), "reuse": True, "runs_folder": job.runs_folder}

        def end(place: int, run: Run | None, error: BaseException | None = None) -> None:
            outcome = Outcome("diverged", str(error))
            if run and not error:
                outcome = Outcome("complete", folder=str(run.folder))
            self.source.on_end(numbers[place], outcome)

        if len(trainings) > 1:
            train_many(
                trainings,
                data,
                listeners=[[teller] for teller in tellers],
                on_end=lambda place, ending: end(place, ending.run, ending.error),
                **options,
            )
            return
        try:
            run = train(dataset=data, listeners=tellers, **trainings[0], **options)
        except NonFiniteLossError as error:
            end(0, None, error)
        else:
            end(0, run)

    def _score(self, job: Job, data: Dataset) -> None:
        """Train for the validation accuracy alone; several of one form are one computation."""
        shared = (
            SharedImages(data, pick_device(job.compute.device)) if len(job.trainings) > 1 else None
        )
        groups: dict[Hashable, dict[int, Trainer]] = {}
        for number in job.trainings:
            try:
                trainer = self._build(job, number, data, shared)
            except (SettingError, ModelError) as error:
                self.source.on_end(number, Outcome("refused", str(error)))
                continue
            # What is like no other is alone under its number.
            group = number if shared is None else lockstep_key(trainer) or number
            groups.setdefault(group, {})[number] = trainer
        for members in groups.values():
            if shared and len(members) == 1:  # for which there may be compiled kernels
                members = {number: self._build(job, number, data) for number in members}
            self._trainers = list(members.values())
            endings = _run(self._trainers)
            self._trainers = ()
            for (number, trainer), ending in zip(members.items(), endings, strict=True):
                self.source.on_end(number, _outcome(trainer, ending))

    def _build(
        self, job: Job, number: int, data: Dataset, shared: SharedImages | None = None
    ) -> Trainer:
        settings = dict(job.trainings[number])
        seed, model, preset = (settings.pop(name) for name in ("seed", "model", "preset"))
        trainer = build_trainer(
            make_plan(data.name, model, None, preset, settings),
            data,
            seed=seed,
            device=pick_device(job.compute.device),
            engine="torch" if shared else job.compute.engine,
            shared=shared,
        )
        trainer.listeners = [_Teller(self, number)]
        return trainer


def _run(trainers: Sequence[Trainer]) -> list[TrainingResult | BaseException]:
    """Train one by itself or several together."""
    if len(trainers) > 1:
        return train_in_lockstep(trainers, ends_alone=(_PrunedTrainingError,))
    try:
        return [trainers[0].run()]
    except tuple(_STATES) as error:
        return [error]


def _outcome(trainer: Trainer, ending: TrainingResult | BaseException) -> Outcome:
    """How a training ended that keeps no run."""
    if isinstance(ending, TrainingResult):
        return Outcome("complete", "", ending.validation_accuracy, trainer.seconds)
    for kind, state in _STATES.items():
        if isinstance(ending, kind):
            return Outcome(state, str(ending), seconds=trainer.seconds)
    raise ending


def hold_out(data: Dataset, share: float, seed: int) -> Dataset:
    """The images of a trial: a validation split that all trials have, and no test images."""
    data = replace(data, test=None)
    return data.with_validation(share, seed) if share else data


class _Parent(JobSource):
    """The process that gives the jobs and is told how they go."""

    def __init__(self) -> None:
        self._events = os.dup(1)
        os.dup2(2, 1)  # nothing else may come between the events
        self._process = os.getppid()
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        """Read ahead, so that the end of the input is known at once; the body of a thread."""
        with open(0, "rb", buffering=0, closefd=False) as lines:
            for line in lines:
                self._lines.put(line)
        signal.raise_signal(signal.SIGTERM)  # stops a training under way, whoever makes it
        self._lines.put(b"")
        while os.getppid() == self._process:  # it waits for what a stopped training leaves
            time.sleep(_PAUSE)
        os._exit(Interrupted.exit_code)  # who begins again at once finds no run held

    def read(self) -> bytes:
        """The next line; nothing once the input has ended."""
        line = self._lines.get()
        if not line:
            self._lines.put(line)  # for the next look
        return line

    def tell(self, **event: Any) -> None:
        """Write an event at once, if anybody reads any more."""
        left = json_text(event).encode() + b"\n"
        with suppress(OSError):
            while left:  # without a buffer, whose rest would be an error at the end
                left = left[os.write(self._events, left) :]

    def on_epoch(self, number: int, epoch: int, epochs: int, accuracy: float | None) -> bool:
        self.tell(number=number, epoch=epoch, epochs=epochs, accuracy=accuracy)
        return self.read() != b"stop\n"

    def on_end(self, number: int, outcome: Outcome) -> None:
        self.tell(number=number, outcome=asdict(outcome))


def main() -> None:
    """Do jobs until there are no more."""
    logging.getLogger("lenet.datasets").addHandler(logging.NullHandler())  # the parent tells
    parent = _Parent()
    load = functools.cache(load_dataset)

    @functools.cache
    def images(dataset: str | DataSource, held_out: tuple[float, int] | None) -> Dataset:
        return load(dataset) if held_out is None else hold_out(load(dataset), *held_out)

    worker = Worker(parent, lambda job: images(job.dataset, job.held_out))
    with stop_on_signals(worker.stop):
        while line := parent.read():
            try:
                worker.do(Job.from_line(line))
                parent.tell(done=True)
            except (LenetError, Interrupted) as error:
                parent.tell(error=str(error), exit_code=error.exit_code)


if __name__ == "__main__":
    main()
