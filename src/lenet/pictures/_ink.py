"""What was drawn, whichever of ink and ground is the lighter one and whatever their colours."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lenet.pictures._frame import Values, fitted_size, resize
from lenet.pictures._ground import ground_surface

Mask = npt.NDArray[np.bool_]

_NOISE = 4.0  # standard deviations of the ground that ink must stand out
_FAINTEST = 12.0  # of 255: what stands out less is no ink
_STRONG, _WEAK = 0.5, 0.05  # of the strongest ink: every part has the first, and ends at the second
_DARKEST_PAPER = 40.0  # of 255: where it seems darker, it is no shadow
_FIRM = 0.35  # of the strongest ink: fainter ink belongs to what is as strong as this
_REACH, _REACHES = 2, 100  # pixels, and parts of a picture's longer side, that it may be away
_LINED = 8  # crossings of a picture's edge that no symbol makes
_STEP = 1.25  # by which more contrast is asked for where the paper's lines were found
_FEWEST, _LEAST_SHARE = 6, 2e-4  # pixels, and of all pixels: less is noise and no symbol
_LEAST_PART = 0.08  # of the largest part: less is a speck


@dataclass(frozen=True, eq=False)
class Ink:
    """What was drawn.

    Attributes:
        strength: How much ink there is, float32 (H, W), 0 to 1.
        mask: Which pixels belong to it, (H, W); at least one.
    """

    strength: Values
    mask: Mask

    @property
    def box(self) -> tuple[slice, slice]:
        """The rows and the columns that hold it."""
        rows, columns = (np.flatnonzero(self.mask.any(axis=axis)) for axis in (1, 0))
        return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)

    def only(self, mask: Mask) -> "Ink":
        """The ink in a part of the picture."""
        return replace(self, strength=np.where(mask, self.strength, 0), mask=mask)


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
    ground, deviation = ground_surface(image)
    contrast = _contrast(image, ground)
    floor = max(_FAINTEST, _NOISE * deviation)
    if contrast.max() < floor:
        return None
    peak = float(np.percentile(contrast[contrast >= floor], 95))
    least = max(_WEAK * peak, _NOISE * deviation)
    mask = _connected(contrast, least, peak)
    if _crossings_of_the_edge(mask) >= _LINED:
        # Ruled or squared paper, whose lines are fainter than what is written on it.
        while least < _STRONG * peak and _crossings_of_the_edge(mask):
            least *= _STEP
            mask = _connected(contrast, least, peak)
    if mask.sum() < max(_FEWEST, _LEAST_SHARE * mask.size):
        return None
    high = float(np.percentile(contrast[mask], 95))
    strength = np.where(mask, contrast / high, 0).clip(0, 1).astype(np.float32)
    return Ink(strength, mask)


def _contrast(image: Values, ground: Values) -> Values:
    """How far each pixel is from the ground towards the ink: (H, W), not below 0.

    Ink that is darker than its ground takes a share of the light, so in the shadow it counts more.
    """
    difference = (image - ground).reshape(len(image), -1)
    size = np.sqrt((difference**2).sum(axis=0))
    far = difference[:, size >= _STRONG * size.max()]
    # The direction from the colour of the ground to that of the ink.
    direction = np.linalg.eigh(far @ far.T)[1][:, -1]
    if (direction @ far).sum() < 0:
        direction = -direction
    contrast: Values = (direction @ difference).reshape(image.shape[1:]).clip(0)
    if direction.sum() < 0:
        light = ground.mean(axis=0)
        contrast *= light.max() / light.clip(_DARKEST_PAPER)
    return contrast


def _connected(contrast: Values, least: float, peak: float) -> Mask:
    """The connected parts of a picture that are strong somewhere, bar the specks."""
    from scipy import ndimage

    # What is faint and far from all that is not, is a line of the paper or a shadow.
    reach = max(_REACH, max(contrast.shape) // _REACHES)
    firm = ndimage.binary_dilation(contrast >= max(least, _FIRM * peak), iterations=reach)
    parts, count = ndimage.label(firm & (contrast >= least), structure=np.ones((3, 3)))
    numbers = np.arange(1, count + 1)
    strongest = np.asarray(ndimage.maximum(contrast, parts, numbers))
    mass = np.asarray(ndimage.sum(contrast, parts, numbers))
    mass[strongest < _STRONG * peak] = 0
    is_kept = np.r_[False, mass >= _LEAST_PART * mass.max()]
    mask: Mask = is_kept[parts]
    return mask


def _crossings_of_the_edge(mask: Mask) -> int:
    """How many times ink is met on the way once round the edge."""
    edge = np.concatenate([mask[0], mask[1:, -1], mask[-1, -2::-1], mask[-2:0:-1, 0]])
    return int((edge & ~np.roll(edge, 1)).sum())
