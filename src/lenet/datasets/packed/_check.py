"""A packed set as a dataset, once its files are what its index says."""

import hashlib
import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from lenet.core import reading_errors, write_atomically
from lenet.datasets._dataset import Dataset, Origin, Split
from lenet.datasets._prepared import cache_folder
from lenet.datasets._reading import DataSource, Reading
from lenet.datasets.packed._images import PackedImages
from lenet.datasets.packed._index import (
    LABEL_TYPE,
    Identity,
    PackedFile,
    PackedIndex,
    PackedPart,
    identify,
    is_packed,
    open_plain,
    read_index,
)
from lenet.datasets.readers._collect import reading_progress
from lenet.datasets.readers._contents import name_some
from lenet.errors import DataFileError, SettingError, StorageError

_PIECE = 2**20  # bytes
_NAMED = 5  # damaged files in an error
_MOST_REMEMBERED = 1000


def check_files(folder: Path, index: PackedIndex, again: bool = False) -> dict[str, Identity]:
    """Look whether every file of a packed set is there and has the size and checksum of the index.

    Checksums are compared on all cores, unless that was done and nothing changed: what was found
    whole is remembered in the cache folder, by the files' sizes and times of change. `again` reads
    everything even so. Gives, by its name, by which each file is known again.
    """
    facts = {file.name: _facts(folder, file) for file in index.files}
    identities = {name: identify(found) for name, found in facts.items()}
    marker = _marker(index, facts)
    if again or not os.path.isfile(marker):
        _check_contents(folder, index)
        with suppress(OSError, StorageError):  # where nothing may be written, it is checked anew
            marker.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(marker, b"")
            _forget_oldest(marker.parent)
    return identities


def _check_contents(folder: Path, index: PackedIndex) -> None:
    images = sum(file.images for file in index.files)
    with (
        reading_progress(folder.name, images) as tell,
        ThreadPoolExecutor(os.cpu_count() or 1) as pool,
    ):
        found = pool.map(lambda file: _is_whole(folder / file.name, file, tell), index.files)
        checked = list(zip(index.files, found, strict=True))
    damaged = [folder / file.name for file, is_whole in checked if not is_whole]
    if damaged:
        message = (
            f"{name_some(damaged, _NAMED)}: the checksum is not the one in the index, so the data "
            "is damaged. Copy it again from where it is whole, or pack the set anew."
        )
        raise DataFileError(message)


def _facts(folder: Path, file: PackedFile) -> os.stat_result:
    path = folder / file.name
    with reading_errors(path, DataFileError):
        facts = path.lstat()
    if not stat.S_ISREG(facts.st_mode):
        message = f"`{path}` is no plain file; a packed set holds no links."
        raise DataFileError(message)
    if facts.st_size != file.size:
        message = (
            f"`{path}` has {facts.st_size:,} bytes where the index says {file.size:,}. Copy it "
            "again from where it is whole, or pack the set anew."
        )
        raise DataFileError(message)
    return facts


def _is_whole(path: Path, file: PackedFile, tell: Callable[[int], None]) -> bool:
    digest = hashlib.sha256()
    piece = bytearray(_PIECE)
    with reading_errors(path, DataFileError), open_plain(path) as content:
        while held := content.readinto(piece):
            digest.update(memoryview(piece)[:held])
    tell(file.images)
    return digest.hexdigest() == file.sha256


def _marker(index: PackedIndex, facts: dict[str, os.stat_result]) -> Path:
    """The file whose presence says that a set was found whole; another one once it is changed."""
    digest = hashlib.sha256(index.to_json().encode())
    for name, found in facts.items():
        # The time of the inode's change, too: the other one can be set to anything.
        digest.update(repr((name, identify(found), found.st_ctime_ns)).encode())
    return cache_folder().with_name("verified") / digest.hexdigest()[:32]


def _forget_oldest(folder: Path) -> None:
    markers = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    for path in markers[:-_MOST_REMEMBERED]:
        path.unlink(missing_ok=True)


def load_packed(source: DataSource, name: str) -> Dataset:
    """Open a packed set: small parts are read, large ones stay where they are."""
    folder = source.place
    index = read_index(folder)
    _check_wishes(source, index)
    identities = check_files(folder, index)
    splits: dict[str, Split] = {
        part: _open_part(folder, files, index.image_shape, identities)
        for part, files in index.parts.items()
    }
    shards = sum(len(files.shards) for files in index.parts.values())
    size = sum(file.size for file in index.files)
    notes = [f"{shards:,} {'shard' if shards == 1 else 'shards'}, {size / 1e6:,.1f} MB in all."]
    if any(isinstance(split.images, PackedImages) for split in splits.values()):
        notes.append("It is read as it is needed; what is said of its images is of a sample.")
    origin = Origin(source, "packed images", index.class_names, (), notes=tuple(notes))
    return Dataset(name, index.class_names, preparation=index.preparation, origin=origin, **splits)


def check_packed(folder: Path | str) -> PackedIndex:
    """Read every byte of a packed set and compare it with the checksums.

    Args:
        folder: The set.

    Returns:
        What it says of itself.

    Raises:
        DataFileError: It is no packed set, or a file is missing or damaged; the message names it.
    """
    folder = Path(folder)
    if not is_packed(folder):
        message = f"`{folder}` is no packed set; `lenet data pack` makes one."
        raise DataFileError(message)
    index = read_index(folder)
    check_files(folder, index, again=True)
    return index


def _check_wishes(source: DataSource, index: PackedIndex) -> None:
    channels, height, width = index.image_shape
    plain = Reading()
    wanted = (source.height, source.width)
    method = index.preparation.method if index.preparation else "plain"
    packed_range = index.preparation.pixel_range if index.preparation else ()
    problem = ""
    if wanted not in ((plain.height, plain.width), (height, width)):
        problem = f"images of {height}×{width} pixels, not of {wanted[0]}×{wanted[1]}"
    elif source.colour and channels != 3:
        problem = "grey images"
    elif source.prepare not in (plain.prepare, method):
        problem = f"images that were prepared as `{method}`, not as `{source.prepare}`"
    elif source.pixel_range is not None and packed_range not in ((), source.pixel_range):
        low, high = packed_range
        problem = f"pictures with values from {low:g} to {high:g} as pixels, on another scale"
    elif source.label_column or source.label_from:
        name = "label_column" if source.label_column else "label_from"
        problem = f"labels of its own, so `{name}` does not apply"
    elif source.group_column or source.group_from:
        problem = "no groups"
    elif source.test_share not in (plain.test_share, 0.0):
        problem = "the parts that it was packed with, so `test_share` does not apply"
    if problem:
        message = f"`{source.path}` is a packed set and has {problem}."
        raise SettingError(message)


def _open_part(
    folder: Path,
    files: PackedPart,
    image_shape: tuple[int, int, int],
    identities: dict[str, Identity],
) -> Split:
    """The examples of a part: its labels in memory, its images as well if they are small."""
    path = folder / files.labels.name
    with reading_errors(path, DataFileError), open_plain(path) as file:
        labels = np.frombuffer(file.readall(), LABEL_TYPE).astype(np.int64)
    if len(labels) != files.images:
        message = f"`{path}` has changed while it was opened."
        raise DataFileError(message)
    packed = PackedImages(
        folder, files.shards, image_shape, tuple(identities[one.name] for one in files.shards)
    )
    images = packed if packed.is_large else packed[:]
    # It answers as an array does wherever images are indexed, and says so where it can't.
    return Split(cast("npt.NDArray[np.uint8]", images), labels)
