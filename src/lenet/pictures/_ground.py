"""What a picture was drawn on: paper with a shadow on it, a blackboard, a coloured card."""

import numpy as np
import numpy.typing as npt

from lenet.pictures._frame import Values

_ROUNDS = 6  # of fitting; the ground hardly changes after these
_NEAR = 3.0  # standard deviations within which a pixel belongs to the ground
_LEAST_DEVIATION = 1.0  # of pixels 0 to 255: what rounding alone does
_NORMAL = 1.4826  # the standard deviation in median absolute deviations


def border_mask(height: int, width: int) -> npt.NDArray[np.bool_]:
    """Which pixels are at the border: a twenty-fifth of the shorter side, at least one."""
    depth = min(max(1, min(height, width) // 25), (min(height, width) + 1) // 2)
    is_border = np.ones((height, width), dtype=bool)
    is_border[depth : height - depth, depth : width - depth] = False
    return is_border


def ground_colour(image: Values) -> Values:
    """The colour of the four corners: (C, H, W) gives (C,).

    What fills a picture reaches its sides more often than its corners.
    """
    rows, columns = (np.r_[: -(-size // 12), size + -size // 12 : size] for size in image.shape[1:])
    corners = image[:, rows[:, None], columns].reshape(len(image), -1)
    return np.median(corners, axis=1).astype(np.float32)


def ground_surface(image: Values) -> tuple[Values, float]:
    """The ground under a drawing, unevenly lit: a quadratic surface through what is no ink.

    The surface is fitted to the border first, then again and again to all pixels that are near to
    it; ink is what stays far from it.

    Args:
        image: float32 (C, H, W), 0 to 255.

    Returns:
        The ground, of the same shape, and the standard deviation of its pixels from the surface.
    """
    channels, height, width = image.shape
    pixels = image.reshape(channels, -1).T.astype(np.float64)
    terms = _quadratic_terms(height, width)
    is_border = border_mask(height, width).ravel()
    surface = np.broadcast_to(np.median(pixels[is_border], axis=0), pixels.shape)
    is_ground, deviation = is_border, _LEAST_DEVIATION
    for _ in range(_ROUNDS):
        distances = np.abs(pixels - surface).max(axis=1)
        deviation = max(_LEAST_DEVIATION, _NORMAL * float(np.median(distances[is_ground])))
        is_ground = distances <= _NEAR * deviation
        if is_ground.sum() < 4 * terms.shape[1]:
            break
        weights, *_ = np.linalg.lstsq(terms[is_ground], pixels[is_ground], rcond=None)
        surface = terms @ weights
    return surface.T.reshape(image.shape).astype(np.float32).clip(0, 255), deviation


def _quadratic_terms(height: int, width: int) -> npt.NDArray[np.float64]:
    """1, y, x, y², xy and x² at every pixel, (H·W, 6)."""
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    return np.stack([np.ones_like(y), y, x, y * y, x * y, x * x], axis=-1).reshape(-1, 6)
