from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lenet._settings import check_range
from lenet._storage import remove_partial_files
from lenet.datasets import (
    Dataset,
    DataSource,
    describe_dataset,
    examine_dataset,
    load_dataset,
)
from lenet.errors import (
    DownloadError,
    InterruptedTraining,
    NonFiniteLossError,
    RunError,
    SettingError,
    StorageError,
)
from lenet.kernels import KernelChoice, kernel_status
from lenet.models import build_model
from lenet.runs._checkpoint import pack_checkpoint, read_checkpoint
from lenet.runs._data_of import load_data_of
from lenet.runs._environment import describe_environment
from lenet.runs._plan import build_network, make_plan, measure_normalisation
from lenet.runs._recorder import Recorder
from lenet.runs._reuse import find_equal_run
from lenet.runs._run import Run, create_run, open_run
from lenet.runs._run_config import RunConfig
from lenet.runs._signals import stop_on_signals
from lenet.tracking import (
    TRACKING_FILE,
    Guard,
    TrackedRun,
    Tracker,
    kept_trackers,
    make_trackers,
    pack_trackers,
)
from lenet.training import Listener, Recipe, Trainer, pick_device, pick_display

_DEFAULT_DATASET, _BUNDLED_DATASET = "fashion-mnist", "digits"


def train(
    model: str | nn.Module | None = None,
    dataset: str | Path | DataSource | Dataset | None = None,
    recipe: Recipe | None = None,
    *,
    preset: str | None = None,
    device: str = "auto",
    seed: int = 0,
    threads: int | None = None,
    kernels: KernelChoice = "auto",
    runs_folder: Path | str = "runs",
    reuse: bool = False,
    track: str | Sequence[str] = (),
    listeners: Sequence[Listener] | None = None,
    **settings: Any,
) -> Run:
    """Train a network and keep everything about it in a new run folder.

    Args:
        model: A name in the registry; or a network, which is trained in place from the weights it
            has. The preset's where none is given.
        dataset: A name; the path of a folder or file of one's own, or how it is read; or images in
            memory. Where none is given it is Fashion-MNIST; should that be neither cached nor
            reachable, the bundled `digits`.
        recipe: How to train; the preset's where none is given.
        preset: A network and a recipe that work together; the one that suits the dataset where
            none is given.
        device: `auto`, `cpu`, `cuda`, `mps`, …
        seed: Decides weights, order, augmentation and validation split; 0 or more.
        threads: CPU threads for PyTorch, from now on in this process; as many as it takes by
            itself where none is given.
        kernels: What computes on a CPU: `native` for lenet's compiled kernels, with an error where
            they do not serve; `torch` for PyTorch; `auto` for the kernels where they serve.
        runs_folder: Where the run folder is made.
        reuse: Where a run in there has the same network, recipe, data, seed and version of lenet,
            take that one: as it is if it is complete, and gone on with if it was stopped.
        track: Trackers that are told beside the run folder: `tensorboard`, `mlflow` or both.
        listeners: Who is told how it goes; where none are given, a display that suits a notebook,
            a terminal or a pipe. `[]` is silent; trackers are told all the same.
        settings: Fields of `Recipe` and of the network's settings, to change single ones.

    Returns:
        The run, complete.

    Raises:
        SettingError: A setting is unknown, ill-typed, out of range or at odds with another.
        DatasetError: The data can't be had or used.
        ModelError: The network can't be built or does not fit the data.
        NonFiniteLossError: The loss became infinite or not a number.
        InterruptedTraining: Ctrl-C or SIGTERM; `resume` goes on.
        StorageError: The run folder can't be written.
        MissingExtraError: A tracker's package is not installed.
        TrackerError: A tracker can't be reached. One that breaks later costs a message.

    >>> import tempfile
    >>> run = train(dataset="digits", epochs=1, runs_folder=tempfile.mkdtemp(), listeners=[])
    >>> run.status
    'complete'
    """
    listeners = [pick_display()] if listeners is None else list(listeners)
    trackers = make_trackers(track)
    check_range("seed", seed, 0, 2**63 - 1)
    if reuse and isinstance(model, nn.Module):
        message = "A network that is already built has weights of its own; `reuse` can't know them."
        raise SettingError(message)
    used_device, used_threads = pick_device(device), _set_threads(threads)
    wanted = dataset.name if isinstance(dataset, Dataset) else str(dataset or _DEFAULT_DATASET)
    make_plan(wanted, model, recipe, preset, settings)  # what is wrong is told before data is read
    data = _find_dataset(dataset, listeners)
    plan = make_plan(data.name, model, recipe, preset, settings, data)
    if plan.recipe.validation:
        data = data.with_validation(plan.recipe.validation, seed)
    network, name, network_settings = build_network(plan, data, seed)
    config = RunConfig(
        dataset=data.name,
        fingerprint=data.fingerprint(),
        model=name,
        settings=network_settings,
        recipe=plan.recipe,
        preset=plan.preset,
        normalisation=measure_normalisation(plan.recipe, data),
        seed=seed,
        device=str(used_device),
        threads=used_threads,
        kernels=kernels,
        source=data.origin.source if data.origin else None,
    )
    trainer = _build_trainer(config, network, data)
    config = replace(config, kernels=trainer.kernels)
    if reuse and (equal := find_equal_run(Path(runs_folder), config)):
        return resume(equal, dataset=data, track=track, listeners=listeners)
    files: dict[str, bytes | str] = {
        "environment.json": json.dumps(describe_environment(trainer.device), indent=2),
        "checkpoint.safetensors": pack_checkpoint(trainer.state()),
    }
    if trackers:
        files[TRACKING_FILE] = pack_trackers(tracker.name for tracker in trackers)
    for tracker in trackers:
        tracker.connect(Path(runs_folder))
    run = create_run(Path(runs_folder), config, files)
    _announce(
        listeners,
        f"Training `{name}` on `{data.name}`: {len(data.train):,} images, preset "
        f"`{plan.preset}`, seed {seed}, on {config.device}. Run folder: {run.folder}",
    )
    with run.writing():
        _train_in(run, trainer, trackers, listeners)
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
        listeners: As for `train`.

    Returns:
        The run, complete.

    Raises:
        RunError: The folder is not a run, is damaged, is in use, or its data has changed.
        MissingExtraError: The package of a tracker in `track` is not installed.
        TrackerError: A tracker in `track` can't be reached.
    """
    listeners = [pick_display()] if listeners is None else list(listeners)
    trackers = make_trackers(track)
    if not isinstance(run, Run):
        run = open_run(run, runs_folder)
    config = run.config
    if run.result is not None:
        _announce(listeners, f"`{run.folder}` is complete; there is nothing to go on with.")
        return run
    data = dataset if isinstance(dataset, Dataset) else load_data_of(run, dataset)
    if config.recipe.validation:
        data = data.with_validation(config.recipe.validation, config.seed)
    if data.fingerprint() != config.fingerprint:
        message = f"`{config.dataset}` is not the data that `{run.folder}` was started on."
        raise RunError(message)
    if config.kernels == "native" and (reason := kernel_status().reason):
        message = f"`{run.folder}` was trained with compiled kernels. {reason}"
        raise RunError(message)
    _set_threads(config.threads)
    config = replace(config, kernels="torch" if config.kernels == "torch" else "auto")
    trainer = _build_trainer(config, build_model(config.settings, seed=config.seed), data)
    with run.writing():
        try:
            trainer.restore(read_checkpoint(run.checkpoint_path))
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            message = f"`{run.checkpoint_path}` does not fit the run: {error}"
            raise RunError(message) from error
        _announce(
            listeners,
            f"Going on with {run.folder} in epoch {trainer.epoch + 1} after step {trainer.step}.",
        )
        _warn_of_changed_environment(run, trainer.device, listeners)
        for tracker in trackers:
            tracker.connect(run.folder.parent)
        trackers += kept_trackers(run.folder, trackers, partial(_announce, listeners))
        _train_in(run, trainer, trackers, listeners)
    return run


def _train_in(
    run: Run, trainer: Trainer, trackers: list[Tracker], listeners: list[Listener]
) -> None:
    """Train to the end with the run folder kept up to date."""
    recorder = Recorder(run)
    guards = [Guard(tracker, partial(_announce, listeners)) for tracker in trackers]
    # The recorder first: what it has written, the trackers may hand over.
    trainer.listeners = [recorder, *guards, *listeners]
    with stop_on_signals(trainer.request_stop):
        remove_partial_files(run.folder)
        for guard in guards:
            guard.begin(trainer, TrackedRun(run.folder, run.config.to_dict()))
        try:
            trainer.run()
        except InterruptedTraining as error:
            recorder.save_checkpoint(trainer)
            recorder.save_curves(trainer)
            message = f"{error} Go on with `lenet train --resume {_quoted(run)}`."
            raise InterruptedTraining(message) from None
        except StorageError as error:
            message = f"{error} When it can be, go on with `lenet train --resume {_quoted(run)}`."
            raise StorageError(message) from error
        except NonFiniteLossError as error:
            recorder.save_curves(trainer)
            raise NonFiniteLossError(
                error.loss, error.epoch, error.step, error.learning_rate, run.checkpoint_path
            ) from None
    _announce(listeners, f"All of it is in {run.folder}. Next: `lenet evaluate {_quoted(run)}`")


def _quoted(run: Run) -> str:
    """The run's folder as a shell takes it."""
    return shlex.quote(str(run.folder))


