"""Sizes: fitting something into a frame with its proportions kept."""

import numpy as np
import numpy.typing as npt
from PIL import Image

Values = npt.NDArray[np.float32]


def fitted_size(size: tuple[int, ...], within: tuple[int, int]) -> tuple[int, int]:
    """The largest height and width of the same proportions within a frame, each at least 1."""
    height, width = size
    scale = min(within[0] / height, within[1] / width)
    return (
        min(within[0], max(1, round(height * scale))),
        min(within[1], max(1, round(width * scale))),
    )


def resize(values: Values, height: int, width: int) -> Values:
    """Other numbers of rows and columns, smooth when enlarged and averaged when made smaller.

    Args:
        values: float32 (H, W) or (C, H, W).
        height: Rows wanted.
        width: Columns wanted.
    """
    if values.ndim == 3:
        return np.stack([resize(channel, height, width) for channel in values])
    if values.shape == (height, width):
        return values
    is_smaller = height < values.shape[0] or width < values.shape[1]
    method = Image.Resampling.BOX if is_smaller else Image.Resampling.BICUBIC
    image = Image.fromarray(np.ascontiguousarray(values)).resize((width, height), method)
    lowest, highest = float(values.min()), float(values.max())
    return np.asarray(image).clip(lowest, highest)


def place_in_middle(values: Values, frame: tuple[int, int], ground: Values) -> Values:
    """Put something into the middle of an empty frame.

    Args:
        values: float32 (C, H, W).
        frame: Height and width of the frame, no smaller than what comes in.
        ground: What the frame holds elsewhere, a number for each channel.

    Returns:
        float32 of shape (C, *frame).
    """
    channels, height, width = values.shape
    top, left = (frame[0] - height + 1) // 2, (frame[1] - width + 1) // 2
    framed = np.empty((channels, *frame), np.float32)
    framed[:] = ground[:, None, None]
    framed[:, top : top + height, left : left + width] = values
    return framed


def as_bytes(values: Values) -> npt.NDArray[np.uint8]:
    """Values from 0 to 255, rounded."""
    return np.rint(values).astype(np.uint8)
