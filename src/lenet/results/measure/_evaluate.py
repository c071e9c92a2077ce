from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lenet.core import NONE_CLASS, Compute, ComputeKeywords
from lenet.datasets import Dataset, DataSource, ImageHolder, PictureHolder, Split
from lenet.errors import DatasetError, ModelError
from lenet.models import NO_ANSWER, Decisions, ModelCard, Normalisation
from lenet.pictures import are_blank
from lenet.results._choices import SplitName, Views
from lenet.results._networks import AnyNetwork, logits_of, network_on, softmax
from lenet.results.measure._doubt import expected_calibration_error
from lenet.results.measure._examples import find_dataset, pick_examples
from lenet.results.measure._scores import (
    Answered,
    Evaluation,
    Refused,
    score_predictions,
    share_among_likeliest,
)
from lenet.results.measure._stranger_images import pick_strangers
from lenet.results.measure._stranger_scores import NEVER, Strangers, score_strangers
from lenet.runs import Run, open_network
from lenet.training import computing, log_softmax

if TYPE_CHECKING:
    import torch
    from torch import nn
    from typing_extensions import Unpack

_AT_ONCE = 4096  # images
_SHIFTS = tuple((down, right) for down in (-1, 0, 1) for right in (-1, 0, 1))


@dataclass(frozen=True, eq=False)
class Answers:
    """What a network makes of a split's images.

    Attributes:
        source: The run or the model file.
        network: The network, on the device that it answered on.
        card: What its file says about it.
        dataset: The images' dataset.
        split: Which of its splits this is.
        examples: The images of a class, with their labels.
        log_probabilities: The logarithms of the outputs' probabilities, float32 (N, outputs).
        counter_examples: What a network that has learnt `_none` makes of the split's images of that
            class, which belong to none; `None` where there are no such.
        strangers: What it makes of pictures of none of its classes, by kind, as far as any were
            shown to it.
    """

    source: Run | Path
    network: AnyNetwork
    card: ModelCard
    dataset: Dataset
    split: SplitName
    examples: Split
    log_probabilities: npt.NDArray[np.float32]
    counter_examples: Answers | None = None
    strangers: Mapping[str, Answers] = field(default_factory=dict)

    def probabilities(self, temperature: float = 1.0) -> npt.NDArray[np.float64]:
        """The classes' probabilities, (N, classes), their logarithms divided by a temperature.

        What is missing to 1 is the share of `_none`, where the network has learnt it.
        """
        shares = softmax(self.log_probabilities.astype(np.float64) / temperature)
        return shares[:, : len(self.card.classes)]

    def rows(self) -> Iterator[tuple[str, str, str, float]]:
        """For every image its name, its class, the likeliest class and that one's probability.

        The probability is as the model file's temperature makes it, as `predict` gives it. An image
        whose name is not known has its number in the split, counted from 0. Counter-examples come
        last.
        """
        names, decided = self.dataset.class_names, self.decisions
        for index, given in enumerate(decided.likeliest.tolist()):
            true = names[self.examples.labels[index]]
            name = self.examples.name_of(index, self.split)
            yield name, true, names[given], float(decided.probability[index])
        if self.counter_examples is not None:
            yield from self.counter_examples.rows()

    @property
    def temperature(self) -> float:
        """What the model file divides the logits by."""
        return self.card.calibration.temperature

    @cached_property
    def decisions(self) -> Decisions:
        """What `predict` answers for the images, but for those in which nothing is to be seen."""
        return self.card.decide(self.log_probabilities)

    @cached_property
    def given(self) -> npt.NDArray[np.int64]:
        """The class that `predict` answers for each image, (N,); -1 for none of them."""
        if self.card.answers_blank:
            return self.decisions.answers
        return np.where(self._are_blank, NO_ANSWER, self.decisions.answers)

    @cached_property
    def passes_up_to(self) -> npt.NDArray[np.float64]:
        """The highest threshold at which each image is answered, (N,): its probability.

        It is 0 where `_none` is likelier, and -1 where nothing is to be seen.
        """
        lowest = self.card.decide(self.log_probabilities, float(np.finfo(np.float64).tiny))
        highest = np.where(lowest.is_sure, lowest.probability, 0.0)
        return highest if self.card.answers_blank else np.where(self._are_blank, NEVER, highest)

    @cached_property
    def evaluation(self) -> Evaluation:
        """How good the answers are."""
        labels = self.examples.labels
        of_labels = self.log_probabilities[np.arange(len(labels)), labels]
        scored = score_predictions(
            labels,
            self.decisions.likeliest,
            self.card.classes,
            loss=-float(of_labels.mean(dtype=np.float64)),
            dataset=self.dataset.name,
            split=self.split,
        )
        calibration, shares = self.card.calibration, self.probabilities(self.temperature)
        right, none = int((self.given == labels).sum()), int((self.given == NO_ANSWER).sum())
        others = self.counter_examples
        return replace(
            scored,
            top_k=share_among_likeliest(self.log_probabilities[:, : shares.shape[1]], labels),
            temperature=calibration.temperature,
            calibration_error=expected_calibration_error(shares, labels),
            answered=Answered(right, len(labels) - right - none, none, calibration.threshold),
            counter_examples=None if others is None else others.refused,
            strangers=self._score_strangers() if self.strangers else None,
        )

    @property
    def of_none(self) -> dict[str, Answers]:
        """What belongs to none of the classes, by kind: counter-examples and strangers."""
        others = self.counter_examples
        return {**({"counter-examples": others} if others else {}), **self.strangers}

    def _score_strangers(self) -> Strangers:
        labels = self.examples.labels
        return score_strangers(
            {kind: (one.given, one.passes_up_to) for kind, one in self.of_none.items()},
            np.where(self.decisions.likeliest == labels, self.passes_up_to, NEVER),
            self.card.classes,
            self.card.calibration.threshold,
            float((self.given == labels).mean()),
        )

    @property
    def refused(self) -> Refused:
        """How many of the images, of none of the classes, `predict` answers so."""
        return Refused(len(self.given), int((self.given == NO_ANSWER).sum()))

    @cached_property
    def _are_blank(self) -> npt.NDArray[np.bool_]:
        """In which images nothing is to be seen; packed ones are read some at a time."""
        images = self.examples.images
        pieces = (images[start : start + _AT_ONCE] for start in range(0, len(images), _AT_ONCE))
        return np.concatenate([are_blank(np.asarray(piece)) for piece in pieces])


