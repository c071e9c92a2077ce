"""Pictures to be answered, from any file that `--data` takes; it need not have labels."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from lenet.core import reading_errors
from lenet.datasets._reading import DataSource
from lenet.datasets.readers._contents import Contents, RawPictures, Unlabelled
from lenet.datasets.readers._csv import list_pictures_of_csv
from lenet.datasets.readers._formats import open_contents, sniff
from lenet.datasets.readers._idx import list_pictures_of_idx
from lenet.datasets.readers._numpy_files import list_pictures_of_arrays
from lenet.datasets.readers._parquet import list_pictures_of_parquet
from lenet.errors import DataFileError
from lenet.pictures import SUFFIXES

_MANY = ("npz", "npy", "idx", "parquet")
_TEXTS = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".data", ".tra", ".tes", ".train", ".test")


def open_unlabelled(path: Path | str, *, label_column: str = "") -> Unlabelled:
    r"""Find out how the pictures in a file are to be read, whether it has labels or not.

    Args:
        path: A table (CSV), an archive or a file of NumPy's arrays, an IDX file or Parquet; or a
            folder that `load_dataset` takes, with its labels.
        label_column: Which column of a table holds the labels, as for `load_dataset`.

    Returns:
        What gives the pictures, some at a time, with their names, and with their labels where the
        file has these.

    Raises:
        DataFileError: There is no such file, or it holds no pictures.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "test.csv")
    >>> written = path.write_text("p0,p1,p2,p3,p4,p5,p6,p7,p8\n0,0,0,0,9,0,0,0,0\n")
    >>> pictures = next(open_unlabelled(path).read())
    >>> pictures.names, pictures.pictures.shape, pictures.labels is None
    (['1'], (1, 3, 3), True)
    """
    path = Path(path)
    with reading_errors(path, DataFileError):
        is_file = path.is_file()
    kind = sniff(path) if is_file else None
    if kind == "table":
        return list_pictures_of_csv(path, label_column)
    if kind in ("npz", "npy"):
        return list_pictures_of_arrays(path)
    if kind == "idx":
        return list_pictures_of_idx(path)
    if kind == "parquet":
        return list_pictures_of_parquet(path)
    contents = open_contents(DataSource(str(path), label_column=label_column))
    return Unlabelled(contents.format, partial(_without_labels, contents))


def is_file_of_pictures(path: Path | str) -> bool:
    """Whether a file holds pictures as a table, an archive or an array does, rather than is one.

    A text is a table if its name says so.
    """
    path = Path(path)
    name = path.name.lower().removesuffix(".gz")
    if path.suffix.lower() in SUFFIXES or not path.is_file():
        return False
    kind = sniff(path)
    return kind in _MANY or (kind == "table" and name.endswith(_TEXTS))


def _without_labels(contents: Contents) -> Iterator[RawPictures]:
    count = 0
    for examples in contents.read():
        names = [str(count + number) for number in range(len(examples.labels))]
        if not isinstance(examples.pictures, np.ndarray):
            for number, picture in enumerate(examples.pictures):
                names[number] = str(picture) if isinstance(picture, Path) else names[number]
        places = examples.places
        if len(places) != len(names):
            places = [f"{places[0] if places else 'the data'} no. {name}" for name in names]
        yield RawPictures(examples.pictures, names, places, examples.labels)
        count += len(names)
