from dataclasses import dataclass
from math import inf
from typing import Literal

from lenet.core import Settings

Method = Literal["symbol", "object", "plain"]
Polarity = Literal["light-on-dark", "dark-on-light", "as-is"]


@dataclass(frozen=True)
class Preparation(Settings):
    """How a picture of any size becomes the image that a network takes.

    Attributes:
        method: `symbol` finds the ink, takes the ground away, fits what is left into a box and puts
            its centre of mass into the middle, as the makers of MNIST did; `object` fits the thing
            that stands out from the border into the frame, as the makers of Fashion-MNIST did;
            `plain` fits the whole picture into the frame.
        polarity: What the network was taught on: things lighter than their ground, darker, or
            either, in which case pictures are left as they are. The ground is seen at the border.
        height: Of the image, in pixels.
        width: Of the image, in pixels.
        channels: 1 for grey, 3 for red, green and blue.
        margin: Pixels that `symbol` and `object` leave free at each side of the shorter direction.
        pixel_range: Which values of a grey picture of more than 8 bits are black and white, for
            all pictures alike; none where the network was taught on 8 bits, and 16 bits go from 0
            to 65535.

    Raises:
        SettingError: A value is ill-typed or out of range.
    """

    method: Method = "plain"
    polarity: Polarity = "as-is"
    height: int = 28
    width: int = 28
    channels: int = 1
    margin: int = 0
    pixel_range: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("height", "width", "channels"):
            self.require(name, getattr(self, name) >= 1, "at least 1")
        room = (min(self.height, self.width) - 1) // 2
        self.require("margin", 0 <= self.margin <= room, f"from 0 to {room}")
        ends = self.pixel_range
        is_range = len(ends) == 2 and -inf < ends[0] < ends[1] < inf
        self.require("pixel_range", is_range or not ends, "two finite numbers, the lower one first")

    @classmethod
    def plain(cls, image_shape: tuple[int, ...]) -> "Preparation":
        """Fit whole pictures into the frame of images of a shape (C, H, W)."""
        channels, height, width = image_shape
        return cls(channels=channels, height=height, width=width)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the image."""
        return self.channels, self.height, self.width
