"""Arrays in files: NumPy's archives (NPZ), as Keras keeps MNIST, and a folder of single ones."""

import hashlib
import math
import os
import struct
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from operator import eq
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from lenet.core import open_to_read, reading_errors
from lenet.datasets.readers._arrays import (
    ArrayPair,
    are_labels,
    blocks_to_pictures,
    describe_pairs,
    image_shape,
    pair_arrays,
    read_pairs,
)
from lenet.datasets.readers._contents import (
    Contents,
    RawExamples,
    RawPictures,
    Unlabelled,
    check_unpacked_size,
    number_classes,
    read_class_names,
    split_of,
)
from lenet.errors import DataFileError

CLASS_NAMES_ARRAY = "class_names"
NPY_MAGIC = b"\x93NUMPY"
# What a damaged list of contents makes of opening an archive: an unknown version of the format is
# not implemented, a name that is no text is a `ValueError`.
ZIP_ERRORS = (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error)
_LARGEST, _BLOCK = 2**33, 2**26  # bytes of an array, and of what of it is read at a time
_PIECE = 2**20
_MOST_NAMES = 2**16
_SEAL = b"lenet sha256 "
_SUFFIX = ".npy"


@dataclass(frozen=True)
class _Stored:
    """An array in a file of its own, or in an archive."""

    path: Path
    member: str = ""

    @property
    def place(self) -> str:
        return f"`{self.member}` in `{self.path}`" if self.member else f"`{self.path}`"

    def shape(self) -> tuple[int, ...]:
        """The shape that the header declares, which agrees with the size of what follows."""
        with self._opened() as (file, size, packed):
            return self._header(file, size, packed)[0]

    def read(self) -> npt.NDArray[Any]:
        (whole,) = self.blocks(_LARGEST)
        return whole

    def blocks(self, size: int | None = None) -> Iterator[npt.NDArray[Any]]:
        """The array in parts of about so many bytes, one at least, cut along its first dimension.

        The check sum of an archive's member is compared before the last one is given.
        """
        with self._opened() as (file, whole, packed):
            shape, is_turned, dtype = self._header(file, whole, packed)
            count = max(1, shape[0]) if shape else 1
            row = math.prod(shape[1:]) * dtype.itemsize
            rows = count if is_turned or not row else max(1, (size or _BLOCK) // row)
            for start in range(0, count, rows):
                some = (min(rows, shape[0] - start), *shape[1:]) if shape else ()
                content = bytearray(math.prod(some) * dtype.itemsize)
                _fill(memoryview(content), file)
                if start + rows >= count and file.read(1):  # which also compares the check sum
                    raise ValueError("it holds more than it declares")
                yield np.ndarray(some, dtype, content, order="F" if is_turned else "C")

    @contextmanager
    def _opened(self) -> Iterator[tuple[IO[bytes], int, int]]:
        """The array's file, its size, and that packed; what goes wrong is one `DataFileError`."""
        try:
            if not self.member:
                with open_to_read(self.path, DataFileError) as file:
                    size = file.seek(0, os.SEEK_END)
                    file.seek(0)
                    yield file, size, size
                return
            with open_archive(self.path) as archive:
                if self.member + _SUFFIX not in archive.namelist():
                    message = f"`{self.path}` holds `{self.member}`, which is no array."
                    raise DataFileError(message)
                member = archive.getinfo(self.member + _SUFFIX)
                with archive.open(member) as packed:
                    yield packed, member.file_size, member.compress_size
        except (MemoryError, DataFileError):
            raise
        except Exception as error:  # zlib's, zipfile's and NumPy's have no class in common
            message = f"{self.place} is no NumPy array or is damaged: {error}"
            raise DataFileError(message) from error

    def _header(
        self, file: IO[bytes], size: int, packed: int
    ) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
        """Shape, whether columns come before rows, and type."""
        begun: Any = _Start(file)
        version = npy.read_magic(begun)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, is_turned, dtype = read(begun)
        declared = int(np.prod(shape, dtype=object)) * dtype.itemsize + file.tell()
        if dtype.hasobject:
            message = (
                f"{self.place} holds pickled objects, which could run any code; keep its arrays by "
                "`np.savez` instead."
            )
            raise DataFileError(message)
        if declared != size or declared > _LARGEST:
            message = (
                f"{self.place} declares {declared} bytes and holds {size}; at most {_LARGEST} are "
                "read."
            )
            raise DataFileError(message)
        check_unpacked_size(self.place, packed, size, shape)
        return shape, is_turned, dtype


@dataclass(frozen=True)
class _Start:
    """A file whose header is read, for which no room is made before it is there."""

    file: IO[bytes]

    def read(self, size: int) -> bytes:
        if size > _PIECE:
            raise ValueError("its header is too long")
        return self.file.read(size)


def _fill(target: memoryview, file: IO[bytes]) -> None:
    while len(target):
        piece = file.read(min(len(target), _PIECE))
        if not piece:
            raise ValueError("it ends too early")
        target[: len(piece)] = piece
        target = target[len(piece) :]


Arrays = Mapping[str, _Stored]


def list_npz(path: Path) -> Contents:
    """Find the arrays of an archive by their headers; pickled objects are refused."""
    _check_seal(path)
    arrays = _in_archive(path)
    class_names = None
    if names := arrays.pop(CLASS_NAMES_ARRAY, None):
        if math.prod(names.shape()) > _MOST_NAMES:
            message = f"{names.place} holds more than {_MOST_NAMES:,} names of classes."
            raise DataFileError(message)
        class_names = list(map(str, names.read().tolist()))
    return _list_pairs(arrays, path, [path], "NumPy arrays (NPZ)", class_names)


def list_arrays(folder: Path, files: Sequence[Path]) -> Contents:
    """Find the arrays of a folder's files, called as these are.

    Where there are no labels, and each file has images of the same size, each is a class.
    """
    arrays = _in_files(files)
    shapes = {name: stored.shape() for name, stored in arrays.items()}
    class_names = read_class_names(folder)
    begins = _length_of_prefix(list(shapes))
    are_images = all(len(s) > 2 or (len(s) == 2 and image_shape(s[1])) for s in shapes.values())
    one_size = len({shape[1:] for shape in shapes.values()}) == 1
    if len(shapes) > 1 and are_images and one_size and not any(map(split_of, shapes)):
        classes = {name[begins:]: stored for name, stored in arrays.items()}
        note = "There are no labels; each file is taken for a class."
        read = partial(_read_classes, classes)
        return Contents("NumPy arrays (NPY), one for each class", files, read, notes=(note,))
    return _list_pairs(arrays, folder, files, "NumPy arrays (NPY)", class_names)


def _length_of_prefix(names: Sequence[str]) -> int:
    """How many characters the words have with which all names begin.

    >>> _length_of_prefix(["full_bitmap_cat", "full_bitmap_cow"])
    12
    """
    lowest, highest = min(names), max(names)
    same = sum(takewhile(bool, map(eq, lowest, highest)))
    return max(lowest.rfind(mark, 0, same) for mark in "_- ") + 1


def list_pictures_of_arrays(path: Path) -> Unlabelled:
    """Find the images in an archive or a file of one array, with their labels or without."""
    arrays = _in_archive(path) if zipfile.is_zipfile(path) else {path.stem: _Stored(path)}
    arrays.pop(CLASS_NAMES_ARRAY, None)
    images = {
        name: stored
        for name, stored in arrays.items()
        if not are_labels(name, shape := stored.shape())
        and (len(shape) > 2 or image_shape(shape[1]))
    }
    if not images:
        message = f"`{path}` holds no images of shape (N, H, W)."
        raise DataFileError(message)
    return Unlabelled("NumPy arrays", partial(_read_pictures, images))


def check_array(path: Path) -> None:
    """Raise what can be said against a file of one array."""
    _Stored(path).shape()


def is_npz(path: Path) -> bool:
    """Whether an archive holds arrays and nothing else."""
    with open_archive(path) as archive:
        names = archive.namelist()
    return all(name.endswith(_SUFFIX) for name in names)


def _in_archive(path: Path) -> dict[str, _Stored]:
    with open_archive(path) as archive:
        names = [name.removesuffix(_SUFFIX) for name in archive.namelist()]
    return {name: _Stored(path, name) for name in names}


def _in_files(files: Sequence[Path]) -> dict[str, _Stored]:
    """The arrays of some files: one that is alone in its file is called as that is."""
    arrays: dict[str, _Stored] = {}
    for path in files:
        if path.suffix.lower() == _SUFFIX:
            arrays[path.stem] = _Stored(path)
            continue
        inner = _in_archive(path)
        for name, stored in inner.items():
            arrays[path.stem if len(inner) == 1 else f"{path.stem}/{name}"] = stored
    return arrays


def _list_pairs(
    arrays: Arrays,
    place: Path,
    files: Sequence[Path],
    form: str,
    class_names: Sequence[str] | None,
) -> Contents:
    pairs = pair_arrays({name: stored.shape() for name, stored in arrays.items()}, str(place))
    read = partial(_read_pairs, arrays, pairs)
    return Contents(form, files, read, number_classes(class_names), describe_pairs(pairs))


def _read_pairs(arrays: Arrays, pairs: Sequence[ArrayPair]) -> Iterator[RawExamples]:
    return read_pairs(
        pairs,
        lambda name: arrays[name].read(),
        lambda name: arrays[name].place,
        lambda name: arrays[name].blocks(),
    )


def _read_classes(classes: Arrays) -> Iterator[RawExamples]:
    for name, stored in classes.items():
        for pictures in blocks_to_pictures(stored.blocks(), stored.place):
            yield RawExamples(None, [name] * len(pictures), pictures, [stored.place])


def _read_pictures(images: Arrays) -> Iterator[RawPictures]:
    for name, stored in images.items():
        begin, start = "" if len(images) == 1 else f"{name} ", 0
        for pictures in blocks_to_pictures(stored.blocks(), stored.place):
            numbers = range(start, start + len(pictures))
            names = [f"{begin}{number}" for number in numbers]
            yield RawPictures(
                pictures, names, [f"{stored.place}, no. {number}" for number in numbers]
            )
            start += len(pictures)


def seal_archive(content: IO[bytes]) -> None:
    """Put a digest of names, sizes and check sums into an archive, as the comment that a zip has.

    The check sums are those of the members, so that this names all that is in it.
    """
    with zipfile.ZipFile(content, "a") as archive:
        archive.comment = _seal_of(archive)


def _check_seal(path: Path) -> None:
    with open_archive(path) as archive:
        if archive.comment.startswith(_SEAL) and archive.comment != _seal_of(archive):
            message = (
                f"`{path}` is not as it was written, by the digest in it. Copy it again from where "
                "it is whole; if you changed it yourself, write it anew with `np.savez`."
            )
            raise DataFileError(message)


def _seal_of(archive: zipfile.ZipFile) -> bytes:
    facts = sorted((one.filename, one.CRC, one.file_size) for one in archive.infolist())
    return _SEAL + hashlib.sha256(repr(facts).encode()).hexdigest().encode()


def open_archive(path: Path) -> zipfile.ZipFile:
    """A zip; one that is damaged is a `DataFileError`."""
    try:
        with reading_errors(path, DataFileError):
            return zipfile.ZipFile(path)
    except ZIP_ERRORS as error:
        message = f"`{path}` is damaged: {error}."
        raise DataFileError(message) from error
