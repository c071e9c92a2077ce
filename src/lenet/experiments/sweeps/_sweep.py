from __future__ import annotations

import shlex
import uuid
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lenet.core import SweepKeywords, SweepWorkKeywords, storage_errors, take_settings
from lenet.datasets import Dataset, DataSource, find_source, load_dataset
from lenet.errors import (
    InterruptedTraining,
    SettingError,
    SweepError,
)
from lenet.experiments._options import SweepOptions, SweepWork
from lenet.experiments.comparison._compare import compare
from lenet.experiments.comparison._contenders import Contender
from lenet.experiments.comparison._progress import Progress
from lenet.experiments.sweeps._definition import HELD_OUT, Definition, define
from lenet.experiments.sweeps._folder import (
    checked_name,
    find_sweep,
    is_begun,
    read_definition,
    working_alone,
    write_definition,
)
from lenet.experiments.sweeps._progress import SweepProgress
from lenet.experiments.sweeps._result import Sweep, measure_importance
from lenet.experiments.sweeps._supervisor import Supervisor, give_up_all
from lenet.experiments.sweeps._trial_storage import (
    Storage,
    file_storage,
    open_study,
    require_optuna,
    server_storage,
)
from lenet.experiments.sweeps._worker import Job
from lenet.runs import stop_on_signals
from lenet.training import cpu_threads, override_settings, pick_device, read_recipe_file

if TYPE_CHECKING:
    from optuna import Study
    from typing_extensions import Unpack


def sweep(
    search: Mapping[str, str | Sequence[Any]] | None = None,
    dataset: str | Path | DataSource = "fashion-mnist",
    *,
    progress: SweepProgress | None = None,
    confirm_progress: Progress | None = None,
    **settings: Unpack[SweepKeywords],
) -> Sweep:
    """Search for the settings with the best validation accuracy.

    The trials are kept as they are made, so the same call goes on with a sweep that was stopped or
    killed. All trials are scored on the same images, held out from training by `seed`; the test
    images are not looked at.

    Args:
        search: For each setting of the recipe or the network a list of values, or a text: values as
            `0.8,0.9,0.95`, a range as `0.1..0.9`, `log:0.01..1` or `64..512:64`.
        dataset: The dataset's name, or the path of a folder or file of one's own.
        progress: Who is told how it goes.
        confirm_progress: Who is told how the trainings of `confirm` go.
        settings: Fields of [`SweepOptions`][lenet.experiments.SweepOptions]: `space`, `model`,
            `preset`, `name`, `trials`, `workers`, `at_once`, `seed`, `sampler`, `prune`, `warm_up`,
            `confirm`, `storage`, `device`, `threads`, `kernels` and `sweeps_folder`. And fields of
            `Recipe` and of the network's settings that all trials have.

    Returns:
        The sweep; its folder holds the table, the pictures and the best recipe.

    Raises:
        SettingError: A setting or a range is unknown, ill-typed, out of range or at odds with
            others in every combination.
        DatasetError: The data can't be had or used.
        ModelError: No network of the space fits the data.
        SweepError: The storage is damaged, foreign or out of reach, has another sweep under the
            name, or no trial is complete.
        InterruptedTraining: Ctrl-C or SIGTERM; the same call goes on.
        MissingExtraError: Optuna is not installed.
    """
    require_optuna()
    options, fixed = take_settings(SweepOptions, settings)
    pick_device(options.device)
    model, preset = options.model, options.preset
    server = None if options.storage is None else server_storage(options.storage)
    searched = dict(search or {})
    if options.space is not None:
        file = read_recipe_file(options.space, with_search=True)
        model, preset = model or file.model, preset or file.preset
        # What is fixed here is not searched over, and the other way round.
        searched = _without(file.search, fixed) | searched
        fixed = override_settings(_without(file.settings, searched), fixed)
    source = find_source(dataset)
    data = load_dataset(dataset if source is None else source)
    definition = define(searched, data, options.replace(model=model, preset=preset), fixed)
    folder = options.sweeps_folder / checked_name(options.name or definition.name)
    is_there = is_begun(folder)
    if is_there:
        kept, _, shown = read_definition(folder)
        definition.require_same(kept, f"The sweep in `{folder}`")
        server = server or (server_storage(shown) if shown else None)
    made = _search(folder, definition, data, server, options, progress, create=not is_there)
    return _confirmed(made, options, confirm_progress)


def resume_sweep(
    name: str | Path,
    *,
    progress: SweepProgress | None = None,
    confirm_progress: Progress | None = None,
    **options: Unpack[SweepWorkKeywords],
) -> Sweep:
    """Go on with a sweep that was stopped, killed or complete, also for more trials.

    Args:
        name: The sweep's name or folder.
        progress: Who is told how it goes.
        confirm_progress: Who is told how the trainings of `confirm` go.
        options: Fields of [`SweepWork`][lenet.experiments.SweepWork]: `trials` (as many as were
            asked for last where none are given), `workers`, `at_once`, `confirm`, `storage` (if it
            needs a password, which is not kept), `device`, `threads`, `kernels` and
            `sweeps_folder`.

    Raises:
        SweepError: There is no such sweep, or its storage can't be used.
        DatasetError: Its data can't be had, or is not what it was.
        InterruptedTraining: Ctrl-C or SIGTERM; the same call goes on.
        MissingExtraError: Optuna is not installed.
    """
    require_optuna()
    work = SweepWork.from_dict(options)
    pick_device(work.device)
    folder = find_sweep(name, work.sweeps_folder)
    definition, wanted, shown = read_definition(folder)
    if "trials" not in options:
        work = work.replace(trials=wanted)
    storage = work.storage or shown
    server = None if storage is None else server_storage(storage)
    data = load_dataset(definition.source or definition.dataset)
    if data.fingerprint() != definition.fingerprint:
        message = f"`{definition.dataset}` is not the data that `{folder}` was begun on."
        raise SweepError(message)
    made = _search(folder, definition, data, server, work, progress, create=False)
    return _confirmed(made, work, confirm_progress)


