"""Pictures to send, some of which are hostile."""

import io

import numpy as np
from PIL import Image

import lenet


def png(pixels: np.ndarray) -> bytes:
    """Pixels as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def stroke(height: int = 90, width: int = 90) -> np.ndarray:
    """A one, dark on light."""
    pixels = np.full((height, width), 255, np.uint8)
    pixels[height // 6 : -height // 6, int(width * 0.46) : int(width * 0.54)] = 0
    return pixels


def digit_files(count: int) -> list[bytes]:
    """The first of the bundled test digits as files."""
    return [png(image[0]) for image in lenet.load_dataset("digits").test.images[:count]]
