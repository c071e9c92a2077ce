"""Tables as text: a label with all pixels of an image a line, or a label with a picture's file."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from lenet.core import reading_errors
from lenet.datasets.readers._arrays import to_pictures
from lenet.datasets.readers._contents import Contents, Label, RawExamples, SplitName, split_of
from lenet.errors import DataFileError

_LABEL_NAMES = ("label", "labels", "class", "target", "category", "y", "class_label", "class_name")
_FILE_NAMES: tuple[str, ...] = ("path", "file", "filename", "file_name", "filepath", "file_path")
_FILE_NAMES += ("image", "img", "image_path", "image_name", "picture")
_ROW_NAMES = ("", "id", "index", "unnamed: 0")  # columns that number the lines
_PIXEL_NAME = re.compile(r"(pixel|px|p|x)?[ _-]?\d+([x_ -]\d+)?", re.IGNORECASE)
_LONGEST_LINE = 2**24  # characters; an image of 1024×1024 pixels has fewer
_LEAST_PIXELS = 4
_AT_ONCE = 512  # lines
_FRACTION = re.compile("[.eE]")  # in a number
_NAMED = 3  # columns in an error
_WHOLE = re.compile(r"\d{1,3}(\.0*)?")
_HIGHEST_LABEL = 100  # that a column may hold and look like labels; pixels go further
_LEAST_LINES = 8  # that a column must have to look like anything
_MOSTLY = 0.9  # of its lines hold one value: a pixel at the edge, rather than labels


@dataclass(frozen=True)
class _Table:
    """How a file's lines are to be read: the columns of its labels, and of its pixels or files."""

    path: Path
    split: SplitName | None
    delimiter: str
    columns: int
    names: tuple[str, ...]  # of the columns; none where the first line is one like the others
    label: int
    pixels: tuple[int, ...] = ()
    file: int | None = None
    is_guess: bool = False  # the first column is taken for the label for want of better knowledge

    def rows(self) -> Iterator[tuple[int, Label, list[str]]]:
        """Every line below the header: its number, its label, its cells."""
        for number, line in islice(_lines(self.path), bool(self.names), None):
            cells = _cells(line, self.delimiter)
            if len(cells) != self.columns:
                message = (
                    f"`{self.path}`, line {number}: {len(cells)} cells where the first line has "
                    f"{self.columns}."
                )
                raise DataFileError(message)
            label = cells[self.label].strip()
            if not label:
                message = f"`{self.path}`, line {number}: the label is missing."
                raise DataFileError(message)
            is_whole = re.fullmatch(r"[+-]?\d{1,18}(\.0*)?", label)
            yield number, int(label.partition(".")[0]) if is_whole else label, cells

    def picture(self, cells: list[str]) -> Path:
        assert self.file is not None
        return _beside(self.path, cells[self.file])


def list_csv(paths: list[Path], label_column: str = "", left_out: Sequence[Path] = ()) -> Contents:
    """Find out how some tables are to be read, each a split of one dataset.

    Tables beside them that are `left_out` are named.
    """
    tables = [
        _recognise(path, split_of(path.name) if len(paths) > 1 else None, label_column)
        for path in paths
    ]
    files = list(paths)
    for table in tables:
        if table.file is not None:
            files += [table.picture(cells) for _, _, cells in table.rows()]
    kind = "pixels" if tables[0].pixels else "pictures' files"
    notes = []
    if len(paths) > 1:
        named = ", ".join(f"`{table.path.name}` ({table.split})" for table in tables)
        notes.append(f"Parts of the data by the names of tables: {named}.")
    if left_out:
        notes.append(f"Passed over: {', '.join(f'`{path.name}`' for path in left_out)}.")
    read = partial(_read, tables)
    return Contents(f"a table of {kind} (CSV)", files, read, notes=tuple(notes))


def _recognise(path: Path, split: SplitName | None, label_column: str) -> _Table:
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
    header = tuple(cell.strip() for cell in first) if has_header else ()
    table = partial(_Table, path, split, delimiter, len(first), header)
    file = _file_column(path, names, sample)
    columns = [column for column in range(len(first)) if column != file]
    if label_column:
        label = _chosen_column(path, header, columns, label_column)
    else:
        label = _label_column(path, names, columns)
    if file is not None:
        return table(label, file=file)
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
    return table(label, pixels, is_guess=names is None and not label_column)


def _column_names(first: list[str]) -> list[str] | None:
    names = [cell.strip().lower() for cell in first]
    texts = [name for name in names if not _is_number(name)]
    has_pixels = len(first) > _LEAST_PIXELS
    known = {*_LABEL_NAMES, *_FILE_NAMES} & set(names)
    if has_pixels and len(texts) == 1:
        known.discard("y")  # it is a letter's label, if what follows does not number the pixels
    counts_up = texts and _counts_up([name for name in names if _is_number(name)])
    return names if known or counts_up or (has_pixels and len(texts) > 1) else None


