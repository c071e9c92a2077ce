"""Packing whatever can be read, without holding it in memory."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lenet.core import PARTIAL_SUFFIX
from lenet.datasets._collect import Collected, Deep, collect
from lenet.datasets._contents import Contents, Label
from lenet.datasets._dataset import Dataset, Split
from lenet.datasets._formats import open_contents
from lenet.datasets._load import find_source, load_dataset
from lenet.datasets._load_packed import load_packed
from lenet.datasets._own import (
    find_classes,
    part_dataset,
    read_on_one_scale,
    require_trainable,
)
from lenet.datasets._pack import SHARD_MIB, PackWriter, write_packed
from lenet.datasets._packed_index import MOST_CLASSES, PackedIndex, is_packed, read_index
from lenet.datasets._parts import PARTS, Part
from lenet.datasets._progress import reading_progress
from lenet.datasets._source import DataSource
from lenet.errors import DatasetError
from lenet.pictures import Preparation


def pack_dataset(
    dataset: str | Path | DataSource | Dataset,
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
            `load_dataset`; or images in memory.
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
    writer = PackWriter(target, [""], shard_mib=shard_mib)  # refuses what can't be before reading
    target = writer.path
    source = None if isinstance(dataset, Dataset) else find_source(dataset)
    if isinstance(dataset, Dataset):
        write_packed(dataset, target, shard_mib=shard_mib)
    elif source is None or is_packed(source.place):
        write_packed(load_dataset(dataset), target, shard_mib=shard_mib)
    else:
        stage = target.with_name(f".{target.name}-read.{os.getpid()}{PARTIAL_SUFFIX}")
        try:
            write_packed(_read_onto_disk(source, stage), target, shard_mib=shard_mib)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    return read_index(target)


class _Stage:
    """Examples on their way to the disk, and what must be remembered of them."""

    def __init__(self, writer: PackWriter):
        self._writer = writer
        self.numbers: dict[Label, int] = {}  # by order of appearance
        self.parts: list[npt.NDArray[np.uint8]] = []

    def keep(
        self, part: Part | None, images: npt.NDArray[np.uint8], labels: Sequence[Label]
    ) -> None:
        """Write a piece."""
        numbers = [self.numbers.setdefault(label, len(self.numbers)) for label in labels]
        # More labels than a packed set can tell apart are an error at the end, with their number.
        self._writer.write(images, [min(number, MOST_CLASSES - 1) for number in numbers])
        self.parts.append(np.full(len(images), PARTS.index(part or "train"), np.uint8))


def _read_onto_disk(source: DataSource, stage: Path) -> Dataset:
    """Read a dataset of one's own into one part of a packed set; its own parts are views of it."""
    contents = open_contents(source.place, source.label_column)

    def read(preparation: Preparation, deep: Deep) -> tuple[Collected, _Stage]:
        writer = PackWriter(stage, [str(number) for number in range(MOST_CLASSES)])
        kept = _Stage(writer)
        with writer, reading_progress(source.place.name, len(contents.files)) as progress:
            collected = collect(
                contents,
                preparation,
                deep=deep,
                skip_bad=source.skip_bad,
                progress=progress,
                keep=kept.keep,
            )
            if not kept.numbers:
                message = f"`{source.path}` holds no images."
                raise DatasetError(message)
        return collected, kept

    preparation, (collected, kept) = read_on_one_scale(source, contents, read)
    return _part(source, contents, collected, preparation, kept, stage)


def _part(
    source: DataSource,
    contents: Contents,
    collected: Collected,
    preparation: Preparation,
    kept: _Stage,
    stage: Path,
) -> Dataset:
    """Views of what was read, with their labels as numbers of classes."""
    classes = contents.classes or find_classes(source, kept.numbers)
    known = {label: number for number, (label, _) in enumerate(classes)}
    unknown = next((label for label in kept.numbers if label not in known), None)
    if unknown is not None:
        message = (
            f"`{source.path}` holds the label {unknown!r}, which is none of its {len(known)} "
            "classes."
        )
        raise DatasetError(message)
    everything = load_packed(DataSource(str(stage)), "").train
    numbers = np.array([known[label] for label in kept.numbers], np.int64)
    everything = Split(everything.images, numbers[everything.labels])
    parts = np.concatenate(kept.parts)
    splits = {
        part: everything.take(np.flatnonzero(parts == code))
        for code, part in enumerate(PARTS)
        if (parts == code).any()
    }
    dataset = part_dataset(source, "", contents, collected, preparation, classes, splits)
    require_trainable(dataset)
    return dataset
