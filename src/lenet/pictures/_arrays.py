"""The pictures in arrays, tensors and lists of numbers, whatever their type, shape and range."""

import math
from typing import Any

import numpy as np
from PIL import Image

from lenet.core import to_numpy
from lenet.errors import ArrayError
from lenet.pictures._pixels import Numbers, to_pixels
from lenet.pictures._preparation import Preparation
from lenet.pictures._read import Pixels, read_picture

_CHANNELS = (1, 3, 4)  # that a picture has: grey, red, green and blue, and its opacity
_LEAST_SIDE = 8  # of a picture in a row of numbers; fewer numbers are rather labels


def is_array(source: object) -> bool:
    """Whether something is an array of NumPy, a tensor of PyTorch, or what can become one.

    Nested lists of numbers can, too.

    >>> is_array(np.zeros((28, 28))), is_array([[0, 255], [255, 0]]), is_array(["a.png"])
    (True, True, False)
    """
    if isinstance(source, (list, tuple)):
        while isinstance(source, (list, tuple)) and source:
            source = source[0]
        return isinstance(source, (int, float, complex, np.generic))
    return hasattr(source, "__array__") and not isinstance(source, Image.Image)


def pictures_in(array: Any, preparation: Preparation) -> list[Pixels]:
    """The pictures that an array holds.

    Args:
        array: Numbers as `to_pixels` takes them: a picture (H, W), (1, H, W), (H, W, C) or a row of
            as many numbers as it has pixels; or a batch (N, H, W), (N, C, H, W) or (N, H, W, C),
            which is on one scale, with 1, 3 or 4 channels. A data frame of pandas has a picture in
            each row.
        preparation: What the network was taught on.

    Returns:
        uint8 (H, W) or (H, W, 3) each.

    Raises:
        ArrayError: It is no picture, its shape can be read in two ways, or its values are not
            finite or of another range.

    >>> [picture.shape for picture in pictures_in(np.zeros((5, 1, 40, 30)), Preparation())]
    [(40, 30), (40, 30), (40, 30), (40, 30), (40, 30)]
    """
    values = as_numpy(array)
    if hasattr(array, "iloc") and values.ndim == 2:  # a row of a data frame is no row of a picture
        values = _squares(values, preparation)
        values = values[:, None] if values.ndim == 3 else values  # three rows are no three channels
    if values.dtype == np.uint8 and values.ndim == 2 and values.size and values.max() > 1:
        if values.shape[1] != preparation.height * preparation.width:
            return [values]  # as nearly all are
    kind = f"{values.dtype} of shape {values.shape}"
    if values.dtype.kind not in "buif":
        message = f"A picture is an array of numbers, not {kind}."
        raise ArrayError(message)
    if values.shape[:1] == (0,) and values.ndim != 2:
        return []
    stacked = _stacked(values, kind, preparation)
    if not stacked.size:
        message = f"A picture has pixels, but this is {kind}."
        raise ArrayError(message)
    scale = preparation.pixel_range
    refuse_0_and_1(values, f"The array ({kind})", scale)
    pixels = to_pixels(stacked, scale, f"The array ({kind})")
    if pixels.shape[3:] == (1,):
        pixels = pixels[..., 0]
    if pixels.shape[3:] == (4,):
        return [read_picture(Image.fromarray(np.ascontiguousarray(one))) for one in pixels]
    return list(pixels)


def refuse_0_and_1(values: Numbers, name: str, pixel_range: tuple[float, ...]) -> None:
    """Raise the `ArrayError` for whole numbers that are 0 and 1 alone, which would be black.

    Args:
        values: Of one picture or several.
        name: What to call them.
        pixel_range: Which values are black and white; empty for 0 and 255.
    """
    if not pixel_range and values.dtype.kind in "iu" and values.size:
        if values.max() == 1 and values.min() == 0:
            message = (
                f"{name} holds 0 and 1 alone, and whole numbers are white at 255. If 1 is white, "
                "say so: `--white 1` (`pixel_range=(0, 1)`); or pass truth values: `array > 0`."
            )
            raise ArrayError(message)


def as_numpy(array: Any) -> Numbers:
    """An array or a tensor in NumPy's form, wherever it lies and whatever it remembers."""
    try:
        values: Numbers = to_numpy(array)
        return values
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        message = f"A `{type(array).__name__}` is no picture: {error}"
        raise ArrayError(message) from error


def _stacked(values: Numbers, kind: str, preparation: Preparation) -> Numbers:
    """Pictures as (N, H, W) or (N, H, W, C)."""
    values = _out_of_a_row(values, kind, preparation)
    if values.ndim == 2:
        return values[None]
    if values.ndim == 3 and values.shape[2] in _CHANNELS:
        return values[None]
    if values.ndim == 3 and values.shape[2] == 2:
        message = f"An array, {kind}, may be grey with its opacity; pass (H, W) or (H, W, 4)."
        raise ArrayError(message)
    if values.ndim == 3 and values.shape[0] not in _CHANNELS[1:]:
        return values
    if values.ndim == 3:
        message = (
            f"An array, {kind}, may be one picture with its {len(values)} channels first, or "
            f"{len(values)} grey pictures. Say which: `array.transpose(1, 2, 0)` (a tensor's "
            "`permute(1, 2, 0)`) is one picture, `array[:, None]` are several."
        )
        raise ArrayError(message)
    if values.ndim == 4:
        is_first, is_last = values.shape[1] in _CHANNELS, values.shape[3] in _CHANNELS
        if is_first != is_last:
            return values.transpose(0, 2, 3, 1) if is_first else values
        if is_first:
            message = (
                f"An array, {kind}, may have its channels first, (N, C, H, W), or last, "
                "(N, H, W, C). Pass pictures of (H, W) or (H, W, 3) in a list."
            )
            raise ArrayError(message)
    message = (
        "A picture is an array (H, W), (1, H, W) or (H, W, 3), a batch (N, H, W), (N, C, H, W) or "
        f"(N, H, W, C) with 1, 3 or 4 channels, not {kind}."
    )
    raise ArrayError(message)


def _squares(rows: Numbers, preparation: Preparation) -> Numbers:
    """Grey pictures in a row each as (N, H, W), of the network's size, else square if possible."""
    height, width, pixels = preparation.height, preparation.width, rows.shape[1]
    side = math.isqrt(pixels)
    if preparation.channels == 1 and pixels == height * width:
        return rows.reshape(-1, height, width)
    return rows.reshape(-1, side, side) if side * side == pixels else rows


def _out_of_a_row(values: Numbers, kind: str, preparation: Preparation) -> Numbers:
    """A grey picture as (H, W) where it is a row, (values,) or (1, values); all else as it is.

    It is of the network's size, else square.
    """
    if preparation.channels != 1 or not 1 <= values.ndim <= 2:
        return values
    height, width = preparation.height, preparation.width
    pixels, is_row = values.shape[-1], values.ndim == 1 or len(values) == 1
    if is_row and pixels == height * width:
        return values.reshape(height, width)
    if values.ndim == 1 and pixels >= _LEAST_SIDE**2:
        squares = _squares(values[None], preparation)
        return squares[0] if squares.ndim == 3 else values
    if not is_row and pixels == height * width:
        message = (
            f"An array, {kind}, may be one picture, or {len(values)} of {height}×{width} in a row "
            f"each. Say which: `array[None]` is one, `array.reshape(-1, {height}, {width})` are "
            "several."
        )
        raise ArrayError(message)
    return values
