"""A drawn symbol as the makers of MNIST would have put it into its frame.

Source: LeCun, Bottou, Bengio and Haffner (1998), "Gradient-based learning applied to document
recognition", section III.A: the symbol is fitted into a box of 20×20 pixels with its proportions
kept, and its centre of mass comes to the middle of 28×28.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lenet.pictures._frame import Values, fitted_size, resize
from lenet.pictures._ground import ground_surface

_WORKING_SIDE = 320  # pixels; a larger picture is made smaller first
_NOISE = 4.0  # standard deviations of the ground that ink must stand out
_FAINTEST = 12.0  # of 255: what stands out less is no ink
_STRONG, _WEAK = 0.5, 0.05  # of the strongest ink: where ink begins to be sought, and ends
_LEAST_PART = 0.08  # of the largest part: less is a speck
_THINNEST, _THICKEST = 1.5, 4.5  # strokes, in pixels of the box
_USUAL = 2.6


@dataclass(frozen=True)
class Ink:
    """What was drawn.

    Attributes:
        strength: How much ink there is, float32 (H, W), 0 to 1.
        mask: Which pixels belong to it, (H, W).
    """

    strength: Values
    mask: npt.NDArray[np.bool_]

    @property
    def box(self) -> tuple[slice, slice]:
        """The rows and the columns that hold it."""
        rows, columns = (np.flatnonzero(self.mask.any(axis=axis)) for axis in (1, 0))
        return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def find_ink(image: Values) -> Ink | None:
    """Tell ink from its ground, whichever of the two is lighter and whatever their colours are.

    Args:
        image: float32 (C, H, W), 0 to 255.

    Returns:
        The ink, in the picture's own size; nothing where there is none.
    """
    from scipy import ndimage

    ground, deviation = ground_surface(image)
    contrast = _contrast(image, ground)
    floor = max(_FAINTEST, _NOISE * deviation)
    if contrast.max() < floor:
        return None
    beyond = contrast[contrast >= floor]
    peak = float(np.percentile(beyond, 95))
    weak = contrast >= max(_WEAK * peak, min(floor, _STRONG * peak) if deviation > 1 else 1)
    parts, count = ndimage.label(weak, structure=np.ones((3, 3)))
    numbers = np.arange(1, count + 1)
    strongest = ndimage.maximum(contrast, parts, numbers)
    mass = np.where(
        np.asarray(strongest) >= _STRONG * peak, ndimage.sum(contrast, parts, numbers), 0
    )
    if not count or not mass.max():
        return None
    kept = np.flatnonzero(mass >= _LEAST_PART * mass.max()) + 1
    mask = np.isin(parts, kept)
    high = float(np.percentile(contrast[mask], 95))
    strength = np.where(mask, contrast / high, 0).clip(0, 1).astype(np.float32)
    return Ink(strength, mask)


def _contrast(image: Values, ground: Values) -> Values:
    """How far each pixel is from the ground towards the ink, (H, W), not below 0."""
    difference = image - ground
    if len(difference) > 1:
        flat = difference.reshape(len(difference), -1)
        size = np.sqrt((flat**2).sum(axis=0))
        far = flat[:, size >= 0.5 * size.max()]
        _, _, directions = np.linalg.svd(far @ far.T)
        along = np.tensordot(directions[0], difference, axes=1)
    else:
        along = difference[0]
    far = np.abs(along) >= 0.5 * np.abs(along).max()
    sign = 1.0 if along[far].sum() >= 0 else -1.0
    return (sign * along).clip(0).astype(np.float32)


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
    fitted = resize(drawn, *inner)
    fitted = fitted / fitted.max()
    total = fitted.sum()
    framed = np.zeros((height, width), np.float32)
    places = []
    for axis, (size, room) in enumerate(zip(inner, (height, width), strict=True)):
        centre = float((fitted.sum(axis=1 - axis) * np.arange(size)).sum() / total)
        places.append(int(np.clip(round(room // 2 - centre), 0, room - size)))
    top, left = places
    framed[top : top + inner[0], left : left + inner[1]] = fitted
    return framed
