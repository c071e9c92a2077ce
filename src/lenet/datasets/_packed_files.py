"""Opening the files of a packed set, which may have come from anybody."""

import io
import os
import stat
from pathlib import Path

from lenet.errors import DataFileError

Identity = tuple[int, int, int, int]  # device, inode, size, time of the last change


def identify(facts: os.stat_result) -> Identity:
    """What differs as soon as a file is written to or is another one."""
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns


def open_plain(path: Path, identity: Identity | None = None) -> io.FileIO:
    """Open a plain file, unbuffered; no link is followed and no pipe waited for.

    Args:
        path: The file.
        identity: What it must still be; whatever it is by default.

    Raises:
        OSError: It can't be opened.
        DataFileError: It is no plain file, or not the one that it was.
    """
    if path.is_symlink():
        message = f"`{path}` is a link; a packed set holds plain files alone."
        raise DataFileError(message)
    flags = os.O_RDONLY
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):  # not every system has each
        flags |= getattr(os, name, 0)
    file = os.fdopen(os.open(path, flags), "rb", buffering=0)
    facts = os.fstat(file.fileno())
    problem = ""
    if not stat.S_ISREG(facts.st_mode):
        problem = "is no plain file"
    elif identity is not None and identify(facts) != identity:
        problem = "has changed since it was checked; start again"
    if problem:
        file.close()
        message = f"`{path}` {problem}."
        raise DataFileError(message)
    return file
