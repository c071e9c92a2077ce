"""The preparation of pictures in C, native/prepare.h: called, or given away as source."""

import ctypes
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lenet.kernels._library import chosen_engine, kernel_status, library

Numbers = tuple[int, ...]  # of a preparation, as in native/prepare.h
_Pixels = NDArray[np.uint8]
_Seen = ctypes.c_int32 * 8
_SOURCES = Path(__file__).parent / "native"
_TOO_MANY = {-1: "parts", -2: "symbols"}


class PreparedImage(NamedTuple):
    """What is seen of a picture.

    Attributes:
        image: uint8 (C, H, W).
        box: The first row and column that it shows, and those after the last.
        size: The height and the width that these are counted in.
        is_blank: Whether there is nothing to be seen.
        parts: Of how many pieces a symbol is.
    """

    image: _Pixels
    box: tuple[int, int, int, int]
    size: tuple[int, int]
    is_blank: bool
    parts: int


class TooManyError(Exception):
    """There are more `parts` or `symbols`, as its argument says, than are told apart."""


def prepare_picture(pixels: _Pixels, preparation: Numbers) -> PreparedImage | None:
    """Make the image that a network takes.

    Args:
        pixels: uint8 (H, W) or (H, W, 3).
        preparation: Method, polarity, height, width, channels and margin.

    Returns:
        What is seen; nothing where NumPy is chosen, there are no compiled kernels, or the sizes are
        beyond what they serve.
    """
    given = _given(pixels, preparation, 0)
    if given is None:
        return None
    native, kept, sizes, numbers, scratch = given
    image, seen = np.empty(_shape(preparation), np.uint8), _Seen()
    memory, made = scratch.ctypes.data, image.ctypes.data
    native.lenet_prepare(kept.ctypes.data, *sizes, numbers, memory, made, seen)
    return _told(image, seen)


def prepare_symbols(pixels: _Pixels, preparation: Numbers) -> list[PreparedImage] | None:
    """Make an image of each symbol of a page, in the order in which they are read.

    Args:
        pixels: uint8 (H, W) or (H, W, 3).
        preparation: As for `prepare_picture`, with the method for symbols.

    Returns:
        What is seen of each; nothing as from `prepare_picture`.

    Raises:
        TooManyError: There are too many of them.
    """
    given = _given(pixels, preparation, 1)
    if given is None:
        return None
    native, kept, sizes, numbers, scratch = given
    memory = scratch.ctypes.data
    count = native.lenet_find_symbols(kept.ctypes.data, *sizes, numbers, memory)
    if count < 0:
        raise TooManyError(_TOO_MANY[count])
    found = []
    for index in range(count):
        image, seen = np.empty(_shape(preparation), np.uint8), _Seen()
        native.lenet_take_symbol(index, numbers, memory, image.ctypes.data, seen)
        found.append(_told(image, seen))
    return found


def preparation_memory(shape: tuple[int, int, int], preparation: Numbers) -> int:
    """The bytes of memory that a picture takes: (H, W, C); 0 where that is not known here."""
    if kernel_status().reason:
        return 0
    return int(library().lenet_prepare_scratch(*shape, _as_array(preparation), 0))


def preparation_sources() -> dict[str, str]:
    """`prepare.h` and `prepare.c`, with all that it includes: whole programs for any C compiler."""
    included: set[str] = set()

    def read(name: str) -> str:
        included.add(name)
        text = (_SOURCES / name).read_text(encoding="utf-8")
        return re.sub(r'#include "(prepare_\w+\.h)"\n', include, text)

    def include(found: re.Match[str]) -> str:
        return "" if found[1] in included else f"\n{read(found[1])}\n"

    return {name: read(name) for name in ("prepare.h", "prepare.c")}


class _Given(NamedTuple):
    """What is to be prepared, and memory for it."""

    library: ctypes.CDLL
    pixels: _Pixels
    sizes: tuple[int, int, int]
    preparation: "ctypes.Array[ctypes.c_int32]"
    scratch: _Pixels


def _given(pixels: _Pixels, preparation: Numbers, many: int) -> _Given | None:
    """What the library needs, if it is to be used and serves such sizes."""
    if kernel_status().reason or chosen_engine() == "numpy":
        return None
    native, numbers = library(), _as_array(preparation)
    height, width, *channels = pixels.shape
    sizes = height, width, channels[0] if channels else 1
    size = native.lenet_prepare_scratch(*sizes, numbers, many)
    if not size:
        return None
    return _Given(native, np.ascontiguousarray(pixels), sizes, numbers, np.empty(size, np.uint8))


@lru_cache
def _as_array(preparation: Numbers) -> "ctypes.Array[ctypes.c_int32]":
    return (ctypes.c_int32 * len(preparation))(*preparation)


def _shape(preparation: Numbers) -> tuple[int, ...]:
    _, _, height, width, channels, _ = preparation
    return channels, height, width


def _told(image: _Pixels, seen: "ctypes.Array[ctypes.c_int32]") -> PreparedImage:
    top, left, bottom, right, height, width, is_blank, parts = seen
    return PreparedImage(image, (top, left, bottom, right), (height, width), bool(is_blank), parts)
