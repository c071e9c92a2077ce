from pathlib import Path
from typing import TYPE_CHECKING

from lenet.errors import RunError
from lenet.models import BUNDLED
from lenet.runs._model_folder import MODEL_FILE, model_in_folder
from lenet.runs._run import Run, open_run

if TYPE_CHECKING:
    from torch import nn

    from lenet.models import ModelCard


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
    model: Run | Path | str, runs_folder: Path | str = "runs"
) -> "tuple[nn.Module, ModelCard]":
    """Load a trained network.

    Args:
        model: A model file, a folder made for a hub, a run, its folder, its name, `latest`, or
            `digits` or `fashion`, which come with the package.
        runs_folder: Where names are looked for.

    Returns:
        The network on the CPU, in evaluation mode, and what its file says about it.

    Raises:
        RunError: There is no such run, or it has no model yet.
        ModelFileError: The file is damaged or not a model of ours.
    """
    from lenet.models import load_model  # needs PyTorch, which finding a model does not

    located = locate_model(model, runs_folder)
    return load_model(located.require_model() if isinstance(located, Run) else located)
