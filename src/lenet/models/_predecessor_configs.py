from dataclasses import dataclass

from lenet.models._model_config import Activation, Initialisation, ModelConfig


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
    activation: Activation = "relu"
    initialisation: Initialisation = "normal"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_sizes("dense_widths")
