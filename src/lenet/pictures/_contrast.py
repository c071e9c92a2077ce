"""How far the pixels of a picture are from its ground, towards the ink."""

import numpy as np

from lenet.pictures._frame import Values
from lenet.pictures._ground import ground_surface

_FAR = 0.5  # of the largest difference: what is certainly ink
_DARKEST_PAPER = 40.0  # of 255: where it seems darker, it is no shadow
_WIDER = 0.2  # of a picture's longer side: than any stroke
_NORMAL = 1.4826  # the standard deviation in median absolute deviations


def contrast_with_surface(image: Values) -> tuple[Values, float]:
    """Contrast with a smooth ground, in the direction in which the two colours differ.

    Ink that is darker than its ground takes a share of the light, so in the shadow it counts more.

    Args:
        image: float32 (C, H, W), 0 to 255.

    Returns:
        float32 (H, W), not below 0, and the standard deviation of the ground's pixels.
    """
    ground, deviation = ground_surface(image)
    difference = (image - ground).reshape(len(image), -1)
    size = np.sqrt((difference**2).sum(axis=0))
    far = difference[:, size >= _FAR * size.max()]
    # The direction from the colour of the ground to that of the ink.
    direction = np.linalg.eigh(far @ far.T)[1][:, -1]
    if (direction @ far).sum() < 0:
        direction = -direction
    contrast: Values = (direction @ difference).reshape(image.shape[1:]).clip(0)
    if direction.sum() < 0:
        contrast *= _brightening(ground.mean(axis=0))
    return contrast, deviation


def _brightening(paper: Values) -> Values:
    """How many times more light would fall on paper if it were lit as at its brightest."""
    times: Values = paper.max() / paper.clip(_DARKEST_PAPER)
    return times


def contrast_with_surroundings(image: Values) -> tuple[Values, float]:
    """Contrast of what is narrower than all that lies round it, whatever the ground is.

    The ground is what is left when all that is narrow and dark, or narrow and light, is filled up
    (morphological closing and opening); the one that finds more is taken.

    Args:
        image: As for `contrast_with_surface`.

    Returns:
        As for `contrast_with_surface`.
    """
    from scipy import ndimage

    grey = image.mean(axis=0)
    width = int(_WIDER * max(grey.shape)) | 1
    paper = ndimage.grey_closing(grey, size=(width, width))
    dark = paper - grey
    light = grey - ndimage.grey_opening(grey, size=(width, width))
    if np.percentile(dark, 98) >= np.percentile(light, 98):
        contrast = dark * _brightening(paper)
    else:
        contrast = light
    return contrast, max(1.0, _NORMAL * float(np.median(contrast)))
