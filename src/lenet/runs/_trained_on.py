"""By which a run knows the images again that it was trained on, wherever they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lenet.core import open_to_read
from lenet.errors import RunError

if TYPE_CHECKING:
    from lenet.datasets import Dataset, Split
    from lenet.runs._run import Run

TRAINED_ON_FILE = "trained-on.bin"
_NUMBER = np.dtype("<u4")  # of 10,000 other images 0.02 are taken for one of 10,000


def pack_trained_on(data: Dataset) -> bytes:
    """What a run keeps of images of one's own: a number for each to train on or to choose on."""
    parts = [data.train, *([data.validation] if data.validation else [])]
    numbers = [_numbers(split) for split in parts if split.packed is None]
    return np.unique(np.concatenate([np.empty(0, _NUMBER), *numbers])).tobytes()


def find_trained_on(run: Run, examples: Split) -> npt.NDArray[np.bool_]:
    """Which images a run was trained on, or chose its best epoch by, (N,).

    Those of an early run, and large packed ones, are not known.

    Raises:
        RunError: What the run keeps of them can't be read.
    """
    path = run.folder / TRAINED_ON_FILE
    if examples.packed is not None or not path.is_file():
        return np.zeros(len(examples), np.bool_)
    with open_to_read(path, RunError) as file:
        content = file.read()
    known = np.frombuffer(content[: len(content) // 4 * 4], _NUMBER)
    return np.isin(_numbers(examples), known)


def _numbers(examples: Split) -> npt.NDArray[np.uint32]:
    from lenet.datasets import hash_images

    numbers: npt.NDArray[np.uint32] = (hash_images(examples.images) >> np.uint64(32)).astype(
        _NUMBER
    )
    return numbers
