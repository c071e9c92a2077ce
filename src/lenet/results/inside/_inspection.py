"""What was found inside a network."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lenet.datasets import Dataset, Split
from lenet.models import ModelCard
from lenet.results._choices import Part
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
