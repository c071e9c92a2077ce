from dataclasses import dataclass
from typing import Literal

from lenet.core import Settings

MOST = 65536  # of anything that a layer may have
Activation = Literal["sigmoid", "tanh", "relu", "gelu"]
Initialisation = Literal["xavier", "kaiming", "normal", "pytorch"]


@dataclass(frozen=True)
class ModelConfig(Settings):
    """What the settings of every network have.

    Attributes:
        input_shape: Channels, height and width of an image.
        classes: Number of classes.

    Raises:
        SettingError: A value is ill-typed or out of range.
    """

    input_shape: tuple[int, ...] = (1, 28, 28)
    classes: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(
            "input_shape",
            len(self.input_shape) == 3 and all(1 <= size <= MOST for size in self.input_shape),
            f"three numbers, channels, height and width, each from 1 to {MOST}",
        )
        self.require("classes", 2 <= self.classes <= MOST, f"from 2 to {MOST}")

    @property
    def image_size(self) -> int:
        """Numbers in an image, over all channels."""
        channels, height, width = self.input_shape
        return channels * height * width

    def require_sizes(self, name: str) -> None:
        """Raise unless every number of a field is a possible size of a layer."""
        sizes: tuple[int, ...] = getattr(self, name)
        self.require(name, all(1 <= size <= MOST for size in sizes), f"numbers from 1 to {MOST}")
