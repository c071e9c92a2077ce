"""What may be given as pictures: files by their names, addresses, arrays of all libraries."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import numpy as np
from PIL import Image

from lenet.datasets import is_offline, natural_key
from lenet.errors import ArrayError, DownloadError, PictureError
from lenet.pictures import MOST_BYTES, SUFFIXES, Numbers, Pixels, read_picture, to_pixels

_TIMEOUT = (5, 30)  # seconds to connect, seconds between two pieces of a file
_CHANNELS = (1, 3, 4)  # that a picture has: grey, red, green and blue, and its opacity


def find_pictures(names: Iterable[str]) -> Iterator[str | BinaryIO]:
    """The pictures that names stand for, each as a path or an open file.

    What a URL names is fetched when it is read, which may raise a `DownloadError`.

    Args:
        names: Files; folders, which stand for all pictures in them and below, hidden ones left out;
            patterns such as `scans/*.png`; URLs of `file:`, `http:` and `https:`; `-` for standard
            input. Numbers in the names of files count as such: `2.png` is before `10.png`.

    Raises:
        PictureError: A file is not there, a folder has no picture in it, or nothing goes by a
            pattern.
    """
    for name in names:
        scheme = urlsplit(name).scheme.lower()
        if name == "-":
            typed = BytesIO(sys.stdin.buffer.read(MOST_BYTES + 1))
            typed.name = "standard input"
            yield typed
        elif scheme in ("http", "https"):
            yield _Fetched(name)
        elif scheme == "file":
            yield url2pathname(unquote(urlsplit(name).path))
        elif os.path.isdir(name):
            yield from _in_folder(Path(name))
        elif not os.path.exists(name) and glob.has_magic(name):
            found = sorted(glob.glob(name, recursive=True), key=natural_key)
            if not found:
                message = f"No file goes by `{name}`."
                raise PictureError(message)
            yield from found
        elif not os.path.exists(name):
            message = f"Could not read `{name}`: no such file or directory."
            raise PictureError(message)
        else:
            yield name


def _in_folder(folder: Path) -> Iterator[str]:
    found = False
    for place, folders, files in os.walk(folder):
        folders[:] = sorted((name for name in folders if name[0] != "."), key=natural_key)
        for name in sorted(files, key=natural_key):
            if name[0] != "." and os.path.splitext(name)[1].lower() in SUFFIXES:
                found = True
                yield os.path.join(place, name)
    if not found:
        message = f"There is no picture in `{folder}`."
        raise PictureError(message)


class _Fetched(BytesIO):
    """A file that is fetched from its URL when it is first read."""

    def __init__(self, url: str):
        super().__init__()
        self.name = url
        self._is_here = False

    def read(self, size: int | None = -1) -> bytes:
        if not self._is_here:
            self.write(_download(self.name))
            self.seek(0)
            self._is_here = True
        return super().read(size)


def _download(url: str) -> bytes:
    """Fetch a picture; not many more bytes than a picture may have."""
    if is_offline():
        message = f"`LENET_OFFLINE` forbids the network, so `{url}` is not fetched."
        raise DownloadError(message)
    import requests

    content = bytearray()
    try:
        with requests.get(url, stream=True, timeout=_TIMEOUT) as response:
            response.raise_for_status()
            for piece in response.iter_content(2**16):
                content += piece
                if len(content) > MOST_BYTES:
                    break
    except requests.RequestException as error:
        message = f"Could not fetch `{url}`: {error}."
        raise DownloadError(message) from error
    return bytes(content)


def is_array(source: object) -> bool:
    """Whether something is an array of NumPy, a tensor of PyTorch, or what can become one."""
    return hasattr(source, "__array__") and not isinstance(source, Image.Image)


def pictures_in(array: Any, pixel_range: tuple[float, ...]) -> list[Pixels]:
    """The pictures that an array holds, as `predict` takes it: uint8 (H, W) or (H, W, 3) each.

    Args:
        array: The numbers are as `to_pixels` takes them; a batch is on one scale.
        pixel_range: Which values the network was taught as black and white.
    """
    values = _as_numpy(array)
    if values.dtype == np.uint8 and values.ndim == 2 and values.size:
        return [values]
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
