"""The check sums that lie beside files, in `SHA256SUMS` as `sha256sum` writes and reads it."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from lenet.core import open_to_read
from lenet.datasets.readers._contents import (
    CLASS_NAMES_FILE,
    SUMS_FILE,
    Contents,
    RawExamples,
)
from lenet.errors import DataFileError

_LARGEST = 2**24  # bytes of it
_PIECE = 2**20
_LINE = re.compile(r"([0-9a-fA-F]{64}) [ *](.+)")


def pack_sums(folder: Path) -> str:
    """What `SHA256SUMS` says of the files in a folder."""
    paths = sorted(path for path in folder.iterdir() if path.is_file())
    return "".join(f"{_sum_of(path)}  {path.name}\n" for path in paths)


def with_checked_sums(contents: Contents, place: Path) -> Contents:
    """The same; before it is read, files are compared with what `SHA256SUMS` beside them says.

    So are the names of the classes in the folder that it is read from.
    """
    files = list(dict.fromkeys([place / CLASS_NAMES_FILE, *contents.files]))
    is_checked = False

    def read() -> Iterator[RawExamples]:
        nonlocal is_checked
        if not is_checked:
            _check_sums(files)
            is_checked = True
        yield from contents.read()

    return replace(contents, read=read)


def _check_sums(files: Sequence[Path]) -> None:
    for folder in dict.fromkeys(file.parent for file in files):
        sums = _read_sums(folder / SUMS_FILE)
        for path in files if sums else ():
            written = sums.get(path.name) if path.parent == folder else None
            if written and path.is_file() and _sum_of(path) != written:
                message = (
                    f"`{path}` is not as it was written, by `{SUMS_FILE}` beside it. Copy it again "
                    f"from where it is whole; if you changed it yourself, remove `{SUMS_FILE}`."
                )
                raise DataFileError(message)


def _read_sums(path: Path) -> dict[str, str]:
    """The check sums by the names of files; of lines that are none nothing is taken."""
    if not path.is_file():
        return {}
    with open_to_read(path, DataFileError) as file:
        text = file.read(_LARGEST).decode("utf-8", "surrogateescape")
    found = (_LINE.fullmatch(line) for line in text.splitlines())
    return {match[2]: match[1].lower() for match in found if match}


def _sum_of(path: Path) -> str:
    digest = hashlib.sha256()
    with open_to_read(path, DataFileError) as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
