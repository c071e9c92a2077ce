"""Arrays of images and of their labels, as Keras keeps MNIST in one archive of NumPy's (NPZ)."""

import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from lenet.core import reading_errors
from lenet.datasets.readers._contents import (
    Contents,
    Label,
    RawExamples,
    SplitName,
    number_classes,
    split_of,
    words_of,
)
from lenet.errors import DataFileError

CLASS_NAMES_ARRAY = "class_names"
# What a damaged list of contents makes of opening an archive: an unknown version of the format is
# not implemented, a name that is no text is a `ValueError`.
ZIP_ERRORS = (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error)
_LARGEST = 2**33  # bytes of an array
_SUFFIX = ".npy"
_LABEL_WORDS = {"y", "label", "labels", "target", "targets", "lbl", "lbls"}
_COMMON_WORDS = {"x", "image", "images", "img", "imgs", "data", "idx1", "idx3", "idx4", "ubyte"}
_COMMON_WORDS |= {*_LABEL_WORDS, "gz", "npy"}

Shapes = Mapping[str, tuple[int, ...]]  # by the names of arrays


class ArrayPair(NamedTuple):
    """The names of an array of images and of the array of their labels."""

    split: SplitName | None
    images: str
    labels: str


def list_npz(path: Path) -> Contents:
    """Find the arrays of an archive by their headers; pickled objects are refused."""
    with _archive(path) as archive:
        names = [name.removesuffix(_SUFFIX) for name in archive.namelist()]
        shapes = {name: _read_shape(path, archive, name) for name in names}
        class_names = None
        if shapes.pop(CLASS_NAMES_ARRAY, None) is not None:
            class_names = list(map(str, _read_array(path, archive, CLASS_NAMES_ARRAY).tolist()))
    read = partial(_read_npz, path, pair_arrays(shapes, str(path)))
    return Contents("NumPy arrays (NPZ)", [path], read, number_classes(class_names))


def is_npz(path: Path) -> bool:
    """Whether an archive holds arrays and nothing else."""
    with _archive(path) as archive:
        return all(name.endswith(_SUFFIX) for name in archive.namelist())


def _read_npz(path: Path, pairs: Sequence[ArrayPair]) -> Iterator[RawExamples]:
    with _archive(path) as archive:
        read = partial(_read_array, path, archive)
        yield from read_pairs(pairs, read, lambda name: f"`{name}` in `{path}`")


def read_pairs(
    pairs: Sequence[ArrayPair],
    read: Callable[[str], npt.NDArray[Any]],
    describe: Callable[[str], str],
) -> Iterator[RawExamples]:
    """The examples of each pair of arrays, which `read` gives and `describe` calls in an error."""
    for split, images, labels in pairs:
        numbers = to_labels(read(labels), describe(labels))
        place = describe(images)
        yield RawExamples(split, numbers, to_pictures(read(images), place), [place])


def pair_arrays(shapes: Shapes, place: str) -> list[ArrayPair]:
    """Find which labels belong to which images, by their dimensions and names; training first.

    Images have three dimensions or four, or two where each is written out in a row. Labels have
    one, or are a column. Errors call where they are `place`.

    >>> pair_arrays({"x_train": (60, 28, 28), "y_train": (60,)}, "mnist.npz")
    [ArrayPair(split='train', images='x_train', labels='y_train')]
    """
    labels = {name: shape for name, shape in shapes.items() if _are_labels(name, shape)}
    images = {name: shape for name, shape in shapes.items() if name not in labels}
    found = {name: _labels_of(name, images, labels) for name in images}
    pairs = [
        ArrayPair(split_of(name), name, other) for name, other in found.items() if other is not None
    ]
    is_clear = len({pair.labels for pair in pairs}) == len(pairs) == len(images) == len(labels) > 0
    if not is_clear or () in shapes.values():
        held = ", ".join(f"`{name}` of shape {shape}" for name, shape in shapes.items())
        message = (
            f"`{place}` should hold images of shape (N, H, W) and labels of shape (N,), such as "
            f"`x_train` and `y_train`; it holds {held or 'no arrays'}."
        )
        raise DataFileError(message)
    for pair in pairs:
        if images[pair.images][0] != labels[pair.labels][0]:
            message = (
                f"`{place}` holds {images[pair.images][0]} images in `{pair.images}` but "
                f"{labels[pair.labels][0]} labels in `{pair.labels}`."
            )
            raise DataFileError(message)
    order = {"train": 0, None: 0, "validation": 1, "test": 2}
    return sorted(pairs, key=lambda pair: order[pair.split])


