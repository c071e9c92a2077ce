"""All that a report tells of a trained network, found out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lenet.core import Compute, ComputeKeywords
from lenet.datasets import Dataset, DataSource, ImageHolder, PictureHolder
from lenet.errors import DatasetError, RunError
from lenet.models import ModelCard
from lenet.results._choices import SplitName
from lenet.results._networks import AnyNetwork
from lenet.results.measure._evaluate import Answers, answer_on
from lenet.results.measure._examples import find_dataset
from lenet.results.measure._robustness import Robustness, measure_robustness
from lenet.results.measure._scores import Evaluation
from lenet.results.measure._stranger_images import pick_strangers
from lenet.runs import Run, as_trained_on, open_network
from lenet.training import computing

if TYPE_CHECKING:
    from torch import nn
    from typing_extensions import Unpack

_ROBUSTNESS_IMAGES = 2000


@dataclass(frozen=True, eq=False)
class Findings:
    """All that a report tells of a trained network.

    Attributes:
        answers: What the network makes of the scored images, and of strangers.
        held_out: What it makes of the run's validation images, where those are not the scored ones.
        robustness: What it makes of images that were moved, turned, blurred and more.
        lacks_test: Whether there were no test images, so that others are scored.
    """

    answers: Answers
    held_out: Answers | None
    robustness: tuple[Robustness, ...]
    lacks_test: bool

    @property
    def run(self) -> Run | None:
        """The run, where the network is not from a model file."""
        source = self.answers.source
        return source if isinstance(source, Run) else None

    @property
    def class_names(self) -> tuple[str, ...]:
        """What the classes are called that may be answered."""
        return self.answers.card.classes

    @property
    def evaluation(self) -> Evaluation:
        """The scores."""
        return self.answers.evaluation

    @property
    def is_calibrated(self) -> bool:
        """Whether the model file has a temperature that was measured."""
        return self.answers.card.calibration.images > 0

    @cached_property
    def probabilities(self) -> npt.NDArray[np.float64]:
        """Of every class for every scored image, as the model file's temperature makes them."""
        return self.answers.probabilities(self.answers.card.calibration.temperature)


def examine(
    model: Run | Path | str | tuple[AnyNetwork, ModelCard] = "latest",
    dataset: str | Path | DataSource | ImageHolder | None = None,
    *,
    split: SplitName | None = None,
    strangers: PictureHolder | Iterable[PictureHolder] | None = None,
    network: nn.Module | None = None,
    runs_folder: Path | str = "runs",
    **compute: Unpack[ComputeKeywords],
) -> Findings:
    """Find out all that `report` tells of a trained network."""
    opened = open_network(model, runs_folder, network)
    source, _, card = opened
    data = find_dataset(dataset, source, card)
    chosen: SplitName = split or ("test" if data.test is not None else "validation")
    shown = pick_strangers(card, strangers)
    try:
        answers = answer_on(data, opened, chosen, compute, strangers=shown)
    except RunError as error:
        if split is not None:
            raise
        message = f"`{data.name}` has no test images, and there are no others to score on: {error}"
        raise DatasetError(message) from error
    held_out = None
    if chosen != "validation" and isinstance(source, Run) and _held_out_from(source, data):
        held_out = answer_on(data, opened, "validation", compute)
    with computing(Compute.from_dict(compute)):
        robustness = measure_robustness(
            answers.network,
            answers.examples,
            card.normalisation,
            images=_ROBUSTNESS_IMAGES,
            temperature=card.calibration.temperature,
            classes=len(card.classes),
        )
    return Findings(answers, held_out, robustness, lacks_test=data.test is None)


def _held_out_from(run: Run, data: Dataset) -> bool:
    """Whether a run held out images of this data to choose on."""
    holds_out = run.config.recipe.validation > 0 or data.validation is not None
    return holds_out and as_trained_on(run, data) is not None
