"""Pixels: from numbers of any type, by one range for all pictures of a data set; in other sizes."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from lenet.errors import ArrayError

Numbers = npt.NDArray[Any]  # of any type, one picture or several
Values = npt.NDArray[np.float32]  # pixels that are computed with, 0 to 255

_LARGEST = float(np.finfo(np.float64).max)
_FULL_SCALES = (1.0, 255.0, 1023.0, 4095.0, 16383.0, 65535.0)
_16_BITS = 65535.0
_TAIL = 0.001  # share of the values at either end that may be outliers
_STRAY = 0.01  # share of a picture's values that may be far outside of the range
_SAMPLE, _MOST_SAMPLED = 2**14, 2**22  # values of some pictures, and of all of them
_NEARLY_BLACK = 16  # of 255; floats up to here are rather normalised, or in another unit
_DARK_16_BITS = 4095  # up to here pictures of 16 bits have rather fewer
_CHUNK = 2**22  # values that become pixels at a time


class Spread(NamedTuple):
    """Which values some pictures hold: the lowest, the highest, and some of all."""

    lowest: float
    highest: float
    sample: Numbers


def is_deep(values: Numbers) -> bool:
    """Whether numbers need a range to become pixels: floats, 16 bits, and more than 255."""
    if values.dtype.kind == "f" or _has_16_bits(values):
        return True
    if values.dtype == np.uint8 or values.dtype.kind == "b" or not values.size:
        return False
    return not 0 <= values.min() <= values.max() <= 255


def spread_of(values: Numbers) -> Spread | None:
    """The values of one picture or several; nothing where they are pixels already."""
    if values.dtype == np.uint8 or values.dtype.kind == "b":
        return None
    finite = values[np.isfinite(values)]
    if not finite.size:
        return None
    return Spread(float(finite.min()), float(finite.max()), sample_of(finite, _SAMPLE))


def sample_of(values: Numbers, most: int) -> Numbers:
    """Some of many values, always the same; drawn, as each n-th might be of one column."""
    if values.size <= most:
        return values.ravel()
    return values.ravel()[np.random.default_rng(0).integers(values.size, size=most)]


def pick_range(spreads: Sequence[Spread]) -> tuple[float, float]:
    """The one range for pictures that hold such values.

    It is a full scale (0 to 1, or what 8, 10, 12, 14 or 16 bits hold) where the values take more
    than half of it and there are no outliers; else it is from the lowest value to the highest,
    without far outliers.

    Args:
        spreads: Of all pictures, at least one.

    >>> pick_range([spread_of(np.arange(4000))]), pick_range([spread_of(np.array([-40.0, 85.0]))])
    ((0.0, 4095.0), (-40.0, 85.0))
    """
    sample = sample_of(np.concatenate([spread.sample for spread in spreads]), _MOST_SAMPLED)
    lowest, highest = min(one.lowest for one in spreads), max(one.highest for one in spreads)
    low, high = without_outliers(lowest, highest, sample)
    if (low, high) == (lowest, highest):
        for full in _FULL_SCALES:
            if low >= 0 and high <= full and high - low > full / 2:
                return 0.0, full
    return (low, high) if low < high else (low, min(low + max(1.0, abs(low)), _LARGEST))


def without_outliers(low: float, high: float, sample: Numbers) -> tuple[float, float]:
    """A range whose ends are at most as far from the middle 99.8 % as those are wide.

    Args:
        low: The lowest value.
        high: The highest value.
        sample: Values in between.
    """
    # halves, so that not even the largest numbers overflow
    halves = sample.astype(np.float64) / 2
    lower, upper = (float(bound) for bound in np.quantile(halves, (_TAIL, 1 - _TAIL)))
    width = upper - lower
    if width > 0:
        low = 2 * max(low / 2, lower - width)
        high = 2 * min(high / 2, upper + width)
    return low, high


def to_unit(values: Numbers, low: float, high: float) -> npt.NDArray[np.float64]:
    """A range as 0 to 1; what lies outside is cut off."""
    if low == high:
        return np.zeros(values.shape)
    magnitude = max(abs(low), abs(high))
    low, high = low / magnitude, high / magnitude  # no overflow, however large
    with np.errstate(over="ignore"):
        unit = (values.astype(np.float64) / magnitude - low) / (high - low)
    return np.clip(unit, 0, 1)


def to_pixels(
    values: Numbers,
    pixel_range: tuple[float, ...] = (),
    name: str = "The array",
    *,
    clip: bool = False,
) -> npt.NDArray[np.uint8]:
    """Numbers of any type as pixels.

    uint8 is taken as it is, and booleans are black and white, whatever the range is; where that is
    0 to 1, uint8 of 0 and 1 alone is black and white, too. Without a range 16 bits go from 0 to
    65535, if one of them is above 4095, floats from 0 to 1, or from 0 to 255 where one is above 16,
    and other whole numbers from 0 to 255.

    Args:
        values: Of one picture, or of several on one scale; any shape.
        pixel_range: Which values become 0 and 255; those outside are cut off.
        name: What to call them in errors.
        clip: Take what lies far outside of the range, too.

    Returns:
        uint8 of the same shape.

    Raises:
        ArrayError: They are no numbers, not finite, or of another scale.
    """
    if values.dtype == np.uint8 and not (
        tuple(pixel_range) == (0.0, 1.0) and values.size and values.max() == 1
    ):
        return values
    if values.dtype.kind == "b":
        black_or_white: npt.NDArray[np.uint8] = values.astype(np.uint8) * np.uint8(255)
        return black_or_white
    if values.dtype.kind not in "iuf":
        message = f"{name} holds {values.dtype} instead of numbers."
        raise ArrayError(message)
    if not np.isfinite(values).all():
        message = f"{name} holds values that are not finite (NaN or infinite); replace them first."
        raise ArrayError(message)
    pixels = np.empty(values.shape, np.uint8)
    if values.size:
        low, high = _range_for(values, pixel_range, name, clip)
        rows = max(1, _CHUNK // values[0].size)
        for start in range(0, len(values), rows):
            part = slice(start, start + rows)
            pixels[part] = np.rint(to_unit(values[part], low, high) * 255)
    return pixels


def _has_16_bits(values: Numbers) -> bool:
    """Whether values are of the type that 16-bit pictures have, in either byte order."""
    return values.dtype.kind == "u" and values.dtype.itemsize == 2


def _range_for(
    values: Numbers, pixel_range: tuple[float, ...], name: str, clip: bool
) -> tuple[float, float]:
    lowest, highest = values.min(), values.max()
    # 0 to 1 is a share of white, and so is each whole number of 16 bits.
    if _has_16_bits(values) and pixel_range in ((), (0.0, 1.0)):
        if not pixel_range and not clip and lowest < highest <= _DARK_16_BITS:
            white = next(full for full in _FULL_SCALES[1:] if highest <= full)
            message = (
                f"{name} holds values from {lowest} to {highest}, and 16 bits are white at "
                f"{_16_BITS:.0f}. If {white:.0f} is white, say so: `--white {white:.0f}` "
                f"(`pixel_range=(0, {white:.0f})`)."
            )
            raise ArrayError(message)
        return 0.0, _16_BITS
    if pixel_range:
        low, high = pixel_range
        if not clip:
            refuse_other_unit(values, (low, high), name)
        return low, high
    is_float = values.dtype.kind == "f"
    if lowest >= 0 and highest <= 1 and is_float:
        return 0.0, 1.0
    if lowest >= 0 and highest <= 255 and not (is_float and highest <= _NEARLY_BLACK):
        return 0.0, 255.0
    message = (
        f"{name} holds values from {lowest:g} to {highest:g}. Pixels are expected, not normalised: "
        "from 0 to 255, floats from 0 to 1, or 16 bits (uint16)."
    )
    raise ArrayError(message)


def _is_nearly_black(values: Numbers) -> bool:
    """Whether floats are rather normalised, or in another unit, than from 0 to 255."""
    return values.dtype.kind == "f" and bool(values.min() < values.max() <= _NEARLY_BLACK)


def refuse_other_unit(values: Numbers, pixel_range: tuple[float, float], name: str) -> None:
    """Raise the `ArrayError` for values that are in another unit than a network was taught on.

    Many of them lie further outside of its range than that is wide, or all are shares of 1, or
    normalised, where it reaches to 255 or more.

    Args:
        values: Finite, at least one.
        pixel_range: What was black and white.
        name: What to call them.
    """
    (low, high), lowest, highest = pixel_range, values.min(), values.max()
    width = high - low
    with np.errstate(over="ignore"):  # of float32, when ends are near its largest
        stray = (values < low - width) | (values > high + width)
    is_tiny = 0 <= lowest < highest <= 1 or (
        _is_nearly_black(values) and (width == _FULL_SCALES[1] or lowest < low)
    )
    if (is_tiny and width >= _FULL_SCALES[1]) or stray.mean() > _STRAY:
        message = (
            f"{name} holds values from {lowest:g} to {highest:g}, and the network was taught "
            f"on values from {low:g} to {high:g}; bring them to the same unit."
        )
        raise ArrayError(message)


def fitted_size(size: tuple[int, ...], within: tuple[int, int]) -> tuple[int, int]:
    """The largest height and width of the same proportions within a frame, each at least 1."""
    height, width = size
    scale = min(within[0] / height, within[1] / width)
    return (
        min(within[0], max(1, round(height * scale))),
        min(within[1], max(1, round(width * scale))),
    )


def resize(values: Values, height: int, width: int) -> Values:
    """(H, W) or (C, H, W) of another size: smooth when enlarged, averaged when made smaller."""
    if values.ndim == 3:
        return np.stack([resize(channel, height, width) for channel in values])
    if values.shape == (height, width):
        return values
    is_smaller = height < values.shape[0] or width < values.shape[1]
    method = Image.Resampling.BOX if is_smaller else Image.Resampling.BICUBIC
    image = Image.fromarray(np.ascontiguousarray(values))
    # In two steps: from version 13 on Pillow sometimes begins with the rows, and rounds otherwise.
    image = image.resize((width, len(values)), method).resize((width, height), method)
    lowest, highest = float(values.min()), float(values.max())
    return np.asarray(image).clip(lowest, highest)


def place_in_middle(values: Values, frame: tuple[int, int], ground: Values) -> Values:
    """Put (C, H, W) into the middle of a frame, at least as large, of a ground of one colour."""
    channels, height, width = values.shape
    top, left = (frame[0] - height + 1) // 2, (frame[1] - width + 1) // 2
    framed = np.empty((channels, *frame), np.float32)
    framed[:] = ground[:, None, None]
    framed[:, top : top + height, left : left + width] = values
    return framed


def as_bytes(values: Values) -> npt.NDArray[np.uint8]:
    """Values from 0 to 255, rounded."""
    return np.rint(values).astype(np.uint8)
