from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from lenet.datasets import enlarge_images
from lenet.pictures import sample_of, to_unit, without_outliers

_SAMPLE = 10_000_000  # values that are enough to find the range of the others
_CHUNK = 4096  # images turned into bytes at a time


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
        for everything else. uint8 is 0 to 255, whatever it holds.

        Args:
            values: (N, values), finite.

        >>> PixelRange.measure(np.array([[0.0, 4.0, 16.0]]))
        PixelRange(low=0.0, high=16.0)
        """
        if values.dtype == np.uint8:
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
            pixels = torch.from_numpy(unit.astype(np.float32))
            if enlarge:
                pixels = enlarge_images(pixels)
            yield (pixels * 255).round().to(torch.uint8).numpy()
