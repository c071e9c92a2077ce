from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from torch import nn

from lenet.core import CompareKeywords, format_setting, take_settings
from lenet.datasets import Dataset, DataSource, Split, find_source, load_dataset
from lenet.errors import RunError
from lenet.experiments._options import CompareOptions
from lenet.experiments.comparison._comparison import Comparison, Entry
from lenet.experiments.comparison._contenders import Contender, make_contenders
from lenet.experiments.comparison._progress import Progress
from lenet.experiments.comparison._scored_split import ScoredSplit
from lenet.experiments.comparison._train_all import Outcome, train_all
from lenet.experiments.comparison._train_together import train_together
from lenet.experiments.comparison._worker import Job
from lenet.models import Normalisation, load_model, model_config, summarise
from lenet.results import Views, log_probabilities, pick_examples
from lenet.runs import Run, core_count, load_data_of, make_plan, open_run
from lenet.training import pick_device

if TYPE_CHECKING:
    from typing_extensions import Unpack


def compare(
    models: Sequence[str | Contender] = (),
    dataset: str | Path | DataSource = "fashion-mnist",
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
        dataset: The dataset's name, or the path of a folder or file of one's own.
        vary: For each setting the values to try, such as `{"activation": ["sigmoid", "relu"]}`;
            every combination is tried with every model.
        progress: Who is told how it goes.
        settings: Fields of [`CompareOptions`][lenet.experiments.CompareOptions]: `seeds`,
            `first_seed`, `split`, `views`, `device`, `threads`, `kernels`, `processes`, `together`
            and `runs_folder`. And fields of `Recipe` and of the networks' settings that all have.

    Raises:
        SettingError: A name or a setting is unknown, ill-typed or out of range.
        DatasetError: The data can't be had.
        ModelError: A network can't be built or does not fit the data.
        InterruptedTraining: Ctrl-C or SIGTERM; the same call goes on.
    """
    options, common = take_settings(CompareOptions, settings)
    contenders = make_contenders(models, vary, common)
    source = find_source(dataset)
    # Downloaded or read once, before several processes want it.
    data = load_dataset(dataset if source is None else source)
    for contender in contenders:
        _check(contender, data)
    place = pick_device(options.device)
    together, processes = options.together, options.processes
    if together is None:
        on_gpu = place.type == "cuda" and options.kernels == "auto"
        together = on_gpu and processes is None
    if processes is None:
        processes = max(1, core_count() // options.threads) if place.type == "cpu" else 1
    numbers = range(options.first_seed, options.first_seed + options.seeds)
    trainings = list(itertools.product(contenders, numbers))
    jobs = [
        Job(
            str(dataset) if source is None else source,
            contender.preset,
            contender.model,
            contender.settings,
            seed,
            str(place),
            options.threads,
            options.kernels,
            str(options.runs_folder),
        )
        for contender, seed in trainings
    ]
    progress = progress or Progress()
    progress.on_start([f"{contender.label}, seed {seed}" for contender, seed in trainings])
    try:
        outcomes = iter(
            train_together(jobs, data, progress)
            if together
            else train_all(jobs, processes, progress)
        )
    finally:
        progress.on_stop()
    groups = [
        _Group(contender.label, {seed: next(outcomes) for seed in numbers})
        for contender in contenders
    ]
    return _score(groups, data, options.split, options.views, options.device)


def _check(contender: Contender, data: Dataset) -> None:
    """Raise what can be said against a contender before anything is trained."""
    plan = make_plan(data.name, contender.model, None, contender.preset, contender.settings, data)
    shape = {"input_shape": data.image_shape, "classes": len(data.class_names)}
    assert isinstance(plan.model, str)
    model_config(plan.model, {**shape, **plan.settings})


def compare_runs(
    runs: Sequence[Run | Path | str],
    dataset: Dataset | None = None,
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
        split: Which images to score on.
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
    data = dataset or load_data_of(opened[-1])
    return _score(list(_group(opened)), data, split, views, device)


@dataclass(frozen=True)
class _Group:
    """The trainings of one contender, by seed."""

    label: str
    outcomes: dict[int, Outcome]


def _group(runs: Sequence[Run]) -> Iterator[_Group]:
    """Runs that differ in nothing but the seed, under a name that tells them from the others.

    Raises:
        RunError: Two runs are the same training.
    """
    settings = [_settings(run) for run in runs]
    distinct: list[dict[str, Any]] = []
    for values in settings:
        if values not in distinct:
            distinct.append(values)
    differing = [
        name
        for name in dict.fromkeys(name for values in distinct for name in values)
        if len({repr(values.get(name)) for values in distinct}) > 1
    ]
    for values in distinct:
        members = [run for run, others in zip(runs, settings, strict=True) if others == values]
        outcomes = {run.config.seed: Outcome(run.folder) for run in members}
        if len(outcomes) < len(members):
            message = f"Two of the runs are the same training: {members[0].folder} and another."
            raise RunError(message)
        parts = [members[0].config.preset] + [
            f"{name.replace('_', ' ')} {format_setting(values[name])}"
            for name in differing
            if name in values
        ]
        yield _Group(", ".join(parts), outcomes)


def _settings(run: Run) -> dict[str, Any]:
    """All that makes a run what it is, besides its seed."""
    config = run.config
    return {"model": config.model} | config.settings.to_dict() | config.recipe.to_dict()


def _score(
    groups: Sequence[_Group], data: Dataset, split: ScoredSplit, views: Views, device: str
) -> Comparison:
    """The groups' scores."""
    entries = tuple(_entry(group, data, split, views, device) for group in groups)
    environments = [run.environment for entry in entries for run in entry.runs]
    kept = ("lenet", "torch", "processor", "platform", "kernels")
    environment = {name: environments[0].get(name) for name in kept} if environments else {}
    return Comparison(data.name, split, entries, environment)


def _entry(group: _Group, data: Dataset, split: ScoredSplit, views: Views, device: str) -> Entry:
    """One contender's scores."""
    runs = {
        seed: Run(outcome.folder)
        for seed, outcome in group.outcomes.items()
        if outcome.folder is not None
    }
    right: dict[int, npt.NDArray[np.bool_]] = {}
    averaged, seconds = [], []
    network: nn.Module | None = None
    for seed, run in runs.items():
        seconds.append(run.result.seconds)
        network, card = load_model(run.model_path)
        look = functools.partial(
            _right, network, pick_examples(run, data, split), card.normalisation, device
        )
        right[seed] = look("single")
        if views != "single":
            averaged.append(float(look(views).mean()))
    layers = summarise(network, (1, *data.image_shape)) if network is not None else []
    return Entry(
        label=group.label,
        parameters=sum(layer.parameters for layer in layers),
        multiply_accumulates=sum(layer.multiply_accumulates for layer in layers),
        averaged_accuracies=tuple(averaged),
        seconds=tuple(seconds),
        threads=next((run.config.threads for run in runs.values()), 0),
        failures={
            seed: outcome.failure
            for seed, outcome in group.outcomes.items()
            if outcome.folder is None
        },
        runs=tuple(runs.values()),
        right=right,
    )


def _right(
    network: nn.Module, examples: Split, normalisation: Normalisation, device: str, views: Views
) -> npt.NDArray[np.bool_]:
    """Which images a network gets right."""
    place = pick_device(device)
    scores = log_probabilities(
        network.to(place), examples, normalisation, views=views, device=place
    )
    right: npt.NDArray[np.bool_] = scores.argmax(dim=1).numpy() == examples.labels
    return right
