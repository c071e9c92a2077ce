"""Datasets by their names, and those of one's own by where they lie."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lenet.core import field_types
from lenet.datasets._cache import (
    data_folder,
    download_file,
    find_cached,
    find_file,
    refuse_another_datasets_file,
)
from lenet.datasets._catalog import CATALOG, EMNIST, EMNIST_NAMES, CatalogEntry, RemoteFile
from lenet.datasets._dataset import Dataset, Split
from lenet.datasets._dividing import stratified_halves
from lenet.datasets._reading import DataSource, Reading, ReadingOptions
from lenet.datasets.readers._idx import read_idx
from lenet.errors import (
    DataFileError,
    DatasetError,
    DownloadError,
    SettingError,
    StorageError,
    UnknownNameError,
)
from lenet.pictures import Preparation

if TYPE_CHECKING:
    from typing_extensions import Unpack

_MOST_CHARACTERS = 60  # of a name
_TEST_FRACTION = 0.2  # of the bundled digits
_SIZE = 28
_INK_SIZE = 20  # MNIST fits its digits into 20×20 of the 28×28 pixels


def dataset_names() -> list[str]:
    """The names that `load_dataset` takes."""
    return [*CATALOG, *EMNIST_NAMES, "digits"]


def load_dataset(
    name: str | Path | DataSource,
    *,
    validation: float = 0.0,
    seed: int = 0,
    for_training: bool = True,
    **reading: Unpack[ReadingOptions],
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
        validation: The share of the training images to hold out, 0 for none.
        seed: Decides which images are held out.
        for_training: Whether images of your own must be fit to train on: two classes or more, and
            training images of each. What is only scored or looked at need not be.
        reading: How images of your own are read, the fields of `Reading`: `size` (pixels of a side,
            or height and width; 28), `colour` (grey otherwise), `prepare` (`plain`, the default,
            fits the whole picture into the frame, `symbol` finds the ink in it, `object` the
            thing), `skip_bad` (pictures that can't be read are an error otherwise), `test_share`
            (of the images, for testing where there is no test part; 0.2), `pixel_range` (of
            pictures of more than 8 bits; measured otherwise), `label_column` (of a table: its
            name, its number from 1 on, `first` or `last`; found by itself otherwise), `label_from`
            (`folder`, `path`, `name`, `table` or a pattern), `group_column` and `group_from`
            (whose members stay on one side).

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
    source = find_source(name, **reading)
    dataset = _load_known(str(name)) if source is None else _load_own(source, for_training)
    return dataset.with_validation(validation, seed) if validation else dataset


def load_cached_test(name: str) -> Split | None:
    """The test images of a known dataset as far as they are on this machine; nothing is fetched.

    Args:
        name: `digits`, which is bundled, `mnist`, `fashion-mnist` or `kmnist`.

    Returns:
        The images, or `None` where a file is missing or damaged.

    >>> len(load_cached_test("digits"))
    359
    """
    if name == "digits":
        return _load_digits().test
    entry = CATALOG[name]
    found = [(file, path) for file in entry.files[2:] if (path := find_cached(entry, file))]
    if len(found) < 2:
        return None
    try:
        for _, path in found:
            refuse_another_datasets_file(entry, path)
        return _read_split(entry, found, may_fetch=False)
    except DataFileError:
        return None


def find_source(
    name: str | Path | DataSource, **reading: Unpack[ReadingOptions]
) -> DataSource | None:
    """Where a dataset of one's own lies and how it is read; `None` for a name that is known.

    Args:
        name: A known name, the path of a folder or file, or what is to be found.
        reading: The fields of `Reading`.

    Raises:
        UnknownNameError: It is neither a known name nor a path, or there is no such field.
        SettingError: A value is out of range, or does not belong to a known name.
    """
    if not isinstance(name, (str, Path, DataSource)):
        message = (
            f"A `{type(name).__name__}` is neither a name nor a path; `lenet.as_dataset` reads "
            "whatever holds images."
        )
        raise DatasetError(message)
    fields = field_types(Reading)
    for option in reading:
        if option not in fields:
            raise UnknownNameError("option", option, fields)
    given = {field: reading.get(field) for field in fields if reading.get(field) is not None}
    is_known = name in dataset_names()
    if isinstance(name, str) and not is_known and not _is_path(name):
        raise UnknownNameError("dataset or folder", name, dataset_names())
    if given and (is_known or isinstance(name, DataSource)):
        message = f"`{next(iter(given))}` is for folders and files; `{name}` is read as it is."
        raise SettingError(message)
    if isinstance(name, DataSource):
        return name
    for column in ("label_column", "group_column"):
        if column in given:
            given[column] = str(given[column])
    return None if is_known else DataSource.from_dict({"path": str(name), **given})


def _is_path(text: str) -> bool:
    """Whether what is no known name is a folder or file; a known one with a separator is, too.

    >>> _is_path("./mnist"), _is_path("minst")
    (True, False)
    """
    separators = {os.sep, os.altsep or os.sep}
    return text.startswith("~") or any(s in text for s in separators) or os.path.exists(text)


def _name_of(path: Path) -> str:
    """What a dataset of one's own is called in run folders, pictures and model files.

    >>> _name_of(Path("My pictures (2).npz")), _name_of(Path("data/mnist"))
    ('My-pictures-2', 'own-mnist')
    """
    stem = re.sub(r"\.(csv|npz|parquet|zip|txt|tsv)$", "", path.name, flags=re.IGNORECASE)
    name = re.sub(r"[^\w.-]+", "-", stem).strip("-.")[:_MOST_CHARACTERS] or "own"
    return f"own-{name}" if name in dataset_names() else name


def _load_own(source: DataSource, for_training: bool) -> Dataset:
    from lenet.datasets._own import load_own, require_trainable
    from lenet.datasets.packed._check import load_packed
    from lenet.datasets.packed._index import is_packed

    name = _name_of(source.place)
    if is_packed(source.place):
        return load_packed(source, name)
    dataset = load_own(source, name)
    if for_training:
        require_trainable(dataset)
    return dataset


def _load_known(name: str) -> Dataset:
    if name == "digits":
        return _load_digits()
    if name in EMNIST_NAMES:
        return _load_emnist(name)
    entry = CATALOG[name]
    paths = [(file, find_file(entry, file)) for file in entry.files]
    with ThreadPoolExecutor(2) as pool:
        # The training images are half of the work; the second thread does the rest meanwhile.
        reading = [pool.submit(_read_split, entry, part) for part in (paths[:2], paths[2:])]
        for _, path in paths:
            refuse_another_datasets_file(entry, path)
        train, test = (one.result() for one in reading)
    return Dataset(entry.name, entry.class_names, train, test, preparation=entry.preparation)


def _read_split(
    entry: CatalogEntry, files: list[tuple[RemoteFile, Path]], *, may_fetch: bool = True
) -> Split:
    """Read a file of images and the file of their labels, fetched again where one is damaged."""
    paths, arrays = [], []
    for file, path in files:
        try:
            array = read_idx(path)
        except DataFileError as error:
            if not may_fetch:
                raise
            try:
                path = download_file(entry, file)
            except (DownloadError, StorageError):
                raise error from None
            array = read_idx(path)
        paths.append(path)
        arrays.append(array)
    images, labels = arrays
    message = ""
    if images.ndim != 3 or images.dtype != np.uint8:
        message = (
            f"`{paths[0]}` should hold uint8 images of shape (N, H, W), not "
            f"{images.dtype} of shape {images.shape}."
        )
    elif labels.ndim != 1 or labels.dtype.kind not in "iu":
        message = (
            f"`{paths[1]}` should hold whole numbers of shape (N,), not "
            f"{labels.dtype} of shape {labels.shape}."
        )
    elif len(images) != len(labels):
        message = f"`{paths[0]}` holds {len(images)} images but `{paths[1]}` {len(labels)} labels."
    if message:
        raise DataFileError(message)
    return Split(images[:, None], labels.astype(np.int64))


def _load_emnist(name: str) -> Dataset:
    """Load a split of EMNIST.

    Its files may lie in the data folder unpacked, where torchvision leaves them, or in the archive
    that NIST publishes, which is fetched where it is missing.
    """
    from lenet.datasets._own import read_own
    from lenet.datasets.readers._emnist import find_emnist, list_emnist

    split = name.removeprefix(f"{EMNIST.name}-")
    archive = EMNIST.files[0]
    places = (EMNIST.name, EMNIST.torchvision_folder, archive.name)
    there = [place for place in map(data_folder().joinpath, places) if os.path.exists(place)]
    place = next((place for place in there if split in find_emnist(place)), None)
    place = place or find_file(EMNIST, archive)
    dataset = read_own(DataSource(str(place)), name, list_emnist(place, find_emnist(place), split))
    return replace(dataset, preparation=EMNIST.preparation, origin=None)


def _read_digits() -> npt.NDArray[np.int64]:
    """The table of digits, 64 grey levels and a label each, int64 (1797, 65)."""
    file = Path(__file__).parent / "digits" / "digits.csv.gz"
    return np.loadtxt(file, delimiter=",", dtype=np.int64)


def _load_digits() -> Dataset:
    """The handwriting that comes with the package, so that there is always something to train on.

    1,797 digits of 8×8 pixels and 17 grey levels, brought to 28×28 as MNIST's are: the ink in
    20×20 pixels, light on dark. A fixed fifth of every class is the test split.

    Source: E. Alpaydin and C. Kaynak (1998), "Optical Recognition of Handwritten Digits", UCI
    Machine Learning Repository.
    """
    rows = _read_digits()
    grey_levels = rows[:, :-1].astype(np.float32).reshape(-1, 1, 8, 8) / np.float32(16)
    images = np.rint(enlarge_images(grey_levels) * 255).astype(np.uint8)
    everything = Split(images, rows[:, -1])
    train, test = map(everything.take, stratified_halves(everything.labels, _TEST_FRACTION, seed=0))
    preparation = Preparation(polarity="light-on-dark")
    return Dataset("digits", tuple("0123456789"), train, test, preparation=preparation)


def enlarge_images(images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Small images brought to 28×28 as MNIST's are: the picture in the middle, 0 around it.

    The longer side becomes 20 pixels, by linear interpolation; a picture that has 20 or more is
    only framed.

    Args:
        images: float32 (N, C, H, W), H and W up to 28.

    Returns:
        float32 (N, C, 28, 28).

    Raises:
        DatasetError: A side is longer than 28 pixels.

    >>> float(enlarge_images(np.ones((1, 1, 8, 8), np.float32)).sum())
    400.0
    """
    height, width = images.shape[2:]
    longer = max(height, width)
    if longer > _SIZE:
        message = f"Images of {height}×{width} pixels are larger than {_SIZE}×{_SIZE}."
        raise DatasetError(message)
    if longer < _INK_SIZE:
        height, width = (max(1, round(side * _INK_SIZE / longer)) for side in (height, width))
        images = _interpolate(images, height, width)
    top, left = (_SIZE - height) // 2, (_SIZE - width) // 2
    around = ((0, 0), (0, 0), (top, _SIZE - height - top), (left, _SIZE - width - left))
    return np.pad(images, around)


