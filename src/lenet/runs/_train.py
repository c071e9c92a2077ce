"""One training, from what was asked for to a complete run folder, and going on with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, cast

from lenet.core import TrainKeywords, stop_on_signals, take_settings
from lenet.datasets import (
    Dataset,
    DataSource,
    ImageHolder,
    are_labels_of,
    as_dataset,
    holds_images,
)
from lenet.errors import (
    InterruptedTraining,
    LostProcessError,
    NonFiniteLossError,
    RunError,
    SettingError,
    StorageError,
)
from lenet.models import ArrayNetwork, Network
from lenet.runs._find import (
    OWN_WEIGHTS,
    as_trained_on,
    find_equal_run,
    load_data_of,
    open_network,
    recipe_of,
)
from lenet.runs._plan import (
    Plan,
    announce,
    build_trainer,
    describe_run,
    engine_of,
    find_dataset,
    make_plan,
    name_of_data,
    rebuild_trainer,
)
from lenet.runs._recorder import Recorder, pack_checkpoint, quoted, with_advice
from lenet.runs._run import Run, RunConfig, create_run
from lenet.runs._setup import (
    TrainOptions,
    advice_on_speed,
    describe_environment,
)
from lenet.runs._together import (
    by_the_first,
    check_agreement,
    in_every_process,
    in_turn,
    open_in_all,
    place_process,
    training_in,
)
from lenet.runs._trained_on import TRAINED_ON_FILE, pack_trained_on
from lenet.training import (
    TRACKING_FILE,
    Guard,
    Listener,
    Recipe,
    TrackedRun,
    Tracker,
    Trainer,
    errors_of_file,
    join_group,
    kept_trackers,
    make_trackers,
    outlast_others,
    override_settings,
    pack_trackers,
    pick_display,
    read_recipe_file,
)

if TYPE_CHECKING:
    from torch import nn
    from typing_extensions import Unpack

_OfFile = tuple[Path | None, Iterable[str]]  # a recipe file, and the settings that are as in it


def train(
    model: str | Path | Run | nn.Module | Network | ImageHolder | None = None,
    dataset: str | Path | DataSource | ImageHolder | None = None,
    recipe: Recipe | Path | str | None = None,
    *,
    listeners: Sequence[Listener] | None = None,
    **settings: Unpack[TrainKeywords],
) -> Run:
    """Train a network and keep everything about it in a new run folder.

    Processes that torchrun started train it together, and the first of them keeps the folder.

    Args:
        model: A name in the registry; the path of a network's `.toml` file, or what was read from
            one; or a network, which is trained in place from the weights it has. Or a run or the
            path of a model file, whose network is trained on, by the recipe it was trained by where
            none is given. The preset's where nothing is. Images that stand here are the dataset.
        dataset: A name; the path of a folder or file of one's own, or how it is read; or whatever
            `lenet.as_dataset` takes, such as `(X, y)`. Where none is given it is Fashion-MNIST;
            should that be neither cached nor reachable, the bundled `digits`.
        recipe: How to train; the preset's where none is given. Or the path of a recipe file, whose
            network, preset and settings hold where nothing else is said here.
        listeners: Who is told how it goes; where none are given, a display that suits a notebook,
            a terminal or a pipe. `[]` is silent; trackers are told all the same. Of several
            processes each tells its own, and only the first has a display.
        settings: Fields of [`TrainOptions`][lenet.runs.TrainOptions]: `preset`, `seed`, `device`,
            `threads` (from now on in this process), `engine`, `runs_folder`, `reuse` and `track`.
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
    network, dataset = _told_apart(model, dataset, recipe)
    options, make, of_file = _check(network, recipe, settings, name_of_data(dataset))
    track, runs_folder = options.track, options.runs_folder
    listeners, trackers = _audience(listeners, track)
    used_device, used_threads = place_process(options.device, options.threads)
    data = in_turn(find_dataset)(dataset, listeners)
    with errors_of_file(*of_file):
        trainer, config = _build(make, data, options, used_device, used_threads)
    check_agreement(config)
    if options.reuse and (equal := _find_equal_folder(runs_folder, config)):
        return resume(Run(Path(equal)), dataset=trainer.dataset, track=track, listeners=listeners)
    run = Run(Path(_make_folder(runs_folder, trainer, config, trackers, not _is_new(network))))
    processes = join_group().size
    on = (
        config.device
        if processes == 1
        else f"{processes} processes on {used_device.partition(':')[0]}"
    )
    announce(
        listeners,
        f"Training `{config.model}` on `{data.name}`: {len(trainer.dataset.train):,} images, "
        f"preset `{config.preset}`, seed {config.seed}, on {on}. Run folder: {run.folder}",
    )
    if options.engine == "auto" and (advice := advice_on_speed(trainer)):
        announce(listeners, advice)
    with training_in(run, trainer):
        _train_in(run, trainer, trackers, listeners)
    return run


