from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from lenet.datasets import Dataset, DataSource, ImageHolder, Split
from lenet.errors import DatasetError, ModelError, RunError, SettingError, UnknownNameError
from lenet.models import ArrayNetwork, ModelCard
from lenet.results._choices import PARTS, Distance, MapMethod, Part
from lenet.results._networks import AnyNetwork, Images, label_all, logits_of, network_on
from lenet.results.inside._inspection import Inspection, Observation, Sample
from lenet.results.inside._layers import (
    first_activation,
    layer_bounds,
    read_filters,
    select_layers,
)
from lenet.results.inside._neighbours import Projection, compute_features, find_neighbours, project
from lenet.results.inside._saliency import gradient_saliency, occlusion_saliency
from lenet.results.inside._subjects import (
    Subject,
    make_subject,
    needs_data,
    one_of_each_class,
    usual_split,
)
from lenet.results.inside._trace import (
    LayerActivity,
    average_trace,
    compare_traces,
    measure_activity,
)
from lenet.results.measure._examples import find_dataset
from lenet.runs import Run, open_network
from lenet.training import pick_device

MOST_INPUTS = 24
_MOST_CLASSES = 12  # of which the overview has an example
_SAMPLES, _NOISE = 25, 0.15  # of SmoothGrad
_SAMPLE = 1500  # images on the map, whose layers' health is measured too


def inspect_network(
    model: Run | Path | str | tuple[AnyNetwork, ModelCard] = "latest",
    inputs: str | Path | Sequence[str | Path | Images] = (),
    dataset: str | Path | DataSource | ImageHolder | None = None,
    *,
    parts: str | Iterable[str] = PARTS,
    layers: str | Iterable[str] = (),
    map_method: MapMethod = "pca",
    distance: Distance = "cosine",
    device: str = "auto",
    runs_folder: Path | str = "runs",
) -> Inspection:
    """Look at what happens inside a trained network.

    Args:
        model: A run, its folder or name, `latest`, a model file, what `lenet.load` gave, or
            `digits` or `fashion`, which come with the package.
        inputs: What to show to it, one or several, as for `make_subject`; two are compared. One
            example of each class where none are given.
        dataset: A name, a path, or what `lenet.as_dataset` takes, such as `(X, y)`; what the
            network was trained on where none is given.
        parts: What to look at: `filters`, `activations`, `saliency`, `neighbours`, `map`.
        layers: The layers to show: each a name such as `0 Conv2d`, the place (`0`, `c1`) or the
            class (`Conv2d`); all where none are given.
        map_method: `pca` or `tsne`, as for `project`.
        distance: Of the neighbours: `cosine` or `euclidean`.
        device: Where to compute.
        runs_folder: Where names of runs are looked for.

    Returns:
        All that was found, to draw or to compute with. Where the dataset can't be had and no input
        needs it, what is made from it is missing.

    Raises:
        RunError: There is no such run, it has no model yet, or what it was trained on is gone.
        SettingError: An input, a part or a layer is unknown.
        ModelError: The network does not fit the data.
        DatasetError: The data can't be had or used, or a picture can't be read.

    >>> import tempfile, lenet
    >>> run = lenet.train(dataset="digits", epochs=1, runs_folder=tempfile.mkdtemp(), listeners=[])
    >>> found = inspect_network(run, ["class:3", "class:8"])
    >>> found.observations[0].layers[0].outputs.shape
    (1, 6, 28, 28)
    """
    inputs = (inputs,) if isinstance(inputs, (str, Path)) else inputs
    layers = (layers,) if isinstance(layers, str) else layers
    wanted = _known_parts((parts,) if isinstance(parts, str) else parts)
    if len(inputs) > MOST_INPUTS:
        message = f"Up to {MOST_INPUTS} inputs can be shown, not {len(inputs)}."
        raise SettingError(message)
    source, opened, card = open_network(model, runs_folder)
    if not _is_sequential(opened):
        message = f"A `{type(opened).__name__}` is no `nn.Sequential`, so it can't be inspected."
        raise ModelError(message)
    if card.input_shape[0] not in (1, 3):
        message = f"Images of {card.input_shape[0]} channels can't be shown: grey has 1, colours 3."
        raise ModelError(message)
    network = network_on(opened, str(pick_device(device)), card.input_shape)
    every_layer = tuple(layer_bounds(network))
    shown = select_layers(every_layer, layers)
    data, missing = _find_data(dataset, source, card, inputs)
    subjects = [make_subject(one, card, data) for one in inputs]
    if not inputs and data is not None:
        subjects = one_of_each_class(data, _MOST_CLASSES)
    observations = [_observe(network, card, subject, wanted) for subject in subjects]
    if "neighbours" in wanted and data is not None:
        observations = _with_neighbours(network, card, observations, data.train, distance)
    sample, projection = None, None
    health: tuple[LayerActivity, ...] = ()
    if data is not None:
        sample = _draw_sample(data)
        if "activations" in wanted:
            health = measure_activity(network, sample.examples.images, card.normalisation)
        if "map" in wanted:
            projection = _make_map(network, card, sample, subjects, map_method)
    traces = [one.layers for one in observations]
    return Inspection(
        source=source,
        card=card,
        data=data,
        parts=wanted,
        layers=shown,
        shows_all_layers=shown == every_layer,
        first_layer=first_activation(every_layer),
        last_layer=every_layer[-1],
        filters=read_filters(network, card.input_shape) if "filters" in wanted else (),
        observations=tuple(observations),
        differences=compare_traces(*traces) if len(traces) == 2 else (),
        sample=sample,
        health=health,
        map=projection,
        missing=missing,
    )


