"""Trials: their images, seeds and values, what stops them, and what is known of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lenet.datasets import Dataset

if TYPE_CHECKING:
    from optuna import Study
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial

    from lenet.experiments._options import SamplerName
    from lenet.experiments._space import Dimension

State = Literal["complete", "pruned", "diverged", "refused", "lost", "running"]
OUTCOME, WORKER, SURPLUS = "lenet:outcome", "lenet:worker", "lenet:surplus"  # attributes
_FIRST = 5  # so many trials come to their end before one is stopped


@dataclass(frozen=True)
class SweepTrial:
    """A trial of a sweep.

    Attributes:
        number: Counted from 0, over all workers and machines.
        state: `complete`; `pruned`, as it fell behind the others; `diverged`; `refused`, as its
            settings do not suit each other; `lost`, as its worker was stopped or killed, so that
            another trial was made for it; `running`.
        settings: The values of the settings that are searched over, but for those that do not
            apply beside the others.
        seed: Of its weights, order and augmentation.
        validation_accuracy: The best epoch's, where an epoch came to its end.
        best_epoch: That epoch, counted from 1.
        epochs: How many epochs were trained.
        seconds: Wall-clock time of its training; `None` where it did not end.
        reason: Why it is not complete.
    """

    number: int
    state: State
    settings: dict[str, Any]
    seed: int
    validation_accuracy: float | None = None
    best_epoch: int | None = None
    epochs: int = 0
    seconds: float | None = None
    reason: str = ""

    @property
    def counts(self) -> bool:
        """Whether it is one of the trials that were asked for."""
        return self.state not in ("lost", "running")

    def to_dict(self) -> dict[str, Any]:
        """The values as JSON can hold them."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def trial_seed(seed: int, number: int) -> int:
    """The seed of a trial, from the sweep's seed and the trial's number.

    >>> trial_seed(0, 0) == trial_seed(0, 0), trial_seed(0, 0) == trial_seed(0, 1)
    (True, False)
    """
    return int(np.random.SeedSequence([seed, number]).generate_state(2)[0])


def hold_out(data: Dataset, share: float, seed: int) -> Dataset:
    """The images of a trial: a validation split that all trials have, and no test images."""
    data = replace(data, test=None)
    return data.with_validation(share, seed) if share else data


def make_sampler(name: SamplerName, seed: int, number: int) -> BaseSampler:
    """What chooses the values of a trial: a function of sweep's seed, its number, earlier trials.

    A sampler of Optuna goes on from where its random numbers are, so that a sweep that is gone on
    with would begin them again. So each trial has its own.
    """
    from optuna.samplers import RandomSampler, TPESampler

    own = int(np.random.SeedSequence([seed, number]).generate_state(2)[1])
    return TPESampler(seed=own) if name == "tpe" else RandomSampler(own)


def make_pruner(prune: bool, warm_up: int) -> BasePruner:
    """What stops a trial, if any: a best accuracy below the others' median at the same epoch."""
    from optuna.pruners import MedianPruner, NopPruner

    if not prune:
        return NopPruner()
    return MedianPruner(n_startup_trials=_FIRST, n_warmup_steps=warm_up + 1)


def taken(study: Study, before: int | None = None) -> int:
    """How many of the trials that were asked for are made or being made, or are before a number."""
    from optuna.trial import TrialState

    trials = study.get_trials(deepcopy=False)
    return sum(
        trial.state != TrialState.FAIL and (before is None or trial.number < before)
        for trial in trials
    )


def read_trials(study: Study, dimensions: Iterable[Dimension], seed: int) -> list[SweepTrial]:
    """All trials, by their numbers, but those that were begun by mistake and given back."""
    by_name = {dimension.name: dimension for dimension in dimensions}
    return [
        _read(trial, by_name, seed)
        for trial in sorted(study.get_trials(deepcopy=False), key=lambda trial: trial.number)
        if SURPLUS not in trial.user_attrs
    ]


def _read(trial: FrozenTrial, dimensions: Mapping[str, Dimension], seed: int) -> SweepTrial:
    from optuna.trial import TrialState

    outcome = trial.user_attrs.get(OUTCOME, {})
    if trial.state == TrialState.FAIL:
        state: State = "lost"
    elif trial.state == TrialState.COMPLETE:
        state = "complete"
    elif trial.state == TrialState.PRUNED:
        state = outcome.get("state", "pruned")
    else:
        state = "running"
    accuracies = trial.intermediate_values
    best_epoch = max(accuracies, key=lambda epoch: (accuracies[epoch], -epoch), default=None)
    settings = {
        name: dimension.value_of(trial.params[name])
        for name, dimension in dimensions.items()
        if name in trial.params
    }
    reason = outcome.get("reason", "")
    if state == "lost" and not reason:
        reason = "Its worker ended."
    return SweepTrial(
        number=trial.number,
        state=state,
        settings=settings,
        seed=trial_seed(seed, trial.number),
        validation_accuracy=None if best_epoch is None else accuracies[best_epoch],
        best_epoch=best_epoch,
        epochs=len(accuracies),
        seconds=outcome.get("seconds"),
        reason=reason,
    )
