"""Tables as text: all pixels of an image a line, or a picture's file, with a label or without."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from math import isfinite
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lenet.datasets.readers._arrays import are_planar, rows_to_pictures, to_pictures
from lenet.datasets.readers._columns import (
    Columns,
    Heading,
    column_names,
    counts_up,
    describe_colours,
    find_columns,
)
from lenet.datasets.readers._contents import (
    Contents,
    Label,
    RawExamples,
    RawPictures,
    SplitName,
    Unlabelled,
    name_some,
    number_classes,
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

_AT_ONCE = 512  # lines
_LOOKED_AT = 64  # lines, to see what the columns hold
_FRACTION = re.compile("[.eE]")  # in a number
_WHOLE = re.compile(r"[+-]?\d{1,18}(\.0*)?")
_IN_POWERS = re.compile(r"[+-]?\d\.\d+e[+-]\d\d")  # as NumPy's `savetxt` writes numbers
_SPARSE = re.compile(r"\d+:\S+")
_BYTES = re.compile(r"b'([^']*)'|b\"([^\"]*)\"")  # as Python shows them
_NAMED = 3  # tables in a sentence


@dataclass(frozen=True)
class _Table:
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


def list_csv(
    paths: list[Path],
    label_column: str = "",
    group_column: str = "",
    left_out: Sequence[Path] = (),
) -> Contents:
    """Find out how some tables are to be read, each a split of one dataset.

    Tables beside them that are `left_out` are named, and so are those without labels.
    """
    found = [
        _recognise(path, _split_of(path) if len(paths) > 1 else None, label_column, group_column)
        for path in paths
    ]
    tables = [table for table in found if table.columns.labels]
    unlabelled = [table.path for table in found if not table.columns.labels]
    if not tables:
        message = (
            f"`{unlabelled[0]}` holds pictures and no labels, so there is nothing to train on. "
            f"`lenet predict {unlabelled[0]}` answers what they show; if a column is the label, "
            "`--label-column` (`label_column`) says which."
        )
        raise DataFileError(message)
    files = [table.path for table in tables]
    for table in tables:
        if table.columns.file is not None:
            files += [table.picture(cells) for _, cells in table.rows()]
    notes = []
    if len(tables) > 1:
        several = len({table.path.name for table in tables}) < len(tables)
        named = ", ".join(
            f"`{table.path.parent.name if several else table.path.name}` ({table.split})"
            for table in tables
        )
        notes.append(f"Parts of the data by the names of tables: {named}.")
    for table in tables:
        notes += _notes(table)
    if unlabelled:
        named = name_some([path.name for path in unlabelled], _NAMED)
        notes.append(
            f"Passed over: {named}, without labels; `lenet predict {unlabelled[0]}` answers it."
        )
    if left_out:
        notes.append(f"Passed over: {', '.join(f'`{path.name}`' for path in left_out)}.")
    classes = number_classes(tables[0].columns.classes or None)
    kind = "pictures' files" if tables[0].columns.file is not None else "pixels"
    read = partial(_read, tables)
    form = f"a table of {kind} (CSV)"
    return Contents(form, files, read, classes, tuple(notes), has_groups=bool(group_column))


def _split_of(path: Path) -> SplitName | None:
    """What a table is for, by its name or by that of its folder."""
    return split_of(path.name) or split_of(path.parent.name)


def list_pictures_of_csv(path: Path, label_column: str = "") -> Unlabelled:
    """Find out how the pictures of a table are to be read, whether it has labels or not."""
    table = _recognise(path, None, label_column)
    kind = "pictures' files" if table.columns.file is not None else "pixels"
    return Unlabelled(f"a table of {kind} (CSV)", partial(_read_pictures, table))


def is_list(path: Path) -> bool:
    """Whether a text names a picture and a label on its first lines, as Caffe's `train.txt`."""
    try:
        lines = [line for _, line in islice(read_lines(path), 2)]
    except DataFileError:
        return False
    rows = [split_line(line, find_delimiter(line)) for line in lines]
    return bool(rows) and all(len(row) == 2 and sum(map(is_picture_name, row)) == 1 for row in rows)


def _notes(table: _Table) -> Iterator[str]:
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