def _is_sequential(network: AnyNetwork) -> bool:
    if isinstance(network, ArrayNetwork):
        return True
    from torch import nn

    return isinstance(network, nn.Sequential)


def _known_parts(parts: Iterable[str]) -> tuple[Part, ...]:
    asked = set(parts)
    for part in asked:
        if part not in PARTS:
            raise UnknownNameError("part", part, PARTS)
    return tuple(part for part in PARTS if part in asked)


def _find_data(
    dataset: str | Path | DataSource | ImageHolder | None,
    source: Run | Path,
    card: ModelCard,
    inputs: Sequence[str | Path | Images],
) -> tuple[Dataset | None, str]:
    """The dataset; where it can't be had and nobody asked for it, none, and why."""
    try:
        data = find_dataset(dataset, source, card)
    except (DatasetError, RunError) as error:
        if dataset is not None or any(map(needs_data, inputs)):
            raise
        return None, str(error)
    data.check_fits(card.input_shape, len(card.class_names))
    return data, ""


def _observe(
    network: AnyNetwork, card: ModelCard, subject: Subject, parts: Sequence[Part]
) -> Observation:
    images, normalisation = subject.images, card.normalisation
    logits = logits_of(network, label_all(images), normalisation)
    probabilities = card.decide(logits).probabilities[:, : len(card.classes)].mean(axis=0)
    occlusion = gradient = None
    if "saliency" in parts and len(images) == 1:
        answer = int(probabilities.argmax())
        occlusion = occlusion_saliency(network, images[0], answer, normalisation)
        gradient = gradient_saliency(
            network, images[0], answer, normalisation, samples=_SAMPLES, noise=_NOISE
        )
    return Observation(
        subject,
        probabilities,
        average_trace(network, images, normalisation),
        measure_activity(network, images, normalisation),
        occlusion,
        gradient,
    )


def _with_neighbours(
    network: AnyNetwork,
    card: ModelCard,
    observations: Sequence[Observation],
    searched: Split,
    distance: Distance,
) -> list[Observation]:
    """The same with the neighbours of those that are single images."""
    single = [one for one in observations if len(one.subject.images) == 1]
    if not single:
        return list(observations)
    found = find_neighbours(
        network,
        np.concatenate([one.subject.images for one in single]),
        searched.images,
        card.normalisation,
        distance=distance,
    )
    by_subject = dict(zip((one.subject for one in single), found, strict=True))
    return [replace(one, neighbours=by_subject.get(one.subject)) for one in observations]


def _draw_sample(data: Dataset) -> Sample:
    """Some of a dataset's test images, or of its training images if it has no others."""
    split, place = usual_split(data)
    count = min(_SAMPLE, len(split))
    numbers = np.sort(np.random.default_rng(0).permutation(len(split))[:count])
    return Sample(place, numbers, split.take(numbers))


def _make_map(
    network: AnyNetwork,
    card: ModelCard,
    sample: Sample,
    subjects: Sequence[Subject],
    method: MapMethod,
) -> Projection:
    """What the last layer sees of the sample, and after it of the subjects, on a map."""
    features = [compute_features(network, sample.examples.images, card.normalisation)]
    features += [
        compute_features(network, subject.images, card.normalisation).mean(axis=0, keepdims=True)
        for subject in subjects
    ]
    return project(np.concatenate(features), method)
