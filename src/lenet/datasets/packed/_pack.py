"""Packing whatever can be read, in the form that trainings read, without holding it in memory."""

import hashlib
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from lenet.core import (
    check_free,
    check_range,
    remove_abandoned,
    rename_to_free,
    staged_folder,
    storage_errors,
    write_atomically,
)
from lenet.datasets._dataset import Dataset, Split
from lenet.datasets._load import find_source, load_dataset
from lenet.datasets._objects import ImageHolder, as_dataset
from lenet.datasets._own import read_own, require_trainable
from lenet.datasets._reading import DataSource
from lenet.datasets.packed._check import check_files, load_packed
from lenet.datasets.packed._index import (
    INDEX_FILE,
    LABEL_TYPE,
    MOST_CLASSES,
    PackedFile,
    PackedIndex,
    PackedPart,
    is_packed,
    labels_name,
    read_index,
    shard_name,
)
from lenet.datasets.readers._collect import Examples, Keep
from lenet.datasets.readers._contents import SPLIT_NAMES, Label, SplitName
from lenet.datasets.readers._formats import open_contents
from lenet.errors import DatasetError, SettingError
from lenet.pictures import Preparation

SHARD_MIB = 64
_AT_ONCE = 8192  # images that are copied from a dataset in one go


class PackWriter:
    """Writes a packed set piece by piece, so that the whole of it is never in memory.

    Use it in a `with` block. Everything is written into a hidden folder beside the target; at the
    end of the block the files are read back and compared with their checksums, and the folder gets
    its name. After an error nothing is left.

    Args:
        target: The folder that is made; it must not be there yet.
        class_names: The classes; a label is an index into them. 1 to 65,536.
        preparation: How pictures became the images; `None` where that is not known.
        shard_mib: Size of a shard in MiB, 1 to 4096; a shard holds one image at least.

    Raises:
        StorageError: The target is there already, or can't be written.
        SettingError: A value is out of range.
        DatasetError: Images or labels are not as `write` takes them, or there are none.

    >>> import tempfile
    >>> from lenet.datasets import load_dataset
    >>> target = Path(tempfile.mkdtemp()) / "noise"
    >>> with PackWriter(target, ["zero", "one"]) as packed:
    ...     for seed in range(3):
    ...         random = np.random.default_rng(seed)
    ...         images = random.integers(0, 256, (100, 28, 28), np.uint8)
    ...         packed.write(images, random.integers(0, 2, 100))
    >>> len(load_dataset(target).train)
    300
    """

    path: Path

    def __init__(
        self,
        target: Path | str,
        class_names: list[str] | tuple[str, ...],
        *,
        preparation: Preparation | None = None,
        shard_mib: int = SHARD_MIB,
    ):
        check_range("shard_mib", shard_mib, 1, 4096)
        if not 1 <= len(class_names) <= MOST_CLASSES:
            message = f"A packed set has 1 to {MOST_CLASSES} classes, not {len(class_names)}."
            raise SettingError(message)
        self._target = Path(os.path.abspath(os.path.expanduser(target)))
        check_free(self._target)
        self._class_names, self._preparation = tuple(class_names), preparation
        self._shard_bytes = shard_mib * 2**20
        self._parts: dict[SplitName, _PartWriter] = {}
        self._image_shape: tuple[int, int, int] | None = None
        self._open_files, self._stage = ExitStack(), ExitStack()
        self.path = self._target

    def __enter__(self) -> "PackWriter":
        with storage_errors(self._target):
            self._target.parent.mkdir(parents=True, exist_ok=True)
            self._folder = self._stage.enter_context(staged_folder(self._target))
        return self

    def __exit__(self, *raised: object) -> None:
        try:
            if raised == (None, None, None):
                self._finish()
        finally:
            try:
                with storage_errors(self._target):  # what was not written yet is written here
                    self._open_files.close()
            finally:
                self._stage.close()

    def write(
        self,
        images: npt.NDArray[np.uint8],
        labels: npt.NDArray[np.integer] | list[int] | int,
        part: SplitName = "train",
    ) -> None:
        """Add examples to a part.

        Args:
            images: uint8 of shape (N, C, H, W) or (N, H, W); or one image, (H, W), with one label.
                All of a set have one shape.
            labels: The indices of their classes, whole numbers of shape (N,); or one for one image.
            part: What they are for: `train`, `test` or `validation`.

        Raises:
            DatasetError: They are not so.
            StorageError: The disk is full, or may not be written to.
        """
        images, numbers = np.asarray(images), np.asarray(labels)
        if not numbers.size:
            numbers = numbers.astype(np.int64)  # an empty list says of no type
        if images.ndim == 2 and numbers.ndim == 0:
            images, numbers = images[None], numbers[None]
        if images.ndim == 3:
            images = images[:, None]
        self._check(images, numbers, part)
        if not len(images):
            return
        if part not in self._parts:
            per_shard = max(1, self._shard_bytes // math.prod(images.shape[1:]))
            self._parts[part] = _PartWriter(self._folder, part, per_shard, self._open_files)
        with storage_errors(self._target):
            self._parts[part].write(np.ascontiguousarray(images), numbers.astype(LABEL_TYPE))

    def _check(
        self, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.integer], part: SplitName
    ) -> None:
        classes, before, message = len(self._class_names), self._image_shape, ""
        if part not in SPLIT_NAMES:
            message = f"A part is `train`, `test` or `validation`, not `{part}`."
        elif images.dtype != np.uint8 or images.ndim != 4 or not math.prod(images.shape[1:]):
            message = "Images must be uint8 of shape (N, C, H, W) or (N, H, W), not "
            message += f"{images.dtype} of shape {images.shape}."
        elif labels.dtype.kind not in "iu" or labels.shape != images.shape[:1]:
            message = f"{len(images)} images need as many labels, whole numbers, not "
            message += f"{labels.dtype} of shape {labels.shape}."
        elif before not in (None, images.shape[1:]):
            message = f"Images of shape {images.shape[1:]} do not go with those of {before} before."
        elif len(labels) and not 0 <= labels.min() <= labels.max() < classes:
            wrong = labels.min() if labels.min() < 0 else labels.max()
            message = f"The label {wrong} is outside of the {classes} classes."
        if message:
            raise DatasetError(message)
        self._image_shape = (images.shape[1], images.shape[2], images.shape[3])

    def _finish(self) -> None:
        """Write the index, read everything back, and give the folder its name."""
        if "train" not in self._parts or self._image_shape is None:
            message = f"No images to train on were written to `{self._target}`."
            raise DatasetError(message)
        with storage_errors(self._target):
            parts = {part: writer.finish() for part, writer in self._parts.items()}
        index = PackedIndex(self._class_names, self._image_shape, parts, self._preparation)
        write_atomically(self._folder / INDEX_FILE, index.to_json())
        check_files(self._folder, read_index(self._folder), again=True)
        with storage_errors(self._target):
            rename_to_free(self._folder, self._target)


