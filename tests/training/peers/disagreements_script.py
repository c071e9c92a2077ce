"""What two processes raise when something is wrong in one of them or in both: a script."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

import lenet
from lenet.datasets import Dataset, Split
from lenet.errors import LenetError
from lenet.training import leave

SECOND = os.environ.get("RANK") == "1"


def noise(seed: int) -> Dataset:
    """Images of nothing."""
    images = np.random.default_rng(seed).integers(0, 256, (32, 1, 28, 28), dtype=np.uint8)
    labels = np.arange(32) % 2
    return Dataset("noise", ("a", "b"), Split(images, labels), Split(images, labels))


SITUATIONS: dict[str, dict[str, Any]] = {
    "no data in the second": {"dataset": "nowhere" if SECOND else "digits"},
    "other images": {"dataset": noise(int(SECOND))},
    "other seeds": {"dataset": noise(0), "seed": int(SECOND)},
    "other recipes": {"dataset": noise(0), "learning_rate": 0.1 + SECOND},
    "a wrong setting in both": {"dataset": noise(0), "epochs": 0},
    "native kernels with batch norm": {
        "dataset": noise(0),
        "batch_norm": True,
        "engine": "native",
    },
    "a mistake in the first": {"dataset": noise(0), "listeners": [] if SECOND else 3},
    "no such run": {},
}


def raised_by(name: str) -> list[Any]:
    """What this process raises: the class, the message and the exit code."""
    settings = {"epochs": 1, "batch_size": 16, "threads": 1, "listeners": [], **SITUATIONS[name]}
    try:
        if name == "no such run":
            lenet.resume("missing", runs_folder=sys.argv[1], listeners=[])
        else:
            lenet.train(**settings)
    except (LenetError, TypeError) as error:
        return [type(error).__name__, str(error), getattr(error, "exit_code", None)]
    return ["nothing", "", 0]


if __name__ == "__main__":
    raised = {name: raised_by(name) for name in SITUATIONS}
    Path(sys.argv[1], os.environ["RANK"]).write_text(json.dumps(raised))
    leave(0)
