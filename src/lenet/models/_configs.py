"""The settings of the networks of this family, and the layers that follow from them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

from lenet.core import Settings
from lenet.errors import ModelError, SettingError
from lenet.models._network import Network, check_input_shape
from lenet.models.layers import (
    MOST,
    Activation,
    BatchNorm,
    Convolution,
    Dense,
    Distances,
    Flatten,
    Initialisation,
    Layer,
    Padding,
    PartialConvolution,
    Pooling,
    Subsampling,
)

ActivationName = Literal["sigmoid", "tanh", "relu", "gelu"]
_FIELD = 32  # height and width of what LeNet-5's first convolution sees
_BACKGROUND = -0.1  # of LeNet-5's images, whose ink is 1.175
_DIGITS = 10
# Which maps of S2 each map of C3 sees: table I of LeCun et al. (1998), column by column.
_C3_INPUTS = (
    (0, 1, 2),
    (1, 2, 3),
    (2, 3, 4),
    (3, 4, 5),
    (0, 4, 5),
    (0, 1, 5),
    (0, 1, 2, 3),
    (1, 2, 3, 4),
    (2, 3, 4, 5),
    (0, 3, 4, 5),
    (0, 1, 4, 5),
    (0, 1, 2, 5),
    (0, 1, 3, 4),
    (1, 2, 4, 5),
    (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)


@dataclass(frozen=True)
class ModelConfig(Settings):
    """What the settings of every network have.

    Attributes:
        input_shape: Channels, height and width of an image.
        classes: Number of classes.

    Raises:
        SettingError: A value is ill-typed or out of range.
        ModelError: A layer does not fit what comes out of the one before.
    """

    input_shape: tuple[int, ...] = (1, 28, 28)
    classes: int = 10
    torch_class: ClassVar[str] = "KernelNetwork"  # in `lenet.models`: the network in PyTorch

    def __post_init__(self) -> None:
        super().__post_init__()
        check_input_shape(self.input_shape)
        self.require("classes", 2 <= self.classes <= MOST, f"from 2 to {MOST}")

    def layers(self) -> Iterable[Layer]:
        """The layers of the network, one after the other."""
        raise NotImplementedError

    def network(self) -> Network:
        """The network of these settings."""
        return Network(self.layers(), self.input_shape)

    def require_sizes(self, name: str) -> None:
        """Raise unless every number of a field is a possible size of a layer."""
        sizes: tuple[int, ...] = getattr(self, name)
        self.require(name, all(1 <= size <= MOST for size in sizes), f"numbers from 1 to {MOST}")


@dataclass(frozen=True)
class CustomConfig(ModelConfig):
    """What is known of a network that is no list of layers: its code is needed to build it.

    Attributes:
        input_shape: Channels, height and width of an image.
        classes: Number of classes.
        module: The name of its class.
    """

    module: str = ""

    def layers(self) -> Iterable[Layer]:
        """There is no such list.

        Raises:
            ModelError: Always; it says what to do.
        """
        message = (
            f"`{self.module}` is no `nn.Sequential` of layers that lenet knows, so its own code "
            "alone can build it; functions of Python take it as `network=`."
        )
        raise ModelError(message)


@dataclass(frozen=True)
class SoftmaxConfig(ModelConfig):
    """The shape of a softmax regression.

    Attributes:
        input_shape: Channels, height and width of an image.
        classes: Number of classes.
        initialisation: How the weights start: `normal` with standard deviation 0.01, as in the
            book; `xavier` and `kaiming` after the layer's size; `pytorch` leaves them as PyTorch
            makes them.

    Raises:
        SettingError: A value is ill-typed or out of range.
    """

    initialisation: Initialisation = "normal"
    torch_class: ClassVar[str] = "SoftmaxRegression"

    def layers(self) -> Iterable[Layer]:
        """A row of pixels, and a weighted sum of it for each class."""
        return Flatten(), Dense(units=self.classes)


@dataclass(frozen=True)
class MLPConfig(ModelConfig):
    """The shape of a multilayer perceptron; the defaults are those of the book's chapter.

    Attributes:
        input_shape: Channels, height and width of an image.
        classes: Number of classes.
        dense_widths: Units of each hidden layer.
        activation: What follows every hidden layer.
        initialisation: How the weights start: `normal` with standard deviation 0.01, as in the
            book; `xavier` and `kaiming` after the layer's size; `pytorch` leaves them as PyTorch
            makes them.

    Raises:
        SettingError: A value is ill-typed or out of range.
    """

    dense_widths: tuple[int, ...] = (256,)
    activation: ActivationName = "relu"
    initialisation: Initialisation = "normal"
    torch_class: ClassVar[str] = "MLP"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_sizes("dense_widths")

    def layers(self) -> Iterable[Layer]:
        """Dense layers, with an activation after each but the last."""
        yield Flatten()
        for units in self.dense_widths:
            yield Dense(units=units)
            yield Activation(function=self.activation)
        yield Dense(units=self.classes)


@dataclass(frozen=True)
class LeNetConfig(ModelConfig):
    """The shape of a LeNet; the defaults are the tutorial's.

    Attributes:
        input_shape: Channels, height and width of an image.
        classes: Number of classes.
        channels: Feature maps of each convolutional block; as many blocks as numbers.
        kernel_size: Height and width of every convolution's kernel, in pixels.
        padding: Rows and columns of zeros round the input of the first convolution; the others
            have none.
        dense_widths: Units of each hidden dense layer.
        activation: What follows every convolution and hidden dense layer.
        pooling: What 2×2 pixels become at the end of a block, their average or their maximum.
        batch_norm: Whether every convolution and hidden dense layer is followed by batch
            normalisation (Ioffe and Szegedy 2015), before the activation, in place of its bias.
        initialisation: How the weights start: `xavier` and `kaiming` after the layer's size,
            `normal` with standard deviation 0.01; `pytorch` leaves them as PyTorch makes them.

    Raises:
        SettingError: A value is ill-typed or out of range.
        ModelError: A layer does not fit what comes out of the one before.
    """

    channels: tuple[int, ...] = (6, 16)
    kernel_size: int = 5
    padding: int = 2
    dense_widths: tuple[int, ...] = (120, 84)
    activation: ActivationName = "sigmoid"
    pooling: Literal["average", "max"] = "average"
    batch_norm: bool = False
    initialisation: Initialisation = "xavier"
    torch_class: ClassVar[str] = "LeNet"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("kernel_size", self.kernel_size >= 1, "at least 1")
        self.require("padding", 0 <= self.padding <= MOST, f"from 0 to {MOST}")
        self.require_sizes("channels")
        self.require_sizes("dense_widths")
        if not self.channels:
            message = "`channels` must have at least one number, one for each block."
            raise SettingError(message)
        self.network()

    def layers(self) -> Iterable[Layer]:
        """Blocks of a convolution, an activation and a 2×2 pooling; then dense layers."""
        for block, filters in enumerate(self.channels):
            yield Convolution(
                filters=filters,
                kernel_size=(self.kernel_size,) * 2,
                padding=(0 if block else self.padding,) * 2,
                bias=not self.batch_norm,
            )
            yield from self._follow()
            yield Pooling(method=self.pooling, kernel_size=(2, 2))
        yield Flatten()
        for units in self.dense_widths:
            yield Dense(units=units, bias=not self.batch_norm)
            yield from self._follow()
        yield Dense(units=self.classes)

    def _follow(self) -> Iterable[Layer]:
        """What follows a hidden layer."""
        if self.batch_norm:
            yield BatchNorm()
        yield Activation(function=self.activation)


@dataclass(frozen=True)
class LeNet5Config(ModelConfig):
    """What is left to choose about LeNet-5: everything else is as in the paper.

    Attributes:
        input_shape: Channels, height and width of an image: 1, 28, 28, which the network pads to
            32×32, or 1, 32, 32.
        classes: Number of classes, up to 10: a class is told by the picture of its digit.

    Raises:
        SettingError: A value is ill-typed or out of range.
        ModelError: The network is not made for such images or so many classes.
    """

    initialisation: ClassVar[str] = "published"
    torch_class: ClassVar[str] = "LeNet5"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.input_shape not in ((1, 28, 28), (1, _FIELD, _FIELD)):
            message = (
                f"LeNet-5 takes images of shape (1, 28, 28) or (1, {_FIELD}, {_FIELD}), not "
                f"{self.input_shape}."
            )
            raise ModelError(message)
        if self.classes > _DIGITS:
            message = (
                f"LeNet-5 tells a class by the picture of its digit, so it has up to {_DIGITS} "
                f"classes, not {self.classes}."
            )
            raise ModelError(message)

    def layers(self) -> Iterable[Layer]:
        """The layers of the paper, by its names."""
        margin = (_FIELD - self.input_shape[1]) // 2

        def squash(name: str) -> Layer:
            return Activation(name=f"{name}_squash", function="scaled_tanh")

        return (
            Padding(name="pad", margins=(margin,) * 4, value=_BACKGROUND),
            Convolution(name="c1", filters=6, kernel_size=(5, 5)),
            squash("c1"),
            Subsampling(name="s2"),
            squash("s2"),
            PartialConvolution(name="c3", inputs=_C3_INPUTS),
            squash("c3"),
            Subsampling(name="s4"),
            squash("s4"),
            Convolution(name="c5", filters=120, kernel_size=(5, 5)),
            squash("c5"),
            Flatten(name="flatten"),
            Dense(name="f6", units=84),
            squash("f6"),
            Distances(name="output", classes=self.classes),
        )
