"""The pictures that names stand for: files, folders, patterns, addresses."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from lenet.datasets import is_offline, natural_key
from lenet.errors import DownloadError, PictureError
from lenet.pictures import MOST_BYTES, SUFFIXES

_TIMEOUT = (5, 30)  # seconds to connect, seconds between two pieces of a file


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
