"""A trained network as an export gets it, with the images that the export is checked on."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from lenet.datasets import Batches, Dataset, DataSource, Split
from lenet.errors import ModelError
from lenet.kernels import use_kernels
from lenet.models import CUSTOM, ModelCard, TrainedLayer, fold_network, load_model
from lenet.pictures import Pixels
from lenet.results import find_dataset
from lenet.runs import Run, as_trained_on, locate_model, name_of_model
from lenet.training import compute_logits

_BATCH = 256
_SAMPLE = 512  # images


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

    def layers(self) -> list[TrainedLayer]:
        """What there is to compute, layer by layer, with batch normalisation folded in.

        Raises:
            ModelError: The network is no list of layers that lenet knows.
        """
        require_layers(self.card)
        arrays = {name: tensor.numpy() for name, tensor in self.network.state_dict().items()}
        return fold_network(self.card.settings().network(), arrays)


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
    data: str | Path | DataSource | Dataset | None = None,
    *,
    runs_folder: Path | str = "runs",
    network: nn.Module | None = None,
) -> TrainedNetwork:
    """Open a trained network with the images that an export of it is checked on.

    They are the test images of what it was trained on. A run whose data has none is checked on the
    images that it held out, or without those on its training images.

    Args:
        model: A run, its folder or name, `latest`, a model file, or `digits` or `fashion`.
        data: Other images to check on: a name, the path of a folder or file, or images in memory.
        runs_folder: Where names of runs are looked for.
        network: A network whose weights become the model's; only one that is no list of layers
            that lenet knows has to be given, built by its own code.

    Raises:
        RunError, ModelError: The model can't be had or used, or does not fit the data.
        DatasetError: The data can't be had or used, or nobody knows where it is.
    """
    located = locate_model(model, runs_folder)
    path = located.require_model() if isinstance(located, Run) else located
    network, card = load_model(path, network)
    found = find_dataset(data, located, card)
    found.check_fits(card.input_shape, len(card.class_names))
    split, examples, training = _pick_images(located, found)
    return TrainedNetwork(
        name=name_of_model(located),
        run=located if isinstance(located, Run) else None,
        path=path,
        network=network,
        card=card,
        images=examples.images,
        labels=examples.labels,
        calibration_images=training.images,
        dataset=found.name,
        split=split,
        probabilities=pytorch_probabilities(network, card, examples.images),
    )


def pytorch_probabilities(
    network: nn.Module, card: ModelCard, images: Pixels
) -> npt.NDArray[np.float64]:
    """What PyTorch's own operations, not lenet's kernels, make of images.

    Args:
        network: The network, float32, in evaluation mode.
        card: Says how pixels become its input, and the temperature.
        images: uint8 (N, C, H, W).

    Returns:
        The classes' probabilities, calibrated, (N, classes).
    """
    norm = card.normalisation
    examples = Split(images, np.zeros(len(images), np.int64))
    batches = Batches(examples, _BATCH, mean=norm.mean, std=norm.std)
    with use_kernels("torch"):
        logits: torch.Tensor = compute_logits(network, batches)
    shares: npt.NDArray[np.float64] = (
        (logits.double() / card.calibration.temperature).softmax(dim=1).numpy()
    )
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
