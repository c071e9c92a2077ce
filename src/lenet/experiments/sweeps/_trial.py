"""One trial: settings that Optuna chose, a training with them, the best validation accuracy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lenet.datasets import Dataset, SharedImages
from lenet.errors import InterruptedTraining, ModelError, NonFiniteLossError, SettingError
from lenet.experiments.sweeps._records import OUTCOME, trial_seed
from lenet.kernels import KernelChoice
from lenet.models import build_model
from lenet.runs import measure_normalisation
from lenet.training import CurvePoint, Listener, Trainer, TrainingResult, pick_device

if TYPE_CHECKING:
    from optuna import Trial

    from lenet.experiments.sweeps._definition import Definition


class _Reporter(Listener):
    """Tells Optuna each epoch's validation accuracy, and stops a trial that falls behind."""

    def __init__(self, trial: Trial):
        self._trial = trial

    def on_epoch(self, trainer: Trainer, point: CurvePoint) -> None:
        """Tell the accuracy; after the last epoch there is nothing to save by stopping."""
        from optuna import TrialPruned

        assert point.validation_accuracy is not None
        self._trial.report(point.validation_accuracy, trainer.epoch)
        if trainer.epoch < trainer.recipe.epochs and self._trial.should_prune():
            message = f"Below the others' median after epoch {trainer.epoch}."
            raise TrialPruned(message)


def run_trial(
    definition: Definition,
    trial: Trial,
    data: Dataset,
    *,
    device: str = "auto",
    kernels: KernelChoice = "auto",
    on_trainer: Callable[[Trainer], None] = lambda trainer: None,
) -> float:
    """Train with the settings of a trial.

    Args:
        definition: What is searched.
        trial: The trial, which is asked for the settings and told how it goes.
        data: The images, as `Definition.hold_out` gives them; without test images.
        device: Where to train.
        kernels: What computes on a CPU.
        on_trainer: Is given the trainer before it begins, to be able to stop it.

    Returns:
        The best validation accuracy.

    Raises:
        TrialPruned: It fell behind, diverged, or its settings do not suit each other; the trial
            holds which.
        InterruptedTraining: The trainer was asked to stop.
    """
    from optuna import TrialPruned

    trainer = prepare_trial(definition, trial, data, device=device, kernels=kernels)
    on_trainer(trainer)
    ending: TrainingResult | Exception
    try:
        ending = trainer.run()
    except (NonFiniteLossError, TrialPruned, InterruptedTraining) as error:
        ending = error
    return settle_trial(trial, trainer, ending)


def prepare_trial(
    definition: Definition,
    trial: Trial,
    data: Dataset,
    *,
    device: str,
    kernels: KernelChoice,
    shared: SharedImages | None = None,
) -> Trainer:
    """Ask a trial for its settings; gives what trains with them and tells the trial how it goes.

    Args:
        definition: As for `run_trial`, and so are the others.
        trial: The trial.
        data: The images.
        device: Where to train.
        kernels: What computes on a CPU.
        shared: Where the images lie already.

    Raises:
        TrialPruned: The settings do not suit each other.
    """
    from optuna import TrialPruned

    assert data.test is None
    assert data.validation is not None or definition.validation
    values = {dimension.name: dimension.suggest(trial) for dimension in definition.dimensions}
    seed = trial_seed(definition.seed, trial.number)
    try:
        trainer = _build_trainer(definition, values, data, seed, device, kernels, shared)
    except (SettingError, ModelError) as error:
        _note(trial, state="refused", reason=str(error))
        raise TrialPruned(str(error)) from error
    trainer.listeners.append(_Reporter(trial))
    return trainer


def settle_trial(trial: Trial, trainer: Trainer, ending: TrainingResult | Exception) -> float:
    """Keep with a trial how its training ended; gives the best validation accuracy.

    Raises:
        TrialPruned: As for `run_trial`.
        InterruptedTraining: As for `run_trial`.
    """
    from optuna import TrialPruned

    if isinstance(ending, NonFiniteLossError):
        _note(trial, state="diverged", reason=str(ending), seconds=trainer.seconds)
        raise TrialPruned(str(ending)) from ending
    if isinstance(ending, TrialPruned):
        _note(trial, state="pruned", reason=str(ending), seconds=trainer.seconds)
        raise ending
    if isinstance(ending, Exception):
        _note(trial, reason=str(ending), seconds=trainer.seconds)
        raise ending
    _note(trial, seconds=trainer.seconds)
    assert ending.validation_accuracy is not None
    return ending.validation_accuracy


def _build_trainer(
    definition: Definition,
    values: dict[str, Any],
    data: Dataset,
    seed: int,
    device: str,
    kernels: KernelChoice,
    shared: SharedImages | None,
) -> Trainer:
    """What `lenet train` would build from the same settings, on the sweep's held-out images."""
    recipe = definition.recipe_with(values)
    network = build_model(definition.network_with(values, data), seed=seed)
    normalisation = measure_normalisation(recipe, data)
    return Trainer(
        network,
        data,
        recipe,
        device=pick_device(device),
        seed=seed,
        mean=normalisation.mean,
        std=normalisation.std,
        kernels=kernels,
        shared=shared,
    )


def _note(trial: Trial, **outcome: Any) -> None:
    """Keep with the trial how it ended."""
    trial.set_user_attr(OUTCOME, outcome)
