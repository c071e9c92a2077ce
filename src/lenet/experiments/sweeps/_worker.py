"""A worker makes one trial after the other until there are as many as were asked for.

In a process of its own it reads its job from standard input, a line of JSON, and writes an error to
standard output, if there is one. When standard input ends, so has the sweep's own process, and the
worker stops. The storage's URL may hold a password; on standard input nobody else sees it.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

import torch

from lenet.datasets import Dataset, DataSource, load_dataset
from lenet.errors import InterruptedTraining, LenetError
from lenet.experiments.sweeps._definition import Definition
from lenet.experiments.sweeps._records import SURPLUS, WORKER, taken, taken_before
from lenet.experiments.sweeps._trial import run_trial
from lenet.experiments.sweeps._trial_storage import Storage, open_study, quiet_optuna
from lenet.experiments.sweeps._trials_together import TrialsTogether
from lenet.kernels import KernelChoice
from lenet.runs import stop_on_signals
from lenet.training import Trainer

if TYPE_CHECKING:
    from optuna import Study, Trial


class _SurplusTrialError(Exception):
    """Another worker has taken the last of the trials at the same instant."""


class Worker:
    """Makes trials.

    Args:
        study: The sweep's trials.
        definition: What is searched.
        data: The images, as `Definition.hold_out` gives them.
        trials: How many trials are asked for, over all workers.
        name: What the worker is called in its trials, to know them if it ends.
        device: Where to train.
        kernels: What computes on a CPU.
        at_once: How many trials are made at a time, those of one form as one computation.
        on_trial: Called after each trial, or after all that were made at a time.
    """

    def __init__(
        self,
        study: Study,
        definition: Definition,
        data: Dataset,
        trials: int,
        *,
        name: str = "",
        device: str = "auto",
        kernels: KernelChoice = "auto",
        at_once: int = 1,
        on_trial: Callable[[], object] = lambda: None,
    ):
        self.stopping = False
        self._at_once = at_once
        self._study, self._definition, self._data = study, definition, data
        self._trials, self._name = trials, name
        self._device, self._kernels = device, kernels
        self._on_trial = on_trial
        self._trainers: list[Trainer] = []

    def work(self) -> None:
        """Make trials until all are made, or being made by others, or `stop` was called."""
        with quiet_optuna():
            while not self.stopping and (missing := self._trials - taken(self._study)) > 0:
                if self._at_once > 1:
                    self._make_several(min(self._at_once, missing))
                else:
                    self._make_one()
                self._on_trial()

    def stop(self) -> None:
        """Stop after the step under way; its trial is lost. May be called from anywhere."""
        self.stopping = True
        for trainer in list(self._trainers):
            trainer.request_stop()

    def _make_one(self) -> None:
        """Make a trial, and have Optuna keep how it ended."""
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        number, may_be_lost = -1, False

        def train(trial: Trial) -> float:
            nonlocal number, may_be_lost
            number = trial.number
            try:
                accuracy = self._train(trial)
            except UpdateFinishedTrialError:
                may_be_lost = True
                raise
            may_be_lost = True  # if Optuna refuses to keep the accuracy
            return accuracy

        try:
            self._study.optimize(train, n_trials=1, catch=(_SurplusTrialError, InterruptedTraining))
        except (UpdateFinishedTrialError, ValueError, AssertionError):
            # It was silent for so long that the trial was taken for lost; it is made anew.
            trials = self._study.get_trials(deepcopy=False, states=(TrialState.FAIL,))
            if not may_be_lost or number not in {trial.number for trial in trials}:
                raise
        finally:
            self._trainers = []

    def _make_several(self, count: int) -> None:
        """Make so many trials at a time."""
        from optuna.trial import TrialState

        together = TrialsTogether(
            self._study,
            self._definition,
            self._data,
            device=self._device,
            on_trainer=self._take,
            train_alone=self._run,
        )
        try:
            for _ in range(count):
                trial = self._study.ask()
                if self._is_surplus(trial):
                    self._study.tell(trial, state=TrialState.FAIL)
                else:
                    together.add(trial)
            together.train()
        finally:
            self._trainers = []
            together.give_up()

    def _train(self, trial: Trial) -> float:
        """The body of a trial."""
        if self._is_surplus(trial):
            raise _SurplusTrialError
        return self._run(trial)

    def _run(self, trial: Trial) -> float:
        """Train with a trial's settings; asked once more for them, it gives the same."""
        return run_trial(
            self._definition,
            trial,
            self._data,
            device=self._device,
            kernels=self._kernels,
            on_trainer=self._take,
        )

    def _is_surplus(self, trial: Trial) -> bool:
        """Put our name to a trial; gives whether others have begun all that were asked for."""
        trial.set_user_attr(WORKER, self._name)
        if taken_before(self._study, trial.number) < self._trials:
            return False
        trial.set_user_attr(SURPLUS, True)
        return True

    def _take(self, trainer: Trainer) -> None:
        """Note who is to be stopped."""
        self._trainers.append(trainer)
        if self.stopping:
            trainer.request_stop()


