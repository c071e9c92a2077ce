"""EMNIST: handwritten digits and letters, as NIST publishes them.

Source: G. Cohen, S. Afshar, J. Tapson and A. van Schaik (2017), "EMNIST: an extension of MNIST to
handwritten letters", arXiv:1702.05373.
"""

import re
import string
import zipfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lenet.core import open_to_read, reading_errors
from lenet.datasets._catalog import EMNIST_SPLITS
from lenet.datasets.readers._arrays import to_labels, to_pictures
from lenet.datasets.readers._contents import (
    Classes,
    Contents,
    RawExamples,
    SplitName,
    check_unpacked_size,
)
from lenet.datasets.readers._idx import unpack_idx
from lenet.datasets.readers._numpy_files import ZIP_ERRORS
from lenet.errors import DataFileError, UnknownNameError

_NAME = re.compile(
    rf"emnist-({'|'.join(EMNIST_SPLITS)})-(?:(train|test)-(images|labels)-idx\d-ubyte(?:\.gz)?"
    r"|(mapping)\.txt)"
)
_LARGEST = 2**30  # bytes of a packed file; the largest published one has 200 MB
_MERGED = "abdefghnqrt"  # the small letters that do not look like their capitals


class _Member(NamedTuple):
    """A file of EMNIST, by itself or in the zip."""

    archive: Path
    name: str | None = None

    @property
    def path(self) -> Path:
        return self.archive / self.name if self.name else self.archive

    def read(self) -> bytes:
        """Its bytes, in memory; nothing is unpacked onto the disk."""
        if self.name is None:
            with open_to_read(self.path, DataFileError) as plain:
                return plain.read()
        with reading_errors(self.path, DataFileError):
            try:
                with zipfile.ZipFile(self.archive) as archive, archive.open(self.name) as file:
                    facts = archive.getinfo(self.name)
                    check_unpacked_size(f"`{self.path}`", facts.compress_size, facts.file_size)
                    content = file.read(_LARGEST + 1)
            except Exception as error:  # zlib's and zipfile's errors have no class in common
                if isinstance(error, (OSError, MemoryError, DataFileError)):
                    raise
                message = f"`{self.path}` is damaged: {error}."
                raise DataFileError(message) from error
        if len(content) > _LARGEST:
            message = f"`{self.path}` is larger than {_LARGEST // 2**20} MiB."
            raise DataFileError(message)
        return content


Files = Mapping[str, dict[str, _Member]]


def find_emnist(path: Path) -> Files:
    """The files of EMNIST in its zip or in a folder: by split, then by what they hold."""
    if path.is_dir():
        with reading_errors(path, DataFileError):
            files = sorted(path.iterdir())
            inner = path / "gzip"
            if inner.is_dir():
                files += sorted(inner.iterdir())
            members = [_Member(file) for file in files if file.is_file()]
    else:
        try:
            with reading_errors(path, DataFileError), zipfile.ZipFile(path) as archive:
                members = [_Member(path, name) for name in archive.namelist()]
        except ZIP_ERRORS:  # it is no archive
            members = []
    found: dict[str, dict[str, _Member]] = {}
    for member in members:
        match = _NAME.fullmatch(member.path.name)
        if match is None:
            continue
        split, part, kind, mapping = match.groups()
        key = mapping or f"{part}-{kind}"
        if key in found.setdefault(split, {}) and member.name is not None:
            message = f"`{path}` holds `{member.path.name}` twice."
            raise DataFileError(message)
        found[split].setdefault(key, member)
    return {split: files for split, files in found.items() if files.keys() - {"mapping"}}


def list_emnist(path: Path, files: Files, split: str | None) -> Contents:
    """Find the four files of a split in what `find_emnist` found; the only one if none is named."""
    if split is None:
        if len(files) > 1:
            named = ", ".join(f"`{path / name}`" for name in files)
            message = f"`{path}` holds several datasets; choose one: {named}."
            raise DataFileError(message)
        (split,) = files
    if split not in files:
        raise UnknownNameError("split of EMNIST", split, files)
    members = files[split]
    for name in ("train-images", "train-labels", "test-images", "test-labels"):
        if name not in members:
            message = f"`{path}` lacks `emnist-{split}-{name}`."
            raise DataFileError(message)
    mapping = members.get("mapping")
    classes = published_classes(split) if mapping is None else _read_mapping(mapping)
    archives = list(dict.fromkeys(member.archive for member in members.values()))
    return Contents(f"EMNIST, split `{split}`", archives, partial(_read, members), classes)


def published_classes(split: str) -> Classes:
    """The labels of a split with their characters, as its mapping file has them.

    >>> published_classes("letters")[:2], len(published_classes("balanced"))
    (((1, 'A'), (2, 'B')), 47)
    """
    if split == "letters":
        return tuple(enumerate(string.ascii_uppercase, 1))
    small = {"byclass": string.ascii_lowercase, "balanced": _MERGED, "bymerge": _MERGED}
    letters = string.ascii_uppercase + small[split] if split in small else ""
    return tuple(enumerate(string.digits + letters))


def _read_mapping(member: _Member) -> Classes:
    """The labels with their characters; a letter that stands for both cases is the capital."""
    try:
        rows = [
            list(map(int, line.split())) for line in member.read().decode("utf-8-sig").splitlines()
        ]
        return tuple((row[0], chr(row[1])) for row in rows if row)
    except (ValueError, IndexError, OverflowError) as error:
        message = f"`{member.path}` should have a label and a character's code on every line."
        raise DataFileError(message) from error


def _read(members: Mapping[str, _Member]) -> Iterator[RawExamples]:
    """The examples of both splits, turned upright."""

    def unpack(name: str) -> npt.NDArray[Any]:
        return unpack_idx(members[name].read(), members[name].path)

    names: tuple[SplitName, ...] = ("train", "test")
    for name in names:
        images_path, labels_path = (members[f"{name}-{kind}"].path for kind in ("images", "labels"))
        images = to_pictures(unpack(f"{name}-images"), f"`{images_path}`")
        labels = to_labels(unpack(f"{name}-labels"), f"`{labels_path}`")
        if len(images) != len(labels):
            message = (
                f"`{images_path}` holds {len(images)} images but `{labels_path}` "
                f"{len(labels)} labels."
            )
            raise DataFileError(message)
        yield RawExamples(name, labels, np.ascontiguousarray(images.swapaxes(1, 2)))
