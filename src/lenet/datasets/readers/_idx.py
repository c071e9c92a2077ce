"""The IDX format of the MNIST family: a magic number, the sizes, then the values, big-endian.

Source: Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits", section
"File formats".
"""

import math
import struct
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lenet.core import open_to_read, reading_errors
from lenet.datasets.readers._arrays import pair_arrays, read_pairs, to_pictures
from lenet.datasets.readers._contents import (
    Contents,
    RawPictures,
    Unlabelled,
    check_unpacked_size,
    natural_key,
    number_classes,
    read_class_names,
)
from lenet.errors import DataFileError

try:
    from zlib_ng import zlib_ng as zlib  # the same functions, twice as fast
except ImportError:
    import zlib  # type: ignore[no-redef]

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 31  # zlib's code for "a gzip header and trailer, the largest window"
_LONGEST_HEADER = 4 + 4 * 255
_DENSEST = 1032  # how many bytes one byte of gzip can stand for at most
_MOST_DIMENSIONS = 32
_PIECE = 2**18  # bytes worked on at once; few enough to stay in a processor's cache


def read_idx(path: Path | str) -> npt.NDArray[Any]:
    """Read an IDX file, gzip-compressed or not.

    Args:
        path: The file; whether it is compressed is seen from its content.

    Returns:
        A writable array of the type and shape that the file declares, in native byte order.

    Raises:
        DataFileError: The file is missing, damaged, longer or shorter than it declares, or
            something else altogether.
    """
    path = Path(path)
    with open_to_read(path, DataFileError) as file:
        content = file.read()
    return unpack_idx(content, path)


def unpack_idx(raw: bytes, path: Path) -> npt.NDArray[Any]:
    """The array in the bytes of an IDX file, which errors call by a path."""
    stream = _Stream(path, raw)
    header = stream.read(_LONGEST_HEADER)
    dtype, shape, header_size = _parse_header(path, header)
    expected = math.prod(shape) * dtype.itemsize
    if expected > _DENSEST * len(raw):
        message = f"`{path}` is truncated: it declares {expected} bytes of data, more than "
        raise DataFileError(message + f"its {len(raw)} bytes can hold.")
    if raw[:2] == _GZIP_MAGIC:
        check_unpacked_size(f"`{path}`", len(raw), expected, shape)
    values = np.empty(math.prod(shape), dtype)
    held = _fill(values.view(np.uint8).data, header[header_size:], stream)
    if held < expected:
        message = f"`{path}` is truncated: it declares {expected} bytes of data and holds "
        raise DataFileError(message + f"{held}.")
    if held == expected and stream.is_cut():
        message = f"`{path}` is truncated: the checksum at its end is missing."
        raise DataFileError(message)
    if held > expected or not stream.ended_cleanly():
        message = f"`{path}` is damaged: it holds more than the {expected} bytes it declares."
        raise DataFileError(message)
    return values.reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def idx_shape(path: Path) -> tuple[int, ...] | None:
    """The shape that an IDX file declares; `None` for any other file."""
    with open_to_read(path, DataFileError) as file:
        start = file.read(_PIECE)
    try:
        return _parse_header(path, _Stream(path, start).read(_LONGEST_HEADER))[1]
    except DataFileError:
        return None


def _fill(target: memoryview, begun: bytes, stream: "_Stream") -> int:
    """Fill memory with `begun` and a stream; gives how many bytes there were, plus 1 for more."""
    piece, held = begun, 0
    while piece and held < len(target):
        piece = piece[: len(target) - held]
        target[held : held + len(piece)] = piece
        held += len(piece)
        piece = stream.read(min(_PIECE, len(target) - held))
    more = len(begun) > len(target) or len(stream.read(1)) > 0
    return held + more