def answer(
    model: Run | Path | str | tuple[AnyNetwork, ModelCard] = "latest",
    dataset: str | Path | DataSource | ImageHolder | None = None,
    *,
    split: SplitName = "test",
    views: Views = "single",
    strangers: PictureHolder | Iterable[PictureHolder] | None = None,
    network: nn.Module | None = None,
    runs_folder: Path | str = "runs",
    **compute: Unpack[ComputeKeywords],
) -> Answers:
    """Let a trained network answer for every image of a split; it takes what `evaluate` takes."""
    opened = open_network(model, runs_folder, network)
    data = find_dataset(dataset, opened[0], opened[2])
    shown = None if strangers is None else pick_strangers(opened[2], strangers)
    return answer_on(data, opened, split, compute, views=views, strangers=shown)


def answer_on(
    data: Dataset,
    opened: tuple[Run | Path, AnyNetwork, ModelCard],
    split: SplitName,
    compute: ComputeKeywords,
    *,
    views: Views = "single",
    strangers: Mapping[str, Split] | None = None,
) -> Answers:
    """Let a network that was opened already answer for every image of a dataset's split."""
    source, network, card = opened
    data.check_fits(card.input_shape, len(card.class_names))
    examples, others = _part_counter_examples(pick_examples(source, data, split), data, split)
    with computing(Compute.from_dict(compute)) as device:
        network = network_on(network, str(device), card.input_shape)

        def answers_on(some: Split) -> Answers:
            scores = log_probabilities(
                network, some, card.normalisation, views=views, device=device
            )
            return Answers(source, network, card, data, split, some, scores)

        return replace(
            answers_on(examples),
            counter_examples=None if others is None else answers_on(others),
            strangers={kind: answers_on(some) for kind, some in (strangers or {}).items()},
        )


