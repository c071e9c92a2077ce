"""What every layer makes of images, and how busy it is."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lenet.errors import ModelError
from lenet.models import ArrayNetwork, Normalisation
from lenet.models.layers import layer_values
from lenet.results._networks import AnyNetwork, Images, batches_for, label_all, network_for
from lenet.results.inside._layers import Bounds, layer_bounds, name_of

Values = npt.NDArray[np.float32]
_BATCH = 64  # whose values a processor's cache holds
_NEAR_A_BOUND = 0.02  # of the distance between the bounds; as in the diagnosis of a training


@dataclass(frozen=True, eq=False)
class LayerTrace:
    """What one layer makes of some images.

    Attributes:
        name: Its place in the network and its class, such as `0 Conv2d`; `network[0]` is it.
        outputs: float32 (N, maps, H, W) or (N, units).
        bounds: The lowest and highest number that such a layer can put out.
    """

    name: str
    outputs: Values
    bounds: Bounds

    @property
    def unit_means(self) -> Values:
        """The mean of each map or unit for each image, (N, units)."""
        means: Values = self._by_unit().mean(axis=2)
        return means

    @property
    def unit_maxima(self) -> Values:
        """The largest number in each map or unit for each image, (N, units)."""
        maxima: Values = self._by_unit().max(axis=2)
        return maxima

    def _by_unit(self) -> Values:
        return self.outputs.reshape(*self.outputs.shape[:2], -1)


@dataclass(frozen=True)
class LayerDifference:
    """How far apart a layer's outputs for two images are.

    Attributes:
        name: The layer.
        distance: The Euclidean distance of the outputs in parts of their mean length: 0 if they are
            the same, 1.41 if they have nothing in common, 2 if they are opposite.
        unit: The map or unit whose mean differs most.
        unit_means: Its mean for the one and for the other.
    """

    name: str
    distance: float
    unit: int
    unit_means: tuple[float, float]


def trace(
    network: AnyNetwork, images: Images, normalisation: Normalisation | None = None
) -> tuple[LayerTrace, ...]:
    """What every layer of a network makes of images, first layer first.

    Layers that only move numbers, such as `Flatten`, are left out.

    Args:
        network: The network; left in the mode it was in.
        images: uint8 (N, C, H, W), 0 to 255.
        normalisation: How pixels become the network's input; a model's card has it.

    Raises:
        DatasetError: The images are not uint8 of shape (N, C, H, W).
        ModelError: They do not fit the network.

    >>> from lenet.models import LeNet
    >>> first, *_ = trace(LeNet(), np.zeros((2, 1, 28, 28), np.uint8))
    >>> first.name, first.outputs.shape
    ('0 Conv2d', (2, 6, 28, 28))
    """
    batches = trace_batches(network, images, normalisation)
    return tuple(
        LayerTrace(
            layers[0].name, np.concatenate([layer.outputs for layer in layers]), layers[0].bounds
        )
        for layers in zip(*batches, strict=True)
    )


def average_trace(
    network: AnyNetwork, images: Images, normalisation: Normalisation | None = None
) -> tuple[LayerTrace, ...]:
    """What every layer of a network puts out on average over images.

    That is not what it makes of the average image: layers bend what comes in. It takes what `trace`
    takes, and any number of images, a few at a time; what it gives is a trace of one image.
    """
    layers: Sequence[LayerTrace] = ()
    sums: list[npt.NDArray[np.float64]] = []
    for layers in trace_batches(network, images, normalisation):
        new = [layer.outputs.sum(axis=0, dtype=np.float64, keepdims=True) for layer in layers]
        sums = [total + one for total, one in zip(sums, new, strict=True)] if sums else new
    return tuple(
        LayerTrace(layer.name, (total / len(images)).astype(np.float32), layer.bounds)
        for layer, total in zip(layers, sums, strict=True)
    )


def compare_traces(
    one: Sequence[LayerTrace], other: Sequence[LayerTrace]
) -> tuple[LayerDifference, ...]:
    """How far apart two images are in every layer.

    Args:
        one: The first image of these traces is compared.
        other: With the first of these, of the same network.

    Raises:
        ModelError: The traces are of different networks.
    """
    differences = []
    shapes = [[(layer.name, layer.outputs.shape[1:]) for layer in side] for side in (one, other)]
    if shapes[0] != shapes[1]:
        message = "Traces of different networks can't be compared."
        raise ModelError(message)
    for first, second in zip(one, other, strict=True):
        a, b = (layer.outputs[0].astype(np.float64).ravel() for layer in (first, second))
        size = (np.linalg.norm(a) + np.linalg.norm(b)) / 2
        means = first.unit_means[0], second.unit_means[0]
        unit = int(np.abs(means[0] - means[1]).argmax())
        differences.append(
            LayerDifference(
                first.name,
                float(np.linalg.norm(a - b) / size) if size else 0.0,
                unit,
                (float(means[0][unit]), float(means[1][unit])),
            )
        )
    return tuple(differences)


def trace_batches(
    network: AnyNetwork, images: Images, normalisation: Normalisation | None
) -> Iterator[list[LayerTrace]]:
    """The traces of a few images at a time."""
    known = network_for(network, images)
    bounds = layer_bounds(known)
    batches = batches_for(known, label_all(images), normalisation, _BATCH)
    for inputs, _ in batches:
        if isinstance(known, ArrayNetwork):
            values = layer_values(known.placed, np.asarray(inputs), known.arrays)
            outputs = {name_of(placed): made for placed, made in values}
        else:
            from lenet.results.inside._modules import module_values

            outputs = module_values(known, inputs)
        yield [
            LayerTrace(name, made, bounds[name]) for name, made in outputs.items() if name in bounds
        ]


@dataclass(frozen=True, eq=False)
class LayerActivity:
    """How busy a layer is over some images.

    Attributes:
        name: The layer, as in `LayerTrace`.
        unit_means: The mean of each map or unit, (units,).
        unit_maxima: The largest number in each map or unit, (units,).
        silent: Share of maps or units, 0 to 1, that are 0 for every image; ReLU and what pools it
            only. Those silent for every image of a large sample are called dead.
        saturated: Share of outputs, 0 to 1, so near a bound that hardly any gradient comes through;
            sigmoid, tanh and what pools them only.
    """

    name: str
    unit_means: Values
    unit_maxima: Values
    silent: float | None
    saturated: float | None


def measure_activity(
    network: AnyNetwork, images: Images, normalisation: Normalisation | None = None
) -> tuple[LayerActivity, ...]:
    """How busy every layer of a network is over images, first layer first.

    It takes what `trace` takes, and any number of images, a few at a time.

    >>> from lenet.models import LeNet
    >>> activity = measure_activity(LeNet(), np.zeros((2, 1, 28, 28), np.uint8))
    >>> activity[1].name, activity[1].saturated, activity[1].silent
    ('1 Sigmoid', 0.0, None)
    """
    layers: Sequence[LayerTrace] = ()
    batches = []
    for layers in trace_batches(network, images, normalisation):
        batches.append(
            [(one.unit_means, one.unit_maxima, _count_near_bounds(one)) for one in layers]
        )
    activity = []
    for layer, (means, maxima, saturated) in zip(
        layers, (zip(*found, strict=True) for found in zip(*batches, strict=True)), strict=True
    ):
        low, high = layer.bounds
        largest = np.concatenate(maxima).max(axis=0)
        outputs = len(images) * math.prod(layer.outputs.shape[1:])
        silent = float((largest <= 0).mean()) if low == 0 and math.isinf(high) else None
        share = sum(saturated) / outputs if math.isfinite(high) else None
        mean = np.concatenate(means).mean(axis=0)
        activity.append(LayerActivity(layer.name, mean, largest, silent, share))
    return tuple(activity)


def _count_near_bounds(layer: LayerTrace) -> float:
    low, high = layer.bounds
    if not math.isfinite(high):
        return 0.0
    near = _NEAR_A_BOUND * (high - low)
    return float(((layer.outputs < low + near) | (layer.outputs > high - near)).sum())
