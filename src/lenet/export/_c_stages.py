"""A network's layers put together to what the functions of the C code compute, one by one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lenet.export._windows import pooling_windows
from lenet.models import Normalisation, TrainedLayer
from lenet.models import layers as kinds

# Layers that make a number of each window of a map by itself.
POOLINGS = (kinds.Pooling, kinds.AdaptivePooling, kinds.Subsampling, kinds.BatchNorm)


@dataclass(frozen=True, eq=False)
class Stage:
    """What one function of the C code computes: layers that need no memory between them."""

    name: str  # of the function, such as `convolution_1`
    # The numbers of what comes in: 0 for the image, n for what stage n gives.
    inputs: tuple[int, ...]
    input_shape: kinds.Shape  # of what comes in
    output_shape: kinds.Shape  # of what comes out
    # A convolution, dense layer, distances, padding or sum; nothing where what comes in is taken as
    # it is.
    layer: TrainedLayer | None = None
    activation: kinds.Activation | None = None  # what follows it
    # What windows of that become; batch normalisation has windows of one number.
    pooling: TrainedLayer | None = None
    last_activation: kinds.Activation | None = None  # what follows that

    @property
    def computes(self) -> kinds.Layer | None:
        """The layer as plain data."""
        return self.layer.layer if self.layer else None

    @property
    def pools(self) -> kinds.Layer | None:
        """The pooling as plain data."""
        return self.pooling.layer if self.pooling else None

    @property
    def label(self) -> str:
        """What to call it in a message: the first layer that it computes."""
        first = self.computes or self.activation or self.pools
        assert first
        return first.label

    @property
    def is_elementwise(self) -> bool:
        """Whether each number that comes out needs but those at its place."""
        is_plain = self.layer is None or isinstance(self.computes, kinds.Residual)
        return is_plain and (self.pooling is None or isinstance(self.pools, kinds.BatchNorm))

    def window_sizes(self) -> tuple[int, int] | None:
        """Height and width of the pooling's windows, where all are alike."""
        assert self.pooling
        rows, columns = (windows.size for windows in pooling_windows(self.pooling))
        return (rows, columns) if rows and columns else None

    @property
    def averages(self) -> bool:
        """Whether its pooling is an average."""
        return getattr(self.pools, "method", "") == "average"


def take_pixels(
    layers: Sequence[TrainedLayer], normalisation: Normalisation, input_shape: kinds.Shape
) -> list[TrainedLayer]:
    """Layers, with padding apart, that take the pixels as they are: 0 to 255.

    The first with weights computes the normalisation, or a layer of its own does where another
    stands before it that would give something else.
    """
    mean, std = normalisation.mean, normalisation.std
    done: list[TrainedLayer] = []
    for trained in layers:
        layer = trained.layer
        if isinstance(layer, kinds.Padding):
            value = 255 * (mean + std * layer.value)
            done.append(replace(trained, layer=replace(layer, value=value)))
        elif isinstance(layer, (kinds.Flatten, kinds.Pooling, kinds.AdaptivePooling)):
            done.append(trained)
        elif isinstance(layer, (kinds.Convolution, kinds.Dense)):
            weights = trained.arrays["weight"].astype(np.float64)
            sums = weights.reshape(len(weights), -1).sum(axis=1)
            arrays = {
                "weight": (weights / (255 * std)).astype(np.float32),
                "bias": (trained.arrays.get("bias", 0) - sums * mean / std).astype(np.float32),
            }
            first = replace(trained, layer=replace(layer, bias=True), arrays=arrays)
            return [*done, first, *layers[len(done) + 1 :]]
        else:
            break
    numbers = {"weight": 1 / (255 * std), "bias": -mean / std, "running_mean": 0, "running_var": 1}
    arrays = {name: np.full(input_shape[0], value, np.float32) for name, value in numbers.items()}
    pixels = kinds.BatchNorm(name="pixels", epsilon=0.0)
    return [TrainedLayer(pixels, input_shape, input_shape, arrays), *layers]