def _interpolate(
    images: npt.NDArray[np.float32], height: int, width: int
) -> npt.NDArray[np.float32]:
    """Images at another size, each pixel from the four around it.

    Order and rounding are PyTorch's where it has fused multiply-adds: many pixels of the bundled
    digits lie between two bytes, and would become the other one by another last bit.
    """
    (top, below), (above_share, below_share) = _neighbours(images.shape[2], height)
    (left, right), (left_share, right_share) = _neighbours(images.shape[3], width)
    total: npt.NDArray[np.float32] = np.zeros(1, np.float32)
    for rows, row_share, columns, column_share in (
        (top, above_share, right, right_share),
        (top, above_share, left, left_share),
        (below, below_share, left, left_share),
        (below, below_share, right, right_share),
    ):
        shares = (row_share[:, None] * column_share).astype(np.float64)
        total = (images[:, :, rows[:, None], columns] * shares + total).astype(np.float32)
    return total


def _neighbours(size: int, wanted: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """The two places around each of `wanted` ones, and the share of either: both (2, wanted)."""
    scale = np.float64(np.float32(size) / np.float32(wanted))
    places = ((np.arange(wanted) + 0.5) * scale - 0.5).astype(np.float32).clip(0)
    first = places.astype(np.int64)
    share = places - first.astype(np.float32)
    return np.stack([first, np.minimum(first + 1, size - 1)]), np.stack([1 - share, share])
