"""A network's layers put together to what the functions of the C code compute, one by one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lenet.export._windows import pooling_windows
from lenet.models import Normalisation, TrainedLayer
from lenet.models.layers import (
    Activation,
    AdaptivePooling,
    BatchNorm,
    Convolution,
    Dense,
    Distances,
    Flatten,
    Layer,
    Padding,
    Pooling,
    Residual,
    Shape,
    Subsampling,
)


@dataclass(frozen=True, eq=False)
class Stage:
    """What one function of the C code computes: layers that need no memory between them.

    Attributes:
        name: Of the function, such as `convolution_1`.
        inputs: The numbers of what comes in: 0 for the image, n for what stage n gives.
        layer: A convolution, dense layer, distances, padding or sum; nothing where what comes in is
            taken as it is.
        activation: What follows it.
        pooling: What windows of that become; batch normalisation has windows of one number.
        last_activation: What follows that.
        input_shape: Of what comes in.
        output_shape: Of what comes out.
    """

    name: str
    inputs: tuple[int, ...]
    layer: TrainedLayer | None
    activation: Activation | None
    pooling: TrainedLayer | None
    last_activation: Activation | None
    input_shape: Shape
    output_shape: Shape

    @property
    def computes(self) -> Layer | None:
        """The layer as plain data."""
        return self.layer.layer if self.layer else None

    @property
    def pools(self) -> Layer | None:
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
        is_plain = self.layer is None or isinstance(self.computes, Residual)
        return is_plain and (self.pooling is None or isinstance(self.pools, BatchNorm))

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
    layers: Sequence[TrainedLayer], normalisation: Normalisation, input_shape: Shape
) -> list[TrainedLayer]:
    """Layers that take the pixels as they are, 0 to 255.

    The first with weights computes the normalisation, or a layer of its own does where another
    stands before it that would give something else.

    Args:
        layers: A network that takes (pixel / 255 - mean) / std, with its padding apart.
        normalisation: Mean and std.
        input_shape: (C, H, W) of an image.
    """
    mean, std = normalisation.mean, normalisation.std
    done: list[TrainedLayer] = []
    for trained in layers:
        layer = trained.layer
        if isinstance(layer, Padding):
            value = 255 * (mean + std * layer.value)
            done.append(replace(trained, layer=replace(layer, value=value)))
        elif isinstance(layer, (Flatten, Pooling, AdaptivePooling)):
            done.append(trained)
        elif isinstance(layer, (Convolution, Dense)):
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
    pixels = BatchNorm(name="pixels", epsilon=0.0)
    return [TrainedLayer(pixels, input_shape, input_shape, arrays), *layers]


def plan_stages(layers: Sequence[TrainedLayer]) -> list[Stage]:
    """The stages of a network with its padding apart."""
    stages: list[Stage] = []
    _add_stages(layers, 0, stages)
    return stages


def _add_stages(layers: Sequence[TrainedLayer], value: int, stages: list[Stage]) -> int:
    """Add the stages of layers that take a value; the number of what comes out."""
    start = value
    for trained in layers:
        if isinstance(trained.layer, Flatten):
            continue
        trained = _as_dense(trained)
        layer = trained.layer
        # What comes in may be wanted by another list of layers, too.
        fused = _fuse(stages[-1], trained) if value != start else None
        if fused:
            stages[-1] = fused
            continue
        sides = trained.sides or ([],)
        inputs = tuple(_add_stages(side, value, stages) for side in sides)
        kind = "pooling" if isinstance(layer, AdaptivePooling) else layer.kind
        count = sum(stage.name.rpartition("_")[0] == kind for stage in stages)
        after = trained.output_shape
        shapes = after if isinstance(layer, Residual) else trained.input_shape, after
        stage = Stage(f"{kind}_{count + 1}", inputs, None, None, None, None, *shapes)
        if isinstance(layer, Activation):
            stage = replace(stage, activation=layer)
        elif _is_pooling(layer):
            stage = replace(stage, pooling=trained)
        else:
            assert isinstance(layer, (Convolution, Dense, Distances, Padding, Residual))
            stage = replace(stage, layer=trained)
        stages.append(stage)
        value = len(stages)
    return value


def _as_dense(trained: TrainedLayer) -> TrainedLayer:
    """The dense layer that a convolution is which has one place: its code is faster."""
    layer, shape = trained.layer, trained.input_shape
    if not isinstance(layer, Convolution) or layer.groups > 1 or layer.kernel_size != shape[1:]:
        return trained
    weights = trained.arrays["weight"].reshape(layer.filters, -1)
    return replace(
        trained,
        layer=Dense(name=layer.name, units=layer.filters, bias=layer.bias),
        input_shape=weights.shape[1:],
        output_shape=(layer.filters,),
        arrays=trained.arrays | {"weight": weights},
    )


def _fuse(stage: Stage, trained: TrainedLayer) -> Stage | None:
    """A stage with one more layer in it, if that needs no memory between."""
    layer = trained.layer
    if isinstance(layer, Activation):
        if stage.pooling and stage.last_activation is None:
            return replace(stage, last_activation=layer)
        if stage.layer and not (stage.activation or isinstance(stage.computes, Padding)):
            return replace(stage, activation=layer)
    elif _is_pooling(layer) and isinstance(stage.computes, Convolution) and not stage.pooling:
        sides = pooling_windows(trained)
        # Otherwise sums would be computed several times, or be missing.
        if all(one.size and one.size <= one.step and one.spread == 1 for one in sides):
            shape = trained.output_shape
            return replace(stage, pooling=trained, output_shape=shape)
    return None


def _is_pooling(layer: Layer) -> bool:
    """Whether windows of each map by itself become numbers."""
    return isinstance(layer, (Pooling, AdaptivePooling, Subsampling, BatchNorm))


def plan_buffers(stages: Sequence[Stage]) -> tuple[list[int], list[int]]:
    """Where the values lie between the stages, in as few numbers as may be.

    Returns:
        For each stage but the last the buffer that it writes into, and the sizes of the buffers.
    """
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
