"""A trained network as a format gets it, what the format gives back, and how the two compare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lenet.core import has_torch
from lenet.datasets import ArrayBatches, Dataset, DataSource, ImageHolder, Split
from lenet.errors import ExportError, LenetError, ModelError
from lenet.kernels import use_engine
from lenet.models import (
    CUSTOM,
    ArrayNetwork,
    ModelCard,
    TrainedLayer,
    arrays_of,
    fold_network,
    read_network,
)
from lenet.pictures import Pixels
from lenet.results import find_dataset
from lenet.runs import Run, as_trained_on, locate_model, name_of_model
from lenet.training import compute_logits, log_softmax

if TYPE_CHECKING:
    from torch import nn

Shares = npt.NDArray[np.floating]
Decided = npt.NDArray[np.int64]  # (N,), the answered classes, -1 for none of them
# uint8 (N, C, H, W) to probabilities (N, outputs), and to what is answered
Runner = Callable[[Pixels], tuple[Shares, Decided]]

BATCH_SIZES = (1, 2, 7, 256)
TOLERANCE = 1e-5  # of a probability, for a format that keeps float32
_AT_REACH = 1e-3  # relative to it, where float32 may find that an image lies within or beyond
_MOST_LOST = 0.003  # of the accuracy, by a format that rounds its weights
_BATCH = 256
_SAMPLE = 512  # images


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """All that a format may want to know of a network, and what its answers are checked on.

    Attributes:
        name: What to call it: a bundled model's name, a run's or a file's.
        path: Its model file.
        network: The network on the CPU; a module of one's own is in evaluation mode.
        card: What its file says.
        images: What it is checked on, uint8 (N, C, H, W).
        labels: What they show, int64 (N,), as indices into the card's class names; counter-examples
            are among them, where the network has learnt `_none`.
        calibration_images: What ranges of values may be measured on, uint8 (M, C, H, W): the
            training images where they are known.
        dataset: The name of the dataset that the images are from.
        split: Which of its splits they are: `test`, else `validation`, else `train`.
        probabilities: What `reference` makes of the images, calibrated as the card says, float64
            (N, outputs).
        run: The run that it is from, if it is from one.
        reference: Whose answers an export has to give: `PyTorch`, or `NumPy` where that is not
            installed.
    """

    name: str
    path: Path
    network: ArrayNetwork | nn.Module = field(repr=False)
    card: ModelCard = field(repr=False)
    images: Pixels = field(repr=False)
    labels: npt.NDArray[np.int64] = field(repr=False)
    calibration_images: Pixels = field(repr=False)
    dataset: str
    split: str
    probabilities: npt.NDArray[np.float64] = field(repr=False)
    run: Run | None = None
    reference: str = "PyTorch"

    @property
    def accuracy(self) -> float:
        """The share of the images of a class whose likeliest class the reference has right."""
        return self.accuracy_of(self.probabilities)

    def accuracy_of(self, probabilities: Shares) -> float:
        """The same of others' probabilities for the images, (N, outputs)."""
        are_real = self.labels != self.card.none_index
        is_right = probabilities[:, : len(self.card.classes)].argmax(axis=1) == self.labels
        return float(is_right[are_real].mean())

    def decide(self, probabilities: Shares) -> Decided:
        """What is answered where outputs have such probabilities, (N,); -1 for no class."""
        with np.errstate(divide="ignore"):  # the softmax may round to 0
            scores = self.card.calibration.temperature * np.log(probabilities, dtype=np.float64)
        return self.card.decide(scores).answers

    @property
    def calibration_sample(self) -> Pixels:
        """512 of the calibration images, the same every time; the ranges of more differ little."""
        images = self.calibration_images
        chosen = np.random.default_rng(0).permutation(len(images))[:_SAMPLE]
        return images[np.sort(chosen)]

    def layers(self) -> list[TrainedLayer]:
        """What there is to compute, layer by layer, with batch normalisation folded in.

        Raises:
            ModelError: The network is no list of layers that lenet knows.
        """
        require_layers(self.card)
        return fold_network(self.card.settings().network(), arrays_of(self.network))


def require_layers(card: ModelCard) -> None:
    """Raise if a network is no list of layers that lenet knows."""
    if card.model == CUSTOM:
        message = (
            f"`{card.config['module']}` is no list of layers that lenet knows, and this format "
            "needs one; `onnx` and `hub` take any network."
        )
        raise ModelError(message)


def open_trained_network(
    model: Run | Path | str = "latest",
    data: str | Path | DataSource | ImageHolder | None = None,
    *,
    runs_folder: Path | str = "runs",
    network: nn.Module | None = None,
) -> TrainedNetwork:
    """Open a trained network with the images that an export of it is checked on.

    They are the test images of what it was trained on. A run whose data has none is checked on the
    images that it held out, or without those on its training images.

    Args:
        model: A run, its folder or name, `latest`, a model file, or `digits` or `fashion`.
        data: Other images to check on: a name, a path, or what `lenet.as_dataset` takes.
        runs_folder: Where names of runs are looked for.
        network: A network whose weights become the model's; only one that is no list of layers
            that lenet knows has to be given, built by its own code.

    Raises:
        RunError, ModelError: The model can't be had or used, or does not fit the data.
        DatasetError: The data can't be had or used, or nobody knows where it is.
    """
    located = locate_model(model, runs_folder)
    path = located.require_model() if isinstance(located, Run) else located
    found_network, card = read_network(path, network)
    found = find_dataset(data, located, card)
    found.check_fits(card.input_shape, len(card.class_names))
    split, examples, training = _pick_images(located, found)
    return TrainedNetwork(
        name=name_of_model(located),
        run=located if isinstance(located, Run) else None,
        path=path,
        network=found_network,
        card=card,
        images=examples.images,
        labels=examples.labels,
        calibration_images=training.images,
        dataset=found.name,
        split=split,
        probabilities=pytorch_probabilities(found_network, card, examples.images),
        reference="PyTorch" if has_torch() else "NumPy",
    )


