"""What a picture was drawn on: paper with a shadow on it, a blackboard, a coloured card."""

import numpy as np
import numpy.typing as npt

from lenet.pictures._frame import Values

_ROUNDS = 6  # of fitting; the ground hardly changes after these
_SAMPLED_SIDE = 64  # pixels of a picture in a row or column are enough to know the ground
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

    The surface is fitted to the border first, then to all pixels, and each time again to those that
    are near to it; ink is what stays far from it.

    Args:
        image: float32 (C, H, W), 0 to 255.

    Returns:
        The ground, of the same shape, and the standard deviation of its pixels from the surface.
    """
    _, height, width = image.shape
    step = -(-max(height, width) // _SAMPLED_SIDE)
    weights, deviation = _fit(image[:, ::step, ::step])
    surface = np.tensordot(weights, _quadratic_terms(height, width, step), axes=(0, 0))
    return surface.astype(np.float32).clip(0, 255), deviation


def _fit(image: Values) -> tuple[npt.NDArray[np.float64], float]:
    """The weights of the terms for each channel, (6, C), and the ground's deviation."""
    channels, height, width = image.shape
    pixels = image.reshape(channels, -1).T.astype(np.float64)
    terms = _quadratic_terms(height, width).reshape(6, -1).T
    is_border = border_mask(height, width).ravel()
    weights = np.zeros((6, channels))
    weights[0] = np.median(pixels[is_border], axis=0)
    is_ground, deviation = is_border, _LEAST_DEVIATION
    for candidates in (is_border, np.ones_like(is_border)):
        for _ in range(_ROUNDS):
            distances = np.abs(pixels - terms @ weights).max(axis=1)
            deviation = max(_LEAST_DEVIATION, _NORMAL * float(np.median(distances[is_ground])))
            is_ground = candidates & (distances <= _NEAR * deviation)
            if is_ground.sum() < 4 * len(weights):
                return weights, deviation
            chosen = terms[is_ground]  # the normal equations: six unknowns, well apart
            weights, *_ = np.linalg.lstsq(chosen.T @ chosen, chosen.T @ pixels[is_ground])
    return weights, deviation


def _quadratic_terms(height: int, width: int, step: int = 1) -> npt.NDArray[np.float64]:
    """1, y, x, y², xy and x² at every pixel, (6, H, W).

    Args:
        height: Rows.
        width: Columns.
        step: Counts as one from pixel to pixel of an image of which only every so many are taken.
    """
    rows, columns = (
        (np.arange(size) / step - (-(-size // step) - 1) / 2) / max(1, -(-size // step) / 2)
        for size in (height, width)
    )
    y, x = np.meshgrid(rows, columns, indexing="ij")
    return np.stack([np.ones_like(y), y, x, y * y, x * y, x * x])
