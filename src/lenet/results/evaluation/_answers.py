from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from lenet.core import Compute, ComputeKeywords
from lenet.datasets import Dataset, DataSource, Split
from lenet.models import ModelCard
from lenet.results.evaluation._examples import find_dataset, pick_examples
from lenet.results.evaluation._scores import Evaluation, score_predictions
from lenet.results.evaluation._view_choice import SplitName, Views
from lenet.results.evaluation._views import log_probabilities
from lenet.runs import Run, load, locate_model
from lenet.training import computing

if TYPE_CHECKING:
    from typing_extensions import Unpack


@dataclass(frozen=True, eq=False)
class Answers:
    """What a network makes of a split's images.

    Attributes:
        source: The run or the model file.
        network: The network, on the device that it answered on.
        card: What its file says about it.
        dataset: The images' dataset.
        split: Which of its splits this is.
        examples: The images with their labels.
        log_probabilities: The logarithms of the classes' probabilities, float32 (N, classes).
    """

    source: Run | Path
    network: nn.Module
    card: ModelCard
    dataset: Dataset
    split: SplitName
    examples: Split
    log_probabilities: torch.Tensor

    def probabilities(self, temperature: float = 1.0) -> npt.NDArray[np.float64]:
        """The classes' probabilities, (N, classes), their logarithms divided by a temperature."""
        scaled = self.log_probabilities.double() / temperature
        probabilities: npt.NDArray[np.float64] = scaled.softmax(dim=1).numpy()
        return probabilities

    @cached_property
    def evaluation(self) -> Evaluation:
        """How good the answers are."""
        labels = torch.from_numpy(self.examples.labels)
        return score_predictions(
            self.examples.labels,
            self.log_probabilities.argmax(dim=1).numpy(),
            self.dataset.class_names,
            loss=float(torch.nn.functional.nll_loss(self.log_probabilities, labels)),
            dataset=self.dataset.name,
            split=self.split,
        )


def answer(
    model: Run | Path | str = "latest",
    dataset: str | Path | DataSource | Dataset | None = None,
    *,
    split: SplitName = "test",
    views: Views = "single",
    runs_folder: Path | str = "runs",
    **compute: Unpack[ComputeKeywords],
) -> Answers:
    """Let a trained network answer for every image of a split; `evaluate` scores the answers."""
    source = locate_model(model, runs_folder)
    network, card = load(source)
    data = find_dataset(dataset, source, card)
    data.check_fits(card.input_shape, len(card.class_names))
    examples = pick_examples(source, data, split)
    with computing(Compute.from_dict(compute)) as place:
        scores = log_probabilities(
            network.to(place), examples, card.normalisation, views=views, device=place
        )
    return Answers(source, network, card, data, split, examples, scores)
