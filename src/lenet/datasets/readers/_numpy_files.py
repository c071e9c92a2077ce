"""Arrays in files: NumPy's archives (NPZ), as Keras keeps MNIST, and a folder of single ones."""

import struct
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from operator import eq
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from lenet.core import reading_errors
from lenet.datasets.readers._arrays import (
    ArrayPair,
    are_labels,
    describe_pairs,
    image_shape,
    pair_arrays,
    read_pairs,
    to_pictures,
)
from lenet.datasets.readers._contents import (
    Contents,
    RawExamples,
    RawPictures,
    Unlabelled,
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
_LARGEST = 2**33  # bytes of an array
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
        if not self.member:
            with reading_errors(self.path, DataFileError), self.path.open("rb") as file:
                return self._check_header(file, self.path.stat().st_size)
        with open_archive(self.path) as archive:
            if self.member + _SUFFIX not in archive.namelist():
                message = f"`{self.path}` holds `{self.member}`, which is no array."
                raise DataFileError(message)
            member = archive.getinfo(self.member + _SUFFIX)
            try:
                with archive.open(member) as file:
                    return self._check_header(file, member.file_size)
            except DataFileError:
                raise
            except Exception as error:  # zlib's and zipfile's errors have no class in common
                raise self._damaged(error) from error

    def read(self) -> npt.NDArray[Any]:
        self.shape()
        try:
            if not self.member:
                with reading_errors(self.path, DataFileError), self.path.open("rb") as file:
                    return self._read(file)
            with open_archive(self.path) as archive, archive.open(self.member + _SUFFIX) as file:
                return self._read(file)
        except (MemoryError, DataFileError):
            raise
        except Exception as error:
            message = f"{self.place} is damaged: {error}"
            raise DataFileError(message) from error

    def _read(self, file: IO[bytes]) -> npt.NDArray[Any]:
        array: npt.NDArray[Any] = npy.read_array(file, allow_pickle=False)
        return array

    def _check_header(self, file: IO[bytes], size: int) -> tuple[int, ...]:
        try:
            version = npy.read_magic(file)
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, _, dtype = read(file)
            declared = int(np.prod(shape, dtype=object)) * dtype.itemsize + file.tell()
        except Exception as error:  # nor have NumPy's
            raise self._damaged(error) from error
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
        return shape

    def _damaged(self, error: Exception) -> DataFileError:
        return DataFileError(f"{self.place} is no NumPy array or is damaged: {error}")


Arrays = Mapping[str, _Stored]


def list_npz(path: Path) -> Contents:
    """Find the arrays of an archive by their headers; pickled objects are refused."""
    arrays = _in_archive(path)
    class_names = None
    if names := arrays.pop(CLASS_NAMES_ARRAY, None):
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
    return read_pairs(pairs, lambda name: arrays[name].read(), lambda name: arrays[name].place)


def _read_classes(classes: Arrays) -> Iterator[RawExamples]:
    for name, stored in classes.items():
        pictures = to_pictures(stored.read(), stored.place)
        yield RawExamples(None, [name] * len(pictures), pictures, [stored.place])


def _read_pictures(images: Arrays) -> Iterator[RawPictures]:
    for name, stored in images.items():
        pictures = to_pictures(stored.read(), stored.place)
        begin = "" if len(images) == 1 else f"{name} "
        names = [f"{begin}{number}" for number in range(len(pictures))]
        places = [f"{stored.place}, no. {number}" for number in range(len(pictures))]
        yield RawPictures(pictures, names, places)


def open_archive(path: Path) -> zipfile.ZipFile:
    """A zip; one that is damaged is a `DataFileError`."""
    try:
        with reading_errors(path, DataFileError):
            return zipfile.ZipFile(path)
    except ZIP_ERRORS as error:
        message = f"`{path}` is damaged: {error}."
        raise DataFileError(message) from error