def plan_stages(layers: Sequence[TrainedLayer]) -> list[Stage]:
    """The stages of a network with its padding apart."""
    stages: list[Stage] = []
    if _add_stages(layers, 0, stages) == 0:  # the logits are the pixels
        shape, same = layers[0].input_shape, kinds.Activation(function="identity")
        stages.append(Stage("activation_1", (0,), shape, shape, activation=same))
    return stages


def _add_stages(layers: Sequence[TrainedLayer], value: int, stages: list[Stage]) -> int:
    """Add the stages of layers that take a value; the number of what comes out."""
    start = value
    for trained in map(_as_dense, layers):
        layer, after = trained.layer, trained.output_shape
        if isinstance(layer, kinds.Flatten):
            continue
        # What comes in may be wanted by another list of layers, too.
        if value != start and (fused := _fuse(stages[-1], trained)):
            stages[-1] = fused
            continue
        inputs = tuple(_add_stages(side, value, stages) for side in trained.sides or ([],))
        kind = "pooling" if isinstance(layer, kinds.AdaptivePooling) else layer.kind
        count = sum(stage.name.rpartition("_")[0] == kind for stage in stages)
        before = after if isinstance(layer, kinds.Residual) else trained.input_shape
        stage = Stage(f"{kind}_{count + 1}", inputs, before, after)
        if isinstance(layer, kinds.Activation):
            stage = replace(stage, activation=layer)
        elif isinstance(layer, POOLINGS):
            stage = replace(stage, pooling=trained)
        else:
            stage = replace(stage, layer=trained)
        stages.append(stage)
        value = len(stages)
    return value


def _as_dense(trained: TrainedLayer) -> TrainedLayer:
    """The dense layer that a convolution is which has one place: its code is faster."""
    layer, shape = trained.layer, trained.input_shape
    if (
        not isinstance(layer, kinds.Convolution)
        or layer.groups > 1
        or layer.kernel_size != shape[1:]
    ):
        return trained
    weights = trained.arrays["weight"].reshape(layer.filters, -1)
    return replace(
        trained,
        layer=kinds.Dense(name=layer.name, units=layer.filters, bias=layer.bias),
        input_shape=weights.shape[1:],
        output_shape=(layer.filters,),
        arrays=trained.arrays | {"weight": weights},
    )


def _fuse(stage: Stage, trained: TrainedLayer) -> Stage | None:
    """A stage with one more layer in it, if that needs no memory between."""
    layer = trained.layer
    if isinstance(layer, kinds.Activation):
        if stage.pooling and stage.last_activation is None:
            return replace(stage, last_activation=layer)
        if stage.layer and not (stage.activation or isinstance(stage.computes, kinds.Padding)):
            return replace(stage, activation=layer)
    elif (
        isinstance(layer, POOLINGS)
        and isinstance(stage.computes, kinds.Convolution)
        and not stage.pooling
    ):
        # Otherwise sums would be computed several times, or be missing.
        sides = pooling_windows(trained)
        if all(one.size and one.size <= one.step and one.spread == 1 for one in sides):
            return replace(stage, pooling=trained, output_shape=trained.output_shape)
    return None


def plan_buffers(stages: Sequence[Stage]) -> tuple[list[int], list[int]]:
    """The buffer that each stage but the last writes into, and the sizes of the buffers."""
    last_use = {value: number for number, stage in enumerate(stages) for value in stage.inputs}
    places: list[int] = []
    sizes: list[int] = []
    for number, stage in enumerate(stages[:-1]):
        size = math.prod(stage.output_shape)
        taken = {place for value, place in enumerate(places, 1) if last_use[value] >= number}
        ending = [value for value in stage.inputs if value and last_use[value] == number]
        if stage.is_elementwise and ending:
            place = places[ending[0] - 1]
        else:
            free = [place for place in range(len(sizes) + 1) if place not in taken]
            grown = [max(0, size - (sizes[place] if place < len(sizes) else 0)) for place in free]
            # A new buffer, the last of these, only where none is free.
            place = free[min(range(max(1, len(free) - 1)), key=grown.__getitem__)]
        sizes += [0] * (place + 1 - len(sizes))
        sizes[place] = max(sizes[place], size)
        places.append(place)
    return places, sizes
