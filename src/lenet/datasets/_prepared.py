"""Datasets of one's own as they were read, kept so that the next time costs nothing."""

import hashlib
import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from safetensors import safe_open

from lenet._version import __version__
from lenet.core import json_text, parse_json, storage_errors, write_atomically
from lenet.datasets._cache import platform_cache
from lenet.datasets._dataset import Dataset, Origin, Split
from lenet.datasets._names import Names
from lenet.datasets._reading import DataSource
from lenet.datasets.readers._contents import SPLIT_NAMES, Contents
from lenet.errors import DataFileError, StorageError
from lenet.pictures import Preparation

# 1 had every deep picture on a scale of its own, 2 no names, 3 columns of pixels as they came.
# 4 had the splits alone in its digest.
_FORMAT = 5
_MOST_FILES, _MOST_BYTES = 50, 4 * 2**30
_HEADER = "lenet"
_SUFFIX = ".safetensors"
_LOG = logging.getLogger("lenet.datasets")
_warned: list[StorageError] = []


@dataclass(frozen=True)
class PreparedDataset:
    """A dataset of one's own that is kept.

    Attributes:
        path: The file it is kept in.
        name: What the dataset is called.
        source: Where it was read from.
        images: How many it has.
        classes: How many it has.
        size: Of the file, in bytes.
    """

    path: Path
    name: str
    source: DataSource
    images: int
    classes: int
    size: int


def cache_folder() -> Path:
    """Where datasets of one's own are kept: in `LENET_CACHE`, or the platform's cache folder."""
    chosen = os.environ.get("LENET_CACHE")
    return (Path(os.path.expanduser(chosen)) if chosen else platform_cache()) / "prepared"


def prepared_key(source: DataSource, contents: Contents) -> str:
    """A name for what comes out of a source: another one as soon as a file of it has changed."""
    digest = hashlib.sha256()
    found = [contents.classes, contents.format, contents.notes]
    beginning = [_FORMAT, __version__, source.to_dict(), *found]
    digest.update(json_text(beginning).encode())
    for path in contents.files:
        digest.update(os.fsencode(path) + b"\0")  # a name may hold bytes that are no text
        with suppress(OSError):  # what is missing is told when it is read
            facts = path.stat()
            digest.update(f"{facts.st_size} {facts.st_mtime_ns}\0".encode())
    return digest.hexdigest()


def find_prepared(key: str) -> Dataset | None:
    """The dataset that is kept under a name; a damaged one is as good as none."""
    path = _path(key)
    if not os.path.isfile(path):  # which no folder that can't be looked into stops
        return None
    try:
        dataset = _read(path)
    except Exception:  # whatever is in it: what was kept is there to save time, not to stop work
        return None
    with suppress(OSError):  # it has been of use: the last to be removed
        os.utime(path)
    return dataset


def keep_prepared(key: str, dataset: Dataset) -> None:
    """Keep a dataset, whole or not at all; where nothing may be written, nothing is kept."""
    if sum(split.images.nbytes for split in dataset.splits.values()) > _MOST_BYTES // 4:
        return
    path = _path(key)
    try:
        with storage_errors(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, _pack(dataset))
    except StorageError as error:
        _warn_once(error)
        return
    with suppress(OSError):
        _remove_oldest()


def _warn_once(error: StorageError) -> None:
    """Say why nothing is kept; a process says it once, as it may read many datasets."""
    if not _warned:
        _warned.append(error)
        _LOG.warning(
            "Your images are read anew each time. %s Set `LENET_CACHE` to a folder that can be "
            "written.",
            error,
        )


def prepared_datasets() -> list[PreparedDataset]:
    """The datasets of one's own that are kept, the last used first."""
    found = []
    for path in _kept_files():
        with suppress(Exception):  # as in `find_prepared`
            with safe_open(path, "np") as file:
                values = parse_json(file.metadata()[_HEADER])
                names = [name for name in file.keys() if name.endswith("labels")]
                images = sum(file.get_slice(name).get_shape()[0] for name in names)
            source = DataSource.from_dict(values["origin"]["source"])
            size, classes = path.stat().st_size, len(values["class_names"])
            found.append(PreparedDataset(path, str(values["name"]), source, images, classes, size))
    return found


def _path(key: str) -> Path:
    return cache_folder() / f"{key[:32]}{_SUFFIX}"


def _pack(dataset: Dataset) -> bytes:
    assert dataset.origin is not None
    assert dataset.preparation is not None
    values = {"digest": _digest(dataset), **_described(dataset)}
    tensors = {}
    for name, split in dataset.splits.items():
        tensors[f"{name}-images"] = np.ascontiguousarray(split.images)
        tensors[f"{name}-labels"] = np.ascontiguousarray(split.labels)
        if isinstance(split.names, Names):
            tensors[f"{name}-names"] = split.names.as_bytes()
        if split.groups is not None:
            tensors[f"{name}-groups"] = np.ascontiguousarray(split.groups)
    return safetensors.numpy.save(tensors, {_HEADER: json_text(values)})


def _described(dataset: Dataset) -> dict[str, Any]:
    """What is kept of a dataset beside its splits."""
    assert dataset.origin is not None
    assert dataset.preparation is not None
    return {
        "name": dataset.name,
        "class_names": dataset.class_names,
        "preparation": dataset.preparation.to_dict(),
        "origin": dataset.origin.to_dict(),
    }


def _read(path: Path) -> Dataset:
    with safe_open(path, "np") as file:
        values = parse_json(file.metadata()[_HEADER])
    tensors = safetensors.numpy.load_file(path)
    splits: dict[str, Split] = {
        name: Split(
            tensors[f"{name}-images"],
            tensors[f"{name}-labels"],
            Names(tensors[f"{name}-names"]) if f"{name}-names" in tensors else None,
            tensors.get(f"{name}-groups"),
        )
        for name in SPLIT_NAMES
        if f"{name}-images" in tensors
    }
    dataset = Dataset(
        values["name"],
        tuple(values["class_names"]),
        preparation=Preparation.from_dict(values["preparation"]),
        origin=Origin.from_dict(values["origin"]),
        **splits,
    )
    if _digest(dataset) != values["digest"]:
        message = f"`{path}` is damaged."
        raise DataFileError(message)
    return dataset


def _digest(dataset: Dataset) -> str:
    """By which it is seen that all of a dataset is as it was kept."""
    digest = hashlib.sha256(dataset.fingerprint().encode())
    digest.update(json_text(_described(dataset), sort_keys=True).encode())
    for split in dataset.splits.values():
        if isinstance(split.names, Names):
            digest.update(split.names.as_bytes().data)
        if split.groups is not None:
            digest.update(np.ascontiguousarray(split.groups).data)
    return digest.hexdigest()


def _kept_files() -> Iterator[Path]:
    """The files of the cache, the last used first."""
    times = {}
    with suppress(OSError):
        for path in cache_folder().glob(f"*{_SUFFIX}"):
            with suppress(OSError):
                if path.is_file():
                    times[path] = path.stat().st_mtime_ns
    return iter(sorted(times, key=lambda path: -times[path]))


def _remove_oldest() -> None:
    total = 0
    for number, path in enumerate(_kept_files()):
        total += path.stat().st_size
        if number and (number >= _MOST_FILES or total > _MOST_BYTES):
            path.unlink(missing_ok=True)
