from dataclasses import dataclass
from typing import Literal

from lenet.errors import ModelError, SettingError
from lenet.models._model_config import MOST, Activation, Initialisation, ModelConfig

_POOL = 2  # every pooling layer takes 2×2 pixels to one


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
    activation: Activation = "sigmoid"
    pooling: Literal["average", "max"] = "average"
    batch_norm: bool = False
    initialisation: Initialisation = "xavier"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("kernel_size", self.kernel_size >= 1, "at least 1")
        self.require("padding", 0 <= self.padding <= MOST, f"from 0 to {MOST}")
        self.require_sizes("channels")
        self.require_sizes("dense_widths")
        if not self.channels:
            message = "`channels` must have at least one number, one for each block."
            raise SettingError(message)
        self.feature_map_sizes()

    def feature_map_sizes(self) -> list[tuple[int, int]]:
        """Height and width of what comes out of each block.

        Raises:
            ModelError: A kernel or a pooling window is larger than what it is to slide over.

        >>> LeNetConfig().feature_map_sizes()
        [(14, 14), (5, 5)]
        """
        _, height, width = self.input_shape
        kernel = self.kernel_size
        sizes = []
        for block in range(len(self.channels)):
            margin = 2 * (self.padding if block == 0 else 0)
            if min(height, width) + margin < kernel:
                message = (
                    f"Block {block + 1}: a {kernel}×{kernel} convolution does not fit its "
                    f"{height + margin}×{width + margin} input."
                )
                raise ModelError(message)
            height, width = height + margin - kernel + 1, width + margin - kernel + 1
            if min(height, width) < _POOL:
                message = (
                    f"Block {block + 1}: 2×2 pooling does not fit the {height}×{width} output "
                    "of its convolution."
                )
                raise ModelError(message)
            height, width = height // _POOL, width // _POOL
            sizes.append((height, width))
        return sizes
