"""What a format writes, and whether it answers as PyTorch does."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lenet.errors import ExportError, LenetError
from lenet.export._trained_network import TrainedNetwork
from lenet.pictures import Pixels

Shares = npt.NDArray[np.floating]
Runner = Callable[[Pixels], Shares]  # uint8 (N, C, H, W) to probabilities (N, classes)

BATCH_SIZES = (1, 2, 7, 256)
TOLERANCE = 1e-5  # of a probability, for a format that keeps float32
_MOST_LOST = 0.003  # of the accuracy, by a format that rounds its weights


@dataclass(frozen=True, eq=False)
class Written:
    """What a format wrote, and how it is run to see whether it answers as PyTorch does.

    Attributes:
        path: The file or folder, within the folder that the format was given.
        run: Gives the calibrated probabilities of images.
        batch_sizes: How many images the network looks at at once; each is tried.
        images_a_run: How many images are given to `run` at once, where it parts them itself; a
            batch otherwise.
        tolerance: The largest difference of a probability that is no mismatch; `None` for a format
            that rounds its weights, whose accuracy alone is checked.
        facts: What else a person is told: names with values, such as sizes.
    """

    path: Path
    run: Runner
    batch_sizes: tuple[int, ...] = BATCH_SIZES
    images_a_run: int | None = None
    tolerance: float | None = TOLERANCE
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Comparison:
    """How an export's answers differ from PyTorch's.

    Attributes:
        batch_size: How many images it was given at once.
        images: How many images there were.
        difference: The largest difference of a probability.
        disagreements: How many images it takes for another class than PyTorch does.
        accuracy: Which share of the images it answers rightly.
    """

    batch_size: int
    images: int
    difference: float
    disagreements: int
    accuracy: float


def compare_with_pytorch(trained: TrainedNetwork, written: Written, batch_size: int) -> Comparison:
    """Run an export on all images.

    Args:
        trained: The network, with the images and PyTorch's answers.
        written: The export, and what it may differ by.
        batch_size: How many images it looks at at once.

    Raises:
        ExportError: The export can't be run, or differs by more than it may.
    """
    images_a_run = written.images_a_run or batch_size
    found = _compare(trained, _run_in_batches(trained, written.run, images_a_run), batch_size)
    _check(trained, written, found)
    return found


def _run_in_batches(
    trained: TrainedNetwork, run: Runner, batch_size: int
) -> npt.NDArray[np.float64]:
    """What an export makes of all images."""
    answers = np.empty_like(trained.probabilities)
    for start in range(0, len(answers), batch_size):
        images = trained.images[start : start + batch_size]
        try:
            shares = np.asarray(run(images))
        except LenetError:
            raise
        except Exception as error:
            message = f"The export can't be run in batches of {batch_size}: {error}"
            raise ExportError(message) from error
        if shares.shape != (len(images), answers.shape[1]):
            message = (
                f"The export makes {shares.shape} of {len(images)} images where "
                f"{(len(images), answers.shape[1])} belongs; nothing is written."
            )
            raise ExportError(message)
        answers[start : start + batch_size] = shares
    return answers


def _compare(
    trained: TrainedNetwork, shares: npt.NDArray[np.float64], batch_size: int
) -> Comparison:
    """How far an export's answers are from PyTorch's."""
    answers = shares.argmax(axis=1)
    return Comparison(
        batch_size=batch_size,
        images=len(shares),
        difference=float(np.abs(shares - trained.probabilities).max()),
        disagreements=int((answers != trained.probabilities.argmax(axis=1)).sum()),
        accuracy=float((answers == trained.labels).mean()),
    )


def _check(trained: TrainedNetwork, written: Written, found: Comparison) -> None:
    """Raise if an export differs by more than it may; NaN does."""
    batches = f"in batches of {found.batch_size}"
    if written.tolerance is not None and not found.difference <= written.tolerance:
        message = (
            f"The export's probabilities differ from PyTorch's by up to {found.difference:.2g} "
            f"{batches}, more than {written.tolerance:g}; nothing is written."
        )
        raise ExportError(message)
    if not np.isfinite(found.difference):
        message = f"The export gives probabilities that are no numbers {batches}."
        raise ExportError(message)
    most_lost = max(_MOST_LOST, 1 / found.images)  # few images can't measure less than one
    if written.tolerance is None and trained.accuracy - found.accuracy > most_lost + 1e-12:
        message = (
            f"The export's accuracy is {found.accuracy:.4f} {batches} where PyTorch's is "
            f"{trained.accuracy:.4f}, more than {100 * most_lost:.2g} points less; nothing "
            "is written."
        )
        raise ExportError(message)
