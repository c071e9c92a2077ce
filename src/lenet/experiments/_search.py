"""Asks Optuna for trials until there are as many as were asked for, and tells it how they end."""

from __future__ import annotations

import itertools
import time
import uuid
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning, UpdateFinishedTrialError
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import TrialState

from lenet.core import Compute
from lenet.datasets import Dataset
from lenet.errors import ModelError, SettingError, SweepError
from lenet.experiments._definition import HELD_OUT, Definition, SweepTrial, trial_seed
from lenet.experiments._job import Job, JobSource, Outcome, State
from lenet.experiments._options import SweepWork
from lenet.experiments._pool import work_here, work_in_processes
from lenet.experiments._progress import SweepProgress
from lenet.experiments._space import choose
from lenet.experiments._storage import (
    GRACE,
    OUTCOME,
    WORKER,
    Storage,
    begin_trial,
    give_up,
    heartbeats,
    number_of,
    running_trials,
)

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

_SELDOM = 5.0  # seconds between two looks at what other machines do
_FEWEST = 4  # complete trials, for an importance
_DEATHS = 3  # in a row, without a trial that came to its end in between


class Search(JobSource):
    """Sees that all trials are made, whoever makes them and whoever ends before.

    The images are as `Definition.hold_out` gives them.
    """

    def __init__(
        self,
        study: Study,
        storage: Storage,
        definition: Definition,
        data: Dataset,
        work: SweepWork,
        progress: SweepProgress | None = None,
    ) -> None:
        self._study, self._storage, self._definition = study, storage, definition
        self._data, self._work = data, work
        self._progress = progress or SweepProgress()
        self._dimensions = definition.dimensions
        tries = self._study.get_trials(deepcopy=False)
        self._told = {one.number for one in tries if one.state != TrialState.RUNNING}
        self._name = uuid.uuid4().hex
        self._open: dict[int, Trial] = {}
        self._deaths = 0
        self._unclaimed_since: dict[int, float] = {}
        self._looked = float("-inf")

    def trials(self) -> list[SweepTrial]:
        """All trials so far."""
        return [self._read(number, trial) for number, trial in sorted(self._tries().items())]

    def _has_all_values(self, trial: FrozenTrial) -> bool:
        """Whether it was not lost before all of them were chosen."""
        with suppress(KeyError):
            choose(self._dimensions, lambda one: one.value_of(trial.params[one.name]))
            return True
        return False

    def _tries(self) -> dict[int, FrozenTrial]:
        """By the number of each trial the try that was not lost; else the last one."""
        found: dict[int, FrozenTrial] = {}
        for trial in self._study.get_trials(deepcopy=False):
            number = number_of(trial)
            if number not in found or found[number].state == TrialState.FAIL:
                found[number] = trial
        return found

    def _read(self, number: int, trial: FrozenTrial) -> SweepTrial:
        outcome = trial.user_attrs.get(OUTCOME, {})
        states: dict[TrialState, State] = {
            TrialState.FAIL: "lost",
            TrialState.COMPLETE: "complete",
            TrialState.PRUNED: outcome.get("state", "pruned"),
        }
        state = states.get(trial.state, "running")
        accuracies = trial.intermediate_values
        best_epoch = max(accuracies, key=lambda epoch: (accuracies[epoch], -epoch), default=None)
        return SweepTrial(
            number=number,
            state=state,
            settings={
                dimension.name: dimension.value_of(trial.params[dimension.name])
                for dimension in self._dimensions
                if dimension.name in trial.params
            },
            seed=trial_seed(self._definition.seed, number),
            validation_accuracy=None if best_epoch is None else accuracies[best_epoch],
            best_epoch=best_epoch,
            epochs=len(accuracies),
            seconds=outcome.get("seconds"),
            reason=outcome.get("reason") or ("Its worker ended." if state == "lost" else ""),
        )

    def announce(self, folder: Path) -> None:
        """Tell what is about to happen."""
        definition, tell, wanted = self._definition, self._progress.on_message, self._work.trials
        assert self._data.validation is not None
        space = ", ".join(f"{name} {text}" for name, text in definition.search.items())
        tell(
            f"Searching `{definition.model}` on `{definition.dataset}`: {space}. Preset "
            f"`{definition.preset}`, scored on {len(self._data.validation):,} held-out images; "
            f"test images are not looked at. Sweep folder: {folder}"
        )
        if self._storage.is_shared:
            tell(f"Trials are kept in {self._storage.shown}.")
        if not definition.recipe.validation and definition.validation:
            tell(
                f"The preset `{definition.preset}` holds out no images to choose on; for the sweep "
                f"it holds out a share of {HELD_OUT:g}."
            )
        done = sum(trial.counts for trial in self.trials())
        if done >= wanted:
            tell(f"All {done} trials are made; `--trials` asks for more.")
        elif done:
            tell(f"Going on after {done} of {wanted} trials.")

    def run(self) -> int | None:
        """Work until all trials are made; gives the signal that stopped it before, if one did."""
        try:
            with heartbeats(self._study, self._storage, self._name):
                if self._work.workers == 1:
                    return work_here(self, self._data)
                return work_in_processes(self, self._work.workers)
        finally:
            for trial in self._open.values():
                give_up(self._study, trial)
            self._tell()

    def next_job(self) -> Job | None:
        """Ask for as many trials as are made at once, where so many are missing.

        Those that were lost come first and by themselves, with the values that they had: so later
        ones are chosen after the same trials as if nothing had been lost.
        """
        trainings: dict[int, dict[str, Any]] = {}
        definition, work = self._definition, self._work
        are_lost = False
        while len(trainings) < work.at_once:
            tries = self._tries()
            taken = {number for number, one in tries.items() if one.state != TrialState.FAIL}
            taken |= self._open.keys()  # one may be taken for lost that a worker of ours is at yet
            if len(taken) >= work.trials:
                break
            number = next(number for number in itertools.count() if number not in taken)
            lost = tries.get(number)
            if are_lost and lost is None and trainings:
                break
            are_lost = lost is not None
            kept = lost if lost and self._has_all_values(lost) else None
            trial = begin_trial(self._study, number, self._name, kept)
            if trial is None:
                continue
            self._open[number] = trial
            self._study.sampler = _sampler(definition, number)
            values = choose(self._dimensions, lambda dimension: dimension.suggest(trial))  # noqa: B023
            try:
                recipe = definition.recipe_with(values)
                network = definition.network_with(values, self._data)
            except (SettingError, ModelError) as error:
                self.on_end(number, Outcome("refused", str(error)))
                continue
            trainings[number] = {
                "seed": trial_seed(definition.seed, number),
                "model": definition.model,
                "preset": definition.preset,
                **recipe.to_dict(),
                **network,  # nothing is left to the preset
            }
        if not trainings:
            return None
        return Job(
            trainings,
            definition.source or definition.dataset,
            Compute(work.device, work.threads, work.engine),
            held_out=(definition.validation, definition.seed),
        )

    def is_over(self) -> bool:
        return self._tell() >= self._work.trials

    def look(self) -> None:
        """Give up the trials of machines that are silent, and those that no machine has taken."""
        now = time.monotonic()
        if not self._storage.is_shared or now - self._looked < _SELDOM:
            return
        self._looked = now
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            optuna.storages.fail_stale_trials(self._study)
        unclaimed = [t.number for t in running_trials(self._study) if WORKER not in t.user_attrs]
        since = {number: self._unclaimed_since.get(number, now) for number in unclaimed}
        for number in unclaimed:
            if now - since[number] > GRACE:
                give_up(self._study, number)
        self._unclaimed_since = since
        self._tell()

    def on_epoch(self, number: int, epoch: int, epochs: int, accuracy: float | None) -> bool:
        """Keep the accuracy; after the last epoch there is nothing to save by stopping."""
        assert accuracy is not None
        trial = self._open[number]
        try:
            trial.report(accuracy, epoch)
        except UpdateFinishedTrialError:
            return False  # we were silent for so long that it was taken for lost
        return epoch == epochs or not trial.should_prune()

    def on_end(self, number: int, outcome: Outcome) -> None:
        trial = self._open.pop(number)
        kept = {"reason": outcome.reason, "seconds": outcome.seconds}
        if outcome.state not in ("complete", "lost"):
            kept["state"] = outcome.state
        states = {"complete": TrialState.COMPLETE, "lost": TrialState.FAIL}
        state = states.get(outcome.state, TrialState.PRUNED)
        with suppress(UpdateFinishedTrialError):  # it was taken for lost, and is made anew
            trial.set_user_attr(OUTCOME, kept)
            accuracy = outcome.accuracy if outcome.state == "complete" else None
            self._study.tell(trial, accuracy, state, skip_if_finished=True)
        self._tell()

    def on_death(self, numbers: Sequence[int], code: int) -> None:
        """Give up the trials of a worker that ended; the last of too many in a row is an error."""
        message = f"A worker ended by itself (exit code {code}); its trial is made anew."
        self._progress.on_message(message)
        for number in numbers:
            if trial := self._open.pop(number, None):
                give_up(self._study, trial)
        self._tell()
        self._deaths += 1
        if self._deaths >= _DEATHS + self._work.workers:
            message = (
                "Workers end by themselves again and again, the last with exit code "
                f"{code}. Their output may say why; try fewer `--workers`."
            )
            raise SweepError(message)

    def _tell(self) -> int:
        """Tell what has ended since the last look; gives how many trials are made."""
        tries = sorted(self._tries().items())
        trials = [(self._read(number, one), one.number) for number, one in tries]
        made = sum(trial.counts for trial, _ in trials)
        ended = [t for t, own in trials if t.state != "running" and own not in self._told]
        self._told |= {own for trial, own in trials if trial.state != "running"}
        for index, trial in enumerate(ended):
            still_to_tell = sum(later.counts for later in ended[index + 1 :])
            self._progress.on_trial(trial, made - still_to_tell, self._work.trials)
            if trial.counts:
                self._deaths = 0
        return made


def _sampler(definition: Definition, number: int) -> BaseSampler:
    """What chooses the values of a trial: a function of sweep's seed, its number, earlier trials.

    A sampler of Optuna goes on from where its random numbers are, so that a sweep that is gone on
    with would begin them again. So each trial has its own.
    """
    own = int(np.random.SeedSequence([definition.seed, number]).generate_state(2)[1])
    return TPESampler(seed=own) if definition.sampler == "tpe" else RandomSampler(own)


def measure_importance(study: Study) -> dict[str, float]:
    """How much of the differences between complete trials each setting explains.

    Returns:
        The shares, the greatest first; nothing for too few trials, or trials that are all alike.
    """
    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(trials) < _FEWEST or len({trial.value for trial in trials}) < 2:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shares = optuna.importance.get_param_importances(study)
    return {name: float(share) for name, share in shares.items()}
