from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lenet.core import CompareKeywords, Compute, format_setting, take_settings
from lenet.datasets import Dataset, DataSource, ImageHolder, as_dataset, find_source
from lenet.errors import (
    InterruptedTraining,
    RunError,
    SettingError,
    TrainingError,
    UnknownNameError,
)
from lenet.experiments._comparison import Comparison, Entry
from lenet.experiments._job import Job, JobSource, Outcome
from lenet.experiments._options import CompareOptions, ScoredSplit
from lenet.experiments._pool import work_here, work_in_processes
from lenet.experiments._progress import Progress
from lenet.models import (
    MODELS,
    ArrayNetwork,
    model_config,
    read_network,
    summarise,
)
from lenet.results import Views, log_probabilities, pick_examples
from lenet.runs import Run, core_count, load_data_of, make_plan, open_run
from lenet.training import PRESETS, beats_guessing, pick_device

if TYPE_CHECKING:
    from torch import nn
    from typing_extensions import Unpack

_Group = tuple[str, dict[int, Outcome]]  # the trainings of one contender, by seed


@dataclass(frozen=True)
class Contender:
    """A network with its recipe, to be trained with several seeds.

    Attributes:
        label: What it is called in tables and pictures.
        preset: The preset's name; the one that suits network and data where none is given.
        model: The network's name in the registry; the preset's where none is given.
        settings: Fields of the recipe and of the network's settings that are changed.
    """

    label: str
    preset: str | None = None
    model: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)