class _Stream:
    """The bytes of a file in order, unpacked on the way where it is gzip-compressed."""

    def __init__(self, path: Path, raw: bytes):
        self.path = path
        self.rest = memoryview(raw)
        self.unpacker = zlib.decompressobj(_GZIP_WINDOW) if raw[:2] == _GZIP_MAGIC else None

    def read(self, size: int) -> bytes:
        """At most `size` bytes more; fewer only at the end."""
        pieces = []
        while size > 0 and (piece := self._read_some(size)):
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def _read_some(self, size: int) -> bytes:
        """At most `size` bytes more; none only at the end."""
        if self.unpacker is None:
            return self._take(size)
        while not self.unpacker.eof:
            fed = self.unpacker.unconsumed_tail or self._take(_PIECE)
            try:
                unpacked = self.unpacker.decompress(fed, size)
            except zlib.error as error:  # type: ignore[misc]  # as zlib-ng describes it
                message = f"`{self.path}` is corrupted: its gzip compression does not unpack."
                raise DataFileError(message) from error
            if unpacked or not fed:
                return unpacked
        return b""

    def _take(self, size: int) -> bytes:
        """At most `size` bytes more of the file itself."""
        taken, self.rest = self.rest[:size], self.rest[size:]
        return bytes(taken)

    def is_cut(self) -> bool:
        """Whether the file ended before its compression did."""
        return self.unpacker is not None and not self.unpacker.eof and not len(self.rest)

    def ended_cleanly(self) -> bool:
        """Whether nothing is left and, if compressed, the checksum at the end was right."""
        if self.unpacker is None:
            return not len(self.rest)
        return self.unpacker.eof and not self.unpacker.unused_data and not len(self.rest)


def _parse_header(path: Path, header: bytes) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    if header.lstrip()[:1] == b"<":
        message = f"`{path}` holds a web page instead of data; download it again."
        raise DataFileError(message)
    if len(header) < 4:
        message = f"`{path}` is truncated: it holds {len(header)} bytes, less than a header."
        raise DataFileError(message)
    zeros, type_code, dimensions = struct.unpack(">HBB", header[:4])
    if zeros != 0 or type_code not in _TYPES or dimensions == 0:
        message = f"`{path}` is not an IDX file: its magic number is 0x{header[:4].hex()}."
        raise DataFileError(message)
    size = 4 + 4 * dimensions
    if len(header) < size:
        message = f"`{path}` is truncated in its header."
        raise DataFileError(message)
    shape = struct.unpack(f">{dimensions}I", header[4:size])
    if dimensions > _MOST_DIMENSIONS or math.prod(max(length, 1) for length in shape) > 2**48:
        message = f"`{path}` is damaged: it declares the shape {shape}."
        raise DataFileError(message)
    return np.dtype(_TYPES[type_code]), shape, size


def list_idx(folder: Path, files: Mapping[str, Path]) -> Contents:
    """Pair images and labels by what the headers of a folder's IDX files declare."""
    shapes = {name: idx_shape(path) or () for name, path in files.items()}
    pairs = pair_arrays(shapes, str(folder))
    names = read_class_names(folder)
    read = partial(
        read_pairs, pairs, lambda name: read_idx(files[name]), lambda name: f"`{files[name]}`"
    )
    return Contents("IDX files", list(files.values()), read, number_classes(names))


def list_pictures_of_idx(path: Path) -> Unlabelled:
    """The images of one IDX file."""
    shape = idx_shape(path) or ()
    if len(shape) < 2:
        message = f"`{path}` holds no images of shape (N, H, W); it has shape {shape}."
        raise DataFileError(message)
    return Unlabelled("an IDX file", partial(_read_pictures, path))


def _read_pictures(path: Path) -> Iterator[RawPictures]:
    pictures = to_pictures(read_idx(path), f"`{path}`")
    numbers = range(len(pictures))
    places = [f"`{path}`, no. {number}" for number in numbers]
    yield RawPictures(pictures, [str(number) for number in numbers], places)


def find_idx_files(folder: Path) -> dict[str, Path]:
    """A folder's IDX files by their names; of a file that lies there twice, the one unpacked."""
    with reading_errors(folder, DataFileError):
        paths = sorted(folder.iterdir(), key=lambda path: natural_key(path.name), reverse=True)
        paths = [path for path in paths if path.is_file() and not path.name.startswith(".")]
    found = {
        path.name.removesuffix(".gz").replace(".idx", "-idx"): path
        for path in paths
        if idx_shape(path) is not None
    }
    return dict(reversed(found.items()))
