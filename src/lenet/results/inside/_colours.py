"""Numbers as colours, and many small pictures as one."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float32]
Colours = npt.NDArray[np.uint8]  # (4, H, W): red, green, blue, opacity
_SIGNED, _UNSIGNED = "RdBu_r", "inferno"
_LEAST_SIDE = 28  # smaller pictures are enlarged, so that gaps between them look alike
_GAP = 2


@dataclass(frozen=True)
class ColourScale:
    """Which colours numbers have.

    Attributes:
        low: The number that has the first colour.
        high: The number that has the last one.
        is_signed: Whether colours diverge from white at 0, blue below and red above; otherwise they
            go from black to pale yellow.
    """

    low: float
    high: float
    is_signed: bool

    @classmethod
    def of(cls, arrays: Iterable[Numbers], *, is_signed: bool, most: float = 100) -> "ColourScale":
        """One scale for all that is to be compared.

        Args:
            arrays: All of it.
            is_signed: Whether colours diverge at 0.
            most: Per cent of the numbers that the scale reaches to, so that a few large ones don't
                leave the others in the dark; those have its last colour.

        >>> ColourScale.of([np.array([-1, 3])], is_signed=True)
        ColourScale(low=-3.0, high=3.0, is_signed=True)
        """
        numbers = np.concatenate([array.ravel() for array in arrays])
        if is_signed:
            high = float(np.percentile(np.abs(numbers), most)) or float(np.abs(numbers).max())
            return cls(-high, high, is_signed)
        high = float(np.percentile(numbers, most))
        low, highest = float(numbers.min()), float(numbers.max())
        return cls(low, high if high > low else highest, is_signed)

    @property
    def map_name(self) -> str:
        """What matplotlib calls the colours."""
        return _SIGNED if self.is_signed else _UNSIGNED

    def colour(self, numbers: Numbers) -> Colours:
        """Numbers (H, W) as colours; what is not a number is transparent."""
        import matplotlib

        missing = np.isnan(numbers)
        width = self.high - self.low or 1.0
        shares = (np.where(missing, self.low, numbers) - self.low) / width
        colours = matplotlib.colormaps[self.map_name](np.clip(shares, 0, 1), bytes=True)
        colours[missing] = 0
        return np.ascontiguousarray(colours.transpose(2, 0, 1))

    @property
    def ends(self) -> str:
        """The numbers of the first and the last colour."""
        low, high = (f"{end:.3g}".replace("-", "−") for end in (self.low, self.high))
        return f"blue {low}, red {high}" if self.is_signed else f"black {low}, yellow {high}"

    def __str__(self) -> str:
        return self.ends.replace(", ", ", white 0, ") if self.is_signed else self.ends


def mosaic(pictures: Numbers, columns: int) -> Numbers:
    """Pictures in rows, with gaps that are not numbers between them.

    Args:
        pictures: (N, H, W), or (N,) for single numbers.
        columns: How many a row; the room of those that are missing stays empty.

    Returns:
        All of them as one picture.
    """
    if pictures.ndim == 1:
        pictures = pictures[:, None, None]
    count, height, width = pictures.shape
    factor = max(1, round(_LEAST_SIDE / max(height, width)))
    rows = -(-count // columns)
    tall, wide = height * factor + _GAP, width * factor + _GAP
    whole = np.full((rows * tall - _GAP, columns * wide - _GAP), np.nan, np.float32)
    for index, one in enumerate(pictures):
        top, left = index // columns * tall, index % columns * wide
        enlarged = one.repeat(factor, axis=0).repeat(factor, axis=1)
        whole[top : top + tall - _GAP, left : left + wide - _GAP] = enlarged
    return whole
