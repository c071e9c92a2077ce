"""Files that appear whole or not at all."""

import errno
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from lenet.core._staging import odd_kind, remove_abandoned, staged_file
from lenet.errors import LenetError, SettingError, StorageError

_ENDINGS = {
    *(".c", ".csv", ".docx", ".gif", ".h", ".htm", ".html", ".jpeg", ".jpg", ".json", ".md"),
    *(".npz", ".onnx", ".pdf", ".png", ".py", ".safetensors", ".svg", ".txt", ".webp", ".zip"),
}
_OWN_STREAMS = ("/dev/stdin", "/dev/fd/", "/proc/self/fd/")  # also of the shell's `<(command)`


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write `path` into one clear `StorageError`."""
    try:
        yield
    except OSError as error:
        message = f"Could not write `{path}`: {(error.strerror or str(error)).lower()}."
        raise StorageError(message) from error


def check_ending(path: Path, what: str, *endings: str) -> None:
    """See that the name of a file or folder is not that of another kind of file.

    Args:
        path: What is to be written.
        what: What it is, as the start of a sentence: `A report`.
        endings: What its name may end in; for a folder nothing that files end in.

    Raises:
        SettingError: Its name is that of another kind.
    """
    if path.suffix.lower() in _ENDINGS - set(endings):
        kind = f"a file that ends in `{endings[0]}`" if endings else "a folder"
        message = f"{what} is {kind}, which `{path}` is no name for."
        raise SettingError(message)


@contextmanager
def reading_errors(path: Path, error_class: type[LenetError]) -> Iterator[None]:
    """Turn the operating system's refusal to read `path` into one clear error of a class.

    So is a pipe, a socket or a device, which could be waited for for ever, or never end. This
    process's own streams, such as `/dev/stdin`, may be any of these: who names one means it.
    """
    if "\0" in str(path):
        message = f"`{path}` is no path: it holds the character 0."
        raise error_class(message)
    if not is_own_stream(path) and (kind := odd_kind(path)):
        message = f"`{path}` is neither a folder nor a file but a {kind}, which is not read."
        raise error_class(message)
    try:
        yield
    except OSError as error:
        message = f"Could not read `{path}`: {(error.strerror or str(error)).lower()}."
        raise error_class(message) from error


def is_own_stream(path: Path) -> bool:
    """Whether a path is that of a stream of this process, such as its standard input.

    >>> is_own_stream(Path("/dev/stdin")), is_own_stream(Path("/dev/zero"))
    (True, False)
    """
    return str(path).startswith(_OWN_STREAMS)


@contextmanager
def open_to_read(path: Path, error_class: type[LenetError]) -> Iterator[BinaryIO]:
    """Open a file; what can be said against it is one clear error of a class.

    What has no size is empty: files of the system, as in `/proc`, have none and may never end.
    """
    with reading_errors(path, error_class):
        if is_own_stream(path):
            with path.open("rb") as stream:
                yield stream
            return
        # It may have become a pipe since it was looked at, which would be waited for.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, flags), "rb") as file:
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode):
                raise OSError(errno.ESTALE, "It has become something else")
            yield file if facts.st_size else io.BytesIO()


def check_free(target: Path) -> None:
    """Raise the `StorageError` for a place where something is already."""
    if os.path.lexists(target):
        message = f"`{target}` is there already; nothing is overwritten."
        raise StorageError(message)


def rename_to_free(made: Path, target: Path) -> None:
    """Put a folder where nothing is, or raise as `check_free`: somebody else may have been faster.

    Raises:
        StorageError: Something is there.
        OSError: It can't be written.
    """
    try:
        made.rename(target)
    except OSError:
        check_free(target)
        raise


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file by rename, so that a reader or a crash never sees half of it.

    Args:
        path: The file; its folder exists.
        content: All of it; text is written as UTF-8.

    Raises:
        StorageError: The disk is full or may not be written to; `path` is as it was before.
    """
    if os.path.isdir(path):  # which a folder that can't be looked into does not stop
        message = f"Could not write `{path}`: it is a folder."
        raise StorageError(message)
    data = content.encode() if isinstance(content, str) else content
    with storage_errors(path), staged_file(path) as made:
        with made.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        made.replace(path)


def remove_partial_files(folder: Path) -> None:
    """Delete what writers that were killed left in a folder."""
    remove_abandoned(folder, ".")
