from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lenet.core import Settings

Activation = Literal["none", "sigmoid", "tanh", "relu"]
Pooling = Literal["average", "max"]
_POOL = 2
_MOST_VALUES = 2**24  # of one image in one layer, so that no index of the compiled code overflows


@dataclass(frozen=True)
class ConvBlock(Settings):
    """A convolution of stride 1, an activation and 2×2 pooling.

    Attributes:
        channels: Of the input.
        height: Of the input, in pixels.
        width: Of the input, in pixels.
        filters: Channels of the output.
        kernel_size: Height and width of the filters, in pixels.
        padding: Rows and columns of zeros round the input.
        activation: What follows the convolution.
        pooling: What 2×2 pixels become, their average or their maximum.

    Raises:
        SettingError: A value is out of range, or the input is too small or too large.
    """

    channels: int
    height: int
    width: int
    filters: int
    kernel_size: int
    padding: int = 0
    activation: Activation = "sigmoid"
    pooling: Pooling = "average"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("channels", "height", "width", "filters", "kernel_size"):
            self.require(name, getattr(self, name) >= 1, "at least 1")
        self.require("padding", self.padding >= 0, "at least 0")
        rows, columns = self._convolved_size()
        self.require("kernel_size", min(rows, columns) >= _POOL, "small enough for its input")
        padded = (self.height + 2 * self.padding) * (self.width + 2 * self.padding)
        largest = max(self.channels * padded, self.filters * rows * columns, *self.weight_shape)
        weights = self.filters * self.channels * self.kernel_size**2
        self.require("height", max(largest, weights) <= _MOST_VALUES, "smaller: too many values")

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Channels, height and width of the input."""
        return self.channels, self.height, self.width

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Channels, height and width of the output."""
        rows, columns = self._convolved_size()
        return self.filters, rows // _POOL, columns // _POOL

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """Output channels, input channels, height and width of the filters."""
        return self.filters, self.channels, self.kernel_size, self.kernel_size

    def _convolved_size(self) -> tuple[int, int]:
        """Height and width between convolution and pooling."""
        more = 2 * self.padding - self.kernel_size + 1
        return self.height + more, self.width + more


@dataclass(frozen=True)
class DenseBlock(Settings):
    """A dense layer and an activation.

    Attributes:
        inputs: Units of the input.
        outputs: Units of the output.
        activation: What follows.

    Raises:
        SettingError: A value is out of range.
    """

    inputs: int
    outputs: int
    activation: Activation = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("inputs", "outputs"):
            self.require(name, getattr(self, name) >= 1, "at least 1")
        self.require("outputs", self.inputs * self.outputs <= _MOST_VALUES, "smaller")

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Units of the input."""
        return (self.inputs,)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Units of the output."""
        return (self.outputs,)

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """Units of the output and of the input."""
        return self.outputs, self.inputs


Block = ConvBlock | DenseBlock


def parameter_shapes(blocks: Sequence[Block]) -> list[tuple[int, ...]]:
    """Shapes of weights and biases, block by block."""
    return [shape for block in blocks for shape in (block.weight_shape, block.weight_shape[:1])]
