"""How a table of text is to be read, found out from its first lines."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from math import isfinite
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lenet.datasets.readers._arrays import are_planar
from lenet.datasets.readers._column_names import column_names, counts_up
from lenet.datasets.readers._columns import Columns, Heading, describe_colours, find_columns
from lenet.datasets.readers._contents import (
    Label,
    SplitName,
    name_some,
    split_of,
)
from lenet.datasets.readers._likely_labels import is_number
from lenet.datasets.readers._lines import (
    find_delimiter,
    is_picture_name,
    json_names,
    read_lines,
    split_line,
)
from lenet.datasets.readers._table_pictures import PicturePlaces, find_pictures
from lenet.errors import DataFileError

_LOOKED_AT, _CHARACTERS = 64, 2**24  # lines, and how long together, to see what columns hold
_FRACTION = re.compile("[.eE]")  # in a number
_WHOLE = re.compile(r"[+-]?\d{1,18}(\.0*)?")
_IN_POWERS = re.compile(r"[+-]?\d\.\d+e[+-]\d\d")  # as NumPy's `savetxt` writes numbers
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+")
_SPARSE = re.compile(r"\d+:\S+")
_BYTES = re.compile(r"b'([^']*)'|b\"([^\"]*)\"")  # as Python shows them
_LARGEST_WHOLE = 2.0**53  # that a fraction holds exactly
_NAMED = 3  # tables in a sentence


@dataclass(frozen=True)
class Table:
    """How a file's lines are to be read."""

    path: Path
    split: SplitName | None
    delimiter: str  # a blank stands for any number of blanks
    width: int
    header: tuple[str, ...]  # the columns' names; none where the first line is like the others
    columns: Columns
    place: PicturePlaces
    is_planar: bool = False

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Every line below the header: its number, its cells."""
        above = bool(self.header) and self.delimiter != "{"
        for number, line in islice(read_lines(self.path), above, None):
            cells = split_line(line, self.delimiter, self.header)
            if len(cells) != self.width:
                message = (
                    f"`{self.path}`, line {number}: {len(cells)} cells where the first line has "
                    f"{self.width}."
                )
                raise DataFileError(message)
            yield number, cells

    def label(self, number: int, cells: Sequence[str]) -> Label:
        labels = self.columns.labels
        if len(labels) > 1:
            values = [float(cells[c]) if is_number(cells[c]) else -1.0 for c in labels]
            if sorted(values) != [0.0] * (len(values) - 1) + [1.0]:
                message = (
                    f"`{self.path}`, line {number}: one of the {len(labels)} columns of classes "
                    "should be 1, and the others 0."
                )
                raise DataFileError(message)
            return values.index(1.0)
        label = cells[labels[0]].strip()
        if not label:
            message = f"`{self.path}`, line {number}: the label is missing."
            raise DataFileError(message)
        return to_label(label)

    def part(self, cells: Sequence[str]) -> SplitName | None:
        part = self.columns.part
        return self.split if part is None else split_of(cells[part])

    def group(self, cells: Sequence[str]) -> str:
        group = self.columns.group
        return "" if group is None else cells[group].strip()

    def picture(self, cells: Sequence[str]) -> Path:
        assert self.columns.file is not None
        return self.place.of(cells[self.columns.file])


def to_label(text: str) -> Label:
    """A label as a cell holds it: a number where it is a whole one, a text otherwise.

    >>> to_label("7"), to_label("7.0"), to_label("1.000000000000000000e+00"), to_label("NaN")
    (7, 7, 1, 'NaN')
    >>> to_label("b'cat'"), to_label("1e3"), to_label("7a")
    ('cat', '1e3', '7a')
    """
    if _WHOLE.fullmatch(text):
        return int(text.partition(".")[0])
    if _IN_POWERS.fullmatch(text) and float(text).is_integer():
        return int(float(text))
    quoted = _BYTES.fullmatch(text)
    return to_label(quoted[1] or quoted[2]) if quoted and (quoted[1] or quoted[2]) else text


def part_of_table(path: Path) -> SplitName | None:
    """What a table is for, by its name or by that of its folder."""
    return split_of(path.name) or split_of(path.parent.name)


def describe_table(table: Table) -> Iterator[str]:
    """What a person should know of how a table is read, a sentence each."""
    columns = table.columns
    if columns.note:
        yield columns.note
    place = table.place
    if columns.file is not None and (place.folders != (table.path.parent,) or place.ending):
        where = [
            (folder / f"…{place.ending}").relative_to(table.path.parent) for folder in place.folders
        ]
        yield f"The pictures of `{table.path.name}` are taken from {name_some(where, _NAMED)}."
    if columns.shape and columns.shape[2] == 3:
        yield describe_colours(len(columns.pixels), columns.shape, table.is_planar)


def recognise_table(
    path: Path, split: SplitName | None, label_column: str, group_column: str = ""
) -> Table:
    lines = _first_lines(path)
    if not lines:
        message = f"`{path}` is empty."
        raise DataFileError(message)
    delimiter = find_delimiter(lines[0])
    is_json = delimiter == "{"
    first = json_names(lines[0]) if is_json else split_line(lines[0], delimiter)
    first = [cell.strip() for cell in first]
    has_names = column_names(first) is not None or counts_up(first)
    has_header = is_json or (has_names and not any(map(is_picture_name, first)))
    if len(first) < 2:
        message = f"`{path}` has one column; a table has a label and pixels or a file on each line."
        if not is_json and is_number(lines[-1]):
            message += (
                " If it holds the labels of another table's pixels, put them into that table; or "
                "pass both to `lenet.train(dataset=(X, y))`."
            )
        raise DataFileError(message)
    if delimiter == " " and all(map(_SPARSE.fullmatch, first[1:])):
        message = (
            f"`{path}` is in LIBSVM's format; read it by `sklearn.datasets.load_svmlight_file` "
            "and pass `(X.toarray(), y)` to `lenet.train(dataset=…)`."
        )
        raise DataFileError(message)
    if has_header and len(lines) == 1 and not is_json:
        message = f"`{path}` names its columns and has no lines below."
        raise DataFileError(message)
    header = tuple(first) if has_header else ()
    below = lines[bool(header) and not is_json :]
    rows = [split_line(line, delimiter, header) for line in below]
    rows = [row for row in rows if len(row) == len(first)] or [[""] * len(first)]
    heading = Heading(
        path,
        header,
        rows,
        label_column,
        group_column,
        partial(_count_values, path, delimiter, len(first), bool(header)),
        lambda cell: find_pictures(path, split_of(path.name), [cell]) is not None,
    )
    columns = find_columns(heading)
    place = None
    if columns.file is not None:
        cells = [row[columns.file] for row in rows if row[columns.file].strip()]
        place = find_pictures(path, split_of(path.name), cells)
    table = Table(
        path, split, delimiter, len(first), header, columns, place or PicturePlaces((path.parent,))
    )
    if columns.shape and columns.shape[2] == 3:
        is_planar = columns.is_planar
        if is_planar is None:
            is_planar = are_planar(numbers_of(table, list(enumerate(rows, 1))))
        table = replace(table, is_planar=is_planar)
    return table


def _first_lines(path: Path) -> list[str]:
    lines: list[str] = []
    for _, line in islice(read_lines(path), 1 + _LOOKED_AT):
        lines.append(line)
        if len(lines) > 1 and sum(map(len, lines)) > _CHARACTERS:
            break
    return lines


def _count_values(
    path: Path, delimiter: str, width: int, has_header: bool, columns: Sequence[int]
) -> Mapping[int, Counter[str]]:
    """How often which value stands in some columns, over all lines."""
    counted: dict[int, Counter[str]] = {column: Counter() for column in columns}
    for _, line in islice(read_lines(path), has_header, None):
        for column, values in counted.items():
            values[_cell_of(line, delimiter, column, width).strip()] += 1
    return counted


def _cell_of(line: str, delimiter: str, column: int, width: int) -> str:
    """One cell of a line, which is not parted more than it takes."""
    between = None if delimiter == " " else delimiter
    if '"' in line:
        cells = split_line(line, delimiter)
    elif column == width - 1:
        return line.rsplit(between, 1)[-1]
    else:
        cells = line.split(between, column + 1)
    return cells[column] if column < len(cells) else ""


def numbers_of(table: Table, batch: list[tuple[int, list[str]]]) -> npt.NDArray[np.generic]:
    """The pixels of some lines, a row each; whole numbers where none is written as a fraction."""
    pixels = table.columns.pixels
    if len(pixels) == 1:
        texts = [",".join(cells[pixels[0]].split()) for _, cells in batch]
    else:
        texts = [",".join(cells[column] for column in pixels) for _, cells in batch]
    try:
        values = np.loadtxt(texts, np.float64, comments=None, delimiter=",", ndmin=2)
    except ValueError as error:
        place = f"`{table.path}`, lines {batch[0][0]} to {batch[-1][0]}:"
        raise DataFileError(_bad_cell(table, batch) or f"{place} {error}") from error
    if len(pixels) > 1 and values.shape[1] != len(pixels):  # as 0,5 is two numbers
        raise DataFileError(_bad_cell(table, batch))
    if not np.isfinite(values).all():
        raise DataFileError(_bad_cell(table, batch))
    # Some lines of dark pixels, all 0 or 1, are whole numbers and not fractions.
    is_whole = not any(_FRACTION.search(text) for text in texts)
    is_whole = is_whole and bool((np.abs(values) < _LARGEST_WHOLE).all())
    return values.astype(np.int64) if is_whole else values


def _bad_cell(table: Table, rows: list[tuple[int, list[str]]]) -> str:
    """Where the first cell is that holds no pixel, and what it holds instead."""
    for number, cells in rows:
        for column in table.columns.pixels:
            found = cells[column].split() if len(table.columns.pixels) == 1 else [cells[column]]
            cells_of = (cell.strip() for cell in found)
            wrong = next((c for c in cells_of if not is_number(c) or not isfinite(float(c))), None)
            if wrong is not None:
                name = f" (`{table.header[column]}`)" if table.header else ""
                kind = "not finite" if is_number(wrong) else "no number"
                problem = f"`{wrong}` is {kind}" if wrong else "the cell is empty"
                if _DECIMAL_COMMA.fullmatch(wrong):
                    problem += f"; write it with a point, as {wrong.replace(',', '.')}"
                return f"`{table.path}`, line {number}, column {column + 1}{name}: {problem}."
    return ""
