"""Which columns of a table hold what: labels, pixels, pictures' files, names of the lines."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lenet.datasets.readers._arrays import image_shape
from lenet.datasets.readers._column_names import (
    FILE_NAMES,
    ID_NAMES,
    LABEL_NAMES,
    LEAST_PIXELS,
    ONE_OF,
    PART_NAMES,
    PIXEL_NAME,
    ROW_NAMES,
    column_names,
    in_order,
    in_planes,
    named_shape,
)
from lenet.datasets.readers._contents import UnclearTableError, name_some, split_of
from lenet.datasets.readers._likely_labels import is_number, judge_ends
from lenet.errors import DataFileError

_NAMED = 3  # columns in an error
_MOST_COLUMNS = 64  # of a table that lists files; one of pixels has more
_FEW_FILES = 4  # columns without names that are looked through for pictures' files
_LEAST_LINES = 8  # that a column must have to look like anything


@dataclass(frozen=True)
class Columns:
    """Which columns hold what.

    Attributes:
        labels: One, or one for each class, of which a single one is 1; none where the table holds
            pictures alone.
        pixels: Of a picture, in their order; or the one in which all stand, parted by blanks.
        shape: Height, width and channels of a picture whose pixels the table holds.
        is_planar: Whether all red pixels stand first, then all green and all blue ones; `None`
            where that is to be seen from the pixels.
        file: Which one names the picture's file.
        name: Which one names or numbers the line.
        part: Which one says what the line is for, such as `train`.
        group: Which one names the group that the picture belongs to.
        classes: What the columns of `labels` stand for, where there are several.
        note: How sure it is which one holds the labels, where their names do not say so.
    """

    labels: tuple[int, ...] = ()
    pixels: tuple[int, ...] = ()
    shape: tuple[int, int, int] | None = None
    is_planar: bool | None = None
    file: int | None = None
    name: int | None = None
    part: int | None = None
    group: int | None = None
    classes: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Heading:
    """What a table's first lines show.

    Attributes:
        path: The table.
        header: The names of the columns as they stand there; none where no line names them.
        rows: The cells of some lines below.
        label_column: Which column was said to hold the labels; empty where nothing was said.
        group_column: Which column was said to name the groups; empty where none was.
        count: Gives, for some columns, how often which value occurs in the whole table.
        has_file: Whether a cell names a picture's file.
    """

    path: Path
    header: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    label_column: str
    group_column: str
    count: Callable[[Sequence[int]], Mapping[int, Counter[str]]]
    has_file: Callable[[str], bool]

    @property
    def width(self) -> int:
        return len(self.rows[0])

    @property
    def names(self) -> list[str] | None:
        """In lower case; `None` where the header only numbers the columns."""
        names = [name.lower() for name in self.header]
        return names if column_names(names) else None


def find_columns(table: Heading) -> Columns:
    """Find out which columns hold what, by their names and by what stands in them.

    Raises:
        DataFileError: It is not plain; what to do is said.
    """
    names = table.names
    columns = list(range(table.width))
    group = _chosen_column(table, columns, table.group_column) if table.group_column else None
    part = _part_column(table, names)
    file = _file_column(table, names)
    columns = [column for column in columns if column not in (file, part, group)]
    found = _find_among(table, names, columns, file)
    return replace(found, part=part, group=group)


def _find_among(
    table: Heading, names: list[str] | None, columns: list[int], file: int | None
) -> Columns:
    """The columns of labels and pictures, among those that hold nothing else."""
    if file is not None:
        return _with_files(table, names, columns, file)
    in_cell = _pixels_in_a_cell(table, names, columns)
    if in_cell is not None:
        label = _label_by_name(table, names, [c for c in columns if c != in_cell])
        shape = image_shape(len(table.rows[0][in_cell].split()))
        if shape is None:
            raise _no_image(table, len(table.rows[0][in_cell].split()), f"column {in_cell + 1}")
        labels = () if label is None else (label,)
        return Columns(labels, (in_cell,), shape)
    if table.width <= LEAST_PIXELS:
        message = (
            f"`{table.path}` has {table.width} columns, none of which holds the pictures' files; "
            "name it `path`. Files are looked for beside the table and in the folders there."
        )
        raise DataFileError(message)
    return _find_named(table, names, columns) if names else _find_unnamed(table, columns)


def _with_files(table: Heading, names: list[str] | None, columns: list[int], file: int) -> Columns:
    if table.label_column:
        return Columns((_chosen_column(table, columns, table.label_column),), file=file)
    columns = [c for c in columns if not (names and names[c] in ROW_NAMES)]
    if not columns:
        return Columns(file=file)
    if names is None:
        note = ""
        if len(columns) > 1:
            note = _note(table, columns[0], "the first beside the files")
        return Columns((columns[0],), file=file, note=note)
    label = _label_by_name(table, names, columns)
    if label is not None:
        return Columns((label,), file=file)
    raise UnclearTableError(str(_no_label(table)))


def _find_named(table: Heading, names: list[str], columns: list[int]) -> Columns:
    """The columns of a table of pixels whose first line names them."""
    rows = [column for column in columns if names[column] in ROW_NAMES]
    name = rows[-1] if rows else None
    rest = [column for column in columns if column not in rows]
    several = [column for column in rest if ONE_OF.fullmatch(names[column])]
    if table.label_column:
        labels: tuple[int, ...] = (_chosen_column(table, columns, table.label_column),)
    elif len(several) > 1 and _are_one_hot(table, several):
        labels = tuple(several)
    else:
        label = _label_by_name(table, names, rest)
        labels = () if label is None else (label,)
    pixels = [column for column in rest if column not in labels]
    are_pixels = all(PIXEL_NAME.fullmatch(names[column]) for column in pixels)
    if not labels and (not are_pixels or image_shape(len(pixels)) is None):
        raise _no_label(table)
    classes: tuple[str, ...] = ()
    if len(labels) > 1:
        matches = [ONE_OF.fullmatch(table.header[column].strip()) for column in labels]
        classes = tuple(match[2] for match in matches if match)
    pixels = in_order(names, pixels)
    shape = named_shape([names[column] for column in pixels]) or image_shape(len(pixels))
    if shape is None:
        raise _no_image(table, len(pixels), "beside the label")
    is_planar = None
    if shape[2] == 3:
        pixels, is_planar = in_planes(names, pixels)
    return Columns(labels, tuple(pixels), shape, is_planar=is_planar, name=name, classes=classes)


def _find_unnamed(table: Heading, columns: list[int]) -> Columns:
    """The columns of a table of pixels that has no names for them."""
    width = len(columns)
    if table.label_column:
        label = _chosen_column(table, columns, table.label_column)
        pixels = [column for column in columns if column != label]
        if shape := image_shape(len(pixels)):
            return Columns((label,), tuple(pixels), shape)
        raise _no_image(table, len(pixels), "beside the label")
    texts = [
        column
        for column in columns
        if not all(is_number(row[column].strip() or "0") for row in table.rows)
    ]
    if len(texts) == 1 and (shape := image_shape(width - 1)):  # a text is no pixel
        pixels = [column for column in columns if column not in texts]
        return Columns((texts[0],), tuple(pixels), shape)
    grey, all_of_it = image_shape(width - 1), image_shape(width)
    if grey and not (grey[2] == 3 and all_of_it):
        label, note = _judge_ends(table, columns)
        pixels = [column for column in columns if column != label]
        return Columns((label,), tuple(pixels), grey, note=note)
    if all_of_it:
        return Columns((), tuple(columns), all_of_it)
    if (shape := image_shape(width - 2)) and _number_the_lines(table, columns[0]):
        label, note = _judge_ends(table, columns[1:])
        pixels = [column for column in columns[1:] if column != label]
        return Columns((label,), tuple(pixels), shape, name=columns[0], note=note)
    for count in range(2, width - LEAST_PIXELS + 1):
        shape = image_shape(width - count)
        for labels in (columns[-count:], columns[:count]) if shape else ():
            if _are_one_hot(table, labels):
                pixels = [column for column in columns if column not in labels]
                end = "last" if labels[-1] == columns[-1] else "first"
                note = (
                    f"`{table.path.name}` does not name its columns; its {end} {count} are taken "
                    "for the classes, as one of them is 1 and the others are 0."
                )
                classes = tuple(map(str, range(count)))
                return Columns(tuple(labels), tuple(pixels), shape, classes=classes, note=note)
    raise _no_image(table, width - 1, "beside the label")


def _judge_ends(table: Heading, columns: Sequence[int]) -> tuple[int, str]:
    """Which end of a line holds the label, and how sure that is; an error where either may."""
    ends = {"first": columns[0], "last": columns[-1]}
    counted = table.count([columns[0], columns[-1]])
    found, note = judge_ends(table.path.name, *(counted[column] for column in ends.values()))
    if found is None:
        message = (
            f"`{table.path}` does not name its columns, and its first and its last column look "
            "like labels. Say which holds them: `--label-column last` or `--label-column first` "
            '(`label_column="last"`).'
        )
        raise DataFileError(message)
    return ends[found], note


def _number_the_lines(table: Heading, column: int) -> bool:
    """Whether a column counts the lines from 0 or 1 on."""
    cells = [row[column].strip() for row in table.rows]
    begin = int(cells[0]) if cells[0] in ("0", "1") else 0
    counted = [str(begin + number) for number in range(len(cells))]
    return len(cells) >= _LEAST_LINES and cells == counted


def _are_one_hot(table: Heading, columns: Sequence[int]) -> bool:
    """Whether one of some columns is 1 in every line, not always the same, and the others 0."""
    places = set()
    for row in table.rows:
        cells = [row[column].strip() for column in columns]
        values = [float(cell) if is_number(cell) else -1.0 for cell in cells]
        if sorted(values) != [0.0] * (len(values) - 1) + [1.0]:
            return False
        places.add(values.index(1.0))
    return len(places) > 1 or len(table.rows) == 1


def _part_column(table: Heading, names: list[str] | None) -> int | None:
    for column, name in enumerate(names or ()):
        cells = [row[column].strip() for row in table.rows]
        if name in PART_NAMES and all(map(split_of, cells)):
            return column
    return None


def _file_column(table: Heading, names: list[str] | None) -> int | None:
    for name in FILE_NAMES if names else ():
        if names and name in names:
            column = names.index(name)
            if any(not is_number(row[column].strip() or "0") for row in table.rows):
                return column
    candidates = []
    if names and table.width <= _MOST_COLUMNS:
        candidates = [names.index(name) for name in (*FILE_NAMES, *ID_NAMES) if name in names]
    texts = [
        column
        for column in range(min(table.width, _FEW_FILES))
        if any(row[column].strip() and not is_number(row[column]) for row in table.rows)
    ]
    for column in dict.fromkeys([*candidates, *texts]):
        if any(row[column].strip() and table.has_file(row[column]) for row in table.rows):
            return column
    return None


def _pixels_in_a_cell(
    table: Heading, names: list[str] | None, columns: Sequence[int]
) -> int | None:
    """The column that holds all pixels of a picture, parted by blanks."""
    for column in columns if len(columns) <= LEAST_PIXELS else ():
        parts = table.rows[0][column].split()
        if len(parts) >= LEAST_PIXELS and all(map(is_number, parts)):
            return column
    return None


def _label_by_name(table: Heading, names: list[str] | None, columns: Sequence[int]) -> int | None:
    """The column that holds the labels: that was said, is called so, or is called unlike others."""
    if table.label_column:
        return _chosen_column(table, columns, table.label_column)
    if names is None:
        return columns[0] if len(columns) == 1 else None
    for name in LABEL_NAMES:
        if name in names and names.index(name) in columns:
            return names.index(name)
    unlike = [
        column
        for column in columns
        if names[column] not in ROW_NAMES and not PIXEL_NAME.fullmatch(names[column])
    ]
    return unlike[0] if len(unlike) == 1 else None


def _chosen_column(table: Heading, columns: Sequence[int], named: str) -> int:
    """The column that was said: by its name, its number, or the end of the line."""
    wanted = named.strip()
    names = [name.lower() for name in table.header]
    ends = {"first": columns[0], "last": columns[-1]}
    if wanted.lower() in names:
        column = names.index(wanted.lower())
    elif wanted.isdecimal():
        column = int(wanted) - 1
    else:
        column = ends.get(wanted.lower(), -1)
    if column not in columns:
        header = table.header
        known = f": {', '.join(f'`{name}`' for name in header[:_NAMED])}, …" if header else ""
        kind = "labels" if named == table.label_column else "groups"
        message = (
            f"`{table.path}` has no column `{named}` that could hold the {kind}. It has "
            f"{len(columns):,} to choose from{known}; say its name, its number from 1 on, `first` "
            "or `last`."
        )
        raise DataFileError(message)
    return column


def describe_colours(count: int, shape: tuple[int, int, int], is_planar: bool) -> str:
    """How so many columns are read as pixels of three colours, as a sentence."""
    order = "one colour after the other, as in CIFAR-10" if is_planar else "pixel by pixel"
    return (
        f"{count:,} columns are read as {shape[0]}×{shape[1]} pixels of red, green and blue, "
        f"{order}."
    )


def _note(table: Heading, column: int, why: str) -> str:
    return (
        f"`{table.path.name}` does not name its columns; no. {column + 1} is taken for the label, "
        f"{why}. `--label-column` takes another."
    )


def _no_label(table: Heading) -> DataFileError:
    names = [name for name in table.header if name and not PIXEL_NAME.fullmatch(name)]
    among = f" It has {name_some(names, _NAMED)}." if names else ""
    message = (
        f"`{table.path}` has no column of labels; name it `label`, or say which one it is with "
        f"`--label-column` (`label_column`).{among}"
    )
    return DataFileError(message)


def _no_image(table: Heading, count: int, where: str) -> DataFileError:
    message = (
        f"`{table.path}` has {count} columns {where}, which make no square image of "
        "grey pixels, nor of red, green and blue ones. Of another image, call the pixels by row "
        "and column: `0x0`, `0x1`, …"
    )
    return DataFileError(message)
