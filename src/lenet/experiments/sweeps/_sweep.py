from __future__ import annotations

import shlex
import uuid
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lenet.core import check_range, storage_errors
from lenet.datasets import Dataset, DataSource, find_source, load_dataset
from lenet.errors import (
    InterruptedTraining,
    SettingError,
    SweepError,
    UnknownNameError,
)
from lenet.experiments._options import SamplerName
from lenet.experiments.comparison._compare import compare
from lenet.experiments.comparison._comparison import Comparison
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
from lenet.experiments.sweeps._manner import Manner
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
from lenet.kernels import KernelChoice
from lenet.runs import stop_on_signals
from lenet.training import cpu_threads, override_settings, read_recipe_file

if TYPE_CHECKING:
    from optuna import Study


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
    manner = Manner(trials, workers, device, threads, kernels, at_once, confirm, confirm_progress)
    manner.check()
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
    folder = Path(sweeps_folder) / checked_name(name or definition.name)
    is_there = is_begun(folder)
    if is_there:
        kept, _, shown = read_definition(folder)
        definition.require_same(kept, f"The sweep in `{folder}`")
        server = server or (server_storage(shown) if shown else None)
    return _search(folder, definition, data, server, manner, progress, create=not is_there)


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
        workers: As for `sweep`.
        at_once: As for `sweep`.
        confirm: As for `sweep`.
        storage: The URL of the PostgreSQL database that the sweep was begun in, if it needs a
            password; that is not kept.
        device: As for `sweep`.
        threads: As for `sweep`.
        kernels: As for `sweep`.
        sweeps_folder: Where names are looked for.
        progress: As for `sweep`.
        confirm_progress: As for `sweep`.

    Raises:
        SweepError: There is no such sweep, or its storage can't be used.
        DatasetError: Its data can't be had, or is not what it was.
        InterruptedTraining: Ctrl-C or SIGTERM; the same call goes on.
        MissingExtraError: Optuna is not installed.
    """
    require_optuna()
    folder = find_sweep(name, Path(sweeps_folder))
    definition, wanted, shown = read_definition(folder)
    manner = Manner(
        wanted if trials is None else trials,
        workers,
        device,
        threads,
        kernels,
        at_once,
        confirm,
        confirm_progress,
    )
    manner.check()
    storage = storage or shown
    server = None if storage is None else server_storage(storage)
    data = load_dataset(definition.source or definition.dataset)
    if data.fingerprint() != definition.fingerprint:
        message = f"`{definition.dataset}` is not the data that `{folder}` was begun on."
        raise SweepError(message)
    return _search(folder, definition, data, server, manner, progress, create=False)


def _search(
    folder: Path,
    definition: Definition,
    data: Dataset,
    server: Storage | None,
    manner: Manner,
    progress: SweepProgress | None,
    *,
    create: bool,
) -> Sweep:
    """Make the trials that are missing, and write what came out."""
    progress = progress or SweepProgress()
    place = server or file_storage(folder)
    if place.is_shared and manner.at_once > 1:  # whose trials tell the others that they live
        message = (
            "Several machines make one trial at a time each; leave out `at_once` or `storage`."
        )
        raise SettingError(message)
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with (
        working_alone(folder, place),
        cpu_threads(manner.threads),
        open_study(place, definition, folder.name, create=create) as study,
    ):
        if not place.is_shared:
            give_up_all(study)
        write_definition(folder, definition, manner.trials, place)
        job = Job(
            storage=place,
            sweep=folder.name,
            definition=definition,
            trials=manner.trials,
            dataset=definition.source or definition.dataset,
            worker=uuid.uuid4().hex,
            device=manner.device,
            threads=manner.threads,
            kernels=manner.kernels,
            at_once=manner.at_once,
        )
        held_out = definition.hold_out(data)
        supervisor = Supervisor(study, job, held_out, manner.workers, progress)
        _announce(definition, folder, place, held_out, supervisor, manner, progress)
        with stop_on_signals(supervisor.stop):
            supervisor.run()
        made = _collect(folder, definition, study, supervisor)
        made.write()
    if supervisor.stopping:
        done = sum(trial.counts for trial in made.trials)
        message = f"Stopped after {done} of {manner.trials} trials. {_how_to_go_on(folder, place)}"
        raise InterruptedTraining(message)
    if made.best is None:
        message = (
            f"None of {manner.trials} trials came to its end; `{made.table_path}` says why. Search "
            "over other values under another `--name`, or go on with more `--trials`."
        )
        raise SweepError(message)
    if manner.confirm:
        made = replace(made, confirmation=_confirm(made, manner))
        made.write()
    return made


def _announce(
    definition: Definition,
    folder: Path,
    place: Storage,
    held_out: Dataset,
    supervisor: Supervisor,
    manner: Manner,
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
    if done >= manner.trials:
        progress.on_message(f"All {done} trials are made; `--trials` asks for more.")
    elif done:
        progress.on_message(f"Going on after {done} of {manner.trials} trials.")


def _collect(folder: Path, definition: Definition, study: Study, supervisor: Supervisor) -> Sweep:
    """What there is so far."""
    trials = [trial for trial in supervisor.trials() if trial.state != "running"]
    return Sweep(folder, definition, tuple(trials), measure_importance(study))


def _confirm(made: Sweep, manner: Manner) -> Comparison:
    """Train the best and the preset with several seeds, and score both on the test images."""
    definition = made.definition
    before = definition.recipe.to_dict() | definition.settings
    found = made.best_recipe.to_dict() | made.best_settings
    contenders = [
        Contender(f"preset {definition.preset}", None, definition.model, before),
        Contender("found by the sweep", None, definition.model, found),
    ]
    return compare(
        contenders,
        definition.source or definition.dataset,
        seeds=manner.confirm,
        device=manner.device,
        processes=None if manner.at_once > 1 else manner.workers,
        together=True if manner.at_once > 1 else None,
        threads=manner.threads,
        runs_folder=made.folder / "confirm",
        progress=manner.confirm_progress,
    )


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
