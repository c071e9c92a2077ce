from typing import Any

import numpy as np
import numpy.typing as npt

from lenet.datasets._contents import Label
from lenet.errors import DataFileError


def to_pictures(values: npt.NDArray[Any], place: str) -> npt.NDArray[Any]:
    """Images as arrays come, in the shape (N, H, W) or (N, H, W, 3).

    An image may be written out in a row, if it is square, and its colours may stand before its
    rows. The values stay as they are: what is black and white is seen from the whole dataset.

    Args:
        values: The images, finite numbers of any type.
        place: Where they are from, for errors.

    Raises:
        DataFileError: They are no images.
    """
    if values.ndim == 2:
        side = round(values.shape[1] ** 0.5)
        if side * side != values.shape[1]:
            message = f"{place} has {values.shape[1]} pixels a row, which make no square image."
            raise DataFileError(message)
        values = values.reshape(len(values), side, side)
    if values.ndim == 4 and values.shape[3] not in (1, 3) and values.shape[1] in (1, 3):
        values = values.transpose(0, 2, 3, 1)
    if values.ndim == 4 and values.shape[3] == 1:
        values = values[..., 0]
    if values.ndim not in (3, 4) or (values.ndim == 4 and values.shape[3] != 3):
        message = f"{place} has shape {values.shape}, which is not (N, H, W) or (N, H, W, 3)."
        raise DataFileError(message)
    if 0 in values.shape[1:]:
        message = f"{place} has images without pixels: shape {values.shape}."
        raise DataFileError(message)
    if values.dtype.kind not in "buif":
        message = f"{place} holds {values.dtype} instead of numbers."
        raise DataFileError(message)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        message = f"{place} holds values that are not finite (NaN or infinite); replace them first."
        raise DataFileError(message)
    return values


def to_labels(values: npt.NDArray[Any], place: str) -> list[Label]:
    """Labels as arrays come: whole numbers of any type, or texts.

    Raises:
        DataFileError: They are something else.
    """
    values = values.reshape(len(values)) if values.shape == (len(values), 1) else values
    kind = values.dtype.kind
    if kind == "f" and values.ndim == 1 and np.array_equal(values, np.trunc(values)):
        kind, values = "i", values.astype(np.int64)
    if values.ndim == 1 and kind in "iubU":
        return [int(value) if kind == "b" else value for value in values.tolist()]
    message = (
        f"{place} should hold a whole number or a text for every image; it holds {values.dtype} of "
        f"shape {values.shape}."
    )
    raise DataFileError(message)