def _recognise(
    path: Path, split: SplitName | None, label_column: str, group_column: str = ""
) -> _Table:
    lines = [line for _, line in islice(read_lines(path), 1 + _LOOKED_AT)]
    if not lines:
        message = f"`{path}` is empty."
        raise DataFileError(message)
    delimiter = find_delimiter(lines[0])
    is_json = delimiter == "{"
    first = json_names(lines[0]) if is_json else split_line(lines[0], delimiter)
    first = [cell.strip() for cell in first]
    has_header = is_json or column_names(first) is not None or counts_up(first)
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
        partial(_count_values, path, delimiter, bool(header)),
        lambda cell: find_pictures(path, split_of(path.name), [cell]) is not None,
    )
    columns = find_columns(heading)
    place = None
    if columns.file is not None:
        cells = [row[columns.file] for row in rows if row[columns.file].strip()]
        place = find_pictures(path, split_of(path.name), cells)
    table = _Table(
        path, split, delimiter, len(first), header, columns, place or PicturePlaces((path.parent,))
    )
    if columns.shape and columns.shape[2] == 3:
        is_planar = columns.is_planar
        if is_planar is None:
            is_planar = are_planar(_numbers(table, list(enumerate(rows, 1))))
        table = _Table(**{**table.__dict__, "is_planar": is_planar})
    return table


def _count_values(
    path: Path, delimiter: str, has_header: bool, columns: Sequence[int]
) -> Mapping[int, Counter[str]]:
    """How often which value stands in some columns, over all lines."""
    counted: dict[int, Counter[str]] = {column: Counter() for column in columns}
    for _, line in islice(read_lines(path), has_header, None):
        cells = split_line(line, delimiter)
        for column, values in counted.items():
            if column < len(cells):
                values[cells[column].strip()] += 1
    return counted


def _read(tables: list[_Table]) -> Iterator[RawExamples]:
    for table in tables:
        rows = table.rows()
        while batch := list(islice(rows, _AT_ONCE)):
            labels = [table.label(number, cells) for number, cells in batch]
            pictures, places = _pictures(table, batch)
            groups = [] if table.columns.group is None else [table.group(c) for _, c in batch]
            if table.columns.part is None:
                yield RawExamples(table.split, labels, pictures, places, groups=groups)
                continue
            parts = [table.part(cells) for _, cells in batch]
            for part in dict.fromkeys(parts):
                chosen = [index for index, one in enumerate(parts) if one == part]
                some = (
                    pictures[chosen]
                    if isinstance(pictures, np.ndarray)
                    else [pictures[index] for index in chosen]
                )
                named = places if len(places) == 1 else [places[index] for index in chosen]
                yield RawExamples(
                    part,
                    [labels[index] for index in chosen],
                    some,
                    named,
                    groups=[groups[index] for index in chosen] if groups else [],
                )


def _read_pictures(table: _Table) -> Iterator[RawPictures]:
    rows, count = table.rows(), 0
    while batch := list(islice(rows, _AT_ONCE)):
        pictures, _ = _pictures(table, batch)
        column = table.columns.name if table.columns.file is None else table.columns.file
        names = [str(count + number) for number in range(1, len(batch) + 1)]
        if column is not None:
            names = [cells[column].strip() for _, cells in batch]
        labels = None
        if table.columns.labels:
            labels = [table.label(number, cells) for number, cells in batch]
        places = [f"`{table.path}`, line {number}" for number, _ in batch]
        yield RawPictures(pictures, names, places, labels)
        count += len(batch)


def _pictures(
    table: _Table, batch: list[tuple[int, list[str]]]
) -> tuple[npt.NDArray[np.generic] | list[Path], list[str]]:
    """The pictures of some lines, and how they are called in errors: each, or all."""
    if table.columns.file is not None:
        paths = [table.picture(cells) for _, cells in batch]
        places = [
            f"`{path}` (`{table.path.name}`, line {number})"
            for path, (number, _) in zip(paths, batch, strict=True)
        ]
        return paths, places
    place = f"`{table.path}`, lines {batch[0][0]} to {batch[-1][0]}:"
    assert table.columns.shape is not None
    values = rows_to_pictures(_numbers(table, batch), table.columns.shape, table.is_planar)
    pictures = to_pictures(values, place)
    lowest, highest = pictures.min(), pictures.max()
    if lowest < 0 or highest > 255:  # a column of other numbers would set the scale of all
        message = f"{place} hold values from {lowest} to {highest}; pixels go from 0 to 255."
        raise DataFileError(message)
    return pictures, [place]


def _numbers(table: _Table, batch: list[tuple[int, list[str]]]) -> npt.NDArray[np.generic]:
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
    if not np.isfinite(values).all():
        raise DataFileError(_bad_cell(table, batch))
    # Some lines of dark pixels, all 0 or 1, are whole numbers and not fractions.
    is_whole = not any(_FRACTION.search(text) for text in texts)
    return values.astype(np.int64) if is_whole else values


def _bad_cell(table: _Table, rows: list[tuple[int, list[str]]]) -> str:
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
                return f"`{table.path}`, line {number}, column {column + 1}{name}: {problem}."
    return ""
