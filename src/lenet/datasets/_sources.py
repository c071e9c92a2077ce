"""The pictures that names stand for: files, folders, patterns, addresses."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import numpy as np

from lenet.core import is_own_stream, open_to_read
from lenet.datasets._cache import is_offline
from lenet.datasets.readers._contents import natural_key
from lenet.errors import DatasetError, DownloadError, PictureError
from lenet.pictures import MOST_BYTES, SUFFIXES

if TYPE_CHECKING:
    from lenet.datasets.readers._contents import RawPictures

_AT_ONCE = 256  # images of a packed set
_TIMEOUT = (5, 30)  # seconds to connect, seconds between two pieces of a file


def find_pictures(
    names: Iterable[str], on_error: Callable[[PictureError], None] | None = None
) -> Iterator[str | BinaryIO]:
    """The pictures that names stand for, each as a path or an open file.

    What a URL names is fetched when it is read, which may raise a `DownloadError`. A table or an
    archive of pictures is one path.

    Args:
        names: Files; folders, which stand for all pictures in them and below, hidden ones left out,
            or for the dataset that they hold; patterns such as `scans/*.png`; URLs of `file:`,
            `http:` and `https:`; `-` for standard input. Numbers in the names of files count as
            such: `2.png` is before `10.png`.
        on_error: Is told of each name that stands for nothing, and the others go on; where none is
            given, the first one is an error.

    Raises:
        PictureError: A file is not there, a folder has no picture in it, or nothing goes by a
            pattern.
    """
    for name in names:
        try:
            yield from _find(name)
        except PictureError as error:
            if on_error is None:
                raise
            on_error(error)


def _find(name: str) -> Iterator[str | BinaryIO]:
    scheme = urlsplit(name).scheme.lower()
    if name == "-":
        yield _kept(sys.stdin.buffer, "standard input")
    elif is_own_stream(Path(name)) and not os.path.isfile(name):
        with open_to_read(Path(name), PictureError) as stream:
            yield _kept(stream, name)
    elif Path(name).is_fifo():  # who names it means it; in a folder it is passed over
        with open(name, "rb") as stream:
            yield _kept(stream, name)
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


def _kept(stream: BinaryIO, name: str) -> BinaryIO:
    """What a pipe gives, which it gives only once."""
    held = BytesIO(stream.read(MOST_BYTES + 1))
    held.name = name
    return held


def _in_folder(folder: Path) -> Iterator[str]:
    found = False
    for place, folders, files in os.walk(folder):
        folders[:] = sorted((name for name in folders if name[0] != "."), key=natural_key)
        for name in sorted(files, key=natural_key):
            path = os.path.join(place, name)
            if name[0] != "." and _is_picture(path):
                found = True
                yield path
    if not found and holds_many(folder):
        yield str(folder)
    elif not found:
        message = f"There is no picture in `{folder}`."
        raise PictureError(message)


def _is_picture(path: str) -> bool:
    """Whether a file in a folder is a picture, as in a folder to train on."""
    ending = os.path.splitext(path)[1].lower()
    if ending or not os.path.isfile(path):  # a pipe is not opened
        return ending in SUFFIXES
    from lenet.datasets.readers._scan import is_picture

    try:
        return is_picture(Path(path))
    except DatasetError:  # which may not be read
        return False


def holds_many(path: Path | str) -> bool:
    """Whether what lies at a path is a table, an archive or a dataset of pictures, and not one."""
    from lenet.datasets.packed._index import is_packed
    from lenet.datasets.readers._unlabelled import is_file_of_pictures, open_unlabelled

    if not os.path.isdir(path):
        return is_file_of_pictures(path)
    if is_packed(Path(path)):
        return True
    try:
        open_unlabelled(path)
    except DatasetError:
        return False
    return True


def read_many(path: Path | str, label_column: str = "") -> Iterator[RawPictures]:
    """The pictures of a table, an archive or a dataset, some at a time; labels are left aside."""
    from lenet.datasets._load import load_dataset
    from lenet.datasets._reading import DataSource
    from lenet.datasets.packed._index import is_packed
    from lenet.datasets.readers._contents import RawPictures
    from lenet.datasets.readers._unlabelled import open_unlabelled

    if not is_packed(Path(path)):
        yield from open_unlabelled(path, label_column=label_column).read()
        return
    dataset = load_dataset(DataSource(str(path)), for_training=False)
    for split, examples in dataset.splits.items():
        for start in range(0, len(examples), _AT_ONCE):
            stop = min(start + _AT_ONCE, len(examples))
            images = np.asarray(examples.images[start:stop]).transpose(0, 2, 3, 1)
            names = [f"{split} {number}" for number in range(start, stop)]
            places = [f"`{path}`, {name}" for name in names]
            yield RawPictures(images[..., 0] if images.shape[3] == 1 else images, names, places)


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