def _find_dataset(
    dataset: str | Path | DataSource | Dataset | None, listeners: list[Listener]
) -> Dataset:
    """The data that was asked for; without a wish and a network, what is bundled."""
    if isinstance(dataset, Dataset):
        return dataset
    if dataset is not None:
        data = load_dataset(dataset)
        if data.origin:
            _announce(listeners, describe_dataset(data, examine_dataset(data)) + "\n")
        return data
    try:
        return load_dataset(_DEFAULT_DATASET)
    except DownloadError:
        _announce(
            listeners,
            f"`{_DEFAULT_DATASET}` is neither on this machine nor to be downloaded, so this trains "
            f"on the bundled `{_BUNDLED_DATASET}`; `--data {_DEFAULT_DATASET}` says why.",
        )
        return load_dataset(_BUNDLED_DATASET)


def _set_threads(threads: int | None) -> int:
    """Set PyTorch's number of CPU threads, and say what it is."""
    if threads is not None:
        check_range("threads", threads, 1, 1024)
        torch.set_num_threads(threads)
    return torch.get_num_threads()


def _build_trainer(config: RunConfig, network: nn.Module, data: Dataset) -> Trainer:
    """The trainer that a run's config describes."""
    return Trainer(
        network,
        data,
        config.recipe,
        device=pick_device(config.device),
        seed=config.seed,
        mean=config.normalisation.mean,
        std=config.normalisation.std,
        kernels=config.kernels,
    )


def _warn_of_changed_environment(run: Run, device: torch.device, listeners: list[Listener]) -> None:
    """Say what differs from where the run was started, as the bits may then differ too."""
    if not run.environment_path.exists():
        return
    before, now = run.environment, describe_environment(device)
    for name in ("lenet", "torch", "processor", "device", "kernels"):
        if before.get(name) != now[name]:
            _announce(
                listeners,
                f"The run began with {name} {before.get(name)} and goes on with {now[name]}; "
                "the last digits may differ from an unbroken run's.",
            )


def _announce(listeners: list[Listener], text: str) -> None:
    """Tell every listener something that the person should know."""
    for listener in listeners:
        listener.on_message(text)
