"""What a page holds, as text: the core and model files, which `unpacking.js` undoes, and images."""

import base64
import gzip
import io
import zlib

import numpy as np
import numpy.typing as npt
from PIL import Image, features

_BYTES = 4  # of a number in float32
_FOR_PAGES = str.maketrans("<>&", ",./")
_GRID_WIDTH = 8400  # pixels of a picture with many images; browsers decode none that is far larger


def pack(content: bytes) -> str:
    """Compress a file of numbers: base64 of what zlib makes of it.

    The first bytes of all numbers come first, then all the second ones, and so on: signs and
    exponents are much alike, and compress well once they lie together. Zeros fill the file up to
    whole numbers.

    >>> len(pack(bytes(4000))) < 100
    True
    """
    return base64.b64encode(compress_planes(content)).decode()


def compress_planes(content: bytes) -> bytes:
    """What `pack` makes of a file of numbers, as bytes."""
    filled = content + bytes(-len(content) % _BYTES)
    return zlib.compress(b"".join(filled[place::_BYTES] for place in range(_BYTES)), 9)


def pack_program(content: bytes) -> str:
    """Compress WebAssembly: base64 of what gzip makes of it, the same whenever that is done."""
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()


def sheet_png(images: npt.NDArray[np.uint8]) -> bytes:
    """Images (N, C, H, W) below each other as a grey PNG file, channels side by side."""
    count, channels, height, width = images.shape
    sheet = images.transpose(0, 2, 1, 3).reshape(count * height, channels * width)
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(sheet)).save(file, "PNG", optimize=True)
    return file.getvalue()


def pack_letters(content: bytes) -> str:
    """Bytes as letters, five for four of them: base85 (RFC 1924) without `<`, `>` and `&`.

    They stand in a page's JSON as they are, and take less room than base64, four letters for three.

    >>> pack_letters(b"lenet")
    'Y-Mg`bN'
    """
    return base64.b85encode(content).decode().translate(_FOR_PAGES)


def pack_grid(images: npt.NDArray[np.uint8]) -> str:
    """Images (N, C, H, W) in rows of so many as letters that hold their picture.

    It is lossless WebP where Pillow can write that, which takes less room than PNG.
    """
    count, channels, height, width = images.shape
    columns = min(count, max(1, _GRID_WIDTH // (channels * width)))
    rows = -(-count // columns)
    filled = np.zeros((rows * columns, height, channels * width), np.uint8)
    filled[:count] = images.transpose(0, 2, 1, 3).reshape(count, height, -1)
    grid = (
        filled.reshape(rows, columns, height, -1).transpose(0, 2, 1, 3).reshape(rows * height, -1)
    )
    file = io.BytesIO()
    picture = Image.fromarray(np.ascontiguousarray(grid))
    if features.check("webp"):
        picture.save(file, "WEBP", lossless=True, quality=90, method=4)
    else:
        picture.save(file, "PNG", optimize=True)
    return pack_letters(file.getvalue())


def as_data_address(png: bytes) -> str:
    """A PNG file as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
