import math
from dataclasses import dataclass

import numpy as np
from torch import nn

from lenet.models import Normalisation
from lenet.results.inspection._inputs import Images
from lenet.results.inspection._trace import LayerTrace, Values, trace_batches

_NEAR_A_BOUND = 0.02  # of the distance between the bounds; as in the diagnosis of a training


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
    network: nn.Module, images: Images, normalisation: Normalisation | None = None
) -> tuple[LayerActivity, ...]:
    """How busy every layer of a network is over images, first layer first.

    Args:
        network: As for `trace`.
        images: As for `trace`; any number, as they are taken a few at a time.
        normalisation: As for `trace`.

    Raises:
        LenetError: As for `trace`.

    >>> from lenet.models import LeNet
    >>> activity = measure_activity(LeNet(), np.zeros((2, 1, 28, 28), np.uint8))
    >>> activity[1].name, activity[1].saturated, activity[1].silent
    ('1 Sigmoid', 0.0, None)
    """
    means: dict[str, list[Values]] = {}
    maxima: dict[str, list[Values]] = {}
    saturated: dict[str, list[float]] = {}
    layers: list[LayerTrace] = []
    for layers in trace_batches(network, images, normalisation):
        for layer in layers:
            means.setdefault(layer.name, []).append(layer.unit_means)
            maxima.setdefault(layer.name, []).append(layer.unit_maxima)
            saturated.setdefault(layer.name, []).append(_count_near_bounds(layer))
    activity = []
    for layer in layers:
        low, high = layer.bounds
        largest = np.concatenate(maxima[layer.name]).max(axis=0)
        outputs = len(images) * math.prod(layer.outputs.shape[1:])
        activity.append(
            LayerActivity(
                layer.name,
                np.concatenate(means[layer.name]).mean(axis=0),
                largest,
                float((largest <= 0).mean()) if low == 0 and math.isinf(high) else None,
                sum(saturated[layer.name]) / outputs if math.isfinite(high) else None,
            )
        )
    return tuple(activity)


def _count_near_bounds(layer: LayerTrace) -> float:
    """How many outputs are near a bound."""
    low, high = layer.bounds
    if not math.isfinite(high):
        return 0.0
    near = _NEAR_A_BOUND * (high - low)
    return float(((layer.outputs < low + near) | (layer.outputs > high - near)).sum())
