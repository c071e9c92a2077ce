"""Keeps workers at work until there are as many trials as were asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from lenet.datasets import Dataset
from lenet.errors import LenetError, SweepError
from lenet.experiments.sweeps._progress import SweepProgress
from lenet.experiments.sweeps._records import WORKER, SweepTrial, read_trials, taken
from lenet.experiments.sweeps._trial_storage import GRACE, fail_silent_workers, quiet_optuna
from lenet.experiments.sweeps._worker import Job, job_line

if TYPE_CHECKING:
    from optuna import Study

_PAUSE = 0.3  # seconds between two looks at the trials
_SELDOM = 5.0  # seconds between two looks for machines that have fallen silent
_ALONE = 5.0  # seconds that a worker of ours may need to put its name to a trial
_DEATHS = 3  # in a row, without a trial that came to its end in between


class Supervisor:
    """Sees that all trials are made, whoever makes them and whoever ends before.

    Args:
        study: The sweep's trials.
        job: What a worker is to do.
        data: The images, as `Definition.hold_out` gives them.
        workers: How many trials at a time; 1 makes them in this process.
        progress: Who is told how it goes.
    """

    def __init__(
        self, study: Study, job: Job, data: Dataset, workers: int, progress: SweepProgress
    ) -> None:
        self.stopping = False
        self._study, self._job, self._workers = study, job, workers
        self._progress = progress
        self._dimensions = job.definition.dimensions
        self._told = {trial.number for trial in self.trials() if trial.state != "running"}
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self._deaths = 0
        self._unknown_since: dict[int, float] = {}
        self._looked = float("-inf")
        self._here = job.begin(study, data, self._tell)

    def trials(self) -> list[SweepTrial]:
        """All trials so far."""
        return read_trials(self._study, self._dimensions, self._job.definition.seed)

    def run(self) -> None:
        """Work until all trials are made or `stop` was called.

        Raises:
            LenetError: A worker can't go on, or workers end again and again.
        """
        try:
            while not self.stopping:
                self._look_after_others()
                if self._workers == 1:
                    self._here.work()
                else:
                    self._bury_the_dead()
                made = self._tell()
                if self._workers > 1:
                    self._start_the_missing(made)
                if made >= self._job.trials and not self._processes:
                    return
                time.sleep(_PAUSE)
        finally:
            self._end_processes()
            self._tell()

    def stop(self) -> None:
        """Stop all trials under way; they are lost. May be called from a signal handler."""
        self.stopping = True
        self._here.stop()

    def _tell(self) -> int:
        """Tell what has ended since the last look; gives how many trials are made."""
        trials = self.trials()
        made = sum(trial.counts for trial in trials)
        ended = [t for t in trials if t.state != "running" and t.number not in self._told]
        for index, trial in enumerate(ended):
            self._told.add(trial.number)
            still_to_tell = sum(later.counts for later in ended[index + 1 :])
            self._progress.on_trial(trial, made - still_to_tell, self._job.trials)
            if trial.counts:
                self._deaths = 0
        return made

    def _bury_the_dead(self) -> None:
        """Give up the trials of workers that ended."""
        for worker, process in list(self._processes.items()):
            if process.poll() is not None:
                del self._processes[worker]
                self._bury(worker, process)

    def _start_the_missing(self, made: int) -> None:
        """Start workers where trials are left that nobody is at.

        Args:
            made: How many trials are made.
        """
        missing = self._job.trials - made
        if taken(self._study) >= self._job.trials:
            return
        while len(self._processes) < min(self._workers, missing) and not self.stopping:
            self._start()

    def _start(self) -> None:
        """Start a worker; Ctrl-C reaches it through us alone."""
        name = uuid.uuid4().hex
        process = subprocess.Popen(
            [sys.executable, "-m", "lenet.experiments.sweeps._worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=os.environ | {"OMP_NUM_THREADS": str(self._job.threads)},
            start_new_session=True,
        )
        self._processes[name] = process
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # it is dead already, which the next look sees
            process.stdin.write(job_line(replace(self._job, worker=name)))
            process.stdin.flush()

    def _bury(self, worker: str, process: subprocess.Popen[str]) -> None:
        """Give up the trial of a worker that ended, and raise the error that it told.

        Raises:
            LenetError: It ended by an error, or the last few all ended by themselves.
        """
        told = _last_words(process)
        code = f"exit code {process.returncode}"
        ended_by_itself = bool(process.returncode) and not told and not self.stopping
        if ended_by_itself:
            self._progress.on_message(f"A worker ended by itself ({code}); its trial is made anew.")
        self._give_up([worker])
        if told:
            event = json.loads(told)
            error = LenetError(event["error"])
            error.exit_code = event["exit_code"]
            raise error
        self._deaths += ended_by_itself
        if self._deaths >= _DEATHS + self._workers:
            message = (
                f"Workers end by themselves again and again, the last with {code}. Their output "
                "may say why; try fewer `--workers`."
            )
            raise SweepError(message)

    def _give_up(self, workers: Sequence[str]) -> None:
        """Mark the running trials of workers as failed, so that others are made for them."""
        from optuna.trial import TrialState

        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if trial.user_attrs.get(WORKER) in workers:
                give_up_trial(self._study, trial.number)

    def _look_after_others(self) -> None:
        """Give up the trials of machines that are silent, and those that no worker has taken."""
        from optuna.trial import TrialState

        now = time.monotonic()
        if now - self._looked < _SELDOM:
            return
        self._looked = now
        fail_silent_workers(self._study, self._job.storage)
        trials = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        unknown = [trial.number for trial in trials if WORKER not in trial.user_attrs]
        self._unknown_since = {number: self._unknown_since.get(number, now) for number in unknown}
        for number, since in self._unknown_since.items():
            if now - since > (GRACE if self._job.storage.is_shared else _ALONE):
                give_up_trial(self._study, number)

    def _end_processes(self) -> None:
        """Let all workers end, and give up what they were at."""
        for process in self._processes.values():
            _let_go(process)
        for process in self._processes.values():
            _last_words(process)
        self._give_up(list(self._processes))
        self._processes.clear()


def _let_go(process: subprocess.Popen[str]) -> None:
    """Tell a worker that it is not needed any more, which the end of its input does."""
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.close()


def _last_words(process: subprocess.Popen[str]) -> str:
    """What a worker told at its end, which is waited for."""
    _let_go(process)
    assert process.stdout is not None
    with process.stdout:
        told = process.stdout.read()
    process.wait()
    return told


def give_up_trial(study: Study, number: int) -> None:
    """Mark a running trial as failed; nothing if it has ended in this instant."""
    from optuna.exceptions import UpdateFinishedTrialError
    from optuna.trial import TrialState

    with quiet_optuna():
        with suppress(ValueError, UpdateFinishedTrialError):
            study.tell(number, state=TrialState.FAIL)


def give_up_all(study: Study) -> None:
    """Mark all running trials as failed: nobody else can have a worker on this storage."""
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        give_up_trial(study, trial.number)
