"""A picture becomes the image, or the images, that a network takes."""

from dataclasses import dataclass
from functools import lru_cache
from typing import get_args

import numpy as np
import numpy.typing as npt

from lenet.errors import ArrayError, ModelError, SettingError
from lenet.kernels import PreparedImage, TooManyError, prepare_picture, prepare_symbols
from lenet.pictures._ground import ground_colour
from lenet.pictures._ink import Box, Ink, find_ink
from lenet.pictures._pixels import Values, as_bytes, fitted_size, place_in_middle, resize
from lenet.pictures._preparation import Method, Polarity, Preparation
from lenet.pictures._read import Pixels
from lenet.pictures._ruling import without_ruling
from lenet.pictures._symbols import MOST_OF, count_parts, fit_symbol, split_symbols, too_many

_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
_LIGHT = 128
_CHANNELS = ((), (1,), (3,))
_LEAST_DIFFERENCE = 0.03 * 255  # what differs less from the ground is ground
_SYMBOL_SIDE, _PAGE_SIDE = 400, 1600  # pixels in which one symbol, or many, are looked for


@dataclass(frozen=True, eq=False)
class PreparedPicture:
    """What a network sees of a picture.

    Attributes:
        image: What it takes, uint8 (C, H, W).
        box: The part of the picture that it shows: top, left, bottom and right, in shares of the
            picture's height and width from 0 to 1.
        is_blank: Whether there is nothing to be seen.
        parts: Of how many pieces that do not hang together a symbol is.
        is_several: Whether there seem to be several symbols, which `look_at_each` tells apart; as
            far as `notice_several` was asked.
    """

    image: Pixels
    box: tuple[float, float, float, float]
    is_blank: bool = False
    parts: int = 1
    is_several: bool = False


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
        ArrayError: The pixels are no picture.

    >>> picture = np.full((60, 40), 255, np.uint8)
    >>> picture[10:20, 5:8] = 0  # a stroke on white paper
    >>> image = prepare(picture, Preparation("symbol", "light-on-dark", margin=4))
    >>> image.shape, int(image.max()), int((image > 128).any(axis=(0, 2)).sum())
    ((1, 28, 28), 255, 20)
    """
    return look_at(pixels, preparation).image


def look_at(pixels: Pixels, preparation: Preparation) -> PreparedPicture:
    """The same image, with which part of the picture it is and whether there is anything.

    Args:
        pixels: uint8 (H, W) or (H, W, 3).
        preparation: How the picture becomes the image.

    Raises:
        ModelError: The network takes neither grey nor coloured images.
        ArrayError: The pixels are no picture.
    """
    _check(pixels, preparation)
    if found := prepare_picture(pixels, preparation_numbers(preparation)):
        return _as_seen(found)
    image = _planes(pixels)
    if preparation.method == "symbol":
        ink = find_ink(image, _SYMBOL_SIDE)
        if ink is None:
            empty = np.zeros((preparation.height, preparation.width), np.float32)
            return PreparedPicture(_as_image(empty, preparation), (0.0, 0.0, 1.0, 1.0), True)
        return _prepare_symbol(ink, ink.box, ink.mask.shape, preparation)
    return _prepare_thing(image, preparation)


def look_at_each(pixels: Pixels, preparation: Preparation) -> list[PreparedPicture]:
    """Cut a picture with several symbols up, and see each: line by line, each from the left.

    Args:
        pixels: uint8 (H, W) or (H, W, 3).
        preparation: How a symbol becomes an image, by the method `symbol`.

    Returns:
        What is seen of each symbol; nothing where nothing is drawn.

    Raises:
        SettingError: The method is another one: only drawn symbols can be told apart.
        ModelError: The network takes neither grey nor coloured images.
        ArrayError: The pixels are no picture.
        PictureSizeError: There are more than 4,000 symbols, as in a pattern.
    """
    if preparation.method != "symbol":
        message = (
            "Only drawn symbols can be cut out of a picture; the pictures of this network are "
            f"prepared by `{preparation.method}`, not by `symbol`. Train one for that with "
            '`--prepare symbol` (`prepare="symbol"`).'
        )
        raise SettingError(message)
    _check(pixels, preparation)
    return split_page(without_ruling(as_page(pixels, _PAGE_SIDE)), preparation)


def split_page(pixels: Pixels, preparation: Preparation) -> list[PreparedPicture]:
    """See each symbol of a page that has no lines; the same without checks."""
    try:
        found = prepare_symbols(pixels, preparation_numbers(preparation))
    except TooManyError as error:
        (kind,) = error.args
        raise too_many(MOST_OF[kind], kind) from None
    if found is not None:
        return [_as_seen(one) for one in found]
    ink = find_ink(_planes(pixels), _PAGE_SIDE, is_page=True)
    if ink is None:
        return []
    return [
        _prepare_symbol(symbol.ink, symbol.box, ink.mask.shape, preparation)
        for symbol in split_symbols(ink)
    ]


def as_page(pixels: Pixels, side: int) -> Pixels:
    """A picture whose longer side is made smaller if it is larger."""
    size = pixels.shape[:2]
    if max(size) <= side:
        return pixels
    fitted = resize(_planes(pixels), *fitted_size(size, (side, side)))
    return as_bytes(fitted.transpose(1, 2, 0)).reshape(*fitted.shape[1:], *pixels.shape[2:])


def are_blank(images: Pixels) -> npt.NDArray[np.bool_]:
    """In which images there is nothing to be seen: no pixel stands out from the ground.

    Args:
        images: uint8 (N, C, H, W).

    Returns:
        bool (N,).

    >>> images = np.full((2, 1, 28, 28), 200, np.uint8)
    >>> images[1, 0, 14, 14] = 100
    >>> are_blank(images).tolist()
    [True, False]
    """
    ranges = images.max(axis=(1, 2, 3)).astype(np.float32) - images.min(axis=(1, 2, 3))
    found: npt.NDArray[np.bool_] = ranges <= 2 * _LEAST_DIFFERENCE  # no others can be
    found[found] = [
        not _stands_out(image, ground_colour(image)).any()
        for image in images[found].astype(np.float32)
    ]
    return found


def _check(pixels: Pixels, preparation: Preparation) -> None:
    """Raise unless the pixels are a picture, and the network takes pictures."""
    if preparation.channels not in (1, 3):
        message = f"A picture has 1 or 3 channels, not the {preparation.channels} of this network."
        raise ModelError(message)
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or pixels.shape[2:] not in _CHANNELS:
        message = (
            "The pixels of a picture are uint8 of shape (H, W) or (H, W, 3), not "
            f"{pixels.dtype} of shape {pixels.shape}; `lenet.predict` takes other arrays, too."
        )
        raise ArrayError(message)


@lru_cache
def preparation_numbers(preparation: Preparation) -> tuple[int, ...]:
    """A preparation as the compiled kernels take it: method, polarity, sizes and margin."""
    method = get_args(Method).index(preparation.method)
    polarity = get_args(Polarity).index(preparation.polarity)
    frame = preparation.height, preparation.width, preparation.channels, preparation.margin
    return method, polarity, *frame


def _as_seen(found: PreparedImage) -> PreparedPicture:
    """What the compiled kernels saw."""
    (top, left, bottom, right), (height, width) = found.box, found.size
    shares = top / height, left / width, bottom / height, right / width
    return PreparedPicture(found.image, shares, found.is_blank, found.parts)


def _planes(pixels: Pixels) -> Values:
    """A picture as float32 (1, H, W) or (3, H, W)."""
    planes: Values = np.atleast_3d(pixels).transpose(2, 0, 1).astype(np.float32)
    return planes


def _prepare_symbol(
    ink: Ink, box: Box, sizes: tuple[int, ...], preparation: Preparation
) -> PreparedPicture:
    """Ink from a box of a picture in its frame, with the polarity that the network knows."""
    image = _as_image(fit_symbol(ink, preparation), preparation)
    return PreparedPicture(image, _shares(box, sizes), parts=count_parts(ink))


def _prepare_thing(image: Values, preparation: Preparation) -> PreparedPicture:
    """A picture on its own ground: all of it, or for `object` what stands out from the ground."""
    image = _with_polarity(_with_channels(image, preparation.channels), preparation)
    ground = ground_colour(image)
    frame = inner = preparation.height, preparation.width
    sizes = image.shape[1:]
    box = slice(0, sizes[0]), slice(0, sizes[1])
    differs = _stands_out(image, ground)
    if preparation.method == "object" and differs.any():
        inner = frame[0] - 2 * preparation.margin, frame[1] - 2 * preparation.margin
        rows, columns = (np.flatnonzero(differs.any(axis=axis)) for axis in (1, 0))
        box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    fitted = resize(image[:, box[0], box[1]], *fitted_size(image[0][box].shape, inner))
    framed = as_bytes(place_in_middle(fitted, frame, ground))
    return PreparedPicture(framed, _shares(box, sizes), is_blank=not differs.any())


def _stands_out(image: Values, ground: Values) -> npt.NDArray[np.bool_]:
    """Which pixels (H, W) of an image (C, H, W) are no ground of a colour (C,)."""
    return np.asarray(np.any(np.abs(image - ground[:, None, None]) > _LEAST_DIFFERENCE, axis=0))


def _as_image(drawn: Values, preparation: Preparation) -> Pixels:
    if preparation.polarity == "dark-on-light":
        drawn = 1 - drawn
    return as_bytes(255 * np.repeat(drawn[None], preparation.channels, axis=0))


def _shares(box: Box, sizes: tuple[int, ...]) -> tuple[float, float, float, float]:
    """Where a box lies, in shares of the picture's height and width."""
    (rows, columns), (height, width) = box, sizes
    top, bottom = float(rows.start / height), float(rows.stop / height)
    return top, float(columns.start / width), bottom, float(columns.stop / width)


def _with_channels(image: Values, channels: int) -> Values:
    """Grey as three equal colours, or colours as their luminance."""
    if len(image) == channels:
        return image
    if channels == 3:
        return np.repeat(image, 3, axis=0)
    return np.asarray(np.tensordot(_LUMINANCE, image, axes=1))[None]


def _with_polarity(image: Values, preparation: Preparation) -> Values:
    """Light and dark exchanged where the ground is not what the network knows."""
    if preparation.polarity == "as-is":
        return image
    is_light = float(ground_colour(image).mean()) >= _LIGHT
    return 255 - image if is_light == (preparation.polarity == "light-on-dark") else image