def _told_apart(
    model: object, dataset: str | Path | DataSource | ImageHolder | None, recipe: object
) -> tuple[
    str | Path | Run | nn.Module | Network | None, str | Path | DataSource | ImageHolder | None
]:
    """The network and the images that `train` was given, also `train(data)` and `train(X, y)`."""
    if recipe is not None and not isinstance(recipe, (Recipe, Path, str)):
        message = (
            f"A `{type(recipe).__name__}` is no recipe. Images and labels are one argument: "
            "`dataset=(X, y)`."
        )
        raise SettingError(message)
    if not holds_images(model):
        is_network = hasattr(model, "parameters") or hasattr(model, "layers")
        if not (
            is_network
            or model is None
            or isinstance(model, (str, Path, Run, Network, ArrayNetwork))
        ):
            message = f"A `{type(model).__name__}` is neither a network nor images."
            raise SettingError(message)
        return cast("str | Path | Run | nn.Module | Network | None", model), dataset
    images = cast("ImageHolder", model)
    if dataset is None:
        return None, images
    if are_labels_of(dataset, images):
        return None, (images, dataset)
    message = (
        f"A `{type(model).__name__}` stands where the network belongs, and `dataset` is another. "
        "Pass images and labels as `dataset=(X, y)`."
    )
    raise SettingError(message)


