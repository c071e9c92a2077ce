"""NumPy's archives of arrays, as Keras keeps MNIST in one."""

import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from lenet.core import reading_errors
from lenet.datasets._class_names_file import number_classes
from lenet.datasets._contents import Contents, Piece
from lenet.datasets._image_arrays import to_labels, to_pictures
from lenet.datasets._pair_arrays import Pair, pair_arrays, sort_by_part
from lenet.datasets._zip_errors import ZIP_ERRORS
from lenet.errors import DataFileError

CLASS_NAMES_ARRAY = "class_names"
_LARGEST = 2**33  # bytes of an array
_SUFFIX = ".npy"


def list_npz(path: Path) -> Contents:
    """Find the arrays of an archive by their headers.

    Raises:
        DataFileError: It is damaged, holds pickled objects, or no images with labels.
    """
    with _archive(path) as archive:
        names = [name.removesuffix(_SUFFIX) for name in archive.namelist()]
        shapes = {name: _read_header(path, archive, name)[0] for name in names}
        class_names = None
        if CLASS_NAMES_ARRAY in shapes:
            del shapes[CLASS_NAMES_ARRAY]
            class_names = tuple(map(str, _read_array(path, archive, CLASS_NAMES_ARRAY).tolist()))
    pairs = list(sort_by_part(pair_arrays(shapes, str(path))))
    classes = number_classes(class_names)
    return Contents("NumPy arrays (NPZ)", [path], partial(_read, path, pairs), classes)


def is_npz(path: Path) -> bool:
    """Whether an archive holds arrays and nothing else."""
    with _archive(path) as archive:
        return all(name.endswith(_SUFFIX) for name in archive.namelist())


def _read(path: Path, pairs: list[Pair]) -> Iterator[Piece]:
    """The arrays of each pair."""
    with _archive(path) as archive:
        for pair in pairs:
            images = _read_array(path, archive, pair.images)
            labels = _read_array(path, archive, pair.labels)
            place = f"`{pair.images}` in `{path}`"
            numbers = to_labels(labels, f"`{pair.labels}` in `{path}`")
            yield Piece(pair.part, numbers, to_pictures(images, place), [place])


def _archive(path: Path) -> zipfile.ZipFile:
    """The archive, open."""
    try:
        with reading_errors(path, DataFileError):
            return zipfile.ZipFile(path)
    except ZIP_ERRORS as error:
        message = f"`{path}` is damaged: {error}."
        raise DataFileError(message) from error


def _read_header(
    path: Path, archive: zipfile.ZipFile, name: str
) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """The shape and type of an array, which agree with its size in the archive."""
    member = archive.getinfo(name + _SUFFIX) if name + _SUFFIX in archive.namelist() else None
    if member is None:
        message = f"`{path}` holds `{name}`, which is no array."
        raise DataFileError(message)
    try:
        with archive.open(member) as file:
            version = npy.read_magic(file)
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, _, dtype = read(file)
            declared = int(np.prod(shape, dtype=object)) * dtype.itemsize + file.tell()
    except Exception as error:  # zlib's, zipfile's and NumPy's errors have no class in common
        message = f"`{name}` in `{path}` is no NumPy array or is damaged: {error}"
        raise DataFileError(message) from error
    if dtype.hasobject:
        message = f"`{name}` in `{path}` holds pickled objects, which could run any code."
        raise DataFileError(message)
    if declared != member.file_size or declared > _LARGEST:
        message = (
            f"`{name}` in `{path}` declares {declared} bytes and holds {member.file_size}; at most "
            f"{_LARGEST} are read."
        )
        raise DataFileError(message)
    return shape, dtype


def _read_array(path: Path, archive: zipfile.ZipFile, name: str) -> npt.NDArray[Any]:
    """An array, without unpickling anything."""
    _read_header(path, archive, name)
    try:
        with archive.open(name + _SUFFIX) as file:
            array: npt.NDArray[Any] = npy.read_array(file, allow_pickle=False)
    except MemoryError:
        raise
    except Exception as error:
        message = f"`{name}` in `{path}` is damaged: {error}"
        raise DataFileError(message) from error
    return array
