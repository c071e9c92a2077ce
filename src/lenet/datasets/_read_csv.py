"""Tables as text: a label with all pixels of an image a line, or a label with a picture's file."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from lenet._storage import reading_errors
from lenet.datasets._contents import Contents, Label, Piece
from lenet.datasets._image_arrays import to_pictures
from lenet.datasets._parts import Part, part_of
from lenet.errors import DataFileError

_LABEL_NAMES = ("label", "labels", "class", "target", "category", "y", "class_label", "class_name")
_FILE_NAMES = (
    "path",
    "file",
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "image",
    "img",
    "image_path",
    "image_name",
    "picture",
)
_ROW_NAMES = ("", "id", "index", "unnamed: 0")  # columns that number the lines
_PIXEL_NAME = re.compile(r"(pixel|px|p|x)?[ _-]?\d+([x_ -]\d+)?", re.IGNORECASE)
_LONGEST_LINE = 2**24  # characters; an image of 1024×1024 pixels has fewer
_LEAST_PIXELS = 4
_PIECE = 512  # lines
_FRACTION = re.compile("[.eE]")  # in a number


@dataclass(frozen=True)
class _Table:
    """How a file's lines are to be read.

    Attributes:
        path: The file.
        delimiter: What parts the cells of a line.
        has_header: Whether the first line names the columns.
        columns: How many cells every line has.
        label: The column of the labels.
        pixels: The columns of the pixels; none where `file` is given.
        file: The column of the pictures' files.
    """

    path: Path
    delimiter: str
    has_header: bool
    columns: int
    label: int
    pixels: tuple[int, ...] = ()
    file: int | None = None


def list_csv(paths: list[Path]) -> Contents:
    """Find out how some tables are to be read, each a part of one dataset.

    Raises:
        DataFileError: One of them has no labels, or neither pixels nor files.
    """
    tables = [_recognise(path) for path in paths]
    parts: list[Part | None] = [part_of(path.name) if len(paths) > 1 else None for path in paths]
    files = list(paths)
    for table in tables:
        if table.file is not None:
            files += [picture for _, picture, _ in _pictures(table)]
    kind = "pixels" if tables[0].pixels else "pictures' files"
    return Contents(f"a table of {kind} (CSV)", files, partial(_read, tables, parts))


def _recognise(path: Path) -> _Table:
    """Find the columns by their names and contents."""
    lines = [line for _, line in islice(_lines(path), 2)]
    if not lines:
        message = f"`{path}` is empty."
        raise DataFileError(message)
    delimiter = max(",;\t", key=lines[0].count)
    first, sample = _cells(lines[0], delimiter), _cells(lines[-1], delimiter)
    names = _column_names(first)
    has_header = names is not None or _counts_up(first)
    if len(first) < 2:
        message = f"`{path}` has one column; a table has a label and pixels or a file on each line."
        raise DataFileError(message)
    if has_header and len(lines) == 1:
        message = f"`{path}` names its columns and has no lines below."
        raise DataFileError(message)
    table = partial(_Table, path, delimiter, has_header, len(first))
    columns = range(len(first))
    file = _file_column(path, names, sample)
    if file is not None:
        return table(_label_column(path, names, [c for c in columns if c != file]), file=file)
    label = _label_column(path, names, columns)
    pixels = tuple(c for c in columns if c != label and not (names and names[c] in _ROW_NAMES))
    if len(first) <= _LEAST_PIXELS:
        message = (
            f"`{path}` has {len(first)} columns, none of which holds the pictures' files; name it "
            "`path`. Files are looked for beside the table."
        )
        raise DataFileError(message)
    side = round(len(pixels) ** 0.5)
    if side * side != len(pixels):
        message = (
            f"`{path}` has {len(pixels)} columns beside the label, which make no square image of "
            "grey pixels."
        )
        raise DataFileError(message)
    return table(label, pixels)


def _column_names(first: list[str]) -> list[str] | None:
    """The names of the columns in lower case, if the first line has them."""
    names = [cell.strip().lower() for cell in first]
    texts = [name for name in names if not _is_number(name)]
    has_pixels = len(first) > _LEAST_PIXELS
    if (
        {*_LABEL_NAMES, *_FILE_NAMES} & set(names)
        or (has_pixels and len(texts) > 1)
        or (texts and _counts_up([name for name in names if _is_number(name)]))
    ):
        return names
    return None


def _counts_up(cells: list[str]) -> bool:
    """Whether cells number the columns, as programs do that have no names for them."""
    if len(cells) < _LEAST_PIXELS or not all(cell.strip().isdecimal() for cell in cells):
        return False
    numbers = list(map(int, cells))
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _label_column(path: Path, names: list[str] | None, columns: Sequence[int]) -> int:
    """The column that holds the labels: by its name, else the first."""
    if names is None:
        return columns[0]
    for name in _LABEL_NAMES:
        if name in names and names.index(name) in columns:
            return names.index(name)
    unlike = [
        column
        for column in columns
        if names[column] not in _ROW_NAMES and not _PIXEL_NAME.fullmatch(names[column])
    ]
    if len(unlike) == 1:
        return unlike[0]
    message = f"`{path}` has no column of labels; name it `label`."
    raise DataFileError(message)


def _file_column(path: Path, names: list[str] | None, sample: list[str]) -> int | None:
    """The column that holds the pictures' files, if there is one."""
    for name in _FILE_NAMES:
        if names and name in names:
            column = names.index(name)
            if column < len(sample) and not _is_number(sample[column]):
                return column
    for column, cell in enumerate(sample[:_LEAST_PIXELS]):
        if not _is_number(cell) and cell.strip() and _resolve(path, cell).is_file():
            return column
    return None