def resume(
    run: Run | Path | str = "latest",
    *,
    dataset: Path | str | ImageHolder | None = None,
    network: nn.Module | None = None,
    runs_folder: Path | str = "runs",
    track: str | Sequence[str] = (),
    listeners: Sequence[Listener] | None = None,
) -> Run:
    """Go on with a run that was stopped, to the bits that it would have had without the stop.

    Args:
        run: The run folder, its name in `runs_folder`, or `latest`.
        dataset: The data, where the run was trained on images in memory, as they were passed to
            `train`; the path where a folder or file lies now, if it was moved. Loaded again from
            where it was otherwise.
        network: The network as its own code builds it, where it is no `nn.Sequential` of layers
            that lenet knows.
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
    listeners, trackers = _audience(listeners, track)
    run, is_complete, processes = open_in_all(run, runs_folder)
    if is_complete:
        announce(
            listeners,
            f"`{run.folder}` is complete; there is nothing to go on with. A new run begins with "
            f"its network by `lenet train --network {quoted(run)}`.",
        )
        return run
    if dataset is None or isinstance(dataset, (str, Path)):
        data = in_turn(load_data_of)(run, dataset)
    else:
        data = in_turn(as_dataset)(dataset)
    threads = run.config.threads if processes == join_group().size else None
    device, _ = place_process(run.config.device, threads)
    trainer = _build_again(run, data, device, network)
    with training_in(run, trainer, restores=True):
        announce(
            listeners,
            f"Going on with {run.folder} in epoch {trainer.epoch + 1} after step {trainer.step}.",
        )
        _connect_again(run, trainer.device, trackers, listeners)
        _train_in(run, trainer, trackers, listeners)
    return run


@in_every_process
def _audience(
    listeners: Sequence[Listener] | None, track: str | Sequence[str]
) -> tuple[list[Listener], list[Tracker]]:
    """Who is told in this process; display and trackers belong to the first."""
    if listeners is None:
        listeners = [pick_display()] if join_group().is_first else []
    return list(listeners), [] if track == () or not join_group().is_first else make_trackers(track)


@in_every_process
def _check(
    model: str | Path | Run | nn.Module | Network | None,
    recipe: Recipe | Path | str | None,
    settings: Mapping[str, Any],
    name: str,
) -> tuple[TrainOptions, Callable[..., Plan], _OfFile]:
    """Refuse what is wrong before data is read; gives what plans the training of some data."""
    options, changed = take_settings(TrainOptions, settings)
    preset = options.preset
    if options.reuse and not _is_new(model):
        message = "A network that is already built has weights of its own; `reuse` can't know them."
        raise SettingError(message)
    of_file: _OfFile = None, ()
    if isinstance(recipe, (Path, str)):
        file = read_recipe_file(recipe)
        of_file = Path(recipe), {"model", "preset", *file.settings} - changed.keys()
        model, preset = file.model if model is None else model, preset or file.preset
        recipe, changed = None, override_settings(file.settings, changed)
    network: Any = model
    if isinstance(model, Run) or _is_model_file(model):
        place, network, card = open_network(model)  # type: ignore[arg-type]
        if recipe is None and preset is None:
            recipe = recipe_of(card, place)
    make = partial(make_plan, model=network, recipe=recipe, preset=preset, settings=changed)
    with errors_of_file(*of_file):
        make(name)
    return options, make, of_file


def _is_new(model: str | Path | Run | nn.Module | Network | None) -> bool:
    """Whether a network has its first weights from the seed."""
    return isinstance(model, (str, Path, Network, NoneType)) and not _is_model_file(model)


def _is_model_file(model: Any) -> bool:
    return isinstance(model, (str, Path)) and Path(model).suffix == ".safetensors"


@in_every_process
def _build(
    make: Callable[..., Plan],
    data: Dataset,
    options: TrainOptions,
    device: str,
    threads: int,
) -> tuple[Trainer, RunConfig]:
    plan = make(data.name, data=data)
    trainer = build_trainer(
        plan,
        data,
        seed=options.seed,
        device=device,
        engine=options.engine,
        peers=join_group(),
    )
    return trainer, describe_run(plan, trainer, threads)


@in_every_process
def _build_again(run: Run, data: Dataset, device: str, network: nn.Module | None) -> Trainer:
    """The trainer of a run, before it is restored."""
    divided = as_trained_on(run, data)
    if divided is None:
        message = f"`{run.config.dataset}` is not the data that `{run.folder}` was started on."
        raise RunError(message)
    return rebuild_trainer(
        run.config,
        divided,
        engine=engine_of(run),
        device=device,
        network=network,
        peers=join_group(),
    )


@by_the_first
def _find_equal_folder(runs_folder: Path, config: RunConfig) -> str | None:
    equal = find_equal_run(runs_folder, config)
    return str(equal.folder) if equal else None


@by_the_first
def _make_folder(
    runs_folder: Path,
    trainer: Trainer,
    config: RunConfig,
    trackers: Sequence[Tracker],
    own_weights: bool,
) -> str:
    files: dict[str, bytes | str] = {"checkpoint.safetensors": pack_checkpoint(trainer.state())}
    if config.source is not None:
        files[TRAINED_ON_FILE] = pack_trained_on(trainer.dataset)
    if trackers:
        files[TRACKING_FILE] = pack_trackers(tracker.name for tracker in trackers)
    for tracker in trackers:
        tracker.connect(runs_folder)
    environment = _environment(trainer.device) | {OWN_WEIGHTS: own_weights}
    return str(create_run(runs_folder, config, environment, files).folder)


@in_every_process
def _connect_again(
    run: Run, device: str, trackers: list[Tracker], listeners: list[Listener]
) -> None:
    """Say what differs from where the run was started, and add the trackers that it had."""
    if not join_group().is_first:
        return
    if run.environment_path.exists():
        before, now = {"processes": 1, **run.environment}, _environment(device)
        names = ("lenet", "torch", "processor", "device", "kernels", "processes")
        for name in (one for one in names if one != "torch" or run.config.engine == "torch"):
            if before.get(name) != now[name]:
                announce(
                    listeners,
                    f"The run began with {name} {before.get(name)} and goes on with {now[name]}; "
                    "the last digits may differ from an unbroken run's.",
                )
    for tracker in trackers:
        tracker.connect(run.folder.parent)
    trackers += kept_trackers(run.folder, trackers, partial(announce, listeners))


def _train_in(
    run: Run, trainer: Trainer, trackers: Sequence[Tracker], listeners: Sequence[Listener]
) -> None:
    """Train to the end, while the first process keeps the run folder up to date."""
    recorders = [Recorder(run)] if join_group().is_first else []
    guards = [Guard(tracker, partial(announce, listeners)) for tracker in trackers]
    # The recorder first: what it has written, the trackers may hand over.
    trainer.listeners = [*recorders, *guards, *listeners]
    again = f"`{join_group().command(f'train --resume {quoted(run)}')}`"
    with stop_on_signals(trainer.request_stop):
        for guard in guards:
            guard.begin(trainer, TrackedRun(run.folder, run.config.to_dict()))
        try:
            trainer.run()
        except (InterruptedTraining, LostProcessError, NonFiniteLossError) as error:
            outlast_others()
            for recorder in recorders:
                recorder.keep_after(trainer, error)
            raise with_advice(error, run, again) from error.__cause__
        except StorageError as error:
            message = f"{error} When it can be, go on with {again}."
            raise StorageError(message) from error
    announce(listeners, f"All of it is in {run.folder}. Next: `lenet evaluate {quoted(run)}`")


def _environment(device: str) -> dict[str, Any]:
    return {**describe_environment(device), "processes": join_group().size}
