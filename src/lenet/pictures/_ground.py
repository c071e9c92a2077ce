"""What a picture was drawn on, and how far its pixels are from that, towards the ink."""

import math
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from lenet.pictures._pixels import Values
from lenet.pictures._shapes import largest_around, smallest_around

_ROUNDS = 6  # of fitting; the ground hardly changes after these
_SAMPLED_SIDE = 64  # pixels of a picture in a row or column are enough to know the ground
_NEAR = 3.0  # standard deviations within which a pixel belongs to the ground
_NEARER = 1.5  # and at first, where it starts with some pixels of which not all are ground
_ROUNDING = 1e-6  # of 255: whole numbers that are just as far belong to it on every machine
_LEAST_DEVIATION = 1.0  # of pixels 0 to 255: what rounding alone does
_NORMAL = 1.4826  # the standard deviation in median absolute deviations
_FAR = 0.5  # of the largest difference: what is certainly ink
_DARKEST_PAPER = 40.0  # of 255: where it seems darker, it is no shadow
_WIDER = 0.2  # of a picture's longer side: than any stroke

_BLOCKS = 4  # of a picture in a row or column, each of which has some ground

Start = Literal["border", "light", "dark"]
_Floats = npt.NDArray[np.floating]


class Ground(NamedTuple):
    """The ground, (C, H, W), the standard deviation of its pixels and their share of all."""

    surface: Values
    deviation: float
    share: float


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


