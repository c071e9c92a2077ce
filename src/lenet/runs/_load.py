from pathlib import Path
from typing import TYPE_CHECKING

from lenet.models import ModelCard, load_model
from lenet.runs._run import open_run

if TYPE_CHECKING:
    from torch import nn


def load(model: Path | str, runs_folder: Path | str = "runs") -> tuple["nn.Module", ModelCard]:
    """Load a trained network from a run or from a model file.

    Args:
        model: A model file, a run folder, a run's name, or `latest`.
        runs_folder: Where names are looked for.

    Returns:
        The network on the CPU, in evaluation mode, and what its file says about it.

    Raises:
        RunError: There is no such run, or it has no model yet.
        ModelFileError: The file is damaged or not a model of ours.
    """
    if Path(model).is_file():
        return load_model(model)
    return load_model(open_run(model, runs_folder).require_model())