def _search(
    folder: Path,
    definition: Definition,
    data: Dataset,
    server: Storage | None,
    work: SweepWork,
    progress: SweepProgress | None,
    *,
    create: bool,
) -> Sweep:
    """Make the trials that are missing, and write what came out."""
    progress = progress or SweepProgress()
    place = server or file_storage(folder)
    if place.is_shared and work.at_once > 1:  # whose trials tell the others that they live
        message = (
            "Several machines make one trial at a time each; leave out `at_once` or `storage`."
        )
        raise SettingError(message)
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with (
        working_alone(folder, place),
        cpu_threads(work.threads),
        open_study(place, definition, folder.name, create=create) as study,
    ):
        if not place.is_shared:
            give_up_all(study)
        write_definition(folder, definition, work.trials, place)
        job = Job(
            storage=place,
            sweep=folder.name,
            definition=definition,
            trials=work.trials,
            dataset=definition.source or definition.dataset,
            worker=uuid.uuid4().hex,
            device=work.device,
            threads=work.threads,
            kernels=work.kernels,
            at_once=work.at_once,
        )
        held_out = definition.hold_out(data)
        supervisor = Supervisor(study, job, held_out, work.workers, progress)
        _announce(definition, folder, place, held_out, supervisor, work, progress)
        with stop_on_signals(supervisor.stop):
            supervisor.run()
        made = _collect(folder, definition, study, supervisor)
        made.write()
    if supervisor.stopping:
        done = sum(trial.counts for trial in made.trials)
        message = f"Stopped after {done} of {work.trials} trials. {_how_to_go_on(folder, place)}"
        raise InterruptedTraining(message)
    if made.best is None:
        message = (
            f"None of {work.trials} trials came to its end; `{made.table_path}` says why. Search "
            "over other values under another `--name`, or go on with more `--trials`."
        )
        raise SweepError(message)
    return made


def _announce(
    definition: Definition,
    folder: Path,
    place: Storage,
    held_out: Dataset,
    supervisor: Supervisor,
    work: SweepWork,
    progress: SweepProgress,
) -> None:
    """Say what is about to happen."""
    assert held_out.validation is not None
    space = ", ".join(f"{name} {text}" for name, text in definition.search.items())
    progress.on_message(
        f"Searching `{definition.model}` on `{definition.dataset}`: {space}. Preset "
        f"`{definition.preset}`, scored on {len(held_out.validation):,} held-out images; test "
        f"images are not looked at. Sweep folder: {folder}"
    )
    if place.is_shared:
        progress.on_message(f"Trials are kept in {place.shown}.")
    if not definition.recipe.validation and definition.validation:
        progress.on_message(
            f"The preset `{definition.preset}` holds out no images to choose on; for the sweep it "
            f"holds out a share of {HELD_OUT:g}."
        )
    done = sum(trial.counts for trial in supervisor.trials())
    if done >= work.trials:
        progress.on_message(f"All {done} trials are made; `--trials` asks for more.")
    elif done:
        progress.on_message(f"Going on after {done} of {work.trials} trials.")


def _collect(folder: Path, definition: Definition, study: Study, supervisor: Supervisor) -> Sweep:
    """What there is so far."""
    trials = [trial for trial in supervisor.trials() if trial.state != "running"]
    return Sweep(folder, definition, tuple(trials), measure_importance(study))


def _confirmed(made: Sweep, work: SweepWork, progress: Progress | None) -> Sweep:
    """Train the best and the preset with several seeds, and score both on the test images."""
    if not work.confirm:
        return made
    definition = made.definition
    before = definition.recipe.to_dict() | definition.settings
    found = made.best_recipe.to_dict() | made.best_settings
    contenders = [
        Contender(f"preset {definition.preset}", None, definition.model, before),
        Contender("found by the sweep", None, definition.model, found),
    ]
    compared = compare(
        contenders,
        definition.source or definition.dataset,
        seeds=work.confirm,
        device=work.device,
        processes=None if work.at_once > 1 else work.workers,
        together=True if work.at_once > 1 else None,
        threads=work.threads,
        runs_folder=made.folder / "confirm",
        progress=progress,
    )
    made = replace(made, confirmation=compared)
    made.write()
    return made


def _without(values: Mapping[str, Any], names: Container[str]) -> dict[str, Any]:
    """The values under other names."""
    return {name: value for name, value in values.items() if name not in names}


def _how_to_go_on(folder: Path, place: Storage) -> str:
    """The command that goes on."""
    if place.secrets:
        return "The same command goes on from here."
    command = ["lenet", "sweep", "--resume", folder.name]
    if folder.parent != Path("sweeps"):
        command += ["--sweeps-folder", str(folder.parent)]
    return f"Go on with `{shlex.join(command)}`."
