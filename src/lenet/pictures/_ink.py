"""What was drawn, whichever of ink and ground is the lighter one and whatever their colours."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lenet.pictures._contrast import contrast_with_surface, contrast_with_surroundings
from lenet.pictures._frame import Values, fitted_size, resize
from lenet.pictures._order_statistics import percentile
from lenet.pictures._parts import Mask, drawn_parts, holds_more_than_strokes

Box = tuple[slice, slice]  # rows and columns

_NOISE = 4.0  # standard deviations of the ground that ink must stand out
_FAINTEST = 12.0  # of 255: what stands out less is no ink
_WEAK = 0.05  # of the strongest ink: where ink ends
_FEWEST, _LEAST_SHARE = 6, 2e-4  # pixels, and of all pixels: less is noise and no symbol


@dataclass(frozen=True, eq=False)
class Ink:
    """What was drawn.

    Attributes:
        strength: How much ink there is, float32 (H, W), 0 to 1.
        mask: Which pixels belong to it, (H, W); at least one.
    """

    strength: Values
    mask: Mask

    @cached_property
    def box(self) -> Box:
        """The rows and the columns that hold it."""
        rows, columns = (np.flatnonzero(self.mask.any(axis=axis)) for axis in (1, 0))
        return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def find_ink(image: Values, largest_side: int) -> Ink | None:
    """Tell ink from its ground.

    Args:
        image: float32 (C, H, W), 0 to 255.
        largest_side: Pixels; a larger picture is made smaller first.

    Returns:
        The ink, in the picture's own size or the smaller one; nothing where there is none.
    """
    _, height, width = image.shape
    if max(height, width) > largest_side:
        image = resize(image, *fitted_size((height, width), (largest_side, largest_side)))
    ink = _ink_in(*contrast_with_surface(image))
    if ink and holds_more_than_strokes(ink.mask):  # the edge of a shadow, of a table
        return _ink_in(*contrast_with_surroundings(image)) or ink
    return ink


def _ink_in(contrast: Values, deviation: float) -> Ink | None:
    """What stands out.

    Args:
        contrast: How far each pixel is from the ground, (H, W).
        deviation: The ground's standard deviation.
    """
    floor = max(_FAINTEST, _NOISE * deviation)
    if contrast.max() < floor:
        return None
    peak = percentile(contrast[contrast >= floor], 95)
    mask = drawn_parts(contrast, max(_WEAK * peak, _NOISE * deviation), peak)
    if mask.sum() < max(_FEWEST, _LEAST_SHARE * mask.size):
        return None
    high = percentile(contrast[mask], 95)
    strength = np.where(mask, contrast / high, 0).clip(0, 1).astype(np.float32)
    return Ink(strength, mask)
