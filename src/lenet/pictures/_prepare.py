"""A picture becomes the image that a network takes."""

import numpy as np

from lenet.errors import ModelError
from lenet.pictures._frame import Values, as_bytes, fitted_size, place_in_middle, resize
from lenet.pictures._ground import ground_colour
from lenet.pictures._preparation import Preparation
from lenet.pictures._read import Pixels
from lenet.pictures._symbol import find_ink, fit_symbol

_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
_LIGHT = 128
_TRIMMED = 0.03  # of 255: what differs less from the ground is ground


def prepare(pixels: Pixels, preparation: Preparation) -> Pixels:
    """Make the image that a network takes from a picture.

    Args:
        pixels: uint8 (H, W) or (H, W, 3), as `read_picture` gives them.
        preparation: How; a model file says what suits its network.

    Returns:
        uint8 (C, H, W) of the shape that `preparation` says; empty ground for `symbol` where
        nothing is drawn.

    Raises:
        ModelError: The network takes neither grey nor coloured images.

    >>> picture = np.full((60, 40), 255, np.uint8)
    >>> picture[10:20, 5:8] = 0  # a stroke on white paper
    >>> image = prepare(picture, Preparation("symbol", "light-on-dark", margin=4))
    >>> image.shape, int(image.max()), int((image > 128).any(axis=(0, 2)).sum())
    ((1, 28, 28), 255, 20)
    """
    if preparation.channels not in (1, 3):
        message = f"A picture has 1 or 3 channels, not the {preparation.channels} of this network."
        raise ModelError(message)
    image = np.atleast_3d(pixels).transpose(2, 0, 1).astype(np.float32)
    if preparation.method == "symbol":
        return _prepare_symbol(image, preparation)
    image = _with_polarity(_with_channels(image, preparation.channels), preparation)
    ground = ground_colour(image)
    frame = inner = preparation.height, preparation.width
    if preparation.method == "object":
        image = _trim(image, ground)
        inner = frame[0] - 2 * preparation.margin, frame[1] - 2 * preparation.margin
    fitted = resize(image, *fitted_size(image.shape[1:], inner))
    return as_bytes(place_in_middle(fitted, frame, ground))


def _prepare_symbol(image: Values, preparation: Preparation) -> Pixels:
    """Fit what is drawn into its box; nothing drawn is an empty ground."""
    ink = find_ink(image)
    frame = preparation.height, preparation.width
    drawn = np.zeros(frame, np.float32)
    if ink is not None:
        drawn = fit_symbol(ink, *frame, preparation.margin)
    if preparation.polarity == "dark-on-light":
        drawn = 1 - drawn
    return as_bytes(255 * np.repeat(drawn[None], preparation.channels, axis=0))


def _with_channels(image: Values, channels: int) -> Values:
    """Grey as three equal colours, or colours as their luminance."""
    if len(image) == channels:
        return image
    if channels == 3:
        return np.repeat(image, 3, axis=0)
    return np.tensordot(_LUMINANCE, image, axes=1)[None]


def _with_polarity(image: Values, preparation: Preparation) -> Values:
    """Light and dark exchanged where the ground is not what the network knows."""
    if preparation.polarity == "as-is":
        return image
    is_light = float(ground_colour(image).mean()) >= _LIGHT
    return 255 - image if is_light == (preparation.polarity == "light-on-dark") else image


def _trim(image: Values, ground: Values) -> Values:
    """Leave out rows and columns at the edges that are all ground."""
    differs = (np.abs(image - ground[:, None, None]) > 255 * _TRIMMED).any(axis=0)
    if not differs.any():
        return image
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    return image[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
