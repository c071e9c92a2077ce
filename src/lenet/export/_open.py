from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from lenet.datasets import Batches, Dataset, DataSource, Split
from lenet.export._written import TrainedNetwork
from lenet.kernels import use_kernels
from lenet.models import ModelCard, load_model
from lenet.pictures import Pixels
from lenet.results import find_dataset
from lenet.runs import Run, as_trained_on, locate_model, name_of_model
from lenet.training import compute_logits

_BATCH = 256


def open_trained_network(
    model: Run | Path | str = "latest",
    data: str | Path | DataSource | Dataset | None = None,
    *,
    runs_folder: Path | str = "runs",
) -> TrainedNetwork:
    """Open a trained network with the images that an export of it is checked on.

    They are the test images of what it was trained on. A run whose data has none is checked on the
    images that it held out, or without those on its training images.

    Args:
        model: A run, its folder or name, `latest`, a model file, or `digits` or `fashion`.
        data: Other images to check on: a name, the path of a folder or file, or images in memory.
        runs_folder: Where names of runs are looked for.

    Raises:
        RunError, ModelError: The model can't be had or used, or does not fit the data.
        DatasetError: The data can't be had or used, or nobody knows where it is.
    """
    located = locate_model(model, runs_folder)
    path = located.require_model() if isinstance(located, Run) else located
    network, card = load_model(path)
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
