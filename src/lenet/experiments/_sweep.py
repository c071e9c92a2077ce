"""A sweep from its beginning to its end, and the folder that it goes on from."""

from __future__ import annotations

import json
import shlex
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import filelock

from lenet._version import __version__
from lenet.core import check_range, read_json_object, storage_errors, write_atomically
from lenet.datasets import Dataset, DataSource, find_source, load_dataset
from lenet.errors import (
    InterruptedTraining,
    LenetError,
    SettingError,
    SweepError,
    UnknownNameError,
)
from lenet.experiments._compare import Contender, compare
from lenet.experiments._definition import HELD_OUT, Definition, define
from lenet.experiments._progress import Progress, SweepProgress
from lenet.experiments._search import Execution, Search
from lenet.experiments._storage import (
    Storage,
    file_storage,
    give_up,
    open_study,
    require_optuna,
    running_trials,
    server_storage,
)
from lenet.experiments._sweep_result import Sweep, measure_importance
from lenet.experiments._trials import SamplerName
from lenet.kernels import KernelChoice
from lenet.training import override_settings, read_recipe_file

_FORMAT = 1
_FILE = "sweep.json"


def sweep(
    search: Mapping[str, str | Sequence[Any]] | None = None,
    dataset: str | Path | DataSource = "fashion-mnist",
    *,
    space: Path | str | None = None,
    model: str | None = None,
    preset: str | None = None,
    name: str | None = None,
    trials: int = 20,
    workers: int = 1,
    at_once: int = 1,
    seed: int = 0,
    sampler: SamplerName = "tpe",
    prune: bool = True,
    warm_up: int = 2,
    confirm: int = 0,
    storage: str | None = None,
    device: str = "auto",
    threads: int = 1,
    kernels: KernelChoice = "auto",
    sweeps_folder: Path | str = "sweeps",
    progress: SweepProgress | None = None,
    confirm_progress: Progress | None = None,
    **settings: Any,
) -> Sweep:
    """Search for the settings with the best validation accuracy.

    The trials are kept as they are made, so the same call goes on with a sweep that was stopped or
    killed. All trials are scored on the same images, held out from training by `seed`; the test
    images are not looked at.

    Args:
        search: For each setting of the recipe or the network a list of values, or a text: values as
            `0.8,0.9,0.95`, a range as `0.1..0.9`, `log:0.01..1` or `64..512:64`.
        dataset: The dataset's name, or the path of a folder or file of one's own.
        space: The path of a recipe file with a table `[search]`; what is said here wins.
        model: The network's name; the preset's where none is given.
        preset: Where the search begins; the one that suits the dataset where none is given. A
            recipe that holds out no images gets a validation split of 0.1.
        name: What the sweep is called; a name that follows from what is searched where none is
            given.
        trials: How many trials, over all workers and calls. Those that diverge or are pruned count.
        workers: How many at a time: processes of their own, but for one.
        at_once: How many trials a worker begins together. Those that `train_many` would compute
            together are one computation; each chooses without knowing the others' outcome.
        seed: Decides the held-out images and, with a trial's number, its seed.
        sampler: What chooses values: `tpe` learns from earlier trials, `random` does not.
        prune: Whether a trial is stopped when its best accuracy is below the median of the
            complete trials at the same epoch, once there are five.
        warm_up: So many first epochs no trial is stopped in.
        confirm: So many seeds the best recipe and the preset are trained with at the end, to
            compare them on the test images; 0 for not.
        storage: The URL of a PostgreSQL database, on which several machines may make the same call;
            a SQLite file in the sweep's folder where none is given.
        device: `auto`, `cpu`, `cuda`, …
        threads: CPU threads of each worker.
        kernels: What computes on a CPU, as for `lenet.train`.
        sweeps_folder: Where the sweep's folder is made.
        progress: Who is told how it goes.
        confirm_progress: Who is told how the trainings of `confirm` go.
        settings: Fields of `Recipe` and of the network's settings that all trials have.

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
    execution = Execution(
        trials, workers, at_once, device, threads, kernels, progress or SweepProgress()
    )
    execution.check()
    check_range("confirm", confirm, 0, 1000)
    check_range("seed", seed, 0, 2**63 - 1)
    check_range("warm_up", warm_up, 0, 1_000_000)
    if sampler not in ("tpe", "random"):
        raise UnknownNameError("sampler", sampler, ["tpe", "random"])
    server = None if storage is None else server_storage(storage)
    searched = dict(search or {})
    if space is not None:
        file = read_recipe_file(space, with_search=True)
        model, preset = model or file.model, preset or file.preset
        # What is fixed here is not searched over, and the other way round.
        searched = _without(file.search, settings) | searched
        settings = override_settings(_without(file.settings, searched), settings)
    source = find_source(dataset)
    data = load_dataset(dataset if source is None else source)
    definition = define(
        searched,
        data,
        model=model,
        preset=preset,
        settings=settings,
        seed=seed,
        sampler=sampler,
        prune=prune,
        warm_up=warm_up,
    )
    folder = Path(sweeps_folder) / _checked_name(name or definition.name)
    is_there = (folder / _FILE).exists()
    if is_there:
        kept, _, shown = _read_definition(folder)
        definition.require_same(kept, f"The sweep in `{folder}`")
        server = server or (server_storage(shown) if shown else None)
    made = _search(folder, definition, data, server, execution, create=not is_there)
    return _confirm(made, execution, confirm, confirm_progress)


def resume_sweep(
    name: str | Path,
    *,
    trials: int | None = None,
    workers: int = 1,
    at_once: int = 1,
    confirm: int = 0,
    storage: str | None = None,
    device: str = "auto",
    threads: int = 1,
    kernels: KernelChoice = "auto",
    sweeps_folder: Path | str = "sweeps",
    progress: SweepProgress | None = None,
    confirm_progress: Progress | None = None,
) -> Sweep:
    """Go on with a sweep that was stopped, killed or complete, also for more trials.

    Args:
        name: The sweep's name or folder.
        trials: How many trials in all; as many as were asked for last where none is given.
        workers: How many at a time: processes of their own, but for one.
        at_once: How many trials a worker begins together.
        confirm: So many seeds the best recipe and the preset are compared with at the end.
        storage: The URL of the PostgreSQL database that the sweep was begun in, if it needs a
            password; that is not kept.
        device: `auto`, `cpu`, `cuda`, …
        threads: CPU threads of each worker.
        kernels: What computes on a CPU.
        sweeps_folder: Where names are looked for.
        progress: Who is told how it goes.
        confirm_progress: Who is told how the trainings of `confirm` go.

    Raises:
        SweepError: There is no such sweep, or its storage can't be used.
        DatasetError: Its data can't be had, or is not what it was.
        InterruptedTraining: Ctrl-C or SIGTERM; the same call goes on.
        MissingExtraError: Optuna is not installed.
    """
    require_optuna()
    folder = _find_sweep(name, Path(sweeps_folder))
    definition, wanted, shown = _read_definition(folder)
    trials = wanted if trials is None else trials
    execution = Execution(
        trials, workers, at_once, device, threads, kernels, progress or SweepProgress()
    )
    execution.check()
    check_range("confirm", confirm, 0, 1000)
    storage = storage or shown
    server = None if storage is None else server_storage(storage)
    data = load_dataset(definition.source or definition.dataset)
    if data.fingerprint() != definition.fingerprint:
        message = f"`{definition.dataset}` is not the data that `{folder}` was begun on."
        raise SweepError(message)
    made = _search(folder, definition, data, server, execution, create=False)
    return _confirm(made, execution, confirm, confirm_progress)


def _search(
    folder: Path,
    definition: Definition,
    data: Dataset,
    server: Storage | None,
    execution: Execution,
    *,
    create: bool,
) -> Sweep:
    """Make the trials that are missing, and write what came out."""
    place = server or file_storage(folder)
    if place.is_shared and execution.at_once > 1:
        message = (
            "Several machines make one trial at a time each; leave out `at_once` or `storage`."
        )
        raise SettingError(message)
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with (
        _working_alone(folder, place),
        open_study(place, definition, folder.name, create=create) as study,
    ):
        if not place.is_shared:  # nobody else can be at one
            for trial in running_trials(study):
                give_up(study, trial.number)
        _write_definition(folder, definition, execution.trials, place)
        held_out = definition.hold_out(data)
        search = Search(study, place, definition, held_out, execution)
        done = sum(trial.counts for trial in search.trials())
        for text in _announcements(definition, folder, place, held_out, done, execution.trials):
            execution.progress.on_message(text)
        was_stopped = search.run()
        ended = tuple(trial for trial in search.trials() if trial.state != "running")
        made = Sweep(folder, definition, ended, measure_importance(study))
        made.write()
    if was_stopped:
        done = sum(trial.counts for trial in ended)
        message = (
            f"Stopped after {done} of {execution.trials} trials. {_how_to_go_on(folder, place)}"
        )
        raise InterruptedTraining(message)
    if made.best is None:
        message = (
            f"None of {execution.trials} trials came to its end; `{made.table_path}` says why. "
            "Search over other values under another `--name`, or go on with more `--trials`."
        )
        raise SweepError(message)
    return made


def _announcements(
    definition: Definition,
    folder: Path,
    place: Storage,
    held_out: Dataset,
    done: int,
    wanted: int,
) -> Iterator[str]:
    """What is about to happen."""
    assert held_out.validation is not None
    space = ", ".join(f"{name} {text}" for name, text in definition.search.items())
    yield (
        f"Searching `{definition.model}` on `{definition.dataset}`: {space}. Preset "
        f"`{definition.preset}`, scored on {len(held_out.validation):,} held-out images; test "
        f"images are not looked at. Sweep folder: {folder}"
    )
    if place.is_shared:
        yield f"Trials are kept in {place.shown}."
    if not definition.recipe.validation and definition.validation:
        yield (
            f"The preset `{definition.preset}` holds out no images to choose on; for the sweep it "
            f"holds out a share of {HELD_OUT:g}."
        )
    if done >= wanted:
        yield f"All {done} trials are made; `--trials` asks for more."
    elif done:
        yield f"Going on after {done} of {wanted} trials."


def _confirm(made: Sweep, execution: Execution, seeds: int, progress: Progress | None) -> Sweep:
    """Train the best and the preset with several seeds, and score both on the test images."""
    if not seeds:
        return made
    definition = made.definition
    before = definition.recipe.to_dict() | definition.settings
    found = made.best_recipe.to_dict() | made.best_settings
    confirmation = compare(
        [
            Contender(f"preset {definition.preset}", None, definition.model, before),
            Contender("found by the sweep", None, definition.model, found),
        ],
        definition.source or definition.dataset,
        seeds=seeds,
        device=execution.device,
        processes=None if execution.at_once > 1 else execution.workers,
        together=True if execution.at_once > 1 else None,
        threads=execution.threads,
        runs_folder=made.folder / "confirm",
        progress=progress,
    )
    made = replace(made, confirmation=confirmation)
    made.write()
    return made


def _without(values: Mapping[str, Any], names: Container[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


def _how_to_go_on(folder: Path, place: Storage) -> str:
    if place.secrets:
        return "The same command goes on from here."
    command = ["lenet", "sweep", "--resume", folder.name]
    if folder.parent != Path("sweeps"):
        command += ["--sweeps-folder", str(folder.parent)]
    return f"Go on with `{shlex.join(command)}`."


def _checked_name(name: str) -> str:
    """A name that a folder may have."""
    if name in ("", ".", "..") or any(mark in name for mark in "/\\\0") or len(name) > 200:
        message = f"A sweep's name becomes a folder's; `{name}` can't be one."
        raise SettingError(message)
    return name


def _find_sweep(name: str | Path, sweeps_folder: Path) -> Path:
    """The folder of a sweep."""
    for folder in (sweeps_folder / name, Path(name)):
        if (folder / _FILE).is_file():
            return folder
    found = sweeps_folder.iterdir() if sweeps_folder.is_dir() else ()
    names = sorted(folder.name for folder in found if (folder / _FILE).is_file())
    if not names:
        message = f"There is no sweep `{name}`; `lenet sweep --search …` begins one."
        raise SweepError(message)
    raise SweepError(str(UnknownNameError("sweep", str(name), names)))


def _write_definition(folder: Path, definition: Definition, trials: int, place: Storage) -> None:
    """Keep what is needed to go on; never a password."""
    values = {
        "format": _FORMAT,
        "version": __version__,
        "trials": trials,
        "storage": place.shown if place.is_shared else None,
        **definition.to_dict(),
    }
    write_atomically(folder / _FILE, json.dumps(values, indent=2))


def _read_definition(folder: Path) -> tuple[Definition, int, str | None]:
    """What is searched, how many trials are wanted, and where they are kept if on a server."""
    path = folder / _FILE
    values = read_json_object(path, SweepError)
    try:
        if values["format"] != _FORMAT:
            message = f"it is not of format {_FORMAT}, the one this version of lenet reads"
            raise SweepError(message)
        trials, shown = values["trials"], values["storage"]
        if type(trials) is not int or not (shown is None or isinstance(shown, str)):
            message = "`trials` or `storage` is ill-typed"
            raise SweepError(message)
        return Definition.from_dict(values), trials, shown
    except KeyError as error:
        message = f"`{path}` is damaged: it has no {error}."
        raise SweepError(message) from error
    except (LenetError, TypeError, ValueError, AttributeError) as error:
        message = f"`{path}` can't be used: {error}"
        raise SweepError(message) from error


@contextmanager
def _working_alone(folder: Path, place: Storage) -> Iterator[None]:
    """Hold the folder, where the trials in it are ours alone."""
    if place.is_shared:
        yield
        return
    with storage_errors(folder):
        try:
            held = filelock.FileLock(folder / ".lock").acquire(timeout=1.0)
        except filelock.Timeout:
            message = (
                f"`{folder}` is being worked on by another process. For more trials at a time, "
                "stop it and go on with more `--workers`."
            )
            raise SweepError(message) from None
    with held:
        yield
