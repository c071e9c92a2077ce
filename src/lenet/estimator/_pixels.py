"""The images that arrays hold: their shape, and which values are black and white."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lenet.datasets import enlarge_images
from lenet.errors import ArrayError
from lenet.pictures import as_numpy, sample_of, to_unit, without_outliers

_COLOURS = (1, 3, 4)  # channels that an image file may have
_SAMPLE = 10_000_000  # values that are enough to find the range of the others
_CHUNK = 4096  # images turned into bytes at a time


def flatten_images(images: Any) -> tuple[Any, tuple[int, int, int] | None]:
    """Images as one row of values each, which is what scikit-learn checks.

    Channels, height and width come with them where the array's shape says them: an array of
    (N, H, W), (N, C, H, W) or (N, H, W, C), where it is not (N, values) already. A tensor becomes
    an array, and so do lists.
    """
    if isinstance(images, (list, tuple)) or hasattr(images, "detach"):
        images = as_numpy(images)
    shape = tuple(getattr(images, "shape", ()))
    if len(shape) < 3:
        return images, None
    if len(shape) > 4:
        message = f"`X` must be (N, values), (N, H, W), (N, C, H, W) or (N, H, W, C), not {shape}."
        raise ArrayError(message)
    if len(shape) == 4 and shape[1] not in _COLOURS and shape[3] in _COLOURS:
        images = images.transpose(0, 3, 1, 2)
        shape = images.shape
    channels, height, width = shape[1:] if len(shape) == 4 else (1, *shape[1:])
    return images.reshape(shape[0], math.prod(shape[1:])), (channels, height, width)


def shape_of_rows(values: int, input_shape: Sequence[int] | None) -> tuple[int, int, int]:
    """Channels, height and width of the images that rows of so many values hold.

    They are square and of one channel unless the person said an `input_shape`.
    """
    if input_shape is not None:
        if math.prod(input_shape) != values or len(input_shape) != 3:
            message = f"Rows of {values} values hold no images of `input_shape` {input_shape}."
            raise ArrayError(message)
        channels, height, width = input_shape
        return channels, height, width
    side = math.isqrt(values)
    if side * side != values:
        message = (
            f"Rows of {values} values hold no square images. Pass `X` as (N, H, W) or "
            "(N, C, H, W), or say `input_shape`, such as `input_shape=(3, 32, 32)`."
        )
        raise ArrayError(message)
    return 1, side, side


@dataclass(frozen=True)
class PixelRange:
    """Which values are black and white: what lies between becomes a byte, 0 to 255.

    Attributes:
        low: What becomes 0, and all below it.
        high: What becomes 255, and all above it.
    """

    low: float = 0.0
    high: float = 255.0

    @classmethod
    def measure(cls, values: npt.NDArray[np.generic]) -> "PixelRange":
        """The range of some images.

        It is from the lowest to the highest value, except that far outliers are cut off: both
        ends are at most as far from the middle 99.8 % of the values as those are wide. Without
        that, `StandardScaler` on pixels that are nearly always black would leave a few grey levels
        for everything else. uint8 is 0 to 255, unless it holds 0 and 1 alone.

        Args:
            values: (N, values), finite.

        >>> PixelRange.measure(np.array([[0.0, 4.0, 16.0]]))
        PixelRange(low=0.0, high=16.0)
        """
        if values.dtype == np.uint8 and values.max() != 1:
            return cls()
        low, high = float(values.min()), float(values.max())
        return cls(*without_outliers(low, high, sample_of(values, _SAMPLE)))

    def to_bytes(
        self,
        values: npt.NDArray[np.generic],
        image_shape: tuple[int, int, int],
        *,
        enlarge: bool = False,
    ) -> npt.NDArray[np.uint8]:
        """Images as the network's training takes them.

        Args:
            values: (N, values), finite.
            image_shape: Channels, height and width.
            enlarge: Whether to bring the images to 28×28, as `enlarge_images` does.

        Returns:
            uint8 (N, C, H, W).
        """
        images = values.reshape(-1, *image_shape)
        if images.dtype == np.uint8 and self == PixelRange() and not enlarge:
            return images.astype(np.uint8, copy=False)
        return np.concatenate([*self._chunks(images, enlarge)])

    def _chunks(
        self, images: npt.NDArray[np.generic], enlarge: bool
    ) -> Iterator[npt.NDArray[np.uint8]]:
        """The bytes of some images after the other, so that no large floats lie in memory."""
        for start in range(0, len(images), _CHUNK):
            unit = to_unit(images[start : start + _CHUNK], self.low, self.high)
            pixels = unit.astype(np.float32)
            if enlarge:
                pixels = enlarge_images(pixels)
            yield np.rint(pixels * 255).astype(np.uint8)
