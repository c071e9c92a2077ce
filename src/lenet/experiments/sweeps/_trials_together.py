"""Several trials at a time, those of one form as one computation."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from typing import TYPE_CHECKING

from lenet.datasets import Dataset, SharedImages
from lenet.errors import InterruptedTraining
from lenet.experiments.sweeps._trial import prepare_trial, settle_trial
from lenet.training import Trainer, lockstep_key, pick_device, train_in_lockstep

if TYPE_CHECKING:
    from optuna import Study, Trial

    from lenet.experiments.sweeps._definition import Definition


class TrialsTogether:
    """Makes trials that were begun at the same time, and tells Optuna how they ended.

    Args:
        study: Who is told.
        definition: What is searched.
        data: The images, as `Definition.hold_out` gives them.
        device: Where to train.
        on_trainer: Is given each trainer before it begins, to be able to stop it.
        train_alone: Makes a trial that fits no other, and gives its accuracy.
    """

    def __init__(
        self,
        study: Study,
        definition: Definition,
        data: Dataset,
        *,
        device: str,
        on_trainer: Callable[[Trainer], None],
        train_alone: Callable[[Trial], float],
    ):
        self._study, self._definition, self._data = study, definition, data
        self._device, self._on_trainer, self._train_alone = device, on_trainer, train_alone
        self._shared = SharedImages(data, pick_device(device))
        self._open: list[Trial] = []
        self._groups: dict[Hashable, list[tuple[Trial, Trainer]]] = {}

    def add(self, trial: Trial) -> None:
        """Ask a trial for its settings; it ends at once where these do not suit each other."""
        from optuna import TrialPruned

        self._open.append(trial)
        try:
            trainer = prepare_trial(
                self._definition,
                trial,
                self._data,
                device=self._device,
                kernels="torch",
                shared=self._shared,
            )
        except TrialPruned:
            self._end_as_pruned(trial)
            return
        # What is like no other is alone under its trial's number.
        self._groups.setdefault(lockstep_key(trainer) or trial.number, []).append((trial, trainer))

    def train(self) -> None:
        """Make all that were added."""
        from optuna import TrialPruned

        for members in self._groups.values():
            if len(members) == 1:
                ((trial, _),) = members
                self._end(trial, partial(self._train_alone, trial))
                continue
            trainers = [trainer for _, trainer in members]
            for trainer in trainers:
                self._on_trainer(trainer)
            endings = train_in_lockstep(trainers, ends_alone=(TrialPruned,))
            for (trial, trainer), ending in zip(members, endings, strict=True):
                self._end(trial, partial(settle_trial, trial, trainer, ending))

    def give_up(self) -> None:
        """Let others be made for those that have no end, after an error."""
        from optuna.trial import TrialState

        for trial in self._open:
            self._study.tell(trial, state=TrialState.FAIL)
        self._open = []

    def _end(self, trial: Trial, reach: Callable[[], float]) -> None:
        """Tell what a trial has reached."""
        from optuna import TrialPruned
        from optuna.trial import TrialState

        try:
            accuracy = reach()
        except TrialPruned:
            self._end_as_pruned(trial)
            return
        except InterruptedTraining:
            self._study.tell(trial, state=TrialState.FAIL)
        else:
            self._study.tell(trial, accuracy)
        self._open.remove(trial)

    def _end_as_pruned(self, trial: Trial) -> None:
        """Tell that a trial has reached no more than it has told."""
        from optuna.trial import TrialState

        self._study.tell(trial, state=TrialState.PRUNED)
        self._open.remove(trial)
