"""Files that appear whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lenet.errors import LenetError, StorageError

PARTIAL_SUFFIX = ".partial"


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write `path` into one clear `StorageError`."""
    try:
        yield
    except OSError as error:
        message = f"Could not write `{path}`: {(error.strerror or str(error)).lower()}."
        raise StorageError(message) from error


@contextmanager
def reading_errors(path: Path, error_class: type[LenetError]) -> Iterator[None]:
    """Turn the operating system's refusal to read `path` into one clear error of a class."""
    try:
        yield
    except OSError as error:
        message = f"Could not read `{path}`: {(error.strerror or str(error)).lower()}."
        raise error_class(message) from error


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file by rename, so that a reader or a crash never sees half of it.

    Args:
        path: The file; its folder exists.
        content: All of it; text is written as UTF-8.

    Raises:
        StorageError: The disk is full or may not be written to; `path` is as it was before.
    """
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{os.getpid()}{PARTIAL_SUFFIX}")
    with storage_errors(path):
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise


def remove_partial_files(folder: Path) -> None:
    """Delete what writers killed in the middle of `write_atomically` left in a folder."""
    for leftover in folder.glob(f".*{PARTIAL_SUFFIX}"):
        with storage_errors(leftover):
            leftover.unlink(missing_ok=True)
