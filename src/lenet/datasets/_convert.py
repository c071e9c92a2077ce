"""Datasets in the forms that other programs read."""

import gzip
import io
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from lenet.core import (
    check_free,
    rename_to_free,
    staged_folder,
    storage_errors,
    write_atomically,
)
from lenet.datasets._dataset import Dataset, Split
from lenet.datasets.readers._contents import CLASS_NAMES_FILE, SUMS_FILE
from lenet.datasets.readers._numpy_files import CLASS_NAMES_ARRAY, seal_archive
from lenet.datasets.readers._parquet import HUB_KEY
from lenet.datasets.readers._scan import may_name_class
from lenet.datasets.readers._sums import pack_sums
from lenet.errors import DatasetError, MissingExtraError, UnknownNameError

Form = Literal["folder", "idx", "npz", "parquet"]

_IDX_PARTS = {"train": "train", "test": "t10k", "validation": "validation"}
_ROWS = 1000  # of a row group


def convert_dataset(dataset: Dataset, target: Path | str, to: Form) -> Path:
    """Write a dataset so that other programs read it and `load_dataset` reads the same again.

    What is written holds check sums, so that damage is seen when it is read; those that
    a form has no place for lie beside it as `SHA256SUMS`.

    Args:
        dataset: The images with their labels and the names of their classes.
        target: What is written: a folder, or for `npz` a file. It must not be there yet.
        to: `folder` of PNG pictures, `idx` files as MNIST's, `npz` of NumPy arrays, or `parquet` as
            on the Hugging Face hub.

    Returns:
        The target, written whole.

    Raises:
        UnknownNameError: There is no such form.
        StorageError: The target is there already, or can't be written; nothing is left then.
        DatasetError: The names of the classes can't be kept in this form.
        MissingExtraError: Parquet needs a package that is not installed.
    """
    if to not in get_args(Form):
        raise UnknownNameError("form", to, get_args(Form))
    target = Path(target)
    check_free(target)
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    if to == "npz":
        write_atomically(target, _pack_npz(dataset))
        return target
    writers = {"folder": _write_folder, "idx": _write_idx, "parquet": _write_parquet}
    with storage_errors(target), staged_folder(target) as unfinished:
        writers[to](dataset, unfinished)
        (unfinished / SUMS_FILE).write_text(pack_sums(unfinished), encoding="utf-8")
        rename_to_free(unfinished, target)
    return target


def _pack_npz(dataset: Dataset) -> bytes:
    arrays: dict[str, Any] = {}
    for part, split in dataset.splits.items():
        arrays[f"x_{part}"], arrays[f"y_{part}"] = _pixels(split), split.labels
    arrays[CLASS_NAMES_ARRAY] = np.array(dataset.class_names)
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    seal_archive(content)
    return content.getvalue()


def _pixels(split: Split) -> npt.NDArray[np.uint8]:
    """The images as (N, H, W) or (N, H, W, 3)."""
    return split.images[:, 0] if split.images.shape[1] == 1 else split.images.transpose(0, 2, 3, 1)


def _write_idx(dataset: Dataset, folder: Path) -> None:
    """Two packed files a part, named as MNIST's, and the names of the classes beside them."""
    if len(dataset.class_names) > 256:
        message = f"IDX files hold labels up to 255; `{dataset.name}` has more classes."
        raise DatasetError(message)
    for part, split in dataset.splits.items():
        images, labels = _pixels(split), split.labels.astype(np.uint8)
        prefix = folder / _IDX_PARTS[part]
        for name, array in (("images", images), ("labels", labels)):
            path = Path(f"{prefix}-{name}-idx{array.ndim}-ubyte.gz")
            path.write_bytes(gzip.compress(_pack_idx(array), mtime=0))
    _write_class_names(dataset, folder)


def _pack_idx(array: npt.NDArray[np.uint8]) -> bytes:
    header = struct.pack(f">HBB{array.ndim}I", 0, 0x08, array.ndim, *array.shape)
    return header + np.ascontiguousarray(array).tobytes()


def _write_class_names(dataset: Dataset, folder: Path) -> None:
    if any(name != name.strip() or len(name.splitlines()) != 1 for name in dataset.class_names):
        message = f"A class of `{dataset.name}` has a name that does not fit on a line."
        raise DatasetError(message)
    text = "".join(f"{name}\n" for name in dataset.class_names)
    (folder / CLASS_NAMES_FILE).write_text(text, encoding="utf-8")


def _write_folder(dataset: Dataset, folder: Path) -> None:
    """A picture an image, numbered in the order of its part, in the folder of its class."""
    for name in dataset.class_names:
        if not may_name_class(name):
            message = f"The class `{name}` can't be the name of a folder; choose another form."
            raise DatasetError(message)
    for part, split in dataset.splits.items():
        digits = len(str(len(split)))
        for name in dataset.class_names:
            (folder / part / name).mkdir(parents=True)
        for number, content in enumerate(_encoded(split)):
            name = dataset.class_names[split.labels[number]]
            (folder / part / name / f"{number:0{digits}d}.png").write_bytes(content)
    _write_class_names(dataset, folder)


def _encoded(split: Split) -> Iterator[bytes]:
    from PIL import Image

    for pixels in _pixels(split):
        content = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(pixels)).save(content, "PNG")
        yield content.getvalue()


def _write_parquet(dataset: Dataset, folder: Path) -> None:
    """A file a part, with what the hub's programs look for in the schema."""
    try:
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter
    except ImportError as error:
        raise MissingExtraError("Parquet", "parquet") from error
    features = {
        "image": {"_type": "Image"},
        "label": {"names": list(dataset.class_names), "_type": "ClassLabel"},
    }
    picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    schema = pa.schema(
        [("image", picture), ("label", pa.int64())],
        {HUB_KEY: json.dumps({"info": {"features": features}})},
    )
    for part, split in dataset.splits.items():
        path = folder / f"{part}-00000-of-00001.parquet"
        encoded = _encoded(split)
        with ParquetWriter(path, schema, write_page_checksum=True) as writer:
            for start in range(0, len(split), _ROWS):
                labels = split.labels[start : start + _ROWS]
                pictures = [{"bytes": next(encoded), "path": None} for _ in labels]
                writer.write_table(pa.table({"image": pictures, "label": labels}, schema))