def make_contenders(
    models: Sequence[str | Contender],
    vary: Mapping[str, Sequence[Any]] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> list[Contender]:
    """Every named preset or network with every combination of varied settings.

    Args:
        models: Names of presets or of networks; one without a name is the preset that suits the
            data. Or contenders that are put together already.
        vary: For each setting the values to try.
        settings: Settings that all have.

    Raises:
        UnknownNameError: A name is neither of a preset nor of a network.
        SettingError: Two are the same, a setting is varied and fixed, or one has no values.

    >>> [contender.label for contender in make_contenders(["lenet"], {"epochs": [1, 2]})]
    ['epochs 1', 'epochs 2']
    """
    vary, settings = vary or {}, dict(settings or {})
    for name, values in vary.items():
        if not values:
            message = f"`{name}` is to be varied, but over no values."
            raise SettingError(message)
        if name in settings:
            message = f"`{name}` can't be both varied and fixed."
            raise SettingError(message)
    contenders = []
    for model in models or [""]:
        base = model if isinstance(model, Contender) else _named(model)
        for values in itertools.product(*vary.values()):
            changes = dict(zip(vary, values, strict=True))
            is_named = isinstance(model, Contender) or len(models) > 1 or not changes
            label = _label(base.label if is_named else "", changes)
            changes = base.settings | settings | changes
            contenders.append(replace(base, label=label, settings=changes))
    labels = [contender.label for contender in contenders]
    for label in labels:
        if labels.count(label) > 1:
            message = f"`{label}` would be compared with itself."
            raise SettingError(message)
    return contenders


def _named(name: str) -> Contender:
    """The preset, or else the network, of a name; what suits the data where there is none."""
    if name and name not in PRESETS and name not in MODELS:
        raise UnknownNameError("model or preset", name, dict.fromkeys([*MODELS, *PRESETS]))
    if name in PRESETS:
        return Contender(name, preset=name)
    return Contender(name, model=name or None)


def _label(model: str, changes: Mapping[str, Any]) -> str:
    """The model's name and what is special about it."""
    parts = [f"{name.replace('_', ' ')} {format_setting(value)}" for name, value in changes.items()]
    return ", ".join([model, *parts] if model else parts) or "default"


def compare(
    models: Sequence[str | Contender] = (),
    dataset: str | Path | DataSource | ImageHolder = "fashion-mnist",
    *,
    vary: Mapping[str, Sequence[Any]] | None = None,
    progress: Progress | None = None,
    **settings: Unpack[CompareKeywords],
) -> Comparison:
    """Train several networks or recipes with several seeds each, and compare their scores.

    Trainings that are in `runs_folder` already are taken from there, so a comparison can be
    stopped, gone on with and widened.

    Args:
        models: Names of presets or networks; the preset that suits the data where none are given.
            Or contenders that are put together already.
        dataset: The dataset's name, or the path of a folder or file of one's own; or what
            `lenet.as_dataset` takes, on which the networks are trained one after the other, in this
            process.
        vary: For each setting the values to try, such as `{"activation": ["sigmoid", "relu"]}`;
            every combination is tried with every model.
        progress: Who is told how it goes.
        settings: Fields of [`CompareOptions`][lenet.experiments.CompareOptions]: `seeds`,
            `first_seed`, `split`, `views`, `device`, `threads`, `engine`, `processes`, `together`
            and `runs_folder`. And fields of `Recipe` and of the networks' settings that all have.

    Raises:
        SettingError: A name or a setting is unknown, ill-typed or out of range.
        DatasetError: The data can't be had.
        ModelError: A network can't be built or does not fit the data.
        InterruptedTraining: Ctrl-C or SIGTERM; the same call goes on.
    """
    options, common = take_settings(CompareOptions, settings)
    contenders = make_contenders(models, vary, common)
    source = find_source(dataset) if isinstance(dataset, (str, Path, DataSource)) else None
    is_held = source is None and not isinstance(dataset, str)
    # Downloaded or read once, before several processes want it.
    data = as_dataset(dataset if source is None else source)
    shape = {"input_shape": data.image_shape, "classes": len(data.class_names)}
    for one in contenders:  # what can be said against them before anything is trained
        plan = make_plan(data.name, one.model, None, one.preset, one.settings, data)
        assert isinstance(plan.model, str)
        model_config(plan.model, {**shape, **plan.settings})
    place = pick_device(options.device)
    together, processes = options.together, options.processes
    if together is None:
        together = place.startswith("cuda") and options.engine == "auto" and processes is None
    if processes is None:
        processes = max(1, core_count() // options.threads) if place == "cpu" else 1
    numbers = range(options.first_seed, options.first_seed + options.seeds)
    trainings = {
        number: {"seed": seed, "model": one.model, "preset": one.preset, **one.settings}
        for number, (one, seed) in enumerate(itertools.product(contenders, numbers))
    }
    job = Job(
        trainings,
        source or (data.name if is_held else str(dataset)),
        Compute(str(place), options.threads, options.engine),
        runs_folder=str(options.runs_folder),
    )
    progress = progress or Progress()
    progress.on_start([f"{one.label}, seed {seed}" for one in contenders for seed in numbers])
    try:
        if together:
            jobs = _Trainings([job], progress)
            stopped_by = work_here(jobs, data)
        else:
            each = [replace(job, trainings={key: value}) for key, value in trainings.items()]
            jobs = _Trainings(each, progress)
            stopped_by = work_here(jobs, data) if is_held else work_in_processes(jobs, processes)
    finally:
        progress.on_stop()
    if stopped_by is not None:
        message = "Stopped. The same command goes on from here."
        raise InterruptedTraining(message, number=stopped_by)
    outcomes = iter([jobs.outcomes[number] for number in trainings])
    groups = [(one.label, {seed: next(outcomes) for seed in numbers}) for one in contenders]
    return _score(groups, data, options.split, options.views, options.device)


class _Trainings(JobSource):
    """The trainings of a comparison."""

    def __init__(self, jobs: Sequence[Job], progress: Progress):
        self.outcomes: dict[int, Outcome] = {}
        self._jobs, self._progress = iter(jobs), progress

    def next_job(self) -> Job | None:
        return next(self._jobs, None)

    def on_epoch(self, number: int, epoch: int, epochs: int, accuracy: float | None) -> bool:
        self._progress.on_share(number, epoch / epochs)
        return True

    def on_end(self, number: int, outcome: Outcome) -> None:
        self.outcomes[number] = outcome
        self._progress.on_end(number, Path(outcome.folder) if outcome.folder else None)

    def on_death(self, numbers: Sequence[int], code: int) -> None:
        # It would do it again, so nothing is gained by another try.
        message = f"A training ended without a result (exit code {code})."
        raise TrainingError(message)


def compare_runs(
    runs: Sequence[Run | Path | str],
    dataset: ImageHolder | None = None,
    *,
    split: ScoredSplit = "test",
    views: Views = "single",
    device: str = "auto",
    runs_folder: Path | str = "runs",
) -> Comparison:
    """Compare finished runs; those that differ in nothing but the seed belong together.

    Args:
        runs: Runs, their folders or their names.
        dataset: The data, where the runs were trained on images in memory.
        split: Which images to score on: `validation` or `test`.
        views: How images are looked at for `averaged_accuracies`; `single` for none.
        device: Where to compute.
        runs_folder: Where names are looked for.

    Raises:
        RunError: There is no such run, it is not finished, or they were trained on different data.
    """
    opened = [run if isinstance(run, Run) else open_run(run, runs_folder) for run in runs]
    if not opened:
        message = "There are no runs to compare."
        raise RunError(message)
    for run in opened:
        _ = run.result  # which says so where there is none yet
    names = {run.config.dataset for run in opened}
    if len(names) > 1:
        listed = ", ".join(f"`{name}`" for name in sorted(names))
        message = f"The runs were trained on different data: {listed}."
        raise RunError(message)
    data = load_data_of(opened[-1]) if dataset is None else as_dataset(dataset)
    return _score(list(_group(opened)), data, split, views, device)


def _group(runs: Sequence[Run]) -> Iterator[_Group]:
    """Runs that differ in nothing but the seed, under a name that tells them from the others."""
    settings = [
        {"model": run.config.model} | run.config.settings.to_dict() | run.config.recipe.to_dict()
        for run in runs
    ]
    distinct = [values for place, values in enumerate(settings) if values not in settings[:place]]
    differing = [
        name
        for name in dict.fromkeys(name for values in distinct for name in values)
        if len({repr(values.get(name)) for values in distinct}) > 1
    ]
    for values in distinct:
        members = [run for run, others in zip(runs, settings, strict=True) if others == values]
        outcomes = {run.config.seed: Outcome("complete", folder=str(run.folder)) for run in members}
        if len(outcomes) < len(members):
            message = f"Two of the runs are the same training: {members[0].folder} and another."
            raise RunError(message)
        special = {name: values[name] for name in differing if name in values}
        yield _label(members[0].config.preset, special), outcomes


def _score(
    groups: Sequence[_Group], data: Dataset, split: ScoredSplit, views: Views, device: str
) -> Comparison:
    place = pick_device(device)
    entries = tuple(_entry(*group, data, split, views, place) for group in groups)
    environments = [run.environment for entry in entries for run in entry.runs]
    kept = ("lenet", "torch", "processor", "platform", "kernels")
    environment = {name: environments[0].get(name) for name in kept} if environments else {}
    return Comparison(data.name, split, entries, environment)


def _entry(
    label: str,
    outcomes: Mapping[int, Outcome],
    data: Dataset,
    split: ScoredSplit,
    views: Views,
    place: str,
) -> Entry:
    runs = {seed: Run(Path(one.folder)) for seed, one in outcomes.items() if one.folder}
    right: dict[int, npt.NDArray[np.bool_]] = {}
    averaged: list[float] = []
    untaught: list[int] = []
    network: ArrayNetwork | nn.Module | None = None
    for seed, run in runs.items():
        network, card = read_network(run.model_path)
        examples = pick_examples(run, data, split)
        for look in dict.fromkeys(("single", views)):
            scores = log_probabilities(
                network, examples, card.normalisation, views=look, device=place
            )
            is_right: npt.NDArray[np.bool_] = scores.argmax(axis=1) == examples.labels
            if look == "single":
                right[seed] = is_right
                if not beats_guessing(float(is_right.mean()), np.bincount(examples.labels)):
                    untaught.append(seed)
            else:
                averaged.append(float(is_right.mean()))
    layers = summarise(network, (1, *data.image_shape)) if network is not None else []
    return Entry(
        label=label,
        parameters=sum(layer.parameters for layer in layers),
        multiply_accumulates=sum(layer.multiply_accumulates for layer in layers),
        averaged_accuracies=tuple(averaged),
        seconds=tuple(run.result.seconds for run in runs.values()),
        threads=next((run.config.threads for run in runs.values()), 0),
        failures={seed: one.reason for seed, one in outcomes.items() if not one.folder},
        runs=tuple(runs.values()),
        right=right,
        untaught=tuple(untaught),
    )