def _counts_up(cells: list[str]) -> bool:
    """Whether cells number the columns, as programs do that have no names for them."""
    if len(cells) < _LEAST_PIXELS or not all(cell.strip().isdecimal() for cell in cells):
        return False
    numbers = list(map(int, cells))
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _chosen_column(path: Path, header: tuple[str, ...], columns: Sequence[int], wanted: str) -> int:
    """The column that was said to hold the labels: by its name, number or end of the line."""
    names = [name.lower() for name in header]
    ends = {"first": columns[0], "last": columns[-1]}
    if wanted.strip().lower() in names:
        column = names.index(wanted.strip().lower())
    elif wanted.strip().isdecimal():
        column = int(wanted) - 1
    else:
        column = ends.get(wanted.strip().lower(), -1)
    if column not in columns:
        named = f": {', '.join(f'`{name}`' for name in header[:_NAMED])}, …" if header else ""
        message = (
            f"`{path}` has no column `{wanted}` that could hold the labels. It has "
            f"{len(columns):,} to choose from{named}; say its name, its number from 1 on, `first` "
            "or `last`."
        )
        raise DataFileError(message)
    return column


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
    for name in _FILE_NAMES:
        if names and name in names:
            column = names.index(name)
            if column < len(sample) and not _is_number(sample[column]):
                return column
    for column, cell in enumerate(sample[:_LEAST_PIXELS]):
        if not _is_number(cell) and cell.strip() and _beside(path, cell).is_file():
            return column
    return None


def _beside(table: Path, cell: str) -> Path:
    """A picture's file, looked for beside the table."""
    return table.parent / cell.strip().replace("\\", "/")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _cells(line: str, delimiter: str) -> list[str]:
    if '"' in line:
        try:
            return next(csv.reader([line], delimiter=delimiter))
        except csv.Error:  # a cell is too long for any of ours
            return [line]
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
            message = f"`{path}` is not in UTF-8. Save it so; Excel calls that `CSV UTF-8`."
            raise DataFileError(message) from error


def _read(tables: list[_Table]) -> Iterator[RawExamples]:
    for table in tables:
        yield from _read_pixels(_with_known_label(table)) if table.pixels else _read_files(table)


def _with_known_label(table: _Table) -> _Table:
    """The table with its label last where the columns say so; an error where either may be it."""
    if not table.is_guess:
        return table
    first: Counter[str] = Counter()  # how often the first and the last column hold which values
    last: Counter[str] = Counter()
    for _, line in islice(_lines(table.path), bool(table.names), None):
        first[line.partition(table.delimiter)[0].strip(' "')] += 1
        last[line.rpartition(table.delimiter)[2].strip(' "')] += 1
    if all(map(_is_number, first)) and not all(_is_number(value) for value in last if value):
        end = table.columns - 1  # a text is no pixel
        return replace(table, label=end, pixels=tuple(range(end)))
    if not _look_like_labels(last):
        return table
    shares = [max(counts.values()) / counts.total() for counts in (first, last)]
    is_first = _look_like_labels(first)
    if is_first and shares[0] < _MOSTLY < shares[1]:
        return table
    which = "first and its last column look" if is_first else "last column, not its first, looks"
    message = (
        f"`{table.path}` does not name its columns, and its {which} like labels. Say which holds "
        'them: `--label-column last` or `--label-column first` (`label_column="last"`).'
    )
    raise DataFileError(message)


def _look_like_labels(values: Counter[str]) -> bool:
    """Whether they count classes: few whole numbers from 0 or 1 on without gaps, each repeated."""
    if values.total() < max(_LEAST_LINES, 2 * len(values)):
        return False
    if not all(map(_WHOLE.fullmatch, values)):
        return False
    numbers = {int(value.partition(".")[0]) for value in values}
    lowest, highest = min(numbers), max(numbers)
    has_no_gaps = highest + 1 - lowest == len(numbers) > 1
    return has_no_gaps and lowest <= 1 and highest <= _HIGHEST_LABEL


def _read_files(table: _Table) -> Iterator[RawExamples]:
    rows = table.rows()
    while batch := list(islice(rows, _AT_ONCE)):
        paths = [table.picture(cells) for _, _, cells in batch]
        places = [
            f"`{path}` (`{table.path.name}`, line {number})"
            for path, (number, _, _) in zip(paths, batch, strict=True)
        ]
        yield RawExamples(table.split, [label for _, label, _ in batch], paths, places)


def _read_pixels(table: _Table) -> Iterator[RawExamples]:
    rows = table.rows()
    while batch := list(islice(rows, _AT_ONCE)):
        place = f"`{table.path}`, lines {batch[0][0]} to {batch[-1][0]}:"
        texts = [",".join(cells[column] for column in table.pixels) for _, _, cells in batch]
        try:
            values = np.loadtxt(texts, np.float64, comments=None, delimiter=",", ndmin=2)
        except ValueError as error:
            raise DataFileError(_bad_cell(table, batch) or f"{place} {error}") from error
        # Some lines of dark pixels, all 0 or 1, are whole numbers and not fractions.
        if np.isfinite(values).all() and not any(_FRACTION.search(text) for text in texts):
            values = values.astype(np.int64)
        pictures = to_pictures(values, place)
        lowest, highest = pictures.min(), pictures.max()
        if lowest < 0 or highest > 255:  # a column of other numbers would set the scale of all
            message = f"{place} hold values from {lowest} to {highest}; pixels go from 0 to 255."
            raise DataFileError(message)
        yield RawExamples(table.split, [label for _, label, _ in batch], pictures, [place])


def _bad_cell(table: _Table, rows: list[tuple[int, Label, list[str]]]) -> str:
    """Where the first cell is that holds no pixel, and what it holds instead."""
    for number, _, cells in rows:
        for column in table.pixels:
            if not _is_number(cells[column]):
                name = f" (`{table.names[column]}`)" if table.names else ""
                cell = cells[column].strip()
                problem = f"`{cell}` is no number" if cell else "the cell is empty"
                return f"`{table.path}`, line {number}, column {column + 1}{name}: {problem}."
    return ""
