"""Many small images as one picture file, which is smaller than as many files."""

import base64
import io

import numpy as np
import numpy.typing as npt
from PIL import Image


def sheet_png(images: npt.NDArray[np.uint8]) -> bytes:
    """Images below each other as a grey PNG file.

    Args:
        images: uint8 (N, C, H, W); the channels of an image lie side by side.

    Returns:
        The file, of N·H rows and C·W columns.
    """
    count, channels, height, width = images.shape
    sheet = images.transpose(0, 2, 1, 3).reshape(count * height, channels * width)
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(sheet)).save(file, "PNG", optimize=True)
    return file.getvalue()


def as_data_address(png: bytes) -> str:
    """A PNG file as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