def _are_labels(name: str, shape: tuple[int, ...]) -> bool:
    if len(shape) == 2 and shape[1] == 1:
        return True
    return len(shape) < 2 or (len(shape) == 2 and bool(_LABEL_WORDS & set(words_of(name))))


def _labels_of(name: str, images: Shapes, labels: Shapes) -> str | None:
    """The labels that belong to some images, where that is clear."""

    def what_is_left(name: str) -> list[str]:
        words = words_of(name)
        return [word for word in words if word not in _COMMON_WORDS and not split_of(word)]

    same_split = [other for other in labels if split_of(other) == split_of(name)]
    rivals = [other for other in images if split_of(other) == split_of(name)]
    if len(rivals) == len(same_split) == 1:
        return same_split[0]
    matching = [other for other in same_split if what_is_left(other) == what_is_left(name)]
    return matching[0] if len(matching) == 1 else None


def to_pictures(values: npt.NDArray[Any], place: str) -> npt.NDArray[Any]:
    """Images as arrays come, in the shape (N, H, W) or (N, H, W, 3).

    An image may be written out in a row, if it is square, and its colours may stand before its
    rows. The values stay as they are: what is black and white is seen from the whole dataset.
    """
    if values.ndim == 2:
        side = round(values.shape[1] ** 0.5)
        if side * side != values.shape[1]:
            message = f"{place} has {values.shape[1]} pixels a row, which make no square image."
            raise DataFileError(message)
        values = values.reshape(len(values), side, side)
    if values.ndim == 4 and values.shape[3] not in (1, 3) and values.shape[1] in (1, 3):
        values = values.transpose(0, 2, 3, 1)
    if values.ndim == 4 and values.shape[3] == 1:
        values = values[..., 0]
    problem = ""
    if values.ndim not in (3, 4) or (values.ndim == 4 and values.shape[3] != 3):
        problem = f"has shape {values.shape}, which is not (N, H, W) or (N, H, W, 3)"
    elif 0 in values.shape[1:]:
        problem = f"has images without pixels: shape {values.shape}"
    elif values.dtype.kind not in "buif":
        problem = f"holds {values.dtype} instead of numbers"
    elif values.dtype.kind == "f" and not np.isfinite(values).all():
        problem = "holds values that are not finite (NaN or infinite); replace them first"
    if problem:
        message = f"{place} {problem}."
        raise DataFileError(message)
    return values


def to_labels(values: npt.NDArray[Any], place: str) -> list[Label]:
    """Labels as arrays come: whole numbers of any type, or texts."""
    values = values.reshape(len(values)) if values.shape == (len(values), 1) else values
    kind = values.dtype.kind
    if kind == "f" and values.ndim == 1 and np.array_equal(values, np.trunc(values)):
        kind, values = "i", values.astype(np.int64)
    if values.ndim == 1 and kind in "iubU":
        return [int(value) if kind == "b" else value for value in values.tolist()]
    message = (
        f"{place} should hold a whole number or a text for every image; it holds {values.dtype} of "
        f"shape {values.shape}."
    )
    raise DataFileError(message)


def _archive(path: Path) -> zipfile.ZipFile:
    try:
        with reading_errors(path, DataFileError):
            return zipfile.ZipFile(path)
    except ZIP_ERRORS as error:
        message = f"`{path}` is damaged: {error}."
        raise DataFileError(message) from error


def _read_shape(path: Path, archive: zipfile.ZipFile, name: str) -> tuple[int, ...]:
    """The shape that an array's header declares, which agrees with its size in the archive."""
    if name + _SUFFIX not in archive.namelist():
        message = f"`{path}` holds `{name}`, which is no array."
        raise DataFileError(message)
    member = archive.getinfo(name + _SUFFIX)
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
    return shape


def _read_array(path: Path, archive: zipfile.ZipFile, name: str) -> npt.NDArray[Any]:
    _read_shape(path, archive, name)
    try:
        with archive.open(name + _SUFFIX) as file:
            array: npt.NDArray[Any] = npy.read_array(file, allow_pickle=False)
    except MemoryError:
        raise
    except Exception as error:
        message = f"`{name}` in `{path}` is damaged: {error}"
        raise DataFileError(message) from error
    return array
