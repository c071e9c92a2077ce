"""Arrays of all libraries as pictures: one, or a batch of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from lenet.errors import ArrayError
from lenet.pictures import Numbers, Pixels, read_picture, to_pixels

_CHANNELS = (1, 3, 4)  # that a picture has: grey, red, green and blue, and its opacity


def is_array(source: object) -> bool:
    """Whether something is an array of NumPy, a tensor of PyTorch, or what can become one."""
    return hasattr(source, "__array__") and not isinstance(source, Image.Image)


def pictures_in(array: Any, pixel_range: tuple[float, ...]) -> list[Pixels]:
    """The pictures that an array holds, in their order.

    Args:
        array: One picture, (H, W), (1, H, W) or (H, W, C), or a batch, (N, H, W), (N, C, H, W) or
            (N, H, W, C), with 1, 3 or 4 channels. The numbers are as `to_pixels` takes them; a
            batch is on one scale.
        pixel_range: Which values the network was taught as black and white.

    Returns:
        uint8 (H, W) or (H, W, 3) each.

    Raises:
        ArrayError: They are no pictures, or the shape can be read in two ways.
    """
    values = _as_numpy(array)
    kind = f"{values.dtype} of shape {values.shape}"
    if values.dtype.kind not in "buif":
        message = f"A picture is an array of numbers, not {kind}."
        raise ArrayError(message)
    if values.shape[:1] == (0,) and values.ndim != 2:
        return []
    stacked = _stacked(values, kind)
    if not stacked.size:
        message = f"A picture has pixels, but this is {kind}."
        raise ArrayError(message)
    pixels = to_pixels(stacked, pixel_range, f"The array ({kind})")
    if pixels.shape[3:] == (1,):
        pixels = pixels[..., 0]
    if pixels.shape[3:] == (4,):
        return [read_picture(Image.fromarray(np.ascontiguousarray(one))) for one in pixels]
    return list(pixels)


def _as_numpy(array: Any) -> Numbers:
    """An array or a tensor in NumPy's form, wherever it lies and whatever it remembers."""
    try:
        if hasattr(array, "detach"):
            array = array.detach().cpu()
            if "bfloat16" in str(array.dtype):  # which NumPy has not
                array = array.float()
        return np.asarray(array)
    except (TypeError, ValueError, RuntimeError) as error:
        message = f"A `{type(array).__name__}` is no picture: {error}"
        raise ArrayError(message) from error


def _stacked(values: Numbers, kind: str) -> Numbers:
    """Pictures as (N, H, W) or (N, H, W, C)."""
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
