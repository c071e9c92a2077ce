"""A packed set as a dataset."""

from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from lenet.core import reading_errors
from lenet.datasets._dataset import Dataset, Split
from lenet.datasets._origin import Origin
from lenet.datasets._packed_check import check_contents, check_sizes
from lenet.datasets._packed_files import Identity, open_plain
from lenet.datasets._packed_images import PackedImages
from lenet.datasets._packed_index import (
    LABEL_TYPE,
    PackedIndex,
    PackedPart,
    is_packed,
    read_index,
)
from lenet.datasets._source import DataSource
from lenet.errors import DataFileError, SettingError


def load_packed(source: DataSource, name: str) -> Dataset:
    """Open a packed set: small parts are read, large ones stay where they are.

    Args:
        source: Where it lies; how pictures would be read must not contradict how they were.
        name: What it is to be called.

    Raises:
        SettingError: The images were packed with another size, colours or preparation.
        DataFileError: A file is missing or damaged; the message names it.
    """
    folder = source.place
    index = read_index(folder)
    _check_wishes(source, index)
    identities = check_sizes(folder, index)
    check_contents(folder, index)
    splits = {
        part: _open_part(folder, files, index.image_shape, identities)
        for part, files in index.parts.items()
    }
    shards = sum(len(files.shards) for files in index.parts.values())
    size = sum(file.size for file in index.files)
    notes = [f"{shards:,} {'shard' if shards == 1 else 'shards'}, {size / 1e6:,.1f} MB in all."]
    if any(isinstance(split.images, PackedImages) for split in splits.values()):
        notes.append("It is read as it is needed; what is said of its images is of a sample.")
    origin = Origin(source, "packed images", index.class_names, (), notes=tuple(notes))
    return Dataset(
        name,
        index.class_names,
        splits["train"],
        splits.get("test"),
        splits.get("validation"),
        preparation=index.preparation,
        origin=origin,
    )


def check_packed(folder: Path | str) -> PackedIndex:
    """Read every byte of a packed set and compare it with the checksums.

    Args:
        folder: The set.

    Returns:
        What it says of itself.

    Raises:
        DataFileError: It is no packed set, or a file is missing or damaged; the message names it.
    """
    folder = Path(folder)
    if not is_packed(folder):
        message = f"`{folder}` is no packed set; `lenet data pack` makes one."
        raise DataFileError(message)
    index = read_index(folder)
    check_sizes(folder, index)
    check_contents(folder, index, again=True)
    return index


def _check_wishes(source: DataSource, index: PackedIndex) -> None:
    """Raise if images are wanted otherwise than they were packed."""
    channels, height, width = index.image_shape
    plain = DataSource(source.path)
    wanted = (source.height, source.width)
    method = index.preparation.method if index.preparation else "plain"
    packed_range = index.preparation.pixel_range if index.preparation else ()
    problem = ""
    if wanted not in ((plain.height, plain.width), (height, width)):
        problem = f"images of {height}×{width} pixels, not of {wanted[0]}×{wanted[1]}"
    elif source.colour and channels != 3:
        problem = "grey images"
    elif source.prepare not in (plain.prepare, method):
        problem = f"images that were prepared as `{method}`, not as `{source.prepare}`"
    elif source.pixel_range is not None and packed_range not in ((), source.pixel_range):
        low, high = packed_range
        problem = f"pictures with values from {low:g} to {high:g} as pixels, on another scale"
    elif source.label_column:
        problem = "labels of its own, so `label_column` does not apply"
    elif source.test_share not in (plain.test_share, 0.0):
        problem = "the parts that it was packed with, so `test_share` does not apply"
    if problem:
        message = f"`{source.path}` is a packed set and has {problem}."
        raise SettingError(message)


def _open_part(
    folder: Path,
    files: PackedPart,
    image_shape: tuple[int, int, int],
    identities: dict[str, Identity],
) -> Split:
    """The examples of a part: its labels in memory, its images as well if they are small."""
    path = folder / files.labels.name
    with reading_errors(path, DataFileError), open_plain(path) as file:
        labels = np.frombuffer(file.readall(), LABEL_TYPE).astype(np.int64)
    if len(labels) != files.images:
        message = f"`{path}` has changed while it was opened."
        raise DataFileError(message)
    packed = PackedImages(
        folder, files.shards, image_shape, tuple(identities[one.name] for one in files.shards)
    )
    images = packed if packed.is_large else packed[:]
    # It answers as an array does wherever images are indexed, and says so where it can't.
    return Split(cast("npt.NDArray[np.uint8]", images), labels)