def ground_surface(image: Values, start: Start = "border") -> Ground:
    """The ground under a drawing, unevenly lit: a quadratic surface through what is no ink.

    The surface is fitted to the border first, then to all pixels, and each time again to those that
    are near to it; ink is what stays far from it. Where something lies along the border, it may
    start with the lighter half of the pixels of each block, or the darker one.
    """
    _, height, width = image.shape
    step = -(-max(height, width) // _SAMPLED_SIDE)
    sampled = image[:, ::step, ::step]
    weights, deviation, share = _fit(sampled, start)
    rows = _places(height, step, sampled.shape[1]).astype(np.float32)[:, None]
    columns = _places(width, step, sampled.shape[2]).astype(np.float32)
    constant, y, x, yy, xy, xx = weights[:, :, None, None].astype(np.float32)
    surface = constant + (y + yy * rows + xy * columns) * rows + (x + xx * columns) * columns
    return Ground(surface.clip(0, 255), deviation, share)


def _fit(image: Values, start: Start) -> tuple[npt.NDArray[np.float64], float, float]:
    """Each channel's weights of 1, y, x, y², xy, x², (6, C), the ground's deviation and share."""
    channels, height, width = image.shape
    pixels = image.reshape(channels, -1).T.astype(np.float64)
    terms, is_border = _quadratic_terms(height, width), border_mask(height, width).ravel()
    is_any = np.ones_like(is_border)
    weights, deviation = np.zeros((6, channels)), _LEAST_DEVIATION
    fitted_to: npt.NDArray[np.bool_] | None = None
    if start == "border":
        is_ground, stages = is_border, ((is_border, _NEAR), (is_any, _NEAR))
        weights[0] = [median(channel) for channel in pixels[is_border].T]
    else:
        is_ground, stages = _half(image, start).ravel(), ((is_any, _NEARER), (is_any, _NEAR))
        weights, fitted_to = _fit_to(terms, pixels, is_ground), is_ground
    for candidates, near in stages:
        for _ in range(_ROUNDS):
            distances = np.abs(pixels - terms @ weights).max(axis=1)
            deviation = max(_LEAST_DEVIATION, _NORMAL * median(distances[is_ground]))
            is_ground = candidates & (distances <= near * deviation + _ROUNDING)
            if is_ground.sum() < 4 * len(weights):
                return weights, deviation, float(is_ground.mean())
            if fitted_to is not None and np.array_equal(is_ground, fitted_to):
                break
            weights, fitted_to = _fit_to(terms, pixels, is_ground), is_ground
    return weights, deviation, float(is_ground.mean())


def _fit_to(
    terms: npt.NDArray[np.float64],
    pixels: npt.NDArray[np.float64],
    is_ground: npt.NDArray[np.bool_],
) -> npt.NDArray[np.float64]:
    """The weights that suit some pixels best."""
    chosen = terms[is_ground]  # the normal equations: six unknowns, well apart
    right_side = chosen.T @ pixels[is_ground]
    weights: npt.NDArray[np.float64]
    weights, *_ = np.linalg.lstsq(chosen.T @ chosen, right_side, rcond=None)
    return weights


def noise_of(image: Values) -> float:
    """The standard deviation of noise, by what neighbours in a row of an image (C, H, W) differ."""
    step = -(-max(image.shape[1:]) // _SAMPLED_SIDE)
    differences = np.abs(np.diff(image[:, ::step, ::step], axis=2)).max(axis=0)
    return _NORMAL / math.sqrt(2.0) * median(differences.astype(np.float64).ravel())


def _half(image: Values, start: Start) -> npt.NDArray[np.bool_]:
    """The lighter half of the pixels of each block, or the darker one."""
    light = image.sum(axis=0).astype(np.float64)
    is_half = np.zeros(light.shape, bool)
    for row in np.array_split(np.arange(len(light)), _BLOCKS):
        for column in np.array_split(np.arange(light.shape[1]), _BLOCKS):
            block = light[np.ix_(row, column)]
            middle = median(block.ravel())
            is_half[np.ix_(row, column)] = block >= middle if start == "light" else block <= middle
    return is_half


@lru_cache(maxsize=16)  # the pictures of a folder are often of one size
def _quadratic_terms(height: int, width: int) -> npt.NDArray[np.float64]:
    """1, y, x, y², xy and x² at every pixel, (H·W, 6)."""
    y, x = np.broadcast_arrays(_places(height)[:, None], _places(width)[None])
    return np.stack([np.ones_like(y), y, x, y * y, x * y, x * x], axis=-1).reshape(-1, 6)


def _places(size: int, step: int = 1, count: int = 0) -> npt.NDArray[np.float64]:
    """Where rows or columns lie, -1 to 1 about; `count` of them, each `step`-th, were fitted."""
    half = (count or size) / 2
    return (np.arange(size) / step - half + 0.5) / half


class Contrast(NamedTuple):
    """Contrast with the ground.

    Attributes:
        values: Of each pixel, float32 (H, W), not below 0.
        deviation: The standard deviation of the ground's pixels.
        share: Of the ground in the picture.
        is_light: Whether what has contrast is lighter than the ground.
        is_ground: Which pixels are near to the ground, (H, W).
    """

    values: Values
    deviation: float
    share: float
    is_light: bool
    is_ground: npt.NDArray[np.bool_]

    @property
    def unevenness(self) -> float:
        """The deviation, more where the ground is small."""
        return self.deviation / max(self.share * self.share * self.share, 1e-9)


def contrast_with_surface(image: Values, start: Start = "border") -> Contrast:
    """Contrast with a smooth ground, in the direction in which the two colours differ.

    Ink that is darker than its ground takes a share of the light, so in the shadow it counts more.
    """
    ground, deviation, share = ground_surface(image, start)
    difference = (image - ground).reshape(len(image), -1)
    size = np.sqrt((difference**2).sum(axis=0))
    far = difference[:, size >= _FAR * size.max()]
    # The direction from the colour of the ground to that of the ink.
    direction = np.linalg.eigh(far @ far.T)[1][:, -1]
    if (direction @ far).sum() < 0:
        direction = -direction
    contrast: Values = (direction @ difference).reshape(image.shape[1:]).clip(0)
    is_light = bool(direction.sum() >= 0)
    if not is_light:
        contrast *= _brightening(ground.mean(axis=0))
    is_ground = (size <= _NEAR * deviation).reshape(contrast.shape)
    return Contrast(contrast, deviation, share, is_light, is_ground)


def _brightening(paper: Values) -> Values:
    """How many times more light would fall on paper if it were lit as at its brightest."""
    return np.asarray(paper.max() / paper.clip(_DARKEST_PAPER))


def contrast_with_surroundings(image: Values, *, only_dark: bool = False) -> Contrast:
    """Contrast of what is narrower than all that lies round it, whatever the ground is.

    The ground is what is left when all that is narrow and dark, or narrow and light, is filled up
    (morphological closing and opening); the one that finds more is taken, or what is dark. Gives
    what `contrast_with_surface` does.
    """
    grey = image.mean(axis=0)
    width = int(_WIDER * max(grey.shape)) | 1
    paper = smallest_around(largest_around(grey, width), width)
    contrast = paper - grey
    is_dark = only_dark
    if not only_dark:
        light = grey - largest_around(smallest_around(grey, width), width)
        is_dark = bool(np.percentile(contrast, 98) >= np.percentile(light, 98))
    contrast = contrast * _brightening(paper) if is_dark else light
    deviation = max(1.0, _NORMAL * float(np.median(contrast)))
    return Contrast(contrast, deviation, 1.0, not is_dark, contrast <= _NEAR * deviation)


def median(values: _Floats) -> float:
    """The middle one of numbers in a row, or the mean of the two in the middle."""
    middle = len(values) // 2
    if len(values) % 2:
        return float(np.partition(values, middle)[middle])
    ordered = np.partition(values, (middle - 1, middle))
    return float((ordered[middle - 1] + ordered[middle]) / 2)


def percentile(values: _Floats, percent: float) -> float:
    """Where that part of numbers in a row lies below, between two numbers on the line between."""
    place = (len(values) - 1) * (percent / 100)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    ordered = np.partition(values, (below, above))
    low, high, share = ordered[below], ordered[above], place - below
    # As NumPy does it, so that both ends are met exactly.
    if share < 0.5:
        return float(low + (high - low) * share)
    return float(high - (high - low) * (1 - share))
