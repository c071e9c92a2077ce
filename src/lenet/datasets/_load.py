from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from lenet.datasets._cache import find_file
from lenet.datasets._catalog import CATALOG, CatalogEntry
from lenet.datasets._dataset import Dataset, Split
from lenet.datasets._idx import read_idx
from lenet.errors import DataFileError, UnknownNameError


def dataset_names() -> list[str]:
    """The names that `load_dataset` takes."""
    return [*CATALOG, "digits"]


def load_dataset(name: str, *, validation: float = 0.0, seed: int = 0) -> Dataset:
    """Load a dataset by name, from the cache or else from the network.

    Args:
        name: `fashion-mnist`, `mnist`, `kmnist`, or `digits`, which is bundled.
        validation: The share of the training images to hold out, 0 for none.
        seed: Decides which images are held out.

    Returns:
        The dataset: images uint8 (N, 1, 28, 28), labels int64 (N,).

    Raises:
        UnknownNameError: There is no dataset of that name.
        DownloadError: A file is neither cached nor to be had.
        DataFileError: A file is damaged.
        DatasetError: The files do not go together.

    >>> load_dataset("digits").train.images.shape
    (1438, 1, 28, 28)
    """
    if name == "digits":
        from lenet.datasets._digits import load_digits

        dataset = load_digits()
    elif name in CATALOG:
        dataset = _load_from_catalog(CATALOG[name])
    else:
        raise UnknownNameError("dataset", name, dataset_names())
    return dataset.with_validation(validation, seed) if validation else dataset


def _load_from_catalog(entry: CatalogEntry) -> Dataset:
    """Read the four files of a dataset, fetched first where they are missing."""
    paths = [find_file(entry, file) for file in entry.files]
    with ThreadPoolExecutor(2) as pool:
        # The training images are nearly all of the work; the second thread does the rest.
        train, test = pool.map(_read_split, (paths[:2], paths[2:]))
    return Dataset(entry.name, entry.class_names, train, test)


def _read_split(paths: list[Path]) -> Split:
    """Read a file of images and the file of their labels."""
    images_path, labels_path = paths
    images, labels = read_idx(images_path), read_idx(labels_path)
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