def _part_counter_examples(
    examples: Split, data: Dataset, split: SplitName
) -> tuple[Split, Split | None]:
    """The examples of a class, and those of `_none` where there are any, by their old names."""
    are_others = examples.labels == data.none_index
    if data.none_index is None or not are_others.any():
        return examples, None
    if are_others.all():
        message = (
            f"All {split} images of `{data.name}` are of `{NONE_CLASS}`, and there are none of a "
            "class to score on."
        )
        raise DatasetError(message)
    if examples.names is None:
        named = [examples.name_of(index, split) for index in range(len(examples))]
        examples = replace(examples, names=named)
    mine, others = np.flatnonzero(~are_others), np.flatnonzero(are_others)
    return examples.take(mine), examples.take(others)


def log_probabilities(
    network: AnyNetwork,
    examples: Split,
    normalisation: Normalisation,
    *,
    views: Views = "single",
    device: torch.device | str = "cpu",
) -> npt.NDArray[np.float32]:
    """What a network makes of every example.

    Args:
        network: The network; a module is moved to the device.
        examples: The images.
        normalisation: How pixels become the network's input.
        views: `single` looks once at each image; `mirrored` also at its mirror image, `shifted` at
            it moved by up to one pixel, nine views in all. Probabilities of views are averaged.
        device: Where to compute.

    Returns:
        The logarithms of the classes' probabilities, float32 (N, classes).

    Raises:
        ModelError: They are no finite numbers.
    """
    network = network_on(network, str(device), examples.images.shape[1:])
    looks = [
        log_softmax(logits_of(network, view, normalisation).astype(np.float64))
        for view in _views(examples, views)
    ]
    if np.isnan(looks).any():  # finite weights, too, may be too large to compute with
        message = "The network gives numbers that are not finite."
        raise ModelError(message)
    averaged = np.logaddexp.reduce(looks) - np.log(len(looks))
    return np.asarray(averaged, np.float32)


def _views(examples: Split, views: Views) -> list[Split]:
    if views == "single":
        return [examples]
    if views == "mirrored":
        mirrored = np.ascontiguousarray(examples.images[..., ::-1])
        return [examples, Split(mirrored, examples.labels)]
    height, width = examples.images.shape[2:]
    padded = np.pad(examples.images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    moved = (
        padded[:, :, 1 + down : 1 + down + height, 1 + right : 1 + right + width]
        for down, right in _SHIFTS
    )
    return [Split(np.ascontiguousarray(images), examples.labels) for images in moved]


def evaluate(
    model: Run | Path | str | tuple[AnyNetwork, ModelCard] = "latest",
    dataset: str | Path | DataSource | ImageHolder | None = None,
    *,
    split: SplitName = "test",
    views: Views = "single",
    strangers: PictureHolder | Iterable[PictureHolder] | None = None,
    network: nn.Module | None = None,
    runs_folder: Path | str = "runs",
    **compute: Unpack[ComputeKeywords],
) -> Evaluation:
    """Score a trained network.

    Args:
        model: A run, its folder or name, `latest`, a model file, or what `lenet.load` gave.
        dataset: A name, a path, or what `lenet.as_dataset` takes, such as `(X, y)`; what the
            network was trained on where none is given.
        split: Which images; `validation` gives those that the run held out.
        views: `single` looks once at each image; `mirrored` also at its mirror image, `shifted` at
            it moved by up to one pixel, and the probabilities are averaged.
        strangers: Pictures of none of the classes, such as the path of a folder: what is answered
            for these is counted, as it is for noise, garments and the like. Nothing is counted
            where none are given; `()` stands for no more than the usual ones.
        network: The network as its own code builds it, where it is no `nn.Sequential` of layers
            that lenet knows.
        runs_folder: Where names of runs are looked for.
        compute: Fields of `Compute`: `device`, `threads`, `engine`.

    Raises:
        SettingError: `native` kernels are wanted, and there are none here.
        RunError: There is no such run, or it has no model or no validation images.
        ModelError: The network does not fit the data.
        DatasetError: The data can't be had or used, or a stranger can't be read.
    """
    return answer(
        model,
        dataset,
        split=split,
        views=views,
        strangers=strangers,
        network=network,
        runs_folder=runs_folder,
        **compute,
    ).evaluation