def pytorch_probabilities(
    network: ArrayNetwork | nn.Module, card: ModelCard, images: Pixels
) -> npt.NDArray[np.float64]:
    """What PyTorch's own operations, not lenet's kernels, make of images.

    Where PyTorch is not installed, NumPy does it.

    Args:
        network: The network, float32, in evaluation mode.
        card: Says how pixels become its input, and the temperature.
        images: uint8 (N, C, H, W).

    Returns:
        The classes' probabilities, calibrated, (N, classes).
    """
    norm = card.normalisation
    examples = Split(images, np.zeros(len(images), np.int64))
    batches = ArrayBatches(examples, _BATCH, mean=norm.mean, std=norm.std)
    with use_engine("torch" if has_torch() else "numpy"):
        logits = compute_logits(network, batches).astype(np.float64)
    shares: npt.NDArray[np.float64] = np.exp(log_softmax(logits / card.calibration.temperature))
    return shares


def _pick_images(located: Run | Path, data: Dataset) -> tuple[str, Split, Split]:
    """The split's name, the images to check on, and those to measure ranges on."""
    if isinstance(located, Run):
        data = as_trained_on(located, data) or data
    for split in ("test", "validation"):
        examples = data.splits.get(split)
        if examples is not None:
            return split, examples, data.train
    return "train", data.train, data.train


@dataclass(frozen=True, eq=False)
class Written:
    """What a format wrote, and how it is run to see whether it answers as the network does.

    Attributes:
        path: The file or folder, within the folder that the format was given.
        run: Gives the calibrated probabilities of images, and what is answered for them.
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
    """How an export's answers differ from the reference's.

    Attributes:
        batch_size: How many images it was given at once.
        images: How many images there were.
        difference: The largest difference of a probability.
        disagreements: How many images it takes for another class than the reference.
        decided_otherwise: For how many it answers something else, be it a class or none.
        accuracy: Which share of the images it answers rightly.
    """

    batch_size: int
    images: int
    difference: float
    disagreements: int
    decided_otherwise: int
    accuracy: float


def compare_with_reference(
    trained: TrainedNetwork, written: Written, batch_size: int
) -> Comparison:
    """Run an export on all images, some at once; an error where it differs more than it may."""
    shares, images_a_run = np.empty_like(trained.probabilities), written.images_a_run or batch_size
    decided = np.empty(len(shares), np.int64)
    for start in range(0, len(shares), images_a_run):
        images = trained.images[start : start + images_a_run]
        try:
            given, decided[start : start + images_a_run] = written.run(images)
            given = np.asarray(given)
        except LenetError:
            raise
        except Exception as error:
            message = f"The export can't be run in batches of {images_a_run}: {error}"
            raise ExportError(message) from error
        wanted = len(images), shares.shape[1]
        if given.shape != wanted:
            message = (
                f"The export makes {given.shape} of {len(images)} images where {wanted} belongs; "
                "nothing is written."
            )
            raise ExportError(message)
        shares[start : start + images_a_run] = given
    answers = shares[:, : len(trained.card.classes)].argmax(axis=1)
    wanted_answers = trained.probabilities[:, : len(trained.card.classes)].argmax(axis=1)
    difference = float(np.abs(shares - trained.probabilities).max())
    accuracy = trained.accuracy_of(shares)
    batches = f"in batches of {batch_size}"
    if written.tolerance is not None and not difference <= written.tolerance:  # NaN is not, either
        message = (
            f"The export's probabilities differ from {trained.reference}'s by up to "
            f"{difference:.2g} {batches}, more than {written.tolerance:g}; nothing is written."
        )
        raise ExportError(message)
    if not np.isfinite(difference):
        message = f"The export gives probabilities that are no numbers {batches}."
        raise ExportError(message)
    most_lost = max(_MOST_LOST, 1 / len(shares))  # few images can't measure less than one
    if written.tolerance is None and trained.accuracy - accuracy > most_lost + 1e-12:
        message = (
            f"The export's accuracy is {accuracy:.4f} {batches} where {trained.reference}'s is "
            f"{trained.accuracy:.4f}, more than {100 * most_lost:.2g} points less; nothing "
            "is written."
        )
        raise ExportError(message)
    disagreements = int((answers != wanted_answers).sum())
    differs = decided != trained.decide(trained.probabilities)
    if written.tolerance is not None:
        count = int((differs & ~_is_close(trained, 2 * written.tolerance)).sum())
        if count:
            message = (
                f"The export decides otherwise than {trained.reference} for {count:,} of "
                f"{len(decided):,} images {batches}; nothing is written."
            )
            raise ExportError(message)
    return Comparison(
        batch_size, len(shares), difference, disagreements, int(differs.sum()), accuracy
    )


def _is_close(trained: TrainedNetwork, distance: float) -> npt.NDArray[np.bool_]:
    """For which images rounding may decide: two probabilities, or a value and its limit, meet."""
    card, shares = trained.card, trained.probabilities
    likeliest, second = np.sort(shares[:, : len(card.classes)], axis=1)[:, :-3:-1].T
    of_none = second if card.none_index is None else shares[:, card.none_index]
    above = likeliest - card.calibration.threshold
    others = np.minimum(likeliest - second, np.abs(likeliest - of_none))
    reach = card.calibration.reach
    is_at_reach = np.abs(card.calibration.distances(shares) - reach) < _AT_REACH * reach
    meets = (np.minimum(above, others) <= distance) | is_at_reach
    close: npt.NDArray[np.bool_] = (above >= -distance) & meets
    return close