class _PartWriter:
    def __init__(self, folder: Path, part: SplitName, per_shard: int, open_files: ExitStack):
        self._folder, self._part, self._per_shard = folder, part, per_shard
        self._open_files = open_files
        self._shards: list[PackedFile] = []
        self._shard: _FileWriter | None = None
        self._labels = _FileWriter(folder / labels_name(part), open_files)

    def write(self, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint16]) -> None:
        self._labels.write(labels.tobytes(), len(labels))
        while len(images):
            if self._shard is None:
                path = self._folder / shard_name(self._part, len(self._shards))
                self._shard = _FileWriter(path, self._open_files)
            fitting = images[: self._per_shard - self._shard.images]
            self._shard.write(fitting.data, len(fitting))
            images = images[len(fitting) :]
            if self._shard.images == self._per_shard:
                self._end_shard()

    def finish(self) -> PackedPart:
        """Close the files, and say what they hold."""
        self._end_shard()
        return PackedPart(tuple(self._shards), self._labels.finish())

    def _end_shard(self) -> None:
        if self._shard is not None:
            self._shards.append(self._shard.finish())
            self._shard = None


class _FileWriter:
    def __init__(self, path: Path, open_files: ExitStack):
        self._path, self.images = path, 0
        self._file: BinaryIO = open_files.enter_context(path.open("wb"))
        self._digest = hashlib.sha256()

    def write(self, content: bytes | memoryview, images: int) -> None:
        self._file.write(content)
        self._digest.update(content)
        self.images += images

    def finish(self) -> PackedFile:
        """Bring it to the disk, and say what it holds."""
        self._file.flush()
        os.fsync(self._file.fileno())
        size = self._file.tell()
        self._file.close()
        return PackedFile(self._path.name, self.images, size, self._digest.hexdigest())