@dataclass(frozen=True)
class Job:
    """What a process of its own needs to know.

    Attributes:
        storage: Where the trials are kept.
        sweep: What the sweep is called.
        definition: What is searched.
        trials: How many trials are asked for.
        dataset: The dataset's name; or where images of one's own are read from and how.
        worker: What the worker is called.
        device: Where to train.
        threads: CPU threads.
        kernels: What computes on a CPU.
        at_once: How many trials a worker makes at a time.
    """

    storage: Storage
    sweep: str
    definition: Definition
    trials: int
    dataset: str | DataSource
    worker: str
    device: str
    threads: int
    kernels: KernelChoice
    at_once: int = 1

    def begin(
        self, study: Study, data: Dataset, on_trial: Callable[[], object] = lambda: None
    ) -> Worker:
        """The worker that does it.

        Args:
            study: The sweep's trials, open.
            data: The images, as `Definition.hold_out` gives them.
            on_trial: As for `Worker`.
        """
        return Worker(
            study,
            self.definition,
            data,
            self.trials,
            name=self.worker,
            device=self.device,
            kernels=self.kernels,
            at_once=self.at_once,
            on_trial=on_trial,
        )


def job_line(job: Job) -> str:
    """A job as the process reads it."""
    values = {item.name: getattr(job, item.name) for item in fields(job)}
    values |= {"storage": asdict(job.storage), "definition": job.definition.to_dict()}
    if isinstance(job.dataset, DataSource):
        values["dataset"] = job.dataset.to_dict()
    return json.dumps(values) + "\n"


def read_job(line: str) -> Job:
    """A job from its line."""
    values = json.loads(line)
    storage = values["storage"]
    values["storage"] = Storage(**storage | {"secrets": tuple(storage["secrets"])})
    values["definition"] = Definition.from_dict(values["definition"])
    if isinstance(values["dataset"], dict):
        values["dataset"] = DataSource.from_dict(values["dataset"])
    return Job(**values)


def main() -> None:
    """Do the job that comes in."""
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # nothing else may come between the events
    worker: Worker | None = None
    is_stopping = False

    def stop() -> None:
        nonlocal is_stopping
        is_stopping = True
        if worker is not None:
            worker.stop()

    with stop_on_signals(stop):
        line = sys.stdin.readline()
        if not line:
            return
        job = read_job(line)
        threading.Thread(target=_wait_for_the_end, args=(stop,), daemon=True).start()
        try:
            torch.set_num_threads(job.threads)
            data = job.definition.hold_out(load_dataset(job.dataset))
            with open_study(job.storage, job.definition, job.sweep, create=False) as study:
                worker = job.begin(study, data)
                if not is_stopping:
                    worker.work()
        except LenetError as error:
            event = {"error": job.storage.without_secrets(str(error)), "exit_code": error.exit_code}
            events.write(json.dumps(event) + "\n")
    with contextlib.suppress(OSError):  # nobody reads any more
        events.close()


def _wait_for_the_end(stop: Callable[[], None]) -> None:
    """Stop when the sweep's own process is gone; the body of a thread."""
    while os.read(0, 4096):
        pass
    stop()


if __name__ == "__main__":
    main()
