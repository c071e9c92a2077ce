"""How training images are changed at random, so that more is learnt from them."""

import math
from dataclasses import dataclass
from typing import Any, Generic

import numpy as np
import numpy.typing as npt

from lenet.core import Generator
from lenet.datasets._place import Place, Values

_Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Augmentation:
    """Random changes, drawn for each image on its own and uniform within these bounds.

    An image is mirrored first, then turned, scaled, squeezed and sheared at once, then shifted.
    What comes in from outside is 0.

    Attributes:
        flip: Mirror left to right with probability one half.
        rotation: Turn by up to this many degrees either way.
        scaling: Enlarge or shrink by up to this share.
        squeezing: Make wider and lower, or narrower and higher, by up to this share.
        shearing: Move rows sideways by up to this share of their distance from the middle.
        shift: Move by up to this many whole pixels either way, in both directions.
    """

    flip: bool = False
    rotation: float = 0.0
    scaling: float = 0.0
    squeezing: float = 0.0
    shearing: float = 0.0
    shift: int = 0

    @property
    def distorts(self) -> bool:
        """Whether more is done than to mirror and to move by whole pixels."""
        return any((self.rotation, self.scaling, self.squeezing, self.shearing))


@dataclass(frozen=True)
class DrawnChanges(Generic[Values]):
    """What happens to each image of a batch, in arrays or in tensors.

    Attributes:
        mirrored: Which images change left and right, bool (B,); `None` where none does.
        distortions: Where pixels come from, float32 (B, 2, 2): what becomes the pixel at (x, y)
            from the middle lies at the matrix times (x, y). `None` where none is distorted.
        shifts: How far rows and columns move, int64 (2, B): the pixel at (y, x) comes from
            (y + shifts[0], x + shifts[1]). `None` where none moves.
    """

    mirrored: Values | None = None
    distortions: Values | None = None
    shifts: Values | None = None

    def part(self, part: slice) -> "DrawnChanges[Values]":
        """What happens to some of the images."""
        return DrawnChanges(
            None if self.mirrored is None else self.mirrored[part],
            None if self.distortions is None else self.distortions[part],
            None if self.shifts is None else self.shifts[:, part],
        )


def draw_changes(
    augmentation: Augmentation, count: int, seed: int, place: Place[Values]
) -> DrawnChanges[Values]:
    """Draw what happens to the images of a batch; the same seed gives the same everywhere."""
    generator = Generator(seed)
    mirrored = distortions = shifts = None
    if augmentation.flip:
        mirrored = place.put(generator.uniform((count,)) < 0.5)
    if augmentation.shift:
        sizes = generator.integers(2 * augmentation.shift + 1, (2, count))
        shifts = place.put(sizes - augmentation.shift)
    if augmentation.distorts:
        distortions = place.put(_draw_distortions(augmentation, count, generator))
    return DrawnChanges(mirrored, distortions, shifts)


def _draw_distortions(augmentation: Augmentation, count: int, generator: Generator) -> _Array:
    angle, scale, squeeze, shear = 2 * generator.uniform((4, count)).astype(np.float64) - 1
    angle = angle * math.radians(augmentation.rotation)
    scale = (1 + augmentation.scaling) ** scale
    squeeze = (1 + augmentation.squeezing) ** squeeze
    shear = shear * augmentation.shearing
    zero, one = np.zeros_like(scale), np.ones_like(scale)
    turned = _matrices(np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle))
    stretched = _matrices(scale * squeeze, zero, zero, scale / squeeze)
    sheared = _matrices(one, shear, zero, one)
    inverse: _Array = np.linalg.inv(turned @ sheared @ stretched)
    return inverse.astype(np.float32)


def _matrices(*entries: _Array) -> _Array:
    return np.stack(entries, axis=1).reshape(-1, 2, 2)


def change_arrays(pixels: _Array, changes: DrawnChanges[_Array]) -> _Array:
    """Change the images of a batch, as `apply_changes` does with tensors.

    Args:
        pixels: uint8 (B, C, H, W).
        changes: Of each image.

    Returns:
        0 to 255 of the same shape; uint8, or float32 where images are distorted.
    """
    if changes.mirrored is not None:
        pixels = np.where(changes.mirrored[:, None, None, None], pixels[..., ::-1], pixels)
    if changes.distortions is not None:
        pixels = _distort(pixels.astype(np.float32), changes.distortions)
    if changes.shifts is not None:
        pixels = _shift(pixels, changes.shifts)
    return pixels


def _distort(pixels: _Array, distortions: _Array) -> _Array:
    """Each pixel from the four around the point that it comes from, by linear interpolation."""
    height, width = pixels.shape[2:]
    right, down = (np.arange(size) - (size - 1) / 2 for size in (width, height))
    from_x, from_y = distortions.transpose(1, 2, 0)[..., None, None]
    x, y = (
        (
            row[0] * right.astype(np.float32)
            + row[1] * down.astype(np.float32)[:, None]
            + np.float32((size - 1) / 2)
        ).clip(-1, size)  # what is beyond is black, too
        for row, size in ((from_x, width), (from_y, height))
    )
    left, top = np.floor(x), np.floor(y)
    x_share, y_share = (x - left)[:, None], (y - top)[:, None]
    columns, rows = left.astype(np.int64), top.astype(np.int64)
    framed = _frame(pixels)
    upper, lower = (
        _pixels_at(framed, rows + below, columns) * (1 - x_share)
        + _pixels_at(framed, rows + below, columns + 1) * x_share
        for below in (0, 1)
    )
    distorted: _Array = upper * (1 - y_share) + lower * y_share
    return distorted


def _shift(pixels: _Array, shifts: _Array) -> _Array:
    height, width = pixels.shape[2:]
    rows = (shifts[0, :, None] + np.arange(height)).clip(-1, height)
    columns = (shifts[1, :, None] + np.arange(width)).clip(-1, width)
    return _pixels_at(_frame(pixels), rows[:, :, None], columns[:, None, :])


def _frame(pixels: _Array) -> _Array:
    """Images with black around them: a pixel above and to the left, two below and to the right."""
    return np.pad(pixels, ((0, 0), (0, 0), (1, 2), (1, 2)))


def _pixels_at(framed: _Array, rows: _Array, columns: _Array) -> _Array:
    """The pixels at some rows and columns of each image, both int64 (B, H, W), counted in it."""
    count, channels, height, width = framed.shape
    places = (rows + 1) * width + columns + 1
    images = np.arange(count * channels).reshape(count, channels, 1, 1) * (height * width)
    found: _Array = framed.ravel().take(images + places[:, None])
    return found
