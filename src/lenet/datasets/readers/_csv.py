"""Tables as text: all pixels of an image a line, or a picture's file, with a label or without."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lenet.datasets.readers._arrays import rows_to_pictures, to_pictures
from lenet.datasets.readers._contents import (
    Contents,
    RawExamples,
    RawPictures,
    UnclearTableError,
    Unlabelled,
    name_some,
    number_classes,
)
from lenet.datasets.readers._lines import (
    find_delimiter,
    is_picture_name,
    read_lines,
    split_line,
)
from lenet.datasets.readers._table import (
    Table,
    describe_table,
    numbers_of,
    part_of_table,
    recognise_table,
)
from lenet.errors import DataFileError

_AT_ONCE, _CELLS_AT_ONCE = 512, 2**22  # lines; and cells of these, or characters in few cells
_FEW_CELLS = 64
_NAMED = 3  # tables in a sentence


def list_csv(
    paths: list[Path],
    label_column: str = "",
    group_column: str = "",
    left_out: Sequence[Path] = (),
    any_values: bool = False,
) -> Contents:
    """Find out how some tables are to be read, each a split of one dataset.

    Tables beside them that are `left_out` are named, and so are those without labels. Pixels may
    have `any_values` where it is known which are black and white.
    """
    parts = [part_of_table(path) if len(paths) > 1 else None for path in paths]
    found = [
        recognise_table(path, part, label_column, group_column)
        for path, part in zip(paths, parts, strict=True)
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
        notes += describe_table(table)
    if unlabelled:
        named = name_some([path.name for path in unlabelled], _NAMED)
        notes.append(
            f"Passed over: {named}, without labels; `lenet predict {unlabelled[0]}` answers it."
        )
    if left_out:
        notes.append(f"Passed over: {', '.join(f'`{path.name}`' for path in left_out)}.")
    classes = number_classes(tables[0].columns.classes or None)
    kind = "pictures' files" if tables[0].columns.file is not None else "pixels"
    read = partial(_read, tables, any_values)
    form = f"a table of {kind} (CSV)"
    return Contents(form, files, read, classes, tuple(notes), has_groups=bool(group_column))


def list_pictures_of_csv(path: Path, label_column: str = "") -> Unlabelled:
    """Find out how the pictures of a table are to be read, whether it has labels or not."""
    table = recognise_table(path, None, label_column)
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


def names_pictures(path: Path) -> bool:
    """Whether a table names pictures that are there, whatever else it says of them."""
    try:
        return recognise_table(path, None, "").columns.file is not None
    except UnclearTableError:
        return True
    except DataFileError:
        return False


def _read(tables: list[Table], any_values: bool) -> Iterator[RawExamples]:
    for table in tables:
        for batch in _batches(table):
            labels = [table.label(number, cells) for number, cells in batch]
            pictures, places = _pictures(table, batch, any_values)
            groups = [] if table.columns.group is None else [table.group(c) for _, c in batch]
            names = []
            if table.columns.file is None:
                names = [f"{table.path.name}, line {number}" for number, _ in batch]
            if table.columns.part is None:
                yield RawExamples(table.split, labels, pictures, places, names, groups)
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
                    [names[index] for index in chosen] if names else [],
                    [groups[index] for index in chosen] if groups else [],
                )


def _read_pictures(table: Table) -> Iterator[RawPictures]:
    count = 0
    for batch in _batches(table):
        pictures, _ = _pictures(table, batch, True)
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


def _batches(table: Table) -> Iterator[list[tuple[int, list[str]]]]:
    """The lines of a table, some at a time, so that those are some megabytes."""
    batch: list[tuple[int, list[str]]] = []
    held = 0
    for number, cells in table.rows():
        batch.append((number, cells))
        held += len(cells) if len(cells) > _FEW_CELLS else sum(map(len, cells))
        if len(batch) == _AT_ONCE or held > _CELLS_AT_ONCE:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def _pictures(
    table: Table, batch: list[tuple[int, list[str]]], any_values: bool
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
    values = rows_to_pictures(numbers_of(table, batch), table.columns.shape, table.is_planar)
    pictures = to_pictures(values, place)
    lowest, highest = pictures.min(), pictures.max()
    # A column of other numbers would set the scale of all.
    if (lowest < 0 or highest > 255) and not any_values:
        message = (
            f"{place} hold values from {lowest} to {highest}; pixels go from 0 to 255. If these "
            f"are pixels, say what is black and white: `--white={lowest:g},{highest:g}` "
            "(`pixel_range`)."
        )
        raise DataFileError(message)
    return pictures, [place]
