"""What was drawn, whichever of ink and ground is the lighter one and whatever their colours."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lenet.pictures._ground import (
    Contrast,
    contrast_with_surface,
    contrast_with_surroundings,
    noise_of,
    percentile,
)
from lenet.pictures._pixels import Values, fitted_size, resize
from lenet.pictures._shapes import Mask, find_parts, grow
from lenet.pictures._surroundings import LEAST_SIDE, find_surroundings

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
_HALVINGS, _FAINT = 2, 0.3  # of a picture where noise is more than so much of the strongest ink
_TOUCHED = 0.04  # of a picture's edge, where its ground is looked for everywhere,
_ROUGH = 5.0  # deviations of pixels from 0 to 255 that are more than noise
_SHEET, _LEAST_ON_SHEET = 0.7, 7  # of it is filled, and parts of a picture's side on it
_ROUGHER = 1.75  # and that is more than the noise of neighbours,
_EVENER = 0.8  # and is there if its deviation is so much smaller
_SMOOTHER = 0.75  # of the noise, in a picture that is made smaller
_SQUARES = 7  # parts of a picture's longer side: strokes are narrower
_ROUNDS = 4  # in which what is round a symbol is taken away
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
    if smallest is None and min(image.shape[1:]) >= LEAST_SIDE:
        image, contrast = _best_contrast(image)
    else:
        contrast = contrast_with_surface(image)
    ink, is_solid = _ink_in(contrast, smallest)
    if ink and _covers_the_edge(ink.mask):  # with a shadow, a table
        return _ink_in(contrast_with_surroundings(image), smallest)[0] or ink
    if ink and is_solid and contrast.is_light and _is_sheet(ink.mask):
        return _ink_on_sheet(image, contrast) or ink
    return ink


def _ink_on_sheet(image: Values, contrast: Contrast) -> Ink | None:
    """What is darker than a note that lies on a desk, or than a lamp's light; but no desk."""
    dark = contrast_with_surroundings(image, only_dark=True)
    ground = grow(contrast.is_ground, _REACH)
    values = np.where(ground, np.float32(0), dark.values)
    ink, _ = _ink_in(dark._replace(values=values), None)
    if ink is None:
        return None
    longer = max(side.stop - side.start for side in ink.box)
    return ink if longer * _LEAST_ON_SHEET >= max(ink.mask.shape) else None


def _is_sheet(mask: Mask) -> bool:
    """Whether a mask fills nearly all from side to side, and from top to bottom."""
    count, least = mask.sum(), _SHEET
    return all(count >= least * _spanned(one).sum() for one in (mask, mask.T))


def _spanned(mask: Mask) -> Mask:
    """All from the first pixel of each row to the last."""
    spanned: Mask = np.logical_or.accumulate(mask, axis=1)
    spanned &= np.logical_or.accumulate(mask[:, ::-1], axis=1)[:, ::-1]
    return spanned


