"""Whether the files of a packed set are what its index says."""

import hashlib
import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from lenet.core import reading_errors, write_atomically
from lenet.datasets._packed_files import Identity, identify, open_plain
from lenet.datasets._packed_index import PackedFile, PackedIndex
from lenet.datasets._prepared import cache_folder
from lenet.datasets._progress import reading_progress
from lenet.errors import DataFileError, StorageError

_PIECE = 2**20  # bytes
_NAMED = 5  # damaged files in an error
_MOST_REMEMBERED = 1000


def check_sizes(folder: Path, index: PackedIndex) -> dict[str, Identity]:
    """Look whether every file is there and has the size that it should have.

    Args:
        folder: The packed set.
        index: What it says of itself.

    Returns:
        By which each file is known again, by its name.

    Raises:
        DataFileError: A file is missing, a link, or of another size; the message names it.
    """
    return {file.name: identify(_facts(folder, file)) for file in index.files}


def check_contents(folder: Path, index: PackedIndex, *, again: bool = False) -> None:
    """Compare the checksum of every file, on all cores, unless that was done and nothing changed.

    What was found whole is remembered in the cache folder, by the files' sizes and times of change.

    Args:
        folder: The packed set.
        index: What it says of itself.
        again: Read everything even so.

    Raises:
        DataFileError: A file is damaged or can't be read; the message names it.
    """
    marker = _marker(folder, index)
    if not again and os.path.isfile(marker):
        return
    images = sum(file.images for file in index.files)
    with (
        reading_progress(folder.name, images) as progress,
        ThreadPoolExecutor(os.cpu_count() or 1) as pool,
    ):
        found = pool.map(lambda file: _is_whole(folder / file.name, file, progress), index.files)
        damaged = [file.name for file, whole in zip(index.files, found, strict=True) if not whole]
    if damaged:
        named = ", ".join(f"`{folder / name}`" for name in damaged[:_NAMED])
        more = f" and {len(damaged) - _NAMED:,} more" if len(damaged) > _NAMED else ""
        message = (
            f"{named}{more}: the checksum is not the one in the index, so the data is damaged. "
            "Copy it again from where it is whole, or pack the set anew."
        )
        raise DataFileError(message)
    with suppress(OSError, StorageError):  # where nothing may be written, it is checked each time
        marker.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(marker, b"")
        _forget_oldest(marker.parent)


def _facts(folder: Path, file: PackedFile) -> os.stat_result:
    """What the system says of a file that may be read."""
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


def _is_whole(path: Path, file: PackedFile, progress: Callable[[int], None] | None) -> bool:
    """Whether a file's bytes have the checksum of the index."""
    digest = hashlib.sha256()
    piece = bytearray(_PIECE)
    with reading_errors(path, DataFileError), open_plain(path) as content:
        while held := content.readinto(piece):
            digest.update(memoryview(piece)[:held])
    if progress:
        progress(file.images)
    return digest.hexdigest() == file.sha256


def _marker(folder: Path, index: PackedIndex) -> Path:
    """The file whose presence says that a set was found whole; another one once it is changed."""
    digest = hashlib.sha256(index.to_json().encode())
    for file in index.files:
        facts = _facts(folder, file)
        # The time of the inode's change, too: the other one can be set to anything.
        digest.update(repr((file.name, identify(facts), facts.st_ctime_ns)).encode())
    return cache_folder().with_name("verified") / digest.hexdigest()[:32]


def _forget_oldest(folder: Path) -> None:
    """Keep few markers."""
    markers = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    for path in markers[:-_MOST_REMEMBERED]:
        path.unlink(missing_ok=True)
