"""Places in which something is made before it gets its name, and which no kill leaves for good.

What is being made lies beside its target, hidden, and is locked by who makes it. So whoever writes
to the same target next can tell what a killed process left, and removes it.
"""

import errno
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from lenet.core._signals import doing_first_on_signals

try:
    import fcntl
except ImportError:  # Windows, where a folder that is open could not be renamed
    fcntl = None  # type: ignore[assignment]

PARTIAL_SUFFIX = ".partial"
_LEFT_BEHIND = 3600.0  # seconds that nothing takes to be made; where there are no locks


def remove_abandoned(folder: Path, start: str, end: str = PARTIAL_SUFFIX) -> None:
    """Remove the files and folders of which nobody holds a lock, by how their names start and end.

    Others, and what can't be removed, are left.
    """
    with suppress(OSError), os.scandir(folder) as entries:
        found = [Path(entry) for entry in entries if entry.name.startswith(start)]
        for path in found:
            if path.name.endswith(end):
                with suppress(OSError):
                    _remove_if_abandoned(path)


def _remove_if_abandoned(path: Path) -> None:
    facts = path.lstat()
    if not (stat.S_ISREG(facts.st_mode) or stat.S_ISDIR(facts.st_mode)):
        return
    if hasattr(os, "getuid") and facts.st_uid != os.getuid():
        return
    if fcntl is None:
        if time.time() - facts.st_mtime > _LEFT_BEHIND:
            _remove(path)
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove(path)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir():
        import shutil  # which takes milliseconds

        with suppress(OSError):
            path.chmod(0o700)  # a umask may close what one makes to oneself
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink()


@contextmanager
def staged_file(target: Path) -> Iterator[Path]:
    """An empty file beside a target, to be written and renamed to it; else it is gone afterwards.

    It goes on an error. What a kill left of an earlier one for the same target is removed first.

    Args:
        target: What is to be made; the folder that it lies in exists.

    Raises:
        OSError: It can't be made, or the target is a pipe or a device, which no file may replace.
    """
    _refuse_odd_kinds(target)

    def make() -> Path:
        path = _stage_of(target)
        path.open("xb").close()
        return path

    remove_abandoned(target.parent, f".{target.name}.")
    with _held(make) as file:
        yield file


@contextmanager
def staged_folder(target: Path) -> Iterator[Path]:
    """The same for a folder, which goes on the signals that end a process, too."""
    _refuse_odd_kinds(target)

    def make() -> Path:
        path = _stage_of(target)
        path.mkdir()
        return path

    remove_abandoned(target.parent, f".{target.name}.")
    with _held(make) as folder, doing_first_on_signals(partial(_remove_quietly, folder)):
        yield folder


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """A folder for this process among the system's temporary ones, which is gone afterwards.

    What a kill left of an earlier one with the same prefix is removed first.
    """
    import tempfile  # which takes milliseconds

    remove_abandoned(Path(tempfile.gettempdir()), prefix, "")
    with (
        _held(lambda: Path(tempfile.mkdtemp(prefix=prefix))) as folder,
        doing_first_on_signals(partial(_remove_quietly, folder)),
    ):
        yield folder


def odd_kind(path: Path) -> str:
    """What a path leads to, where that is neither a file nor a folder nor nothing."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # whoever opens it says why it can't be
        return ""
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return ""
    return "pipe" if stat.S_ISFIFO(mode) else "socket" if stat.S_ISSOCK(mode) else "device"


def _refuse_odd_kinds(target: Path) -> None:
    """Raise where a rename would put a file into the place of what is none, as of `/dev/null`."""
    if kind := odd_kind(target):
        raise OSError(errno.EEXIST, f"It is a {kind}, which no file may replace")
    with suppress(FileNotFoundError):
        target.stat()  # of links in a circle it says so


def _stage_of(target: Path) -> Path:
    return target.with_name(f".{target.name}.{os.urandom(4).hex()}{PARTIAL_SUFFIX}")


@contextmanager
def _held(make: Callable[[], Path]) -> Iterator[Path]:
    """Keep a file or folder that is made locked; what has its name yet in the end is removed."""
    path = make()
    descriptor = None
    try:
        descriptor = _lock(path)
        while not path.exists():  # somebody took it for abandoned before it was locked
            path = make()
            descriptor = _lock(path)
        yield path
    finally:
        _remove_quietly(path)
        if descriptor is not None:
            os.close(descriptor)


def _lock(path: Path) -> int | None:
    """Lock a file or folder until the number that this gives is closed; `None` where that fails."""
    if fcntl is None:
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    with suppress(OSError):  # a network's file system may know no locks
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def _remove_quietly(path: Path) -> None:
    with suppress(OSError):
        _remove(path)
