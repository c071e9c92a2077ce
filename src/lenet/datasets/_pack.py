"""Packed sets: images that need not fit into memory, in the form that trainings read."""

import hashlib
import math
import os
import shutil
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from lenet.core import PARTIAL_SUFFIX, check_range, storage_errors, write_atomically
from lenet.datasets._dataset import Dataset
from lenet.datasets._packed_check import check_contents, check_sizes
from lenet.datasets._packed_index import (
    INDEX_FILE,
    LABEL_TYPE,
    MOST_CLASSES,
    PackedFile,
    PackedIndex,
    PackedPart,
    labels_name,
    read_index,
    shard_name,
)
from lenet.datasets._parts import PARTS, Part
from lenet.errors import DatasetError, SettingError, StorageError
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
        if os.path.lexists(self._target):
            message = f"`{self._target}` is there already; nothing is overwritten."
            raise StorageError(message)
        self._class_names, self._preparation = tuple(class_names), preparation
        self._shard_bytes = shard_mib * 2**20
        self._folder = self._target.with_name(f".{self._target.name}.{os.getpid()}{PARTIAL_SUFFIX}")
        self._parts: dict[Part, _PartWriter] = {}
        self._image_shape: tuple[int, int, int] | None = None
        self._open_files = ExitStack()
        self.path = self._target

    def __enter__(self) -> "PackWriter":
        with storage_errors(self._target):
            self._target.parent.mkdir(parents=True, exist_ok=True)
            self._folder.mkdir()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._open_files.close()
            shutil.rmtree(self._folder, ignore_errors=True)  # renamed, if all went well

    def write(
        self,
        images: npt.NDArray[np.uint8],
        labels: npt.NDArray[np.integer] | list[int] | int,
        part: Part = "train",
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
        self, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.integer], part: Part
    ) -> None:
        """Raise unless the examples can be written."""
        if part not in PARTS:
            message = f"A part is `train`, `test` or `validation`, not `{part}`."
            raise DatasetError(message)
        if images.dtype != np.uint8 or images.ndim != 4 or not math.prod(images.shape[1:]):
            message = (
                "Images must be uint8 of shape (N, C, H, W) or (N, H, W), not "
                f"{images.dtype} of shape {images.shape}."
            )
            raise DatasetError(message)
        if labels.dtype.kind not in "iu" or labels.shape != images.shape[:1]:
            message = (
                f"{len(images)} images need as many labels, whole numbers, not "
                f"{labels.dtype} of shape {labels.shape}."
            )
            raise DatasetError(message)
        shape: tuple[int, int, int] = (images.shape[1], images.shape[2], images.shape[3])
        self._image_shape = self._image_shape or shape
        if shape != self._image_shape:
            message = f"Images of shape {shape} do not go with those of {self._image_shape} before."
            raise DatasetError(message)
        if len(labels) and not 0 <= labels.min() <= labels.max() < len(self._class_names):
            wrong = labels.min() if labels.min() < 0 else labels.max()
            message = f"The label {wrong} is outside of the {len(self._class_names)} classes."
            raise DatasetError(message)

    def _finish(self) -> None:
        """Write the index, read everything back, and give the folder its name."""
        if "train" not in self._parts or self._image_shape is None:
            message = f"No images to train on were written to `{self._target}`."
            raise DatasetError(message)
        with storage_errors(self._target):
            parts = {part: writer.finish() for part, writer in self._parts.items()}
        index = PackedIndex(self._class_names, self._image_shape, parts, self._preparation)
        write_atomically(self._folder / INDEX_FILE, index.to_json())
        written = read_index(self._folder)
        check_sizes(self._folder, written)
        check_contents(self._folder, written, again=True)
        with storage_errors(self._target):
            self._folder.rename(self._target)


class _PartWriter:
    """Writes the shards and the labels of a part."""

    def __init__(self, folder: Path, part: Part, per_shard: int, open_files: ExitStack):
        self._folder, self._part, self._per_shard = folder, part, per_shard
        self._open_files = open_files
        self._shards: list[PackedFile] = []
        self._shard: _FileWriter | None = None
        self._labels = _FileWriter(folder / labels_name(part), open_files)

    def write(self, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint16]) -> None:
        """Add examples."""
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
    """Writes a file and its checksum."""

    def __init__(self, path: Path, open_files: ExitStack):
        self._path, self.images = path, 0
        self._file: BinaryIO = open_files.enter_context(path.open("wb"))
        self._digest = hashlib.sha256()

    def write(self, content: bytes | memoryview, images: int) -> None:
        """Add bytes that stand for some images."""
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


def write_packed(dataset: Dataset, target: Path | str, *, shard_mib: int = SHARD_MIB) -> Path:
    """Write a dataset as a packed set.

    Args:
        dataset: The images with their labels and the names of their classes.
        target: As for `PackWriter`.
        shard_mib: As for `PackWriter`.

    Returns:
        The target, written whole and read back.

    Raises:
        LenetError: As for `PackWriter`.
    """
    writer = PackWriter(
        target, dataset.class_names, preparation=dataset.preparation, shard_mib=shard_mib
    )
    with writer:
        for part, split in dataset.splits.items():
            for start in range(0, len(split), _AT_ONCE):
                chosen = slice(start, start + _AT_ONCE)
                writer.write(split.images[chosen], split.labels[chosen], part)
    return writer.path
