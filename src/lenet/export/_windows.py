"""Where the windows of convolutions and poolings lie, without padding to think of."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from lenet.models import TrainedLayer
from lenet.models import layers as kinds


@dataclass(frozen=True)
class Windows:
    """Where the windows of a pooling lie along a side."""

    edges: tuple[tuple[int, int], ...]  # where each begins and ends
    spread: int = 1  # from each number in a window to the next

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


def as_maps(shape: kinds.Shape) -> tuple[int, int, int]:
    """A shape as channels, height and width; a row of numbers has a channel for each."""
    channels, height, width = shape if len(shape) == 3 else (math.prod(shape), 1, 1)
    return channels, height, width


def sides_of(trained: TrainedLayer) -> list[tuple[int, int, int, int, int, int]]:
    """Down and across: what comes in, and the windows' reach, step, margin, spread and number."""
    layer = trained.layer
    before, after = as_maps(trained.input_shape)[1:], as_maps(trained.output_shape)[1:]
    one = 2 if isinstance(layer, kinds.Subsampling) else 1
    ways = [(one, one, 0, 1)] * 2
    if isinstance(layer, (kinds.Convolution, kinds.Pooling)):
        settings = layer.kernel_size, layer.stride, layer.padding, layer.dilation
        ways = list(zip(*settings, strict=True))
    return [
        (length, spread * (size - 1) + 1, step, margin, spread, count)
        for (size, step, margin, spread), length, count in zip(ways, before, after, strict=True)
    ]


def pooling_windows(pooling: TrainedLayer) -> tuple[Windows, Windows]:
    """Where the windows lie, down and across, within what comes in."""
    if isinstance(pooling.layer, kinds.AdaptivePooling):
        shapes = pooling.input_shape[1:], pooling.output_shape[1:]
        rows, columns = (Windows(tuple(edges)) for edges in map(pooling.layer.edges, *shapes))
        return rows, columns
    sides = []
    for length, reach, step, margin, spread, count in sides_of(pooling):
        starts = range(-margin, count * step - margin, step)
        edges = (
            (start + spread * max(0, -(start // spread)), min(start + reach, length))
            for start in starts
        )
        sides.append(Windows(tuple(edges), spread))
    return sides[0], sides[1]


def reaching_beyond(trained: TrainedLayer) -> list[bool]:
    """Whether a last window reaches beyond the end and the padding, down and across."""
    return [
        (count - 1) * step + reach > length + 2 * margin
        for length, reach, step, margin, _, count in sides_of(trained)
    ]


def with_padding_apart(layers: Iterable[TrainedLayer]) -> list[TrainedLayer]:
    """Layers whose padding is one of its own: zeros that a weighted sum or an average takes in."""
    apart: list[TrainedLayer] = []
    for trained in layers:
        layer, shape = trained.layer, trained.input_shape
        if isinstance(layer, kinds.Convolution) or (
            isinstance(layer, kinds.Pooling) and layer.method == "average" and layer.count_padding
        ):
            (above, below), (left, right) = (
                (margin, min(max((count - 1) * step + reach - margin - length, 0), margin))
                for length, reach, step, margin, _, count in sides_of(trained)
            )
            if any((above, below, left, right)):
                padding = kinds.Padding(name=layer.name, margins=(left, right, above, below))
                apart.append(TrainedLayer(padding, shape, padding.output_shape(shape), {}))
                shape = apart[-1].output_shape
            layer = replace(layer, padding=(0, 0))
        sides = tuple(map(with_padding_apart, trained.sides))
        apart.append(replace(trained, layer=layer, input_shape=shape, sides=sides))
    return apart
