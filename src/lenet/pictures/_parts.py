"""Which of the pixels that differ from the ground belong to what was drawn."""

import numpy as np
import numpy.typing as npt

from lenet.pictures._frame import Values

Mask = npt.NDArray[np.bool_]

_STRONG = 0.5  # of the strongest ink: every part has some as strong as this
_FIRM = 0.35  # of the strongest ink: fainter ink belongs to what is as strong as this
_REACH, _REACHES = 2, 100  # pixels, and parts of a picture's longer side, that it may be away
_LINED = 8  # crossings of a picture's edge that no symbol makes
_STEP = 1.25  # by which more contrast is asked for where the paper's lines were found
_LEAST_PART = 0.08  # of the largest part: less is a speck
_STRAIGHT = 0.8  # of each side of a frame is drawn
_LEAST_FRAME = 8  # pixels of each of its sides
_LEAST_SIDE = 64  # pixels of a picture in which shadows are looked for
_COVERED = 0.32  # of a picture's edge: the largest digits that fill it cover less


def drawn_parts(contrast: Values, least: float, peak: float) -> Mask:
    """The parts of a picture that are drawn: without specks, without the paper's lines and frames.

    Args:
        contrast: How far each pixel is from the ground, (H, W).
        least: Below it there is no ink.
        peak: The strongest ink.
    """
    mask = _connected(contrast, least, peak)
    if _crossings_of_the_edge(mask) >= _LINED:
        # Ruled or squared paper, whose lines are fainter than what is written on it.
        while least < _STRONG * peak and _crossings_of_the_edge(mask):
            least *= _STEP
            mask = _connected(contrast, least, peak)
    return mask


def holds_more_than_strokes(mask: Mask) -> bool:
    """Whether what was found covers more of the picture's edge than a symbol does: a shadow.

    In a picture of a few pixels, a symbol that fills it can't be told from a shadow.
    """
    return min(mask.shape) >= _LEAST_SIDE and bool(_edge(mask).mean() > _COVERED)


def _connected(contrast: Values, least: float, peak: float) -> Mask:
    """The connected parts of a picture that are strong somewhere, bar the specks."""
    from scipy import ndimage

    # What is faint and far from all that is not, is a line of the paper or a shadow.
    reach = max(_REACH, max(contrast.shape) // _REACHES)
    firm = ndimage.binary_dilation(contrast >= max(least, _FIRM * peak), iterations=reach)
    parts, count = ndimage.label(firm & (contrast >= least), structure=np.ones((3, 3)))
    strongest, mass = _strongest_and_sum(contrast, parts, count)
    mass[strongest < _STRONG * peak] = 0
    is_kept = mass >= _LEAST_PART * mass.max()
    left = is_kept.sum()
    is_large = np.bincount(parts.ravel(), minlength=count + 1)[1:] >= 2 * _LEAST_FRAME * _STRAIGHT
    candidates = np.flatnonzero(is_kept & is_large)  # patterns have thousands that are not large
    boxes = ndimage.find_objects(parts) if len(candidates) else []
    for index in candidates:
        if left > 1 and _is_frame(parts[boxes[index]] == index + 1):
            mass[index] = 0
            is_kept = mass >= _LEAST_PART * mass.max()
            left = is_kept.sum()
    mask: Mask = np.r_[False, is_kept][parts]
    return mask


def _strongest_and_sum(
    contrast: Values, parts: npt.NDArray[np.int32], count: int
) -> tuple[Values, npt.NDArray[np.float64]]:
    """The largest contrast in each part, and all of it."""
    strongest = np.zeros(count + 1, np.float32)
    np.maximum.at(strongest, parts, contrast)
    mass = np.bincount(parts.ravel(), weights=contrast.ravel(), minlength=count + 1).astype(float)
    return strongest[1:], mass[1:]


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