def _best_contrast(image: Values) -> tuple[Values, Contrast]:
    """A picture, made smaller where that lets faint ink stand out from noise, and its contrast."""
    contrast = _even_contrast(image)
    for _ in range(_HALVINGS):
        if min(image.shape[1:]) < 2 * LEAST_SIDE or not _is_faint(contrast):
            break
        smaller = resize(image, *(-(-size // 2) for size in image.shape[1:]))
        other = _even_contrast(smaller)
        if other.deviation > _SMOOTHER * contrast.deviation:
            break
        image, contrast = smaller, other
    return image, contrast


def _even_contrast(image: Values) -> Contrast:
    """Contrast with the ground at the border; or inside, if that is more even.

    It is looked for there where ink is faint or there is more at the edge than the end of a stroke.
    """
    contrast = contrast_with_surface(image)
    standing_out = _edge(contrast.values >= _floor(contrast))
    is_rough = contrast.deviation > _ROUGH
    is_doubtful = is_rough or standing_out.mean() > _TOUCHED or _is_faint(contrast)
    if is_doubtful and contrast.deviation > _ROUGHER * noise_of(image):
        for start in ("light", "dark"):
            other = contrast_with_surface(image, start)
            is_smoother = other.deviation < _EVENER * contrast.deviation
            if is_smoother and other.unevenness < _EVENER * contrast.unevenness:
                contrast = other
    return contrast


def _floor(contrast: Contrast) -> float:
    """What stands out from the ground has more contrast."""
    return max(_FAINTEST, _NOISE * contrast.deviation)


def _is_faint(contrast: Contrast) -> bool:
    """Whether ink hardly stands out from the noise of its ground, if there is any."""
    standing_out = contrast.values[contrast.values >= _floor(contrast)]
    if not len(standing_out):
        return True
    return _NOISE * contrast.deviation > _FAINT * percentile(standing_out, 95)


def _is_solid(mask: Mask) -> bool:
    """Whether a square of a mask is filled that is wider than strokes: paper on a desk, a lamp."""
    side = max(_LEAST_SIDE, *mask.shape) // _SQUARES
    if min(mask.shape) < _LEAST_SIDE:
        return False
    filled = mask
    for _ in range(2):
        counts = np.cumsum(np.pad(filled, ((1, 0), (0, 0))), axis=0, dtype=np.int32)
        filled = (counts[side:] - counts[:-side] == side).T
    return bool(filled.any())


def _ink_in(found: Contrast, smallest: int | None) -> tuple[Ink | None, bool]:
    """What stands out from a ground of a standard deviation by its contrast, (H, W).

    Without what lies round a symbol. Gives whether it is solid before that is taken away, too.
    """
    contrast, floor, noise = found.values, _floor(found), _NOISE * found.deviation
    rounds = _ROUNDS if smallest is None and min(contrast.shape) >= LEAST_SIDE else 0
    is_solid = False
    while True:
        if contrast.max() < floor:
            return None, is_solid
        peak = percentile(contrast[contrast >= floor], 95)
        least = max(_WEAK * peak, noise)
        firm = _firm(contrast, least, peak)
        if rounds == _ROUNDS:
            is_solid = _is_solid(firm)
        gone = find_surroundings(firm) if rounds else None
        if gone is None:
            break
        rounds -= 1
        contrast = np.where(gone, np.float32(0), contrast)
    mask = _drawn_pixels(contrast, least, peak, smallest)
    if mask.sum() < max(_FEWEST, _LEAST_SHARE * mask.size):
        return None, is_solid
    high = percentile(contrast[mask], 95)
    strength = np.where(mask, contrast / high, 0).clip(0, 1).astype(np.float32)
    return Ink(strength, mask), is_solid


def _drawn_pixels(contrast: Values, least: float, peak: float, smallest: int | None) -> Mask:
    """What is drawn, from the least contrast to its peak, without specks, lines and frames."""
    mask = _connected(contrast, least, peak, smallest)
    if _crossings_of_the_edge(mask) >= _LINED:
        # Ruled or squared paper, whose lines are fainter than what is written on it.
        while least < _STRONG * peak and _crossings_of_the_edge(mask):
            least *= _STEP
            mask = _connected(contrast, least, peak, smallest)
    return mask


def _firm(contrast: Values, least: float, peak: float) -> Mask:
    """What stands out, without what is faint and far from all that is not: a line or a shadow."""
    reach = max(_REACH, max(contrast.shape) // _REACHES)
    return grow(contrast >= max(least, _FIRM * peak), reach) & (contrast >= least)


def _covers_the_edge(mask: Mask) -> bool:
    """Whether what was found covers more of the picture's edge than a symbol does: a shadow.

    In a picture of a few pixels, a symbol that fills it can't be told from a shadow.
    """
    return min(mask.shape) >= _LEAST_SIDE and bool(_edge(mask).mean() > _COVERED)


def _connected(contrast: Values, least: float, peak: float, smallest: int | None) -> Mask:
    """The connected parts of a picture that are strong somewhere, bar the specks.

    What has less mass than others is no speck if it is as long as the smallest symbols of a page.
    """
    parts, boxes = find_parts(_firm(contrast, least, peak))
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
