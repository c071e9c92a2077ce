"""The layers of LeNet-5 that PyTorch does not have: LeCun et al. (1998), section II.B."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from lenet.models.layers._layer import MOST, Array, Arrays, Layer, Shape
from lenet.models.layers._standard import Convolution

_DIGITS, _PIXELS = 10, 84  # of the pictures, 7×12
# The pictures that layer F6 learns to draw: 7×12 pixels for each of the ten digits, after figure 3
# of LeCun et al. (1998), which shows the printable ASCII set, in the transcription that other
# implementations use. The printed figure is small, and single pixels of it can be argued about.
# Row by row, the ten digits side by side.
_INK = """
.#####.   ...##..   .#####.   #######   .#####.   .#####.   ..####.   #######   .#####.   .#####.
.......   ..###..   .......   .....##   .......   .......   .##....   .....##   ##...##   ##..###
..###..   .####..   .#####.   ....##.   .......   #######   ##.....   .....##   ##...##   ##...##
.##.##.   ...##..   ##...##   ...##..   .##..##   ##.....   ##.....   ....##.   ##...##   ##...##
##...##   ...##..   #....##   ..####.   .##..##   ##.....   ######.   ...##..   .#####.   ##..###
##...##   ...##..   ....##.   .....##   ###..##   .####..   ###..##   ...##..   ##...##   .######
##...##   ...##..   ..###..   .....##   ##...##   ..####.   ##...##   ..##...   ##...##   .....##
##...##   ...##..   .##....   .....##   ##...##   .....##   ##...##   ..##...   ##...##   .....##
.##.##.   ...##..   ##.....   ##...##   ##..###   ##...##   ###..##   ..##...   ##...##   ....##.
..###..   .######   #######   .#####.   .######   .#####.   .#####.   ..##...   .#####.   .####..
.......   .......   .......   .......   .....##   .......   .......   .......   .......   .......
.......   .......   .......   .......   .....##   .......   .......   .......   .......   .......
"""


@dataclass(frozen=True, kw_only=True)
class Subsampling(Layer):
    """The sum of every 2×2 numbers, times a coefficient, plus a bias; one of each a map: S2."""

    kind: ClassVar[str] = "subsampling"
    torch_class: ClassVar[str] = "Subsampling"

    def output_shape(self, shape: Shape) -> Shape:
        channels, *sizes = self.maps(shape)
        return channels, *self.slide(sizes, (2, 2), (2, 2))

    def weights(self, shape: Shape) -> dict[str, Shape]:
        return {"weight": shape[:1], "bias": shape[:1]}

    def multiply_accumulates(self, shape: Shape) -> int:
        return math.prod(self.output_shape(shape))

    def window(self, shape: Shape) -> tuple[int, int]:
        return 2, 2

    def torch_arguments(self, shape: Shape) -> tuple[Any, ...]:
        return (shape[0],)


@dataclass(frozen=True, kw_only=True)
class PartialConvolution(Layer):
    """A 5×5 convolution of which each map sees some of the input's maps, not all: layer C3.

    Attributes:
        inputs: For each map of the output, the maps of the input that it sees.
    """

    inputs: tuple[tuple[int, ...], ...]
    kind: ClassVar[str] = "partial_convolution"
    torch_class: ClassVar[str] = "PartialConvolution"
    KERNEL: ClassVar[tuple[int, int]] = (5, 5)

    def __post_init__(self) -> None:
        super().__post_init__()
        fits = 1 <= len(self.inputs) <= MOST and all(
            seen and sorted(set(seen)) == list(seen) and 0 <= seen[0] and seen[-1] < MOST
            for seen in self.inputs
        )
        self.require("inputs", fits, "a list of ascending numbers of maps for each filter")

    def output_shape(self, shape: Shape) -> Shape:
        channels, *sizes = self.maps(shape)
        seen = 1 + max(map(max, self.inputs))
        if channels != seen:
            raise self.misfit(shape, f"{seen} maps")
        return len(self.inputs), *self.slide(sizes, self.KERNEL)

    def weights(self, shape: Shape) -> dict[str, Shape]:
        connections = sum(map(len, self.inputs))
        return {"weight": (connections, *self.KERNEL), "bias": (len(self.inputs),)}

    def multiply_accumulates(self, shape: Shape) -> int:
        places = math.prod(self.output_shape(shape)[1:])
        return math.prod(self.weights(shape)["weight"]) * places

    def window(self, shape: Shape) -> tuple[int, int]:
        return self.KERNEL[0], 1

    @property
    def connections(self) -> tuple[list[int], list[int]]:
        """The map of the output and the map of the input that each 5×5 of the weights joins."""
        return connections_of(self.inputs)

    def whole(self, arrays: Arrays) -> tuple[Convolution, dict[str, Array]]:
        """The ordinary convolution that computes the same, with zeros in its filters."""
        import numpy as np

        weight = arrays["weight"]
        filters = np.zeros(
            (len(self.inputs), 1 + max(self.connections[1]), *self.KERNEL), weight.dtype
        )
        filters[self.connections] = weight
        layer = Convolution(name=self.name, filters=len(self.inputs), kernel_size=self.KERNEL)
        return layer, {"weight": filters, "bias": arrays["bias"]}

    def torch_arguments(self, shape: Shape) -> tuple[Any, ...]:
        return (self.inputs,)


def connections_of(inputs: tuple[tuple[int, ...], ...]) -> tuple[list[int], list[int]]:
    """Where each 5×5 of a partial convolution's weights stands in an ordinary one's filters."""
    pairs = [(output, seen) for output, all_seen in enumerate(inputs) for seen in all_seen]
    return [output for output, _ in pairs], [seen for _, seen in pairs]


@dataclass(frozen=True, kw_only=True)
class Distances(Layer):
    """Minus the squared distance to the 7×12 picture of each digit: equation 7.

    Attributes:
        classes: How many digits.
    """

    classes: int = _DIGITS
    kind: ClassVar[str] = "distances"
    torch_class: ClassVar[str] = "RadialBasis"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("classes", 1 <= self.classes <= _DIGITS, f"from 1 to {_DIGITS}")

    def output_shape(self, shape: Shape) -> Shape:
        if shape != (_PIXELS,):
            raise self.misfit(shape, f"{_PIXELS} numbers")
        return (self.classes,)

    def statistics(self, shape: Shape) -> dict[str, Shape]:
        return {"targets": (self.classes, *shape)}

    def multiply_accumulates(self, shape: Shape) -> int:
        return self.classes * _PIXELS

    def window(self, shape: Shape) -> tuple[int, int]:
        return 0, 1

    def torch_arguments(self, shape: Shape) -> tuple[Any, ...]:
        return (self.classes,)


def digit_pictures() -> Array:
    """The ten pictures as targets: 1 for ink and -1 for paper, float32 of shape (10, 84)."""
    import numpy as np

    rows = [line.split() for line in _INK.split("\n") if line]
    digits = ["".join(row[digit] for row in rows) for digit in range(_DIGITS)]
    return np.array([[1 if pixel == "#" else -1 for pixel in one] for one in digits], np.float32)
