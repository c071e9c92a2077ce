from dataclasses import dataclass

from lenet.errors import ModelError
from lenet.models._model_config import ModelConfig

FIELD = 32  # height and width of what the first convolution sees
BACKGROUND = -0.1  # of an image, whose ink is 1.175
_DIGITS = 10
# Which maps of S2 each map of C3 sees: table I of LeCun et al. (1998), column by column.
C3_INPUTS = (
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

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.input_shape not in ((1, 28, 28), (1, FIELD, FIELD)):
            message = (
                f"LeNet-5 takes images of shape (1, 28, 28) or (1, {FIELD}, {FIELD}), not "
                f"{self.input_shape}."
            )
            raise ModelError(message)
        if self.classes > _DIGITS:
            message = (
                f"LeNet-5 tells a class by the picture of its digit, so it has up to {_DIGITS} "
                f"classes, not {self.classes}."
            )
            raise ModelError(message)

    @property
    def margin(self) -> int:
        """Rows and columns of background round an image."""
        return (FIELD - self.input_shape[1]) // 2