def pack_dataset(
    dataset: str | Path | DataSource | ImageHolder,
    target: Path | str,
    *,
    shard_mib: int = SHARD_MIB,
) -> PackedIndex:
    """Write a dataset as a packed set, from which a training reads ahead as it goes.

    A folder or file of one's own is read and written piece by piece, so it may be larger than
    memory if its format has pieces: pictures, tables and Parquet have, arrays in one file have
    not. For a while it takes twice the disk.

    Args:
        dataset: A name, the path of a folder or file of one's own, or how it is read, as for
            `load_dataset`; or what `as_dataset` takes.
        target: The folder that is made; it must not be there yet.
        shard_mib: Size of a shard in MiB, 1 to 4096.

    Returns:
        What the set says of itself, after it was written whole and read back.

    Raises:
        StorageError: The target is there already, or can't be written; nothing is left then.
        SettingError: The size is out of range.
        DatasetError: The data can't be had or used.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "digits"
    >>> pack_dataset("digits", target).parts["train"].images
    1438
    >>> load_dataset(target).fingerprint() == load_dataset("digits").fingerprint()
    True
    """
    target = Path(os.path.abspath(os.path.expanduser(target)))
    # A kill just after the set was put there may have left what it was read into.
    remove_abandoned(target.parent, f".{target.name}-read.")
    PackWriter(target, [""], shard_mib=shard_mib)  # refuses what can't be before anything is read
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    with storage_errors(target), staged_folder(target.with_name(f"{target.name}-read")) as stage:
        if isinstance(dataset, (str, Path, DataSource)):
            data = _read_or_load(dataset, stage / "set")
        else:
            data = as_dataset(dataset)
        with PackWriter(
            target, data.class_names, preparation=data.preparation, shard_mib=shard_mib
        ) as writer:
            for part, split in data.splits.items():
                for start in range(0, len(split), _AT_ONCE):
                    chosen = slice(start, start + _AT_ONCE)
                    writer.write(split.images[chosen], split.labels[chosen], part)
    return read_index(target)


def _read_or_load(dataset: str | Path | DataSource, stage: Path) -> Dataset:
    """A dataset; one's own that is not packed yet is read onto the disk."""
    source = find_source(dataset)
    if source is None or is_packed(source.place):
        return load_dataset(dataset)
    if source.group_column or source.group_from:
        message = "A packed set keeps no groups; leave out `group_column` and `group_from`."
        raise SettingError(message)
    data = read_own(source, "", open_contents(source), _Stage(source, stage))
    require_trainable(data)
    return data


class _Stage:
    """Keeps examples on the disk, in one split of a packed set of which theirs are views."""

    def __init__(self, source: DataSource, folder: Path):
        self._source, self._folder = source, folder
        self.labels: dict[Label, int] = {}  # with their numbers, by order of appearance

    @contextmanager
    def begin(self) -> Iterator[Keep]:
        self.labels.clear()
        self._codes: list[npt.NDArray[np.uint8]] = []  # of the splits
        names = list(map(str, range(MOST_CLASSES)))
        with PackWriter(self._folder, names) as self._writer:
            yield self._keep
            self._writer._class_names = tuple(names[: len(self.labels)])  # those that there are
            if not self.labels:
                message = f"`{self._source.path}` holds no images."
                raise DatasetError(message)

    def _keep(self, examples: Examples) -> None:
        numbers = [self.labels.setdefault(label, len(self.labels)) for label in examples.labels]
        # More labels than a packed set can tell apart are an error at the end, with their number.
        self._writer.write(examples.images, [min(number, MOST_CLASSES - 1) for number in numbers])
        code = SPLIT_NAMES.index(examples.split or "train")
        self._codes.append(np.full(len(numbers), code, np.uint8))

    def splits(self, numbers: Mapping[Label, int]) -> dict[SplitName, Split]:
        stored = load_packed(DataSource(str(self._folder)), "").train
        known = np.array([numbers[label] for label in self.labels], np.int64)
        everything = Split(stored.images, known[stored.labels])
        codes = np.concatenate(self._codes)
        return {
            split: everything.take(np.flatnonzero(codes == code))
            for code, split in enumerate(SPLIT_NAMES)
            if (codes == code).any()
        }
