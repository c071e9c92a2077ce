from typing import Literal

import numpy as np
import numpy.typing as npt

_LIGHT = 128
_NEARLY_ALL = 0.95
_SEVERAL = 5000  # images are enough to tell


def measure_polarity(
    images: npt.NDArray[np.uint8],
) -> Literal["light-on-dark", "dark-on-light", "as-is"]:
    """Whether things are lighter than their ground in nearly all images, or darker, or neither.

    The ground is seen in the corners.

    Args:
        images: uint8 of shape (N, C, H, W).

    >>> image = np.zeros((1, 1, 28, 28), np.uint8)
    >>> image[..., 10:18, 10:18] = 255
    >>> measure_polarity(image), measure_polarity(255 - image)
    ('light-on-dark', 'dark-on-light')
    """
    some = images[:: -(-len(images) // _SEVERAL)].mean(axis=1)
    rows, columns = (
        np.r_[: -(-size // 12), size - -(-size // 12) : size] for size in some.shape[1:]
    )
    corners = some[:, rows[:, None], columns].reshape(len(some), -1)
    ground, whole = np.median(corners, axis=1), some.mean(axis=(1, 2))
    light_things = (ground < _LIGHT) & (whole > ground)
    dark_things = (ground >= _LIGHT) & (whole < ground)
    is_blank = np.ptp(some.reshape(len(some), -1), axis=1) == 0
    judged = max(1, int((~is_blank).sum()))
    if light_things.sum() >= _NEARLY_ALL * judged:
        return "light-on-dark"
    if dark_things.sum() >= _NEARLY_ALL * judged:
        return "dark-on-light"
    return "as-is"
