from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import nn

from lenet.models import ModelCard
from lenet.pictures import Pixels
from lenet.runs import Run

Shares = npt.NDArray[np.floating]
Runner = Callable[[Pixels], Shares]  # uint8 (N, C, H, W) to probabilities (N, classes)

BATCH_SIZES = (1, 2, 7, 256)
_SAMPLE = 512  # images
TOLERANCE = 1e-5  # of a probability, for a format that keeps float32


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """All that a format may want to know of a network, and what its answers are checked on.

    Attributes:
        name: What to call it: a bundled model's name, a run's or a file's.
        path: Its model file.
        network: The network on the CPU, in evaluation mode.
        card: What its file says.
        images: What it is checked on, uint8 (N, C, H, W).
        labels: What they show, int64 (N,), as indices into the card's class names.
        calibration_images: What ranges of values may be measured on, uint8 (M, C, H, W): the
            training images where they are known.
        dataset: The name of the dataset that the images are from.
        split: Which of its splits they are: `test`, else `validation`, else `train`.
        probabilities: What PyTorch makes of the images, calibrated as the card says, float64
            (N, classes).
        run: The run that it is from, if it is from one.
    """

    name: str
    path: Path
    network: nn.Module = field(repr=False)
    card: ModelCard = field(repr=False)
    images: Pixels = field(repr=False)
    labels: npt.NDArray[np.int64] = field(repr=False)
    calibration_images: Pixels = field(repr=False)
    dataset: str
    split: str
    probabilities: npt.NDArray[np.float64] = field(repr=False)
    run: Run | None = None

    @property
    def accuracy(self) -> float:
        """The share of the images that PyTorch answers rightly."""
        return float((self.probabilities.argmax(axis=1) == self.labels).mean())

    @property
    def calibration_sample(self) -> Pixels:
        """512 of the calibration images, the same every time; the ranges of more differ little."""
        images = self.calibration_images
        chosen = np.random.default_rng(0).permutation(len(images))[:_SAMPLE]
        return images[np.sort(chosen)]


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
class Format:
    """A way to write a network down for others to use.

    Attributes:
        write: Writes into a folder, which is empty, and says how to run it.
        suffix: What the output's name ends in where none is given; it follows the network's name.
        is_named_by_output: Whether the network is called as the output is, if a person chose that.
        keep: Takes over what a person wrote into an earlier export at the place to the new one.
    """

    write: Callable[[TrainedNetwork, Path], Written]
    suffix: str
    is_named_by_output: bool = False
    keep: Callable[[Path, Path], None] = lambda place, made: None