def _resolve(table: Path, cell: str) -> Path:
    """A picture's file, looked for beside the table."""
    return table.parent / cell.strip().replace("\\", "/")


def _is_number(cell: str) -> bool:
    """Whether a cell is a number, as a pixel is."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _cells(line: str, delimiter: str) -> list[str]:
    """The cells of a line."""
    if '"' in line:
        return next(csv.reader([line], delimiter=delimiter))
    return line.split(delimiter)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file that hold something, with their numbers, counted from 1."""
    with reading_errors(path, DataFileError), path.open(encoding="utf-8-sig") as file:
        number = 0
        try:
            while line := file.readline(_LONGEST_LINE + 1):
                number += 1
                if len(line) > _LONGEST_LINE or "\0" in line:
                    message = f"`{path}` is not a table: see line {number}."
                    raise DataFileError(message)
                if line.strip():
                    yield number, line.rstrip("\r\n")
        except UnicodeDecodeError as error:
            message = f"`{path}` is not a table in UTF-8: see after line {number}."
            raise DataFileError(message) from error


def _rows(table: _Table) -> Iterator[tuple[int, list[str]]]:
    """The cells of every line below the header, with the line's number."""
    for number, line in islice(_lines(table.path), int(table.has_header), None):
        try:
            cells = _cells(line, table.delimiter)
        except csv.Error as error:
            message = f"`{table.path}`, line {number}: {error}."
            raise DataFileError(message) from error
        if len(cells) != table.columns:
            message = (
                f"`{table.path}`, line {number}: {len(cells)} cells where the first line has "
                f"{table.columns}."
            )
            raise DataFileError(message)
        yield number, cells


def _label(table: _Table, number: int, cells: list[str]) -> Label:
    """A line's label: a whole number, or else a text."""
    text = cells[table.label].strip()
    if text.lower() in ("", "nan", "none", "null", "na"):
        message = f"`{table.path}`, line {number}: the label is missing."
        raise DataFileError(message)
    if re.fullmatch(r"[+-]?\d{1,18}(\.0*)?", text):
        return int(text.partition(".")[0])
    return text


def _read(tables: list[_Table], parts: list[Part | None]) -> Iterator[Piece]:
    """The examples of every table, some at a time."""
    for table, part in zip(tables, parts, strict=True):
        yield from _read_files(table, part) if table.pixels == () else _read_pixels(table, part)


def _pictures(table: _Table) -> Iterator[tuple[Label, Path, str]]:
    """The label, file and place of every line."""
    assert table.file is not None
    for number, cells in _rows(table):
        path = _resolve(table.path, cells[table.file])
        yield _label(table, number, cells), path, f"`{path}` (`{table.path.name}`, line {number})"


def _read_files(table: _Table, part: Part | None) -> Iterator[Piece]:
    """Pictures in files of their own."""
    pictures = _pictures(table)
    while batch := list(islice(pictures, _PIECE)):
        labels, paths, places = zip(*batch, strict=True)
        yield Piece(part, labels, paths, places)


def _read_pixels(table: _Table, part: Part | None) -> Iterator[Piece]:
    """Images written out pixel by pixel."""
    rows = _rows(table)
    while batch := list(islice(rows, _PIECE)):
        labels = [_label(table, number, cells) for number, cells in batch]
        texts = [",".join(cells[column] for column in table.pixels) for _, cells in batch]
        try:
            values = np.loadtxt(texts, np.float64, comments=None, delimiter=",", ndmin=2)
        except ValueError as error:
            message = f"`{table.path}`, lines {batch[0][0]} to {batch[-1][0]}: {error}"
            raise DataFileError(message) from error
        # Some lines of dark pixels, all 0 or 1, are whole numbers and not fractions.
        if np.isfinite(values).all() and not any(_FRACTION.search(text) for text in texts):
            values = values.astype(np.int64)
        place = f"`{table.path}`, lines {batch[0][0]} to {batch[-1][0]}:"
        pictures = to_pictures(values, place)
        lowest, highest = pictures.min(), pictures.max()
        if lowest < 0 or highest > 255:  # a column of other numbers would set the scale of all
            message = f"{place} hold values from {lowest} to {highest}; pixels go from 0 to 255."
            raise DataFileError(message)
        yield Piece(part, labels, pictures, [place])
