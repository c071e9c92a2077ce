"""A sweep from its beginning to its end, and the folder that it goes on from."""

from __future__ import annotations

import shlex
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock
import numpy as np

from lenet._version import __version__
from lenet.core import (
    SweepKeywords,
    SweepWorkKeywords,
    check_range,
    json_text,
    read_json_object,
    read_record,
    storage_errors,
    take_settings,
    write_atomically,
)
from lenet.datasets import (
    Dataset,
    DataSource,
    ImageHolder,
    as_dataset,
    find_source,
    load_dataset,
    pack_dataset,
)
from lenet.errors import (
    InterruptedTraining,
    LenetError,
    MissingExtraError,
    SettingError,
    SweepError,
    UnknownNameError,
)
from lenet.experiments._compare import Contender, compare
from lenet.experiments._definition import Definition, define
from lenet.experiments._options import MOST_TRIALS, SweepOptions, SweepWork
from lenet.experiments._progress import Progress, SweepProgress
from lenet.experiments._sweep_result import Sweep
from lenet.training import (
    beats_guessing,
    errors_of_file,
    override_settings,
    pick_device,
    read_recipe_file,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from lenet.experiments._storage import Storage

_FORMAT = 1
_FILE = "sweep.json"


def sweep(
    search: Mapping[str, str | Sequence[Any]] | None = None,
    dataset: str | Path | DataSource | ImageHolder = "fashion-mnist",
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
        dataset: A name, a path, or what `lenet.as_dataset` takes, which is kept in `sweeps_folder`.
        progress: Who is told how it goes.
        confirm_progress: Who is told how the trainings of `confirm` go.
        settings: Fields of [`SweepOptions`][lenet.experiments.SweepOptions]: `space`, `model`,
            `preset`, `name`, `trials`, `workers`, `at_once`, `seed`, `sampler`, `prune`, `warm_up`,
            `confirm`, `storage`, `device`, `threads`, `engine` and `sweeps_folder`. And fields of
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
    _require_optuna()
    from lenet.experiments._storage import server_storage

    options, fixed = take_settings(SweepOptions, settings)
    pick_device(options.device)
    model, preset = options.model, options.preset
    server = None if options.storage is None else server_storage(options.storage)
    searched, of_file = dict(search or {}), set[str]()
    if options.space is not None:
        file = read_recipe_file(options.space, with_search=True)
        model, preset = model or file.model, preset or file.preset
        of_file = {"model", "preset", *file.search, *file.settings} - searched.keys() - fixed.keys()
        # What is fixed here is not searched over, and the other way round.
        searched = _without(file.search, fixed) | searched
        fixed = override_settings(_without(file.settings, searched), fixed)
    if not isinstance(dataset, (str, Path, DataSource)):
        dataset = _keep_images(as_dataset(dataset), options.sweeps_folder)
    source = find_source(dataset)
    data = load_dataset(dataset if source is None else source)
    with errors_of_file(options.space, of_file):
        definition = define(searched, data, options.replace(model=model, preset=preset), fixed)
    folder = options.sweeps_folder / _checked_name(options.name or definition.name)
    is_there = (folder / _FILE).exists()
    if is_there:
        kept, _, found = _read_definition(folder)
        definition.require_same(kept, f"The sweep in `{folder}`")
        server = server or found
    made = _search(folder, definition, data, server, options, progress, create=not is_there)
    return _confirm(made, options, confirm_progress)


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
            needs a password, which is not kept), `device`, `threads`, `engine` and
            `sweeps_folder`.

    Raises:
        SweepError: There is no such sweep, or its storage can't be used.
        DatasetError: Its data can't be had, or is not what it was.
        InterruptedTraining: Ctrl-C or SIGTERM; the same call goes on.
        MissingExtraError: Optuna is not installed.
    """
    _require_optuna()
    from lenet.experiments._storage import server_storage

    work = SweepWork.from_dict(options)
    pick_device(work.device)
    folder = _find_sweep(name, work.sweeps_folder)
    definition, wanted, server = _read_definition(folder)
    if "trials" not in options:
        work = work.replace(trials=wanted)
    if work.storage is not None:
        server = server_storage(work.storage)
    data = load_dataset(definition.source or definition.dataset)
    if data.fingerprint() != definition.fingerprint:
        message = f"`{definition.dataset}` is not the data that `{folder}` was begun on."
        raise SweepError(message)
    made = _search(folder, definition, data, server, work, progress, create=False)
    return _confirm(made, work, confirm_progress)


def _keep_images(data: Dataset, sweeps_folder: Path) -> Path:
    """Keep images in memory where all processes of a sweep find them, and whoever goes on with it.

    They lie in a packed set, once for all sweeps on the same images.
    """
    folder = sweeps_folder / f"images-{data.fingerprint()[:12]}"
    if not folder.exists():
        pack_dataset(data, folder)
    return folder


def _require_optuna() -> None:
    """Raise before modules are imported that begin with it."""
    try:
        import optuna  # noqa: F401
        import sqlalchemy  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("A sweep", "sweep") from error


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
    from lenet.experiments._search import Search, measure_importance
    from lenet.experiments._storage import file_storage, give_up, open_study, running_trials

    place = server or file_storage(folder)
    if place.is_shared and work.at_once > 1:
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
        _write_definition(folder, definition, work.trials, place)
        held_out = definition.hold_out(data)
        search = Search(study, place, definition, held_out, work, progress)
        search.announce(folder)
        stopped_by = search.run()
        ended = tuple(trial for trial in search.trials() if trial.state != "running")
        made = Sweep(folder, definition, ended, measure_importance(study))
        made = replace(made, untaught=not _has_learnt(made, held_out))
        made.write()
    if stopped_by is not None:
        done = sum(trial.counts for trial in ended)
        message = f"Stopped after {done} of {work.trials} trials. {_how_to_go_on(folder, place)}"
        raise InterruptedTraining(message, number=stopped_by)
    if made.best is None:
        message = (
            f"None of {work.trials} trials came to its end; `{made.table_path}` says why. Search "
            "over other values under another `--name`, or go on with more `--trials`."
        )
        raise SweepError(message)
    return made


def _has_learnt(made: Sweep, held_out: Dataset) -> bool:
    """Whether the best trial has learnt; where none is complete that is another matter."""
    if made.best is None or held_out.validation is None:
        return True
    assert made.best.validation_accuracy is not None
    return beats_guessing(made.best.validation_accuracy, np.bincount(held_out.validation.labels))


def _confirm(made: Sweep, work: SweepWork, progress: Progress | None) -> Sweep:
    """Train the best and the preset with several seeds, and score both on the test images."""
    if not work.confirm:
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
        seeds=work.confirm,
        device=work.device,
        processes=None if work.at_once > 1 else work.workers,
        together=True if work.at_once > 1 else None,
        threads=work.threads,
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
    write_atomically(folder / _FILE, json_text(values, indent=2))


@dataclass(frozen=True)
class _Wanted:
    """What a `sweep.json` says beside what is searched.

    Attributes:
        trials: How many were asked for last.
        storage: The server that has them; `None` where they lie in the folder.
        version: The version of lenet that wrote it.
    """

    trials: int
    storage: str | None = None
    version: str = ""

    def __post_init__(self) -> None:
        check_range("trials", self.trials, 1, MOST_TRIALS)


def _read_definition(folder: Path) -> tuple[Definition, int, Storage | None]:
    """What is searched, how many trials are wanted, and where they are kept if on a server."""
    from lenet.experiments._storage import server_storage

    path = folder / _FILE
    values = read_json_object(path, SweepError)
    try:
        if type(values.get("format")) is not int or values["format"] != _FORMAT:
            message = f"it is not of format {_FORMAT}, the one this version of lenet reads"
            raise SweepError(message)
        kept = read_record(_Wanted, values, passed_over=None)
        server = None if kept.storage is None else server_storage(kept.storage)
        return Definition.from_dict(values), kept.trials, server
    except LenetError as error:
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
