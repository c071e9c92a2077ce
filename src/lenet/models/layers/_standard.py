"""The layers that PyTorch has, too."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from lenet.errors import ModelError, SettingError
from lenet.models.layers._layer import MOST, Array, Arrays, Layer, Pair, Shape

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Function = Literal[
    "identity",
    "sigmoid",
    "tanh",
    "relu",
    "leaky_relu",
    "elu",
    "gelu",
    "silu",
    "hard_swish",
    "softplus",
    "scaled_tanh",
]


@dataclass(frozen=True, kw_only=True)
class Convolution(Layer):
    """Each filter's weighted sum at every place of the input.

    Attributes:
        filters: How many; each makes a feature map.
        kernel_size: Height and width of the filters, in pixels.
        stride: Pixels from each place to the next, down and across.
        padding: Rows and columns of zeros round the input.
        dilation: Pixels from each number of a filter to the next, down and across.
        groups: Into how many parts channels and filters are divided; a filter sees its own.
        bias: Whether each filter has a number that is added.
    """

    filters: int
    kernel_size: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1
    bias: bool = True
    kind: ClassVar[str] = "convolution"
    torch_class: ClassVar[str] = "Conv2d"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("filters", 1 <= self.filters <= MOST, f"from 1 to {MOST}")
        divides = self.groups >= 1 and self.filters % self.groups == 0
        self.require("groups", divides, f"a divisor of the {self.filters} filters")

    def output_shape(self, shape: Shape) -> Shape:
        channels, *sizes = self.maps(shape)
        if channels % self.groups:
            raise self.misfit(shape, f"a multiple of {self.groups} channels")
        places = self.slide(sizes, self.kernel_size, self.stride, self.padding, self.dilation)
        return self.filters, *places

    def weights(self, shape: Shape) -> dict[str, Shape]:
        own: dict[str, Shape] = {
            "weight": (self.filters, shape[0] // self.groups, *self.kernel_size)
        }
        return own | ({"bias": (self.filters,)} if self.bias else {})

    def multiply_accumulates(self, shape: Shape) -> int:
        return math.prod(self.output_shape(shape)) * math.prod(self.weights(shape)["weight"][1:])

    def window(self, shape: Shape) -> tuple[int, int]:
        return self.dilation[0] * (self.kernel_size[0] - 1) + 1, self.stride[0]

    def torch_arguments(self, shape: Shape) -> tuple[Any, ...]:
        own = (self.kernel_size, self.stride, self.padding, self.dilation, self.groups, self.bias)
        return shape[0], self.filters, *own


@dataclass(frozen=True, kw_only=True)
class Dense(Layer):
    """Each unit's weighted sum of the whole input.

    Attributes:
        units: How many.
        bias: Whether each has a number that is added.
    """

    units: int
    bias: bool = True
    kind: ClassVar[str] = "dense"
    torch_class: ClassVar[str] = "Linear"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("units", 1 <= self.units <= MOST, f"from 1 to {MOST}")

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 1:
            raise self.misfit(shape, "a row of numbers, such as `flatten` makes")
        return (self.units,)

    def weights(self, shape: Shape) -> dict[str, Shape]:
        own: dict[str, Shape] = {"weight": (self.units, *shape)}
        return own | ({"bias": (self.units,)} if self.bias else {})

    def multiply_accumulates(self, shape: Shape) -> int:
        return self.units * math.prod(shape)

    def window(self, shape: Shape) -> tuple[int, int]:
        return 0, 1

    def torch_arguments(self, shape: Shape) -> tuple[Any, ...]:
        return shape[0], self.units, self.bias


# A function's class in PyTorch, and the default of its parameter.
FUNCTIONS: dict[str, tuple[str, float]] = {
    "identity": ("Identity", 0),
    "sigmoid": ("Sigmoid", 0),
    "tanh": ("Tanh", 0),
    "relu": ("ReLU", 0),
    "leaky_relu": ("LeakyReLU", 0.01),
    "elu": ("ELU", 1),
    "gelu": ("GELU", 0),
    "silu": ("SiLU", 0),
    "hard_swish": ("Hardswish", 0),
    "softplus": ("Softplus", 0),
    "scaled_tanh": ("ScaledTanh", 0),
}


@dataclass(frozen=True, kw_only=True)
class Activation(Layer):
    """A function of each number by itself.

    Attributes:
        function: Its name; `gelu` is the exact one, by the error function, and `scaled_tanh`
            LeNet-5's 1.7159 · tanh(2/3 · x) (LeCun et al. 1998, equation 6).
        parameter: The slope below 0 of `leaky_relu`, the α of `elu`; the others have none.
    """

    function: Function
    parameter: float | None = None
    kind: ClassVar[str] = "activation"

    def __post_init__(self) -> None:
        super().__post_init__()
        default = FUNCTIONS[self.function][1]
        if self.parameter is None:
            object.__setattr__(self, "parameter", float(default))
        elif not default and self.parameter:
            message = f"`{self.function}` has no `parameter`."
            raise SettingError(message)
        self.require("parameter", math.isfinite(self.parameter or 0), "finite")

    def to_dict(self) -> dict[str, Any]:
        values = super().to_dict()
        if self.parameter == FUNCTIONS[self.function][1]:
            del values["parameter"]
        return values

    def title(self, shape: Shape) -> str:
        return FUNCTIONS[self.function][0]

    def torch_arguments(self, shape: Shape) -> tuple[Any, ...]:
        return (self.parameter,) if FUNCTIONS[self.function][1] else ()


@dataclass(frozen=True, kw_only=True)
class Pooling(Layer):
    """What a window sees on its way becomes one number each.

    Attributes:
        method: Their average or their maximum.
        kernel_size: Height and width of the window, in pixels.
        stride: Pixels from each place to the next, down and across; the window's size where none
            is given.
        padding: Rows and columns round the input: zeros for an average, never a maximum.
        dilation: Pixels from each number of a window to the next; for a maximum alone.
        ceil_mode: Whether a last window may reach beyond the end.
        count_padding: Whether the padding counts in an average.
    """

    method: Literal["average", "max"] = "average"
    kernel_size: Pair
    stride: Pair = ()
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    ceil_mode: bool = False
    count_padding: bool = True
    kind: ClassVar[str] = "pooling"

    def __post_init__(self) -> None:
        if self.stride == ():
            object.__setattr__(self, "stride", self.kernel_size)
        super().__post_init__()
        fits = all(2 * p <= k for p, k in zip(self.padding, self.kernel_size, strict=True))
        self.require("padding", fits, "at most half the window")
        is_max = self.method == "max"
        self.require("dilation", is_max or self.dilation == (1, 1), "1 for an average")
        self.require("count_padding", not is_max or self.count_padding, "left out for a maximum")

    def to_dict(self) -> dict[str, Any]:
        values = super().to_dict()
        if self.stride == self.kernel_size:
            del values["stride"]
        return values

    def output_shape(self, shape: Shape) -> Shape:
        channels, *sizes = self.maps(shape)
        way = (self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)
        places = self.slide(sizes, *way)
        # PyTorch takes the largest of nothing, too, and then writes its gradient outside of memory.
        for side, (size, count) in enumerate(zip(sizes, places, strict=True)):
            if not all(self._sees_pixels(side, size, place) for place in range(count)):
                message = f"{self.label}: a window would lie in the padding of the input alone."
                raise ModelError(message)
        return channels, *places

    def _sees_pixels(self, side: int, size: int, place: int) -> bool:
        """Whether the window at a place along a side holds some of the `size` pixels there."""
        first = place * self.stride[side] - self.padding[side]
        reach = range(first, first + self.dilation[side] * self.kernel_size[side])
        return any(0 <= pixel < size for pixel in reach[:: self.dilation[side]])

    def window(self, shape: Shape) -> tuple[int, int]:
        return self.dilation[0] * (self.kernel_size[0] - 1) + 1, self.stride[0]

    def title(self, shape: Shape) -> str:
        return "MaxPool2d" if self.method == "max" else "AvgPool2d"

    def torch_arguments(self, shape: Shape) -> tuple[Any, ...]:
        way = _square(self.kernel_size), _square(self.stride), _square(self.padding)
        if self.method == "max":
            return *way, _square(self.dilation), False, self.ceil_mode
        return *way, self.ceil_mode, self.count_padding


@dataclass(frozen=True, kw_only=True)
class AdaptivePooling(Layer):
    """Pooling to an output of a size; of each map to one number, where none is given.

    Attributes:
        method: The average or the maximum.
        output_size: Height and width of what comes out.
    """

    method: Literal["average", "max"] = "average"
    output_size: Pair = (1, 1)
    kind: ClassVar[str] = "adaptive_pooling"

    def output_shape(self, shape: Shape) -> Shape:
        return self.maps(shape)[0], *self.output_size

    def edges(self, size: int, count: int) -> list[tuple[int, int]]:
        """Where each window along a side begins and ends, as in PyTorch."""
        return [(place * size // count, -(-(place + 1) * size // count)) for place in range(count)]

    def window(self, shape: Shape) -> tuple[int, int]:
        edges = self.edges(shape[1], self.output_size[0])
        return max(end - start for start, end in edges), max(1, shape[1] // self.output_size[0])

    def title(self, shape: Shape) -> str:
        return "AdaptiveMaxPool2d" if self.method == "max" else "AdaptiveAvgPool2d"

    def torch_arguments(self, shape: Shape) -> tuple[Any, ...]:
        return (_square(self.output_size),)


@dataclass(frozen=True, kw_only=True)
class BatchNorm(Layer):
    """Batch normalisation of each feature map or each unit (Ioffe and Szegedy 2015).

    Attributes:
        epsilon: What is added to the variance.
        momentum: The share of a new batch in the running mean and variance; `cumulative` for that
            of all batches alike.
    """

    epsilon: float = 1e-5
    momentum: float | Literal["cumulative"] = 0.1
    kind: ClassVar[str] = "batch_norm"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("epsilon", 0 <= self.epsilon < math.inf, "0 or more")
        is_share = self.momentum == "cumulative" or 0 <= self.momentum <= 1
        self.require("momentum", is_share, "from 0 to 1")

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) not in (1, 3):
            raise self.misfit(shape, "feature maps or a row of numbers")
        return shape

    def weights(self, shape: Shape) -> dict[str, Shape]:
        return {"weight": shape[:1], "bias": shape[:1]}

    def statistics(self, shape: Shape) -> dict[str, Shape]:
        return {"running_mean": shape[:1], "running_var": shape[:1], "num_batches_tracked": ()}

    def gain_and_offset(self, arrays: Arrays) -> tuple[npt.NDArray[np.float64], ...]:
        """What each map or unit is multiplied by, and what is added then, in evaluation mode."""
        names = ("weight", "bias", "running_mean", "running_var")
        weight, bias, mean, variance = (arrays[name].astype("float64") for name in names)
        gain = weight / (variance + self.epsilon) ** 0.5
        return gain, bias - mean * gain

    def take_in(self, arrays: Arrays, mean: Array, variance: Array, count: int) -> None:
        """Move the running statistics on by a batch's, in place.

        Args:
            arrays: The layer's weights and statistics.
            mean: Of the batch, a number for each map or unit.
            variance: Of the batch, with its full count as the divisor.
            count: How many numbers of each map or unit the batch has, 2 or more.
        """
        batches = arrays["num_batches_tracked"]
        batches += 1
        share = 1 / float(batches) if self.momentum == "cumulative" else self.momentum
        unbiased = variance * (count / (count - 1))
        for name, new in (("running_mean", mean), ("running_var", unbiased)):
            arrays[name][...] = (1 - share) * arrays[name] + share * new

    def title(self, shape: Shape) -> str:
        return "BatchNorm2d" if len(shape) == 3 else "BatchNorm1d"

    def torch_arguments(self, shape: Shape) -> tuple[Any, ...]:
        return shape[0], self.epsilon, None if self.momentum == "cumulative" else self.momentum


@dataclass(frozen=True, kw_only=True)
class Dropout(Layer):
    """Some numbers become 0 in training, and the others larger for it (Srivastava et al. 2014).

    Attributes:
        probability: That a number becomes 0.
        whole_maps: Whether whole feature maps become 0 in place of single numbers.
    """

    probability: float = 0.5
    whole_maps: bool = False
    kind: ClassVar[str] = "dropout"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("probability", 0 <= self.probability <= 1, "from 0 to 1")

    def title(self, shape: Shape) -> str:
        return "Dropout2d" if self.whole_maps else "Dropout"

    def torch_arguments(self, shape: Shape) -> tuple[Any, ...]:
        return (self.probability,)


@dataclass(frozen=True, kw_only=True)
class Flatten(Layer):
    """Feature maps become one row of numbers, map by map and row by row."""

    kind: ClassVar[str] = "flatten"
    torch_class: ClassVar[str] = "Flatten"

    def output_shape(self, shape: Shape) -> Shape:
        return (math.prod(shape),)


@dataclass(frozen=True, kw_only=True)
class Padding(Layer):
    """Rows and columns put round feature maps.

    Attributes:
        margins: How many on the left, on the right, above and below.
        value: What they hold.
    """

    margins: tuple[int, ...]
    value: float = 0.0
    kind: ClassVar[str] = "padding"
    torch_class: ClassVar[str] = "ConstantPad2d"

    def __post_init__(self) -> None:
        super().__post_init__()
        fits = len(self.margins) == 4 and all(0 <= margin <= MOST for margin in self.margins)
        self.require("margins", fits, f"four whole numbers from 0 to {MOST}")
        self.require("value", math.isfinite(self.value), "finite")

    def output_shape(self, shape: Shape) -> Shape:
        channels, height, width = self.maps(shape)
        left, right, above, below = self.margins
        return channels, height + above + below, width + left + right

    def torch_arguments(self, shape: Shape) -> tuple[Any, ...]:
        return self.margins, self.value


def _square(sizes: Pair) -> int | Pair:
    """One number where it stands for both, as people write it."""
    return sizes[0] if sizes[0] == sizes[1] else sizes
