from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from lenet.core import TrainKeywords, remove_partial_files, take_settings
from lenet.datasets import (
    Dataset,
    DataSource,
)
from lenet.errors import (
    InterruptedTraining,
    LostProcessError,
    NonFiniteLossError,
    RunError,
    SettingError,
    StorageError,
)
from lenet.kernels import KernelChoice, kernel_status
from lenet.models import build_model
from lenet.runs._announce import announce
from lenet.runs._build_trainer import build_trainer, restore, set_threads
from lenet.runs._checkpoint import pack_checkpoint
from lenet.runs._data_of import as_trained_on, load_data_of
from lenet.runs._ending import keep_what_is_there, quoted, with_advice
from lenet.runs._environment import describe_environment
from lenet.runs._find_dataset import find_dataset, name_of_data
from lenet.runs._group import check_agreement, load_in_turn, open_in_all, share_state
from lenet.runs._options import TrainOptions
from lenet.runs._plan import build_and_describe, make_plan
from lenet.runs._recorder import Recorder
from lenet.runs._reuse import find_equal_run
from lenet.runs._run import Run, create_run
from lenet.runs._run_config import RunConfig
from lenet.runs._signals import stop_on_signals
from lenet.training import (
    TRACKING_FILE,
    Group,
    Guard,
    Listener,
    Recipe,
    TrackedRun,
    Tracker,
    Trainer,
    join_group,
    kept_trackers,
    make_trackers,
    override_settings,
    pack_trackers,
    pick_device,
    pick_display,
    read_recipe_file,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack


def train(
    model: str | nn.Module | None = None,
    dataset: str | Path | DataSource | Dataset | None = None,
    recipe: Recipe | Path | str | None = None,
    *,
    listeners: Sequence[Listener] | None = None,
    **settings: Unpack[TrainKeywords],
) -> Run:
    """Train a network and keep everything about it in a new run folder.

    Processes that torchrun started train it together, and the first of them keeps the folder.

    Args:
        model: A name in the registry; or a network, which is trained in place from the weights it
            has. The preset's where none is given.
        dataset: A name; the path of a folder or file of one's own, or how it is read; or images in
            memory. Where none is given it is Fashion-MNIST; should that be neither cached nor
            reachable, the bundled `digits`.
        recipe: How to train; the preset's where none is given. Or the path of a recipe file, whose
            network, preset and settings hold where nothing else is said here.
        listeners: Who is told how it goes; where none are given, a display that suits a notebook,
            a terminal or a pipe. `[]` is silent; trackers are told all the same. Of several
            processes each tells its own, and only the first has a display.
        settings: Fields of [`TrainOptions`][lenet.runs.TrainOptions]: `preset`, `seed`, `device`,
            `threads` (from now on in this process), `kernels`, `runs_folder`, `reuse` and `track`.
            And fields of `Recipe` and of the network's settings, to change single ones. What recipe
            and preset have and does not apply beside them, such as a momentum beside `adam`, is
            left out.

    Returns:
        The run, complete.

    Raises:
        SettingError: A setting is unknown, ill-typed, out of range or at odds with another.
        DatasetError: The data can't be had or used.
        ModelError: The network can't be built or does not fit the data.
        NonFiniteLossError: The loss became infinite or not a number.
        InterruptedTraining: Ctrl-C or SIGTERM; `resume` goes on.
        PeerError: Another process of the same training can't go on, or is gone; `resume` goes on.
        StorageError: The run folder can't be written.
        MissingExtraError: A tracker's package is not installed.
        TrackerError: A tracker can't be reached. One that breaks later costs a message.

    >>> import tempfile
    >>> run = train(dataset="digits", epochs=1, runs_folder=tempfile.mkdtemp(), listeners=[])
    >>> run.status
    'complete'
    """
    group = join_group()
    with group.together():
        listeners = _listeners_of(group, listeners)
        options, changed = take_settings(TrainOptions, settings)
        preset, seed, kernels = options.preset, options.seed, options.kernels
        runs_folder, track = options.runs_folder, options.track
        trackers = make_trackers(track) if group.is_first else []
        if options.reuse and isinstance(model, nn.Module):
            message = (
                "A network that is already built has weights of its own; `reuse` can't know them."
            )
            raise SettingError(message)
        if isinstance(recipe, (Path, str)):
            file = read_recipe_file(recipe)
            model, preset = file.model if model is None else model, preset or file.preset
            recipe, changed = None, override_settings(file.settings, changed)
        used_device = group.place_on(pick_device(options.device))
        used_threads = set_threads(options.threads, group.local_size)
        wanted = name_of_data(dataset)
        make_plan(wanted, model, recipe, preset, changed)  # errors are told before data is read
    data = load_in_turn(group, partial(find_dataset, dataset, listeners))
    with group.together():
        plan = make_plan(data.name, model, recipe, preset, changed, data)
        if plan.recipe.validation:
            data = data.with_validation(plan.recipe.validation, seed)
        network, config = build_and_describe(
            plan, data, seed=seed, device=str(used_device), threads=used_threads, kernels=kernels
        )
        trainer = build_trainer(config, network, data, peers=group)
        config = replace(config, kernels=trainer.kernels)
    check_agreement(group, config)
    if options.reuse and (equal := group.decide(lambda: _equal_run(runs_folder, config))):
        return resume(Run(Path(equal)), dataset=data, track=track, listeners=listeners)

    def make_folder() -> str:
        files: dict[str, bytes | str] = {
            "environment.json": json.dumps(_environment(trainer.device, group), indent=2),
            "checkpoint.safetensors": pack_checkpoint(trainer.state()),
        }
        if trackers:
            files[TRACKING_FILE] = pack_trackers(tracker.name for tracker in trackers)
        for tracker in trackers:
            tracker.connect(runs_folder)
        return str(create_run(runs_folder, config, files).folder)

    run = Run(Path(group.decide(make_folder)))
    on = config.device if group.size == 1 else f"{group.size} processes on {used_device.type}"
    announce(
        listeners,
        f"Training `{config.model}` on `{data.name}`: {len(data.train):,} images, preset "
        f"`{plan.preset}`, seed {seed}, on {on}. Run folder: {run.folder}",
    )
    with ExitStack() as held:
        with group.together():
            if group.is_first:
                held.enter_context(run.writing())
        group.connect(used_device)
        share_state(group, trainer)
        _train_in(run, trainer, trackers, listeners, group)
    return run


def resume(
    run: Run | Path | str = "latest",
    *,
    dataset: Path | str | Dataset | None = None,
    runs_folder: Path | str = "runs",
    track: str | Sequence[str] = (),
    listeners: Sequence[Listener] | None = None,
) -> Run:
    """Go on with a run that was stopped, to the bits that it would have had without the stop.

    Args:
        run: The run folder, its name in `runs_folder`, or `latest`.
        dataset: The data, where the run was trained on images in memory; the path where a folder or
            file lies now, if it was moved. Loaded again from where it was otherwise.
        runs_folder: Where names are looked for.
        track: Trackers to be told beside those that the run has; a new one is told all of it.
        listeners: Who is told how it goes; a display that suits the place where none are given.

    Returns:
        The run, complete.

    Raises:
        RunError: The folder is not a run, is damaged, is in use, or its data has changed.
        MissingExtraError: The package of a tracker in `track` is not installed.
        TrackerError: A tracker in `track` can't be reached.
    """
    group = join_group()
    with group.together():
        listeners = _listeners_of(group, listeners)
        trackers = make_trackers(track) if group.is_first else []
    run, is_complete, processes = open_in_all(group, run, runs_folder)
    config = run.config
    if is_complete:
        announce(listeners, f"`{run.folder}` is complete; there is nothing to go on with.")
        return run
    if isinstance(dataset, Dataset):
        data = dataset
    else:
        data = load_in_turn(group, partial(load_data_of, run, dataset))
    with group.together():
        divided = as_trained_on(run, data)
        if divided is None:
            message = f"`{config.dataset}` is not the data that `{run.folder}` was started on."
            raise RunError(message)
        if config.kernels == "native" and (reason := kernel_status().reason):
            message = f"`{run.folder}` was trained with compiled kernels. {reason}"
            raise RunError(message)
        set_threads(config.threads if processes == group.size else None, group.local_size)
        device = group.place_on(pick_device(config.device))
        kernels: KernelChoice = "torch" if config.kernels == "torch" else "auto"
        config = replace(config, kernels=kernels, device=str(device))
        network = build_model(config.settings, seed=config.seed)
        trainer = build_trainer(config, network, divided, peers=group)
    with ExitStack() as held:
        with group.together():
            if group.is_first:
                held.enter_context(run.writing())
                restore(trainer, run)
        group.connect(device)
        share_state(group, trainer)
        announce(
            listeners,
            f"Going on with {run.folder} in epoch {trainer.epoch + 1} after step {trainer.step}.",
        )
        with group.together():
            if group.is_first:
                _warn_of_changed_environment(run, trainer.device, group, listeners)
                for tracker in trackers:
                    tracker.connect(run.folder.parent)
                trackers += kept_trackers(run.folder, trackers, partial(announce, listeners))
        _train_in(run, trainer, trackers, listeners, group)
    return run


def _train_in(
    run: Run,
    trainer: Trainer,
    trackers: list[Tracker],
    listeners: list[Listener],
    group: Group,
) -> None:
    """Train to the end, while the first process keeps the run folder up to date."""
    recorder = Recorder(run)
    guards = [Guard(tracker, partial(announce, listeners)) for tracker in trackers]
    # The recorder first: what it has written, the trackers may hand over.
    trainer.listeners = [recorder, *guards, *listeners] if group.is_first else listeners
    again = f"`{group.command(f'train --resume {quoted(run)}')}`"
    with stop_on_signals(trainer.request_stop):
        if group.is_first:
            remove_partial_files(run.folder)
        for guard in guards:
            guard.begin(trainer, TrackedRun(run.folder, run.config.to_dict()))
        try:
            trainer.run()
        except (InterruptedTraining, LostProcessError, NonFiniteLossError) as error:
            if group.is_first:
                keep_what_is_there(recorder, trainer, error)
            raise with_advice(error, run, again) from error.__cause__
        except StorageError as error:
            message = f"{error} When it can be, go on with {again}."
            raise StorageError(message) from error
    announce(listeners, f"All of it is in {run.folder}. Next: `lenet evaluate {quoted(run)}`")


def _listeners_of(group: Group, listeners: Sequence[Listener] | None) -> list[Listener]:
    """Who is told in this process; a display belongs to the first."""
    if listeners is not None:
        return list(listeners)
    return [pick_display()] if group.is_first else []


def _equal_run(runs_folder: Path, config: RunConfig) -> str | None:
    """The folder of a run that was to compute the same."""
    equal = find_equal_run(runs_folder, config)
    return str(equal.folder) if equal else None


def _environment(device: torch.device, group: Group) -> dict[str, Any]:
    """What a run runs on, with the number of processes."""
    return {**describe_environment(device), "processes": group.size}


def _warn_of_changed_environment(
    run: Run, device: torch.device, group: Group, listeners: list[Listener]
) -> None:
    """Say what differs from where the run was started, as the bits may then differ too."""
    if not run.environment_path.exists():
        return
    before, now = {"processes": 1, **run.environment}, _environment(device, group)
    for name in ("lenet", "torch", "processor", "device", "kernels", "processes"):
        if before.get(name) != now[name]:
            announce(
                listeners,
                f"The run began with {name} {before.get(name)} and goes on with {now[name]}; "
                "the last digits may differ from an unbroken run's.",
            )
