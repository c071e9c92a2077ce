from pathlib import Path
from typing import Literal

import torch

from lenet.datasets import Dataset
from lenet.evaluation._examples import find_dataset, pick_examples
from lenet.evaluation._scores import Evaluation, score_predictions
from lenet.evaluation._view_choice import Views
from lenet.evaluation._views import log_probabilities
from lenet.kernels import KernelChoice, use_kernels
from lenet.runs import Run, load, open_run
from lenet.training import pick_device


def evaluate(
    model: Run | Path | str = "latest",
    dataset: str | Path | Dataset | None = None,
    *,
    split: Literal["train", "validation", "test"] = "test",
    views: Views = "single",
    device: str = "auto",
    kernels: KernelChoice = "auto",
    runs_folder: Path | str = "runs",
) -> Evaluation:
    """Score a trained network.

    Args:
        model: A run, its folder or name, `latest`, or a model file.
        dataset: A name, the path of a folder or file of one's own, or images in memory; what the
            network was trained on where none is given.
        split: Which images; `validation` gives those that the run held out.
        views: `single` looks once at each image; `mirrored` also at its mirror image, `shifted` at
            it moved by up to one pixel, and the probabilities are averaged.
        device: Where to compute.
        kernels: What computes on a CPU: `native` for lenet's compiled kernels, with an error where
            they do not serve; `torch` for PyTorch; `auto` for the kernels where they serve.
        runs_folder: Where names of runs are looked for.

    Raises:
        SettingError: `native` kernels are wanted, and there are none here.
        RunError: There is no such run, or it has no model or no validation images.
        ModelError: The network does not fit the data.
        DatasetError: The data can't be had or used.
    """
    source = (
        model if isinstance(model, Run) or Path(model).is_file() else open_run(model, runs_folder)
    )
    network, card = load(source.folder if isinstance(source, Run) else source)
    data = find_dataset(dataset, source if isinstance(source, Run) else Path(source), card)
    data.check_fits(card.input_shape, len(card.class_names))
    examples = pick_examples(source, data, split)
    place = pick_device(device)
    with use_kernels(kernels):
        scores = log_probabilities(
            network.to(place), examples, card.normalisation, views=views, device=place
        )
    labels = torch.from_numpy(examples.labels)
    return score_predictions(
        examples.labels,
        scores.argmax(dim=1).numpy(),
        data.class_names,
        loss=float(torch.nn.functional.nll_loss(scores, labels)),
        dataset=data.name,
        split=split,
    )
