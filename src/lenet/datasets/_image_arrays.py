from typing import Any

import numpy as np
import numpy.typing as npt

from lenet.datasets._contents import Label
from lenet.errors import DataFileError


def to_pictures(values: npt.NDArray[Any], place: str) -> npt.NDArray[np.uint8]:
    """Images as arrays come, as uint8 of shape (N, H, W) or (N, H, W, 3).

    Values may be whole numbers from 0 to 255, or fractions from 0 to 1. An image may be written out
    in a row, if it is square, and its colours may stand before its rows.

    Args:
        values: The images, numbers of any type.
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
    return _to_uint8(values, place)


def _to_uint8(values: npt.NDArray[Any], place: str) -> npt.NDArray[np.uint8]:
    """Numbers of any type as pixels."""
    if values.dtype.kind not in "buif":
        message = f"{place} holds {values.dtype} instead of numbers."
        raise DataFileError(message)
    if values.size == 0:
        return values.astype(np.uint8)
    lowest, highest = values.min(), values.max()
    if not (lowest >= 0 and highest <= 255):  # also where one is not a number
        message = f"{place} holds values from {lowest} to {highest}; pixels go from 0 to 255."
        raise DataFileError(message)
    if values.dtype.kind == "b" or (values.dtype.kind == "f" and highest <= 1):
        pixels: npt.NDArray[np.uint8] = (values * 255.0).round().astype(np.uint8)
        return pixels
    if values.dtype.kind == "f" and not np.array_equal(values, values.round()):
        message = (
            f"{place} holds fractions up to {highest}; pixels are whole numbers from 0 to 255, or "
            "fractions from 0 to 1."
        )
        raise DataFileError(message)
    return values.astype(np.uint8)


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
