"""What was found inside a network, as values and in words."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lenet.core import escape_name
from lenet.datasets import Dataset, Split
from lenet.models import ModelCard
from lenet.results._choices import Part
from lenet.results._wording import number, whole_percent
from lenet.results.inside._layers import LayerFilters
from lenet.results.inside._neighbours import Neighbours, Projection
from lenet.results.inside._saliency import Saliency
from lenet.results.inside._subjects import Subject
from lenet.results.inside._trace import LayerActivity, LayerDifference, LayerTrace
from lenet.runs import Run


@dataclass(frozen=True, eq=False)
class Observation:
    """What a network does with one subject.

    Attributes:
        subject: What was shown to it.
        probabilities: Of the classes, float64 (classes,), the logits divided by the temperature of
            the network's calibration; the mean over the subject's images.
        layers: What every layer puts out, on average over the subject's images.
        activity: How busy every layer is.
        occlusion: How much less probable the answer becomes where the image is covered, (H, W); not
            for several images.
        gradient: How strongly the answer's logit depends on each pixel, (H, W); not for several.
        neighbours: The training images most like it; not for several images.
    """

    subject: Subject
    probabilities: npt.NDArray[np.float64]
    layers: tuple[LayerTrace, ...]
    activity: tuple[LayerActivity, ...]
    occlusion: Saliency | None = None
    gradient: Saliency | None = None
    neighbours: Neighbours | None = None

    @property
    def answer(self) -> int:
        """The likeliest class."""
        return int(self.probabilities.argmax())

    def layer(self, name: str) -> LayerTrace:
        """What a layer of this name puts out."""
        return next(layer for layer in self.layers if layer.name == name)


@dataclass(frozen=True, eq=False)
class Sample:
    """Some of a dataset's images.

    Attributes:
        place: `test` or `train`.
        numbers: Which of them, int64 (N,).
        examples: The images with their labels.
    """

    place: str
    numbers: npt.NDArray[np.int64]
    examples: Split


@dataclass(frozen=True, eq=False)
class Inspection:
    """What was found inside a network.

    Attributes:
        source: The run or the model file.
        card: What its file says about it.
        data: The dataset that examples and neighbours are from, if it could be had.
        parts: What was looked at.
        layers: The names of the layers to show.
        shows_all_layers: Whether these are all that there are.
        first_layer: The first activation, by name.
        last_layer: The layer that puts out the logits.
        filters: The weights that can be seen as pictures; empty if not asked for.
        observations: What it does with each input.
        differences: Layer by layer, how far apart two inputs are; empty unless there are two.
        sample: Images for the map and for the health of the layers.
        health: How busy every layer is over the sample; empty without one.
        map: The sample on a map, and after it the observations.
        missing: Why something is not there, a sentence; or nothing.
    """

    source: Run | Path
    card: ModelCard
    data: Dataset | None
    parts: tuple[Part, ...]
    layers: tuple[str, ...]
    shows_all_layers: bool
    first_layer: str
    last_layer: str
    filters: tuple[LayerFilters, ...] = ()
    observations: tuple[Observation, ...] = ()
    differences: tuple[LayerDifference, ...] = ()
    sample: Sample | None = None
    health: tuple[LayerActivity, ...] = ()
    map: Projection | None = None
    missing: str = ""

    @property
    def name(self) -> str:
        """What the run or model file is called."""
        return self.source.name

    @property
    def overview_layers(self) -> tuple[str, ...]:
        """The layers that are drawn of many inputs: those chosen, else the first activation."""
        return (self.first_layer,) if self.shows_all_layers else self.layers


def name_answer(inspection: Inspection, observation: Observation) -> str:
    """The likeliest class and its probability."""
    name = inspection.card.class_names[observation.answer]
    return f"{name} {whole_percent(float(observation.probabilities[observation.answer]))}"


def is_right(observation: Observation) -> bool | None:
    """Whether the answer is the label; nothing where there is no label."""
    label = observation.subject.label
    return None if label is None else label == observation.answer


def describe_inspection(inspection: Inspection) -> list[str]:
    """What is to be seen, in up to five sentences."""
    said: list[str] = []
    shown = inspection.observations
    if len(shown) > 2:
        said.append(_count_right(inspection))
    else:
        said += [_describe_answer(inspection, one) for one in shown]
    if inspection.differences:
        said.append(_describe_difference(inspection))
    elif shown:
        said.append(_describe_first_layer(inspection, shown[0]))
    if 0 < len(shown) <= 2:
        said += [_describe_neighbours(inspection, shown[0])]
        said += [_describe_occlusion(inspection, shown[0])]
    if not shown:
        said += [f"`{one.name}` has {one.weights.shape[0]} filters." for one in inspection.filters]
    said.append(_describe_dead(inspection))
    if inspection.missing:
        said.append(inspection.missing)
    return [escape_name(sentence) for sentence in said if sentence][:5]


def _describe_answer(inspection: Inspection, observation: Observation) -> str:
    names = inspection.card.class_names
    second = observation.probabilities.argsort()[-2]
    shares = [
        whole_percent(float(observation.probabilities[i])) for i in (observation.answer, second)
    ]
    return (
        f"{observation.subject.title} is taken for {names[observation.answer]} ({shares[0]}), then "
        f"for {names[second]} ({shares[1]})."
    )


def _count_right(inspection: Inspection) -> str:
    """How many of several subjects with labels get them."""
    shown = [one for one in inspection.observations if one.subject.label is not None]
    if not shown:
        counts = Counter(inspection.card.class_names[one.answer] for one in inspection.observations)
        answers = ", ".join(f"{count} × {name}" for name, count in counts.most_common(4))
        return f"The {len(inspection.observations)} inputs are taken for {answers}."
    wrong = [one for one in shown if not is_right(one)]
    known = "" if len(shown) == len(inspection.observations) else " with a known class"
    said = f"{len(shown) - len(wrong)} of {len(shown)} inputs{known} are taken for what they are."
    for one in wrong[:1]:
        said += f" {_describe_answer(inspection, one)}"
    return said


def _describe_first_layer(inspection: Inspection, observation: Observation) -> str:
    activity = next(one for one in observation.activity if one.name == inspection.first_layer)
    unit = int(activity.unit_means.argmax())
    if activity.silent == 1:
        return f"No unit of `{activity.name}` answers to {observation.subject.title}: all are 0."
    return (
        f"Of `{activity.name}`, unit {unit} answers most to {observation.subject.title}: its mean "
        f"is {number(float(activity.unit_means[unit]))}."
    )


def _describe_difference(inspection: Inspection) -> str:
    """In which layers two subjects are nearest and farthest."""
    shown = [one for one in inspection.differences if one.name in inspection.layers]
    least = min(shown, key=lambda one: one.distance)
    most = max(shown, key=lambda one: one.distance)
    return (
        f"The two differ most in `{most.name}` (by {whole_percent(most.distance)} of the outputs' "
        f"size, in unit {most.unit} most) and least in `{least.name}` "
        f"({whole_percent(least.distance)})."
    )


def _describe_neighbours(inspection: Inspection, observation: Observation) -> str:
    if observation.neighbours is None or inspection.data is None:
        return ""
    labels = inspection.data.train.labels[observation.neighbours.indices]
    counts = Counter(inspection.card.class_names[label] for label in labels)
    kinds = ", ".join(f"{count} × {name}" for name, count in counts.most_common(3))
    return f"The {len(labels)} training images nearest to {observation.subject.title}: {kinds}."


def _describe_occlusion(inspection: Inspection, observation: Observation) -> str:
    if observation.occlusion is None:
        return ""
    row, column = np.unravel_index(observation.occlusion.argmax(), observation.occlusion.shape)
    loss = float(observation.occlusion.max())
    name = inspection.card.class_names[observation.answer]
    if loss <= 0.01:
        return f"No spot of {observation.subject.title} matters much to {name} when it is covered."
    return (
        f"Covering {observation.subject.title} round row {row}, column {column} costs {name} "
        f"{whole_percent(loss)} of probability, more than anywhere else."
    )


def _describe_dead(inspection: Inspection) -> str:
    """The layer with the largest share of units that do nothing."""
    sick = [
        (max(one.silent or 0.0, one.saturated or 0.0), one)
        for one in inspection.health
        if one.silent is not None or one.saturated is not None
    ]
    if not sick or inspection.sample is None:
        return ""
    share, layer = max(sick, key=lambda pair: pair[0])
    count = len(inspection.sample.examples)
    images = f"{count:,} {inspection.sample.place} images"
    if share < 0.01:
        return f"Over {images} no layer has dead units or saturated outputs worth naming."
    if layer.silent is not None:
        return f"Over {images}, {whole_percent(share)} of the units of `{layer.name}` are dead."
    return f"Over {images}, {whole_percent(share)} of the outputs of `{layer.name}` are saturated."
