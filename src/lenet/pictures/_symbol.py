"""Drawn symbols as the makers of MNIST would have put them into their frames.

Source: LeCun, Bottou, Bengio and Haffner (1998), "Gradient-based learning applied to document
recognition", section III.A: a symbol is fitted into a box of 20×20 pixels with its proportions
kept, and its centre of mass comes to the middle of 28×28.
"""

import numpy as np

from lenet.pictures._frame import Values, fitted_size, resize
from lenet.pictures._ink import Ink
from lenet.pictures._parts import Mask

_THINNEST, _THIN = 1.35, 1.9  # strokes in pixels of the box: below the first they get the second
_FINE = 4  # pixels for one of the box, where strokes are measured
_HALF = 0.5  # of the ink
_DECIMALS = 3  # of a place in pixels; more are rounding, which must not decide for symmetric ink


def fit_symbol(ink: Ink, height: int, width: int, margin: int) -> Values:
    """Fit ink into a box, with its centre of mass in the middle of the frame.

    Args:
        ink: What was drawn.
        height: Of the frame.
        width: Of the frame.
        margin: Pixels between the box and the frame.

    Returns:
        float32 (height, width), 0 to 1.
    """
    drawn = ink.strength[ink.box]
    inner = fitted_size(drawn.shape, (height - 2 * margin, width - 2 * margin))
    fitted = resize(_thick_enough(drawn, inner), *inner)
    fitted = fitted / fitted.max()
    framed = np.zeros((height, width), np.float32)
    top, left = (
        _start(fitted.sum(axis=1 - axis), room) for axis, room in enumerate((height, width))
    )
    framed[top : top + inner[0], left : left + inner[1]] = fitted
    return framed


def _start(masses: Values, room: int) -> int:
    """Where rows, or columns, begin so that their centre of mass is in the middle of the room."""
    centre = float((masses * np.arange(len(masses))).sum() / masses.sum())
    start = round(round(room // 2 - centre, _DECIMALS))
    return int(np.clip(start, 0, room - len(masses)))


def _thick_enough(drawn: Values, inner: tuple[int, int]) -> Values:
    """Make strokes thicker that would be too thin in the box; others are left as they are."""
    from scipy import ndimage

    fine = [max(size, _FINE * box) for size, box in zip(drawn.shape, inner, strict=True)]
    enlarged = resize(drawn, *fine)
    scale = max(inner) / max(enlarged.shape)
    stroke = np.pad(enlarged > _HALF, 1)
    # Across a stroke of `width` pixels the distance to its edge is (width + 2) / 4 in the mean.
    if _is_at_least_as_far(stroke, (_THINNEST / scale + 2) / 4):
        return drawn
    distances = ndimage.distance_transform_edt(stroke)
    inside = distances[distances > 0]
    width = (4 * float(inside.mean()) - 2) * scale if len(inside) else 0.0
    if width >= _THINNEST:
        return drawn
    radius = max(1, round((_THIN - width) / 2 / scale))
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disk = x * x + y * y <= radius * radius
    thicker: Values = ndimage.grey_dilation(np.pad(enlarged, radius), footprint=disk)
    return thicker


def _is_at_least_as_far(stroke: Mask, mean: float) -> bool:
    """Whether the edge of a stroke is so far away in the mean even if diagonal steps count as one.

    That is quick to see of most strokes, and the true distances are no smaller.

    Args:
        stroke: The mask, with a border of pixels that do not belong to it.
        mean: The distance asked for, in pixels.
    """
    count = np.count_nonzero(stroke)
    total = last = count
    while last and total < mean * count:
        stroke = stroke[:-2] & stroke[1:-1] & stroke[2:]
        stroke = stroke[:, :-2] & stroke[:, 1:-1] & stroke[:, 2:]
        last = np.count_nonzero(stroke)
        total += last
    return bool(last)
