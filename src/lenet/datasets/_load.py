from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lenet.datasets._cache import download_file, find_file
from lenet.datasets._catalog import CATALOG, EMNIST_NAMES, CatalogEntry, RemoteFile
from lenet.datasets._dataset import Dataset, Split
from lenet.datasets._idx import read_idx
from lenet.datasets._source import DataSource, is_path, name_of
from lenet.errors import (
    DataFileError,
    DownloadError,
    SettingError,
    StorageError,
    UnknownNameError,
)


def dataset_names() -> list[str]:
    """The names that `load_dataset` takes."""
    return [*CATALOG, *EMNIST_NAMES, "digits"]


def load_dataset(
    name: str | Path | DataSource,
    *,
    size: int | tuple[int, int] | None = None,
    colour: bool | None = None,
    prepare: str | None = None,
    skip_bad: bool | None = None,
    test_share: float | None = None,
    label_column: str | int | None = None,
    validation: float = 0.0,
    seed: int = 0,
    for_training: bool = True,
) -> Dataset:
    """Load a dataset by name, from the cache or else from the network; or one of your own.

    Your own may be a folder with a folder of pictures for every class, a table (CSV), NumPy arrays
    (NPZ), IDX files, Parquet as on the Hugging Face hub, EMNIST's archive, or a packed set. What it
    is is seen from the content. It is kept in a cache, and read again when one of its files has
    changed; a packed set stays where it is, and may be larger than memory.

    Args:
        name: `fashion-mnist`, `mnist`, `kmnist`, `emnist-letters` and others of EMNIST, or
            `digits`, which is bundled; or the path of a folder or file. What is no known name is a
            path if it holds a separator or is there; `./mnist` is a path too.
        size: Pixels of a side that pictures of your own are brought to, or height and width; 28.
        colour: Whether pictures of your own keep their colours; grey otherwise.
        prepare: How pictures of your own become images: `plain` (the default) fits the whole
            picture into the frame, `symbol` finds the ink in it, `object` the thing.
        skip_bad: Whether pictures that can't be read are passed over; they are an error otherwise.
        test_share: Share of the images kept for testing where there is no test part; 0.2.
        label_column: Which column of a table (CSV) holds the labels: its name, its number from 1
            on, `first` or `last`. Found by itself where none is given.
        validation: The share of the training images to hold out, 0 for none.
        seed: Decides which images are held out.
        for_training: Whether images of your own must be fit to train on: two classes or more, and
            training images of each. What is only scored or looked at need not be.

    Returns:
        The dataset: images uint8 (N, C, H, W), by default (N, 1, 28, 28), labels int64 (N,).

    Raises:
        UnknownNameError: There is no dataset of that name.
        SettingError: A value is out of range, or does not belong to a dataset that has a name.
        DownloadError: A file is neither cached nor to be had.
        DataFileError: A file is damaged.
        DatasetError: The files do not go together.
        MissingExtraError: A format needs a package that is not installed.

    >>> load_dataset("digits").train.images.shape
    (1438, 1, 28, 28)
    """
    options = {
        "size": size,
        "colour": colour,
        "prepare": prepare,
        "skip_bad": skip_bad,
        "test_share": test_share,
        "label_column": None if label_column is None else str(label_column),
    }
    source = find_source(name, **options)
    dataset = _load_known(str(name)) if source is None else _load_own(source, for_training)
    return dataset.with_validation(validation, seed) if validation else dataset


def find_source(name: str | Path | DataSource, **options: Any) -> DataSource | None:
    """Where a dataset of one's own lies and how it is read; `None` for a name that is known.

    Args:
        name: As for `load_dataset`.
        options: `size`, `colour`, `prepare`, `skip_bad`, `test_share` and `label_column`, as for
            `load_dataset`.

    Raises:
        UnknownNameError: It is neither a known name nor a path.
        SettingError: An option is out of range, or does not belong to a known name.
    """
    given = {option: value for option, value in options.items() if value is not None}
    is_own = not isinstance(name, str) or is_path(name, dataset_names())
    if not is_own and name not in dataset_names():
        raise UnknownNameError("dataset or folder", str(name), dataset_names())
    if given and (not is_own or isinstance(name, DataSource)):
        message = f"`{next(iter(given))}` is for folders and files; `{name}` is read as it is."
        raise SettingError(message)
    if isinstance(name, DataSource):
        return name
    if "size" in given:
        size = given.pop("size")
        given["height"], given["width"] = (size, size) if isinstance(size, int) else size
    return DataSource(str(name), **given) if is_own else None


def _load_own(source: DataSource, for_training: bool) -> Dataset:
    """Read a dataset of one's own."""
    from lenet.datasets._load_packed import load_packed
    from lenet.datasets._own import load_own, require_trainable
    from lenet.datasets._packed_index import is_packed

    name = name_of(source.place, dataset_names())
    if is_packed(source.place):
        return load_packed(source, name)
    dataset = load_own(source, name)
    if for_training:
        require_trainable(dataset)
    return dataset


def _load_known(name: str) -> Dataset:
    """Load a dataset that has a name."""
    if name == "digits":
        from lenet.datasets._digits import load_digits

        return load_digits()
    if name in EMNIST_NAMES:
        from lenet.datasets._emnist import load_emnist

        return load_emnist(name)
    return _load_from_catalog(CATALOG[name])


def _load_from_catalog(entry: CatalogEntry) -> Dataset:
    """Read the four files of a dataset, fetched first where they are missing."""
    paths = [(file, find_file(entry, file)) for file in entry.files]
    with ThreadPoolExecutor(2) as pool:
        # The training images are nearly all of the work; the second thread does the rest.
        train, test = pool.map(partial(_read_split, entry), (paths[:2], paths[2:]))
    return Dataset(entry.name, entry.class_names, train, test, preparation=entry.preparation)


def _read(entry: CatalogEntry, file: RemoteFile, path: Path) -> tuple[Path, npt.NDArray[Any]]:
    """Read a file of a dataset, fetched again where it is damaged; and where it lay."""
    try:
        return path, read_idx(path)
    except DataFileError as error:
        try:
            path = download_file(entry, file)
        except (DownloadError, StorageError):
            raise error from None
    return path, read_idx(path)


def _read_split(entry: CatalogEntry, files: list[tuple[RemoteFile, Path]]) -> Split:
    """Read a file of images and the file of their labels."""
    (images_path, images), (labels_path, labels) = (_read(entry, *file) for file in files)
    if images.ndim != 3 or images.dtype != np.uint8:
        message = (
            f"`{images_path}` should hold uint8 images of shape (N, H, W), not "
            f"{images.dtype} of shape {images.shape}."
        )
        raise DataFileError(message)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        message = (
            f"`{labels_path}` should hold whole numbers of shape (N,), not "
            f"{labels.dtype} of shape {labels.shape}."
        )
        raise DataFileError(message)
    if len(images) != len(labels):
        message = (
            f"`{images_path}` holds {len(images)} images but `{labels_path}` {len(labels)} labels."
        )
        raise DataFileError(message)
    return Split(images[:, None], labels.astype(np.int64))
