import json
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError

from lenet.core import read_header, read_tensors
from lenet.errors import RunError
from lenet.training import TrainerState

_KEY = "lenet-checkpoint"


def pack_checkpoint(state: TrainerState) -> bytes:
    """A training's state as one safetensors file."""
    return safetensors.torch.save(state.tensors, {_KEY: json.dumps(state.values)})


def read_checkpoint(path: Path) -> TrainerState:
    """Read a training's state back.

    Raises:
        RunError: The file is missing, damaged, or not a checkpoint of ours.
    """
    try:
        header = read_header(path, RunError)
        return TrainerState(read_tensors(path), json.loads(header[_KEY]))
    except RunError as error:
        message = f"The run can't be resumed. {error}"
        raise RunError(message) from error
    except (KeyError, ValueError, SafetensorError) as error:
        message = f"The run can't be resumed: `{path}` is not a checkpoint that lenet wrote."
        raise RunError(message) from error
