"""The lines of a table, and their cells."""

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lenet.core import open_to_read
from lenet.datasets.readers._contents import check_unpacked_size
from lenet.errors import DataFileError
from lenet.pictures import SUFFIXES

_LONGEST_LINE = 2**24  # characters; an image of 1024×1024 pixels has fewer
_SEPARATOR = re.compile(r'"?sep=.?"?')  # which Excel writes above a table
_LARGEST_JSON = 2**28  # bytes
_LOOK_AFTER = 2**24  # characters that were unpacked; then it is seen from how many bytes
_GZIP_MAGIC = b"\x1f\x8b"


def find_delimiter(line: str) -> str:
    """What parts a line's cells; a blank stands for any number of blanks, a brace for JSON."""
    if line.lstrip().startswith("{"):
        return "{"
    found = max(",;\t", key=line.count)
    return " " if found not in line and len(line.split()) > 1 else found


def json_names(line: str) -> list[str]:
    """The names of the values in a line of JSON."""
    return list(map(str, _json_object(line)))


def split_line(line: str, delimiter: str, names: Sequence[str] = ()) -> list[str]:
    """The cells of a line; of JSON those of some names.

    >>> split_line('{"label": "none", "pixels": [[0, 9], [9, 0]]}', "{", ["pixels", "label", "id"])
    ['0 9 9 0', 'none', '']
    """
    if delimiter == "{":
        values = _json_object(line)
        return [_json_text(values.get(name)) for name in names] if values else []
    if delimiter == " ":
        return _parted_by_blanks(line)
    if '"' in line:
        try:
            return next(csv.reader(io.StringIO(line, newline=""), delimiter=delimiter))
        except csv.Error:  # a cell is too long for any of ours
            return [line]
    return line.split(delimiter)


def _json_object(line: str) -> dict[str, Any]:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _json_text(value: Any) -> str:
    if isinstance(value, list):  # of pixels, or of rows of them
        return " ".join(map(_json_text, value))
    if isinstance(value, bool):
        return str(int(value))
    return "" if value is None else str(value)


def _parted_by_blanks(line: str) -> list[str]:
    """The cells of a line of numbers; or a picture's file, whose name may hold blanks, and a label.

    >>> _parted_by_blanks("my photo 1.jpg 7"), _parted_by_blanks("7 my photo 1.jpg")
    (['my photo 1.jpg', '7'], ['7', 'my photo 1.jpg'])
    """
    cells = line.split()
    if len(cells) > 2:
        front, end = line.strip().rsplit(None, 1)
        start, rest = line.strip().split(None, 1)
        if is_picture_name(front):
            return [front, end]
        if is_picture_name(rest):
            return [start, rest]
    return cells


def is_picture_name(name: str) -> bool:
    """Whether a name ends as pictures' do."""
    return "." + name.strip().rpartition(".")[2].lower() in SUFFIXES


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file that hold something, with their numbers, counted from 1.

    A quoted cell that goes over several lines makes one of them. The file may be gzip-compressed.
    What is JSON as a whole (`.json`) is given as JSON lines.
    """
    if path.suffix.lower() == ".json":
        yield from enumerate(_json_lines(path), 1)
        return
    with open_to_read(path, DataFileError) as raw:
        is_packed = raw.read(2) == _GZIP_MAGIC
        raw.seek(0)
        stream = gzip.GzipFile(fileobj=raw) if is_packed else raw
        file = io.TextIOWrapper(stream, encoding="utf-8-sig")
        number, start, length, is_open = 0, 0, 0, False
        unpacked, looked = 0, 0
        parts: list[str] = []  # of a line: a quoted cell may go over many, and be looked at once
        try:
            while line := file.readline(_LONGEST_LINE + 1):
                number += 1
                start = start if parts else number
                parts.append(line)
                length += len(line)
                unpacked += len(line)
                if is_packed and unpacked > looked + _LOOK_AFTER:
                    looked = unpacked
                    check_unpacked_size(f"`{path}`", raw.tell(), unpacked)
                if length > _LONGEST_LINE or "\0" in line:
                    message = f"`{path}` is not a table: see line {number}."
                    raise DataFileError(message)
                if '"' in line:
                    is_open = is_open != bool(line.count('"') % 2) if is_open else _opens(line)
                if is_open:
                    continue
                whole = "".join(parts)
                parts, length = [], 0
                if whole.strip() and not (number == 1 and _SEPARATOR.fullmatch(whole.strip())):
                    yield start, whole.rstrip("\r\n")
        except UnicodeDecodeError as error:
            message = f"`{path}` is not in UTF-8. Save it so; Excel calls that `CSV UTF-8`."
            raise DataFileError(message) from error
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            message = f"`{path}` is damaged: its gzip compression does not unpack."
            raise DataFileError(message) from error
        if is_open:
            message = f"`{path}`, line {start}: a quoted cell has no end."
            raise DataFileError(message)


def _json_lines(path: Path) -> list[str]:
    """The objects in a list; or a file and its label each, from an object of those."""
    with open_to_read(path, DataFileError) as file:
        content = file.read(_LARGEST_JSON + 1)
    try:
        values = json.loads(content.decode("utf-8-sig")) if len(content) <= _LARGEST_JSON else None
    except (ValueError, RecursionError):
        values = None
    if isinstance(values, dict):
        values = [{"file": name, "label": label} for name, label in values.items()]
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        message = (
            f"`{path}` should hold a list of objects, such as "
            '`[{"file": "0.png", "label": "cat"}, …]`, or an object of files and labels.'
        )
        raise DataFileError(message)
    return list(map(json.dumps, values))


def _opens(text: str) -> bool:
    """Whether a quoted cell begins in a line and does not end."""
    opens = text.startswith('"') or any(mark in text for mark in (',"', ';"', '\t"'))
    return opens and text.count('"') % 2 == 1
