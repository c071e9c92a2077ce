"""Parquet files with encoded pictures, as the Hugging Face hub keeps datasets."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from lenet.core import reading_errors
from lenet.datasets.readers._contents import (
    Classes,
    Contents,
    RawExamples,
    SplitName,
    natural_key,
    split_of,
)
from lenet.errors import DataFileError, MissingExtraError

HUB_KEY = b"huggingface"  # of the schema's metadata
_LABEL_NAMES = ("label", "labels", "class", "target", "fine_label", "character")
_AT_ONCE = 64  # rows; a photo may have megabytes


class _Columns(NamedTuple):
    """Which columns hold the encoded pictures and the labels; the classes, where they are named."""

    image: str
    label: str
    classes: Classes | None


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
    columns, *others = dict.fromkeys(_find_columns(path) for path in paths)
    if others:
        message = f"The Parquet files in `{paths[0].parent}` differ in their columns."
        raise DataFileError(message)
    splits = {path: split_of(path.name) if len(paths) > 1 else None for path in paths}
    read = partial(_read, splits, columns)
    return Contents("pictures in Parquet", paths, read, columns.classes)


def _open(path: Path) -> Any:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise MissingExtraError("Parquet", "parquet") from error
    try:
        with reading_errors(path, DataFileError):
            return ParquetFile(path)
    except ArrowException as error:
        message = f"`{path}` is no Parquet file or is damaged: {error}"
        raise DataFileError(message) from error


def _find_columns(path: Path) -> _Columns:
    with _open(path) as file:
        schema = file.schema_arrow
    from pyarrow import types

    images = [
        field.name
        for field in schema
        if _is_binary(field.type)
        or (
            types.is_struct(field.type)
            and field.type.get_field_index("bytes") >= 0
            and _is_binary(field.type.field("bytes").type)
        )
    ]
    labels = [
        field.name
        for field in schema
        if types.is_integer(field.type)
        or types.is_string(field.type)
        or types.is_large_string(field.type)
        or types.is_dictionary(field.type)
    ]
    named = [name for name in _LABEL_NAMES if name in labels]
    if not images or not labels or (len(labels) > 1 and not named):
        held = ", ".join(f"`{field.name}` ({field.type})" for field in schema)
        message = (
            f"`{path}` should have a column of encoded pictures, such as `image`, and one of "
            f"labels, `label`; it has {held}."
        )
        raise DataFileError(message)
    image = "image" if "image" in images else images[0]
    label = named[0] if named else labels[0]
    return _Columns(image, label, _read_classes(schema.metadata or {}, label))


def _is_binary(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def _read_classes(metadata: dict[bytes, bytes], label: str) -> Classes | None:
    try:
        features = json.loads(metadata[HUB_KEY])["info"]["features"]
        names = features[label]["names"]
    except (KeyError, TypeError, ValueError):
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    return tuple(enumerate(names)) if len(set(names)) == len(names) else None


def _read(splits: dict[Path, SplitName | None], columns: _Columns) -> Iterator[RawExamples]:
    from pyarrow import ArrowException

    for path, split in splits.items():
        start = 0
        with _open(path) as file:
            try:
                for rows in file.iter_batches(_AT_ONCE, columns=[columns.image, columns.label]):
                    labels = rows.column(columns.label).to_pylist()
                    places = [f"`{path}`, row {start + row}" for row in range(len(labels))]
                    if None in labels:
                        message = f"{places[labels.index(None)]}: the label is missing."
                        raise DataFileError(message)
                    cells = rows.column(columns.image).to_pylist()
                    pictures = [cell["bytes"] if isinstance(cell, dict) else cell for cell in cells]
                    pictures = [picture or b"" for picture in pictures]
                    yield RawExamples(split, labels, pictures, places)
                    start += len(labels)
            except (ArrowException, OSError) as error:
                message = f"`{path}` is damaged: {error}"
                raise DataFileError(message) from error
