"""Where the windows of convolutions and poolings lie, without padding to think of."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from lenet.models import TrainedLayer
from lenet.models.layers import (
    AdaptivePooling,
    Convolution,
    Padding,
    Pooling,
    Shape,
    Subsampling,
)


@dataclass(frozen=True)
class Windows:
    """Where the windows of a pooling lie along a side.

    Attributes:
        edges: Where each begins and ends.
        spread: From each number in a window to the next.
    """

    edges: tuple[tuple[int, int], ...]
    spread: int = 1

    @property
    def size(self) -> int | None:
        """Of every window, where they are alike and follow each other in equal steps."""
        (first, end), step = self.edges[0], self.step
        alike = tuple((step * place, step * place + end) for place in range(len(self.edges)))
        return end if first == 0 and alike == self.edges else None

    @property
    def step(self) -> int:
        """From the first window to the second."""
        return self.edges[1][0] - self.edges[0][0] if len(self.edges) > 1 else self.edges[0][1]


def as_maps(shape: Shape) -> tuple[int, int, int]:
    """A shape as channels, height and width; a row of numbers has a channel for each."""
    channels, height, width = shape if len(shape) == 3 else (math.prod(shape), 1, 1)
    return channels, height, width


def pooling_windows(pooling: TrainedLayer) -> tuple[Windows, Windows]:
    """Where the windows lie, down and across, within what comes in."""
    layer = pooling.layer
    before, after = as_maps(pooling.input_shape)[1:], as_maps(pooling.output_shape)[1:]
    if isinstance(layer, AdaptivePooling):
        rows, columns = map(layer.edges, before, after)
        return Windows(tuple(rows)), Windows(tuple(columns))
    one = 2 if isinstance(layer, Subsampling) else 1
    ways = [(one, one, 0, 1)] * 2  # of windows: size, step, margin, spread
    if isinstance(layer, Pooling):
        settings = layer.kernel_size, layer.stride, layer.padding, layer.dilation
        ways = list(zip(*settings, strict=True))
    sides = []
    for (size, step, margin, spread), length, count in zip(ways, before, after, strict=True):
        edges = []
        for start in range(-margin, count * step - margin, step):
            end = min(start + spread * (size - 1) + 1, length)
            edges.append((start + spread * max(0, -(start // spread)), end))
        sides.append(Windows(tuple(edges), spread))
    return sides[0], sides[1]


def with_padding_apart(layers: Iterable[TrainedLayer]) -> list[TrainedLayer]:
    """Layers whose padding is one of its own: zeros that a weighted sum or an average takes in."""
    apart: list[TrainedLayer] = []
    for trained in layers:
        layer, shape = trained.layer, trained.input_shape
        if isinstance(layer, Convolution) or (
            isinstance(layer, Pooling) and layer.method == "average" and layer.count_padding
        ):
            margins = []
            for size, margin, kernel, step, spread, count in zip(
                shape[1:],
                layer.padding,
                layer.kernel_size,
                layer.stride,
                layer.dilation,
                trained.output_shape[1:],
                strict=True,
            ):
                reach = (count - 1) * step + spread * (kernel - 1) + 1 - margin - size
                margins.append((margin, min(max(reach, 0), margin)))
            if any(map(any, margins)):
                (above, below), (left, right) = margins
                padding = Padding(name=layer.name, margins=(left, right, above, below))
                padded = padding.output_shape(shape)
                apart.append(TrainedLayer(padding, shape, padded, {}))
                shape = padded
            layer = replace(layer, padding=(0, 0))
        sides = tuple(map(with_padding_apart, trained.sides))
        apart.append(replace(trained, layer=layer, input_shape=shape, sides=sides))
    return apart
