"""What chooses the values of a trial, and what stops one that falls behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lenet.experiments.sweeps._records import sampler_seed

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler

    from lenet.experiments._options import SamplerName

FIRST = 5  # so many trials come to their end before one is stopped


def make_sampler(name: SamplerName, seed: int) -> BaseSampler:
    """What chooses values: a function of the sweep's seed, the trial's number and earlier trials.

    A sampler of Optuna goes on from where its random numbers are, so that a sweep that is gone on
    with would begin them again. This one begins them anew with every trial.
    """
    from optuna.samplers import BaseSampler, RandomSampler, TPESampler

    class SeededSampler(BaseSampler):
        """Another sampler, made anew for each trial."""

        def __init__(self) -> None:
            self._inner: BaseSampler = RandomSampler(seed)

        def before_trial(self, study: Any, trial: Any) -> None:
            number = sampler_seed(seed, trial.number)
            self._inner = TPESampler(seed=number) if name == "tpe" else RandomSampler(number)
            self._inner.before_trial(study, trial)

        def infer_relative_search_space(self, study: Any, trial: Any) -> Any:
            return self._inner.infer_relative_search_space(study, trial)

        def sample_relative(self, study: Any, trial: Any, search_space: Any) -> Any:
            return self._inner.sample_relative(study, trial, search_space)

        def sample_independent(
            self, study: Any, trial: Any, param_name: Any, param_distribution: Any
        ) -> Any:
            return self._inner.sample_independent(study, trial, param_name, param_distribution)

        def after_trial(self, study: Any, trial: Any, state: Any, values: Any) -> None:
            self._inner.after_trial(study, trial, state, values)

    return SeededSampler()


def make_pruner(prune: bool, warm_up: int) -> BasePruner:
    """What stops a trial: a best accuracy below the median of the others' at the same epoch.

    Args:
        prune: Whether any is stopped.
        warm_up: So many first epochs none is stopped in.
    """
    from optuna.pruners import MedianPruner, NopPruner

    if not prune:
        return NopPruner()
    return MedianPruner(n_startup_trials=FIRST, n_warmup_steps=warm_up + 1)
