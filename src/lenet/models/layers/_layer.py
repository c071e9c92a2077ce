"""What every kind of layer has, and a list of layers with the shapes between them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from lenet.core import Settings
from lenet.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import nn

Array: TypeAlias = "npt.NDArray[np.float32]"
Arrays: TypeAlias = "Mapping[str, npt.NDArray[Any]]"
Shape = tuple[int, ...]
Pair = tuple[int, ...]  # of rows and of columns; one number may stand for both
MOST = 65536  # of anything that a layer may have
_PAIRS = {"kernel_size", "stride", "padding", "dilation", "output_size"}
_MOST_VALUES = 2**40  # that a layer gives for an image, or learns


@dataclass(frozen=True, kw_only=True)
class Layer(Settings):
    """A layer as plain data. Shapes are of one image, (C, H, W), or of a row of numbers, (units,).

    Attributes:
        name: Its place in the network, as in the names of its weights: `0`, `c1`, `block.2`.
    """

    name: str = ""
    kind: ClassVar[str]
    torch_class: ClassVar[str] = ""  # in `torch.nn`, or in `lenet.models`

    def __post_init__(self) -> None:
        pairs = [field.name for field in dataclasses.fields(self) if field.name in _PAIRS]
        for name in pairs:
            value = getattr(self, name)
            if type(value) is int:
                object.__setattr__(self, name, (value, value))
        super().__post_init__()
        for name in pairs:
            least, value = int(name != "padding"), getattr(self, name)
            fits = len(value) == 2 and all(least <= size <= MOST for size in value)
            self.require(name, fits, f"one or two whole numbers from {least} to {MOST}")

    def to_dict(self) -> dict[str, Any]:
        """The layer as plain values: its kind, and what differs from the kind's defaults."""
        values: dict[str, Any] = {"kind": self.kind}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value != field.default:
                is_square = field.name in _PAIRS and value[0] == value[1]
                values[field.name] = value[0] if is_square else value
        return values

    def output_shape(self, shape: Shape) -> Shape:
        """The shape of what it makes of an input of a shape.

        Raises:
            ModelError: The input does not fit.
        """
        return shape

    def weights(self, shape: Shape) -> dict[str, Shape]:
        """The shapes of what it learns, under PyTorch's names."""
        return {}

    def statistics(self, shape: Shape) -> dict[str, Shape]:
        """The shapes of what it keeps besides: measured while training, or fixed."""
        return {}

    def multiply_accumulates(self, shape: Shape) -> int:
        """Multiplications with addition an image, without biases; 0 where it is no weighted sum."""
        return 0

    def window(self, shape: Shape) -> tuple[int, int]:
        """Rows of the input that one of the output is made of, 0 for all; the step to the next."""
        return 1, 1

    def title(self, shape: Shape) -> str:
        """The name of its class in PyTorch."""
        return self.torch_class

    def torch_arguments(self, shape: Shape) -> tuple[Any, ...]:
        """What that class takes."""
        return ()

    def module(self, shape: Shape) -> nn.Module:
        """The layer in PyTorch, with weights as PyTorch draws them."""
        from torch import nn

        from lenet import models

        name = self.title(shape)
        torch_class = getattr(nn if hasattr(nn, name) else models, name)
        made: nn.Module = torch_class(*self.torch_arguments(shape))
        return made

    def misfit(self, shape: Shape, wanted: str) -> ModelError:
        """The error for an input that does not fit."""
        return ModelError(f"{self.label} takes {wanted}, not {as_text(shape)}.")

    @property
    def label(self) -> str:
        """What to call it in a message."""
        return f"Layer `{self.name}` ({self.kind.replace('_', ' ')})"

    def maps(self, shape: Shape) -> tuple[int, int, int]:
        """Channels, height and width of an input that must be feature maps."""
        if len(shape) != 3:
            raise self.misfit(shape, "feature maps, channels × height × width")
        channels, height, width = shape
        return channels, height, width

    def slide(
        self,
        sizes: Sequence[int],
        kernel: Pair,
        stride: Pair = (1, 1),
        padding: Pair = (0, 0),
        dilation: Pair = (1, 1),
        ceil_mode: bool = False,
    ) -> Shape:
        """How often a window fits on its way along each side.

        Raises:
            ModelError: It fits nowhere.
        """
        places = []
        for size, window, step, margin, spread in zip(
            sizes, kernel, stride, padding, dilation, strict=True
        ):
            room = size + 2 * margin - spread * (window - 1) - 1
            count = room // step + 1
            if ceil_mode and room % step and count * step < size + margin:
                count += 1  # as in PyTorch: a last window begins before the end and reaches beyond
            if count < 1:
                padded = [size + 2 * margin for size, margin in zip(sizes, padding, strict=True)]
                message = (
                    f"{self.label}: its {as_text(kernel)} window does not fit the "
                    f"{as_text(padded)} input."
                )
                raise ModelError(message)
            places.append(count)
        return tuple(places)


@dataclass(frozen=True)
class Placed:
    """A layer at its place in a network.

    Attributes:
        layer: The layer.
        input_shape: What comes in, for one image.
        output_shape: What comes out.
    """

    layer: Layer
    input_shape: Shape
    output_shape: Shape

    def within(self, place: str) -> Placed:
        """The same layer by the name that it has in a network where a place holds its list."""
        named = dataclasses.replace(self.layer, name=f"{place}.{self.layer.name}")
        return dataclasses.replace(self, layer=named)

    @property
    def parameters(self) -> int:
        """How many numbers the layer learns."""
        return sum(map(math.prod, self.layer.weights(self.input_shape).values()))

    @property
    def multiply_accumulates(self) -> int:
        """Multiplications with addition an image."""
        return self.layer.multiply_accumulates(self.input_shape)


def place_layers(layers: Iterable[Layer], shape: Shape) -> list[Placed]:
    """Layers one after the other, with the shapes between them.

    Raises:
        ModelError: One does not fit what comes out of the one before.
    """
    placed: list[Placed] = []
    for layer in layers:
        after = layer.output_shape(shape)
        placed.append(Placed(layer, shape, after))
        if max(math.prod(after), placed[-1].parameters) > _MOST_VALUES:
            message = f"{layer.label} is too large."
            raise ModelError(message)
        shape = after
    return placed


def shapes_of(layers: Iterable[Placed], what: str) -> dict[str, Shape]:
    """The shapes of all `weights` or all `statistics` of layers, by their full names."""
    return {
        f"{placed.layer.name}.{name}": shape
        for placed in layers
        for name, shape in getattr(placed.layer, what)(placed.input_shape).items()
    }


def receptive_fields(layers: Iterable[Placed]) -> list[tuple[int, int]]:
    """Rows of the image that a row of each layer's output sees, and those to the next row's.

    The first is 0 where it is all of them.
    """
    fields, reach, jump = [], 1, 1
    for placed in layers:
        size, step = placed.layer.window(placed.input_shape)
        reach = reach + (size - 1) * jump if size and reach else 0
        jump *= step
        fields.append((reach, jump))
    return fields


def arrays_under(place: str, arrays: Arrays) -> dict[str, npt.NDArray[Any]]:
    """Those arrays that lie under a name, by what is left of their own."""
    start = f"{place}."
    return {name[len(start) :]: of for name, of in arrays.items() if name.startswith(start)}


def as_text(sizes: Iterable[int]) -> str:
    """Sizes as a person writes them."""
    return "×".join(map(str, sizes))
