"""What was drawn, whichever of ink and ground is the lighter one and whatever their colours."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lenet.pictures._ground import contrast_with_surface, contrast_with_surroundings, percentile
from lenet.pictures._pixels import Values, fitted_size, resize
from lenet.pictures._shapes import Mask, find_parts, grow

Box = tuple[slice, slice]  # rows and columns

_NOISE = 4.0  # standard deviations of the ground that ink must stand out
_FAINTEST = 12.0  # of 255: what stands out less is no ink
_WEAK = 0.05  # of the strongest ink: where ink ends
_FEWEST, _LEAST_SHARE = 6, 2e-4  # pixels, and of all pixels: less is noise and no symbol
_STRONG = 0.5  # of the strongest ink: every part has some as strong as this
_FIRM = 0.35  # of the strongest ink: fainter ink belongs to what is as strong as this
_REACH, _REACHES = 2, 100  # pixels, and parts of a picture's longer side, that it may be away
_LINED = 8  # crossings of a picture's edge that no symbol makes
_STEP = 1.25  # by which more contrast is asked for where the paper's lines were found
_LEAST_PART = 0.08  # of the largest part: less is a speck
_LEAST_SYMBOL = 6  # pixels of the longer side of a symbol of a page,
_SYMBOLS_ACROSS = 160  # and how many of the smallest go into the page's longer side
_STRAIGHT = 0.8  # of each side of a frame is drawn
_LEAST_FRAME = 8  # pixels of each of its sides
_LEAST_SIDE = 64  # pixels of a picture in which shadows are looked for
_COVERED = 0.32  # of a picture's edge: the largest digits that fill it cover less


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


def find_ink(image: Values, largest_side: int, *, is_page: bool = False) -> Ink | None:
    """Tell ink from its ground, in a picture (C, H, W) that is made smaller if a side is larger.

    Of a page all is kept that may be a symbol, however large others are. Gives the ink, in the
    picture's own size or the smaller one; nothing where there is none.
    """
    _, height, width = image.shape
    if max(height, width) > largest_side:
        image = resize(image, *fitted_size((height, width), (largest_side, largest_side)))
    smallest = max(_LEAST_SYMBOL, max(image.shape[1:]) // _SYMBOLS_ACROSS) if is_page else None
    ink = _ink_in(*contrast_with_surface(image), smallest)
    if ink and _covers_the_edge(ink.mask):  # with a shadow, a table
        return _ink_in(*contrast_with_surroundings(image), smallest) or ink
    return ink


def _ink_in(contrast: Values, deviation: float, smallest: int | None) -> Ink | None:
    """What stands out from a ground of a standard deviation by its contrast, (H, W)."""
    floor = max(_FAINTEST, _NOISE * deviation)
    if contrast.max() < floor:
        return None
    peak = percentile(contrast[contrast >= floor], 95)
    mask = _drawn_pixels(contrast, max(_WEAK * peak, _NOISE * deviation), peak, smallest)
    if mask.sum() < max(_FEWEST, _LEAST_SHARE * mask.size):
        return None
    high = percentile(contrast[mask], 95)
    strength = np.where(mask, contrast / high, 0).clip(0, 1).astype(np.float32)
    return Ink(strength, mask)


def _drawn_pixels(contrast: Values, least: float, peak: float, smallest: int | None) -> Mask:
    """What is drawn, from the least contrast to its peak, without specks, lines and frames."""
    mask = _connected(contrast, least, peak, smallest)
    if _crossings_of_the_edge(mask) >= _LINED:
        # Ruled or squared paper, whose lines are fainter than what is written on it.
        while least < _STRONG * peak and _crossings_of_the_edge(mask):
            least *= _STEP
            mask = _connected(contrast, least, peak, smallest)
    return mask


def _covers_the_edge(mask: Mask) -> bool:
    """Whether what was found covers more of the picture's edge than a symbol does: a shadow.

    In a picture of a few pixels, a symbol that fills it can't be told from a shadow.
    """
    return min(mask.shape) >= _LEAST_SIDE and bool(_edge(mask).mean() > _COVERED)


def _connected(contrast: Values, least: float, peak: float, smallest: int | None) -> Mask:
    """The connected parts of a picture that are strong somewhere, bar the specks.

    What has less mass than others is no speck if it is as long as the smallest symbols of a page.
    """
    # What is faint and far from all that is not, is a line of the paper or a shadow.
    reach = max(_REACH, max(contrast.shape) // _REACHES)
    firm = grow(contrast >= max(least, _FIRM * peak), reach)
    parts, boxes = find_parts(firm & (contrast >= least))
    count = len(boxes)
    strongest = np.zeros(count + 1, np.float32)
    np.maximum.at(strongest, parts, contrast)
    mass = np.bincount(parts.ravel(), contrast.ravel(), count + 1).astype(float)[1:]
    mass[strongest[1:] < _STRONG * peak] = 0
    is_long = np.zeros(count, bool)
    if smallest is not None:
        is_long = (boxes[:, 1::2] - boxes[:, ::2]).max(axis=1) >= smallest
    is_kept = _are_no_specks(mass, is_long)
    left = is_kept.sum()
    is_large = np.bincount(parts.ravel(), minlength=count + 1)[1:] >= 2 * _LEAST_FRAME * _STRAIGHT
    candidates = np.flatnonzero(is_kept & is_large)  # patterns have thousands that are not large
    for index in candidates:
        top, bottom, first, last = boxes[index]
        if left > 1 and _is_frame(parts[top:bottom, first:last] == index + 1):
            mass[index] = 0
            is_kept = _are_no_specks(mass, is_long)
            left = is_kept.sum()
    mask: Mask = np.r_[False, is_kept][parts]
    return mask


def _are_no_specks(mass: npt.NDArray[np.float64], is_long: Mask) -> Mask:
    """Which parts have enough mass beside the largest, or are long enough."""
    are_none: Mask = (mass >= _LEAST_PART * mass.max()) | (is_long & (mass > 0))
    return are_none


def _is_frame(part: Mask) -> bool:
    """Whether a part, cut out, is a frame: drawn along all four sides and empty within."""
    height, width = part.shape
    depth = max(1, min(height, width) // 12)
    sides = part[:depth], part[-depth:], part[:, :depth].T, part[:, -depth:].T
    if min(height, width) < _LEAST_FRAME or any(
        side.any(axis=0).mean() < _STRAIGHT for side in sides
    ):
        return False
    return not part[2 * depth : -2 * depth, 2 * depth : -2 * depth].any()


def _crossings_of_the_edge(mask: Mask) -> int:
    """How many times ink is met on the way once round the edge."""
    edge = _edge(mask)
    return int((edge & ~np.roll(edge, 1)).sum())


def _edge(mask: Mask) -> Mask:
    """The pixels on the way once round the edge."""
    return np.concatenate([mask[0], mask[1:, -1], mask[-1, -2::-1], mask[-2:0:-1, 0]])
