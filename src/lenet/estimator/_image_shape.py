"""What shape the images have that arrays hold."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lenet.errors import ArrayError

_COLOURS = (1, 3, 4)  # channels that an image file may have


def flatten_images(images: Any) -> tuple[Any, tuple[int, int, int] | None]:
    """Images as one row of values each, which is what scikit-learn checks.

    Args:
        images: Array-like (N, values), (N, H, W) or (N, C, H, W).

    Returns:
        The same as (N, values), and channels, height and width where the array's shape says them.

    Raises:
        ArrayError: The array has more dimensions, or its channels come last.
    """
    if isinstance(images, (list, tuple)):
        images = np.asarray(images)
    shape = tuple(getattr(images, "shape", ()))
    if len(shape) < 3:
        return images, None
    if len(shape) > 4:
        message = f"`X` must be (N, values), (N, H, W) or (N, C, H, W), not {shape}."
        raise ArrayError(message)
    if len(shape) == 4 and shape[1] not in _COLOURS and shape[3] in _COLOURS:
        message = (
            f"`X` of shape {shape} seems to have its channels last; they belong before height and "
            "width: `X.transpose(0, 3, 1, 2)`."
        )
        raise ArrayError(message)
    channels, height, width = shape[1:] if len(shape) == 4 else (1, *shape[1:])
    return images.reshape(shape[0], math.prod(shape[1:])), (channels, height, width)


def shape_of_rows(values: int, input_shape: Sequence[int] | None) -> tuple[int, int, int]:
    """Channels, height and width of the images that rows of values hold.

    Args:
        values: How many a row has.
        input_shape: Channels, height and width, if the person said them; else the rows are square
            images of one channel.

    Raises:
        ArrayError: The rows are no such images.
    """
    if input_shape is not None:
        if math.prod(input_shape) != values or len(input_shape) != 3:
            message = f"Rows of {values} values hold no images of `input_shape` {input_shape}."
            raise ArrayError(message)
        channels, height, width = input_shape
        return channels, height, width
    side = math.isqrt(values)
    if side * side != values:
        message = (
            f"Rows of {values} values hold no square images. Pass `X` as (N, H, W) or "
            "(N, C, H, W), or say `input_shape`, such as `input_shape=(3, 32, 32)`."
        )
        raise ArrayError(message)
    return 1, side, side
