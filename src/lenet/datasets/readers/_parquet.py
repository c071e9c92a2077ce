"""Parquet files with encoded pictures, as the Hugging Face hub keeps datasets."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lenet.core import parse_json, reading_errors
from lenet.datasets.readers._arrays import are_planar, rows_to_pictures, to_labels, to_pictures
from lenet.datasets.readers._columns import Heading, describe_colours, find_columns
from lenet.datasets.readers._contents import (
    Classes,
    Contents,
    Label,
    RawExamples,
    RawPictures,
    SplitName,
    Unlabelled,
    check_unpacked_size,
    name_some,
    natural_key,
    number_classes,
    split_of,
)
from lenet.datasets.readers._parquet_footer import count_values
from lenet.errors import DataFileError, MissingExtraError

HUB_KEY = b"huggingface"  # of the schema's metadata
_LABEL_NAMES = ("label", "labels", "class", "target", "fine_label", "character")
_AT_ONCE = 64  # rows; a photo may have megabytes
_BYTES_AT_ONCE = 2**26  # of these rows
_VALUE_BYTES = 8  # of a number in a list
_LOOKED_AT = 64  # rows, to see what the columns hold
_LEAST_PIXELS = 4
_NAMED = 3  # files in a sentence


class _Columns(NamedTuple):
    """Which columns hold the pictures and the labels; the classes, where they are named."""

    images: tuple[str, ...]  # one of encoded pictures or of lists of numbers, or one for each pixel
    labels: tuple[str, ...]  # one, or one for each class; none where there are pictures alone
    classes: Classes | None
    shape: tuple[int, int, int] | None = None  # where each pixel has a column
    is_planar: bool | None = None
    note: str = ""


def find_parquet(folder: Path) -> list[Path]:
    """The Parquet files of a folder, of its `data`, or of the only folder in it that has some."""
    with reading_errors(folder, DataFileError):
        places = [folder, folder / "data", *(path for path in folder.iterdir() if path.is_dir())]
        files = [
            sorted(path for path in place.glob("[!.]*.parquet") if path.is_file())
            for place in places
        ]
    first = [found for found in files[:2] if found]
    inner = [found for found in files[2:] if found]
    return (first or (inner if len(inner) == 1 else [[]]))[0]


def list_parquet(paths: list[Path]) -> Contents:
    """Find the columns of pictures and labels."""
    paths = sorted(paths, key=lambda path: natural_key(path.name))
    found = {path: _find_columns(path) for path in paths}
    unlabelled = [path for path in paths if not found[path].labels]
    paths = [path for path in paths if found[path].labels]
    if not paths:
        message = (
            f"`{unlabelled[0]}` should have a column of encoded pictures, such as `image`, and one "
            f"of labels, `label`; it has no labels. `lenet predict {unlabelled[0]}` answers what "
            "its pictures show."
        )
        raise DataFileError(message)
    columns, *others = dict.fromkeys(found[path] for path in paths)
    if others:
        message = f"The Parquet files in `{paths[0].parent}` differ in their columns."
        raise DataFileError(message)
    notes = [columns.note] if columns.note else []
    if unlabelled:
        named = name_some([path.name for path in unlabelled], _NAMED)
        notes.append(
            f"Passed over: {named}, without labels; `lenet predict {unlabelled[0]}` answers it."
        )
    splits = {path: split_of(path.name) if len(found) > 1 else None for path in paths}
    read = partial(_read, splits, columns)
    return Contents(f"{_kind(columns)} in Parquet", paths, read, columns.classes, tuple(notes))


def list_pictures_of_parquet(path: Path) -> Unlabelled:
    """Find the pictures of a file, whether it has labels or not."""
    columns = _find_columns(path)
    return Unlabelled(f"{_kind(columns)} in Parquet", partial(_read_pictures, path, columns))


def _kind(columns: _Columns) -> str:
    return "pixels" if columns.shape else "pictures"


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, int]]:
    """A file and how many of its rows are read together, so that those are some megabytes.

    Whatever is said against it meanwhile is one `DataFileError`.
    """
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise MissingExtraError("Parquet", "parquet") from error
    try:
        with reading_errors(path, DataFileError):
            try:
                with ParquetFile(path, page_checksum_verification=True) as file:
                    groups = _row_groups(path, file)
                    unpacked, rows = sum(size for size, _ in groups), file.metadata.num_rows
                    check_unpacked_size(f"`{path}`", path.stat().st_size, unpacked, (rows, 1))
                    largest = max((size // max(1, count) for size, count in groups), default=1)
                    yield file, min(_AT_ONCE, max(1, _BYTES_AT_ONCE // max(1, largest)))
            except (ArrowException, OSError, ValueError) as error:
                if isinstance(error, OSError) and error.errno is not None:
                    raise
                message = f"`{path}` is no Parquet file or is damaged: {_first_line(error)}"
                raise DataFileError(message) from error
    except MemoryError as error:  # of what pyarrow was told to make room for
        message = f"`{path}` does not fit into memory, or is damaged: {_first_line(error)}"
        raise DataFileError(message) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _row_groups(path: Path, file: Any) -> list[tuple[int, int]]:
    """The bytes and the rows of each."""
    groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    leaves = map(file.schema.column, range(len(file.schema)))
    lists = [number for number, leaf in enumerate(leaves) if leaf.max_repetition_level]
    # In a list a few bytes may stand for any number of equal values.
    values = count_values(path, lists) if lists else [0] * len(groups)
    return [
        (max(group.total_byte_size, _VALUE_BYTES * count), group.num_rows)
        for group, count in zip(groups, values, strict=True)
    ]


def _find_columns(path: Path) -> _Columns:
    with _opened(path) as (file, _):
        schema = file.schema_arrow
    if twice := [name for name, count in Counter(schema.names).items() if count > 1]:
        message = f"`{path}` has more than one column called `{twice[0]}`."
        raise DataFileError(message)
    from pyarrow import types

    lists = [f.name for f in schema if types.is_list(f.type) or types.is_large_list(f.type)]
    encoded = [
        field.name
        for field in schema
        if (_is_binary(field.type) and field.name not in _LABEL_NAMES)
        or (
            types.is_struct(field.type)
            and field.type.get_field_index("bytes") >= 0
            and _is_binary(field.type.field("bytes").type)
        )
    ]
    images = encoded or lists
    if not images and len(schema) > _LEAST_PIXELS:
        return _find_pixels(path, [field.name for field in schema])
    labels = [
        field.name
        for field in schema
        if types.is_integer(field.type)
        or types.is_boolean(field.type)
        or types.is_string(field.type)
        or types.is_large_string(field.type)
        or types.is_dictionary(field.type)
        or (
            field.name in _LABEL_NAMES and (_is_binary(field.type) or types.is_floating(field.type))
        )
    ]
    named = [name for name in _LABEL_NAMES if name in labels]
    if not images or (len(labels) > 1 and not named):
        held = ", ".join(f"`{field.name}` ({field.type})" for field in schema)
        message = (
            f"`{path}` should have a column of encoded pictures, such as `image`, and one of "
            f"labels, `label`; it has {held}."
        )
        raise DataFileError(message)
    image = "image" if "image" in images else images[0]
    label = (named or labels)[:1]
    classes = _read_classes(schema.metadata or {}, label[0]) if label else None
    return _Columns((image,), tuple(label), classes)


def _find_pixels(path: Path, names: list[str]) -> _Columns:
    """The columns of a table that has one for each pixel."""
    with _opened(path) as (file, _):
        some = next(file.iter_batches(_LOOKED_AT), None)
        columns = [] if some is None else some.columns
        rows = [list(map(_text, row)) for row in zip(*columns, strict=True)]
    if not rows:
        message = f"`{path}` has no rows."
        raise DataFileError(message)

    def count(columns: Sequence[int]) -> Mapping[int, Counter[str]]:
        with _opened(path) as (file, _):
            table = file.read([names[column] for column in columns])
            return {c: Counter(map(_text, table.column(names[c]))) for c in columns}

    found = find_columns(Heading(path, tuple(names), rows, "", "", count, lambda cell: False))
    classes = number_classes(found.classes or None)
    labels, pixels = ([names[c] for c in columns] for columns in (found.labels, found.pixels))
    is_planar, note = found.is_planar, found.note
    if found.shape and found.shape[2] == 3:
        if is_planar is None:
            is_planar = are_planar(
                np.array([[row[c] for c in found.pixels] for row in rows], float)
            )
        note = describe_colours(len(pixels), found.shape, is_planar)
    return _Columns(tuple(pixels), tuple(labels), classes, found.shape, is_planar, note)


def _text(value: Any) -> str:
    held = value.as_py()
    return "" if held is None else str(held)


def _is_binary(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def _read_classes(metadata: dict[bytes, bytes], label: str) -> Classes | None:
    try:
        features = parse_json(metadata[HUB_KEY])["info"]["features"]
        names = features[label]["names"]
    except (KeyError, TypeError, ValueError):
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    return tuple(enumerate(names)) if len(set(names)) == len(names) else None


def _read(splits: dict[Path, SplitName | None], columns: _Columns) -> Iterator[RawExamples]:
    for path, split in splits.items():
        for pictures, labels, places in _read_file(path, columns):
            yield RawExamples(split, labels, pictures, places)


def _read_pictures(path: Path, columns: _Columns) -> Iterator[RawPictures]:
    start = 0
    for pictures, labels, places in _read_file(path, columns):
        count = len(pictures)
        names = [str(start + number) for number in range(count)]
        places = [f"`{path}`, row {name}" for name in names]
        yield RawPictures(pictures, names, places, labels if columns.labels else None)
        start += count


def _read_file(
    path: Path, columns: _Columns
) -> Iterator[tuple[npt.NDArray[Any] | list[bytes], list[Label], list[str]]]:
    """Pictures, labels and places of some rows after the other."""
    start = 0
    wanted = [*columns.images, *columns.labels]
    with _opened(path) as (file, rows_at_once):
        for rows in file.iter_batches(rows_at_once, columns=wanted):
            places = [f"`{path}`, row {start + row}" for row in range(rows.num_rows)]
            place = f"`{path}`, rows {start} to {start + rows.num_rows - 1}:"
            labels = _labels(rows, columns.labels, place, places)
            pictures = _pictures(rows, columns, place)
            yield pictures, labels, [place] if isinstance(pictures, np.ndarray) else places
            start += rows.num_rows


def _labels(rows: Any, names: Sequence[str], place: str, places: Sequence[str]) -> list[Label]:
    if len(names) != 1:
        return to_labels(_numbers(rows, names, place), place) if names else []
    labels: list[Label] = []
    for value, where in zip(rows.column(names[0]).to_pylist(), places, strict=True):
        if value is None:
            message = f"{where}: the label is missing."
            raise DataFileError(message)
        if isinstance(value, float) and not value.is_integer():
            message = f"{where}: the label `{value}` is neither a whole number nor a text."
            raise DataFileError(message)
        try:
            labels.append(value.decode() if isinstance(value, bytes) else value)
        except UnicodeDecodeError as error:
            message = f"{where}: the label holds bytes that are no text in UTF-8."
            raise DataFileError(message) from error
    return [label if isinstance(label, str) else int(label) for label in labels]


def _pictures(rows: Any, columns: _Columns, place: str) -> npt.NDArray[Any] | list[bytes]:
    if columns.shape:
        values = _numbers(rows, columns.images, place)
        return to_pictures(rows_to_pictures(values, columns.shape, bool(columns.is_planar)), place)
    cells = rows.column(columns.images[0]).to_pylist()
    if any(isinstance(cell, list) for cell in cells):
        try:
            return to_pictures(np.array(cells), place)
        except ValueError as error:  # of rows of another length
            message = f"{place} hold lists of different lengths."
            raise DataFileError(message) from error
    pictures = [cell["bytes"] if isinstance(cell, dict) else cell for cell in cells]
    return [picture or b"" for picture in pictures]


def _numbers(rows: Any, names: Sequence[str], place: str) -> npt.NDArray[Any]:
    """The numbers in some columns, a row each."""
    arrays = [rows.column(name).to_numpy(zero_copy_only=False) for name in names]
    if any(array.dtype.kind not in "buif" for array in arrays):
        message = f"{place} hold something else than numbers in the columns of pixels."
        raise DataFileError(message)
    return np.stack(arrays, axis=1)
