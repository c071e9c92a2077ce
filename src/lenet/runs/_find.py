"""Finding what is meant by a name or a path: a run, an equal one, a run's data, a model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lenet._version import __version__
from lenet.core import nearest_name, read_json_object, require_torch
from lenet.errors import LenetError, ModelFileError, RunError, SettingError, UnknownNameError
from lenet.models import BUNDLED, arrays_of, check_numbers, read_network
from lenet.runs._run import Run, RunConfig
from lenet.training import Recipe

if TYPE_CHECKING:
    from torch import nn

    from lenet.datasets import Dataset
    from lenet.models import ArrayNetwork, ModelCard

MODEL_FILE = "model.safetensors"
LIBRARY = "lenet"  # what a folder for a hub names as its library
OWN_WEIGHTS = "own_weights"  # in a run's environment: whether it began with other than the seed's
_LATEST = "latest"

# What a run was called and where it ran decides no more than its last digits; what images of one's
# own are is told by their fingerprint, wherever they lie.
_NOT_COMPARED = {"preset", "device", "threads", "engine", "source"}


def find_runs(runs_folder: Path | str = "runs") -> list[Run]:
    """The run folders in a folder, oldest first; other things in it are passed over."""
    folder = Path(runs_folder)
    if not folder.is_dir():
        return []
    runs = [
        Run(path)
        for path in folder.iterdir()
        if not path.name.startswith(".") and model_in_folder(path) is None
    ]
    # Unlike `Path.is_file`, this passes over a folder that somebody else has closed.
    runs = [run for run in runs if os.path.isfile(run.config_path)]
    return sorted(runs, key=lambda run: (run.started, run.name))


def open_run(
    run: Path | str = _LATEST, runs_folder: Path | str = "runs", *, also: Sequence[str] = ()
) -> Run:
    """Open a run folder.

    Args:
        run: Its path, its name in `runs_folder`, or `latest`.
        runs_folder: Where names are looked for.
        also: What else the caller would have understood, for the error.

    Raises:
        RunError: There is no such folder, or it is not a run.
        UnknownNameError: There is no run of that name.
    """
    if str(run) == _LATEST:
        found = find_runs(runs_folder)
        if not found:
            message = f"There is no run in `{runs_folder}` yet; `lenet train` makes one."
            raise RunError(message)
        return found[-1]
    for folder in (Path(run), Path(runs_folder) / run):
        if folder.is_dir():
            opened = Run(folder)
            if not opened.config_path.is_file():
                message = f"`{folder}` is not a run folder: it has no `config.json`."
                raise RunError(message)
            if model_in_folder(folder) is not None:
                message = (
                    f"`{folder}` is no run but a folder for a hub; only its model can be used."
                )
                raise RunError(message)
            return opened
    if Path(run).exists():
        message = f"`{run}` is a file, not a run folder."
        raise RunError(message)
    names = [known.name for known in find_runs(runs_folder)]
    if not names:
        near = nearest_name(str(run), also)
        hint = f" Did you mean `{near}`?" if near else ""
        message = f"There is no run folder `{run}`.{hint}"
        raise RunError(message)
    newest_first = reversed(names[-5:])  # of names that are as near the first is offered
    raise UnknownNameError("run", str(run), [*newest_first, _LATEST, *also])


def find_equal_run(runs_folder: Path, config: RunConfig) -> Run | None:
    """The newest run that was to compute the same, by this version of lenet, and is not running."""
    wanted = _compared(config)
    for run in reversed(find_runs(runs_folder)):
        try:
            environment = run.environment
            begins_alike = environment.get("lenet") == __version__ and not environment.get(
                OWN_WEIGHTS
            )
            is_whole = run.model_path.exists() or not run.is_complete
            is_equal = begins_alike and is_whole and _compared(run.config) == wanted
            if is_equal and run.status != "running":
                return run
        except LenetError:  # a damaged run
            continue
    return None


def _compared(config: RunConfig) -> dict[str, Any]:
    """The part of a config that decides what is computed."""
    return {name: value for name, value in config.to_dict().items() if name not in _NOT_COMPARED}


def load_data_of(run: Run, moved_to: Path | str | None = None) -> Dataset:
    """Load what a run was trained on, from where it was; without the run's validation split.

    Args:
        run: The run.
        moved_to: Where the folder or file lies now, if it is not where it was.

    Raises:
        RunError: It is not there any more, has changed, or was in memory alone.
        DatasetError: It can't be used.
    """
    from lenet.datasets import dataset_names, load_dataset  # which a model's answer does not need

    source = run.config.source
    if source is None:
        if moved_to is not None:
            message = f"`{run.folder}` was not trained on a folder or file; leave out `--data`."
            raise RunError(message)
        if run.config.dataset not in dataset_names():
            message = (
                f"`{run.folder}` was trained on images of one's own; pass them as `dataset`, or "
                "name files by `--data`."
            )
            raise RunError(message)
        return load_dataset(run.config.dataset)
    if moved_to is not None:
        source = source.replace(path=str(moved_to))
    elif not source.place.exists() and not source.place.parent.is_file():  # EMNIST lies in a file
        message = (
            f"`{run.folder}` was trained on `{source.path}`, which is gone. Put it back, or say "
            "where it is now with `--data` (`dataset`)."
        )
        raise RunError(message)
    data = load_dataset(source, for_training=False)
    if as_trained_on(run, data) is None:
        message = (
            f"`{source.path}` is not what `{run.folder}` was trained on: images were added, "
            "removed or changed since. Train anew, or put the images back as they were."
        )
        raise RunError(message)
    return data


def as_trained_on(run: Run, data: Dataset) -> Dataset | None:
    """The data with the images that a run held out; `None` if it was trained on other data."""
    config = run.config
    if config.recipe.validation:
        try:
            data = data.with_validation(config.recipe.validation, config.seed)
        except SettingError:  # too few to be what the run was trained on
            return None
    return data if data.fingerprint() == config.fingerprint else None


def locate_model(model: Run | Path | str, runs_folder: Path | str = "runs") -> Run | Path:
    """The run or the model file that is meant.

    Args:
        model: A model file, a folder made for a hub, a run, its folder, its name, `latest`, or
            `digits` or `fashion`, which come with the package; a file or folder called so is meant
            by `./digits`.
        runs_folder: Where names are looked for.

    Raises:
        RunError: There is no such run.
    """
    if isinstance(model, Run):
        return model
    if not isinstance(model, (Path, str)):
        message = f"A `{type(model).__name__}` is no run and no model file; pass a run or a path."
        raise RunError(message)
    if model in BUNDLED:
        return BUNDLED[str(model)]
    if Path(model).is_file():
        return Path(model)
    for folder in (Path(model), Path(runs_folder, model)):
        if path := model_in_folder(folder):
            return path
    return open_run(model, runs_folder, also=list(BUNDLED))


def name_of_model(located: Run | Path) -> str:
    """What to call a network: as its run, its folder for a hub, or its file."""
    if isinstance(located, Run):
        return located.name
    is_in_folder = located.name == MODEL_FILE and model_in_folder(located.parent) is not None
    return located.parent.resolve().name if is_in_folder else located.stem


def load(
    model: Run | Path | str,
    runs_folder: Path | str = "runs",
    network: nn.Module | None = None,
) -> tuple[nn.Module, ModelCard]:
    """Load a trained network.

    Args:
        model: A model file, a folder made for a hub, a run, its folder, its name, `latest`, or
            `digits` or `fashion`, which come with the package.
        runs_folder: Where names are looked for.
        network: The network as its own code builds it, where it is no `nn.Sequential` of layers
            that lenet knows.

    Returns:
        The network on the CPU, in evaluation mode, and what its file says about it.

    Raises:
        RunError: There is no such run, or it has no model yet.
        ModelFileError: The file is damaged or not a model of ours.
        MissingExtraError: PyTorch is not installed; `lenet.open_model` does without.
    """
    from lenet.models import load_model

    require_torch("`lenet.load`, unlike `lenet.open_model`,")
    located = locate_model(model, runs_folder)
    return load_model(located.require_model() if isinstance(located, Run) else located, network)


def open_network(
    model: Run | Path | str | tuple[ArrayNetwork | nn.Module, ModelCard],
    runs_folder: Path | str = "runs",
    network: nn.Module | None = None,
) -> tuple[Run | Path, ArrayNetwork | nn.Module, ModelCard]:
    """A trained network with where it is from; of what `load` gave, what its file could be called.

    Raises:
        LenetError: There is no such network: see `load`.
    """
    if isinstance(model, tuple):
        found, card = model
        check_numbers(arrays_of(found))
        found.train(False)
        return Path(f"{card.model}.safetensors"), found, card
    located = locate_model(model, runs_folder)
    path = located.require_model() if isinstance(located, Run) else located
    return located, *read_network(path, network)


def recipe_of(card: ModelCard, place: Run | Path) -> Recipe | None:
    """The recipe that a network was trained by, where its file says it.

    Raises:
        ModelFileError: What the file says is none.
    """
    if not card.recipe:
        return None
    try:
        return Recipe.from_dict(card.recipe)
    except SettingError as error:
        path = place.model_path if isinstance(place, Run) else place
        message = f"`{path}` was trained by a recipe that this lenet does not know: {error}"
        raise ModelFileError(message) from error


def model_in_folder(folder: Path | str) -> Path | None:
    """The model file of a folder made for a hub; `None` for a run folder or anything else.

    Both kinds hold `model.safetensors` and `config.json`. The one for a hub names lenet as its
    library there, or came without that file.
    """
    path = Path(folder, MODEL_FILE)
    if not os.path.isfile(path):
        return None
    config = Path(folder, "config.json")
    if not config.exists():
        return path
    try:
        values = read_json_object(config, RunError)
    except RunError:  # whoever opens it as a run says better what is wrong
        return None
    return path if values.get("library_name") == LIBRARY else None
