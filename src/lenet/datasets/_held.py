"""Images with labels, as arrays, tensors and the data sets of other libraries hold them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lenet.core import to_numpy
from lenet.datasets._dataset import Split
from lenet.datasets.readers._arrays import are_planar, rows_to_pictures, to_labels, to_pictures
from lenet.datasets.readers._columns import Heading, find_columns
from lenet.datasets.readers._contents import Label
from lenet.errors import DatasetError
from lenet.pictures import read_values

IMAGE_NAMES: tuple[str, ...] = ("images", "image", "img", "data", "x", "pixel_values", "picture")
IMAGE_NAMES += ("features", "inputs")
LABEL_NAMES = ("target", "targets", "labels", "label", "y", "fine_label", "character")
_LOOKED_AT = 64  # rows of a table, to see what its columns hold
CLASS_NAMES = ("target_names", "classes", "class_names")


@dataclass(frozen=True, eq=False)
class HeldExamples:
    """Pictures of any kind with their labels, and the names of the classes where they are known."""

    pictures: npt.NDArray[Any] | Sequence[Any]
    labels: list[Label]
    class_names: tuple[str, ...] | None = None


def first_value(data: Mapping[Any, Any], names: Sequence[str]) -> Any:
    """What stands in a dictionary under the first of some names; nothing if it has none."""
    key = first_key(data, names)
    return None if key is None else data[key]


def first_key(data: Mapping[Any, Any], names: Sequence[str]) -> Any:
    """The first of some names that a dictionary has, as it is written there."""
    return next((key for name in names for key in data if str(key).lower() == name), None)


def are_labels_of(labels: Any, images: Any) -> bool:
    """Whether one thing may be the labels of another: as many, a number or a text for each."""
    if isinstance(labels, (str, bytes, Mapping)) or isinstance(images, (str, bytes, Mapping)):
        return False
    dimensions = [len(shape_of(value) or ()) for value in (images, labels)]
    if dimensions[0] > 1 and dimensions[1] == 1:
        return True  # and if their numbers differ, that is the problem
    try:
        if len(labels) != len(images) or not len(labels):
            return False
    except TypeError:
        return False
    if isinstance(labels, (list, tuple)):
        first = labels[0]
        return first is None or isinstance(first, (int, float, str, bytes)) or shape_of(first) == ()
    return dimensions[1] in (1, 2)


def shape_of(value: Any) -> tuple[int, ...] | None:
    """The shape of an array or tensor; nothing for what is none."""
    return tuple(value.shape) if hasattr(value, "shape") else None


def examples_of(data: Any) -> HeldExamples:
    """The examples in one part of some data."""
    if isinstance(data, Split):
        return make_examples(np.asarray(data.images), data.labels)
    if isinstance(data, (tuple, list)) and len(data) == 2 and are_labels_of(data[1], data[0]):
        return make_examples(data[0], data[1])
    if isinstance(data, Mapping):
        image, label = (first_key(data, names) for names in (IMAGE_NAMES, LABEL_NAMES))
        if image is None or label is None:
            raise _nothing(data)
        return make_examples(data[image], data[label], first_value(data, CLASS_NAMES))
    if hasattr(data, "iloc") and hasattr(data, "columns"):
        return _examples_of_table(data)
    if isinstance(getattr(data, "features", None), Mapping):
        return _examples_of_columns(data)
    tensors = getattr(data, "tensors", None)
    if isinstance(tensors, tuple) and len(tensors) == 2:
        return make_examples(*tensors)
    labels = getattr(data, "targets", getattr(data, "labels", None))
    images = getattr(data, "data", None)
    if labels is not None and hasattr(images, "shape") and _gives_plainly(data, images):
        return make_examples(data.data, labels, getattr(data, "classes", None))
    if hasattr(data, "dataset") and hasattr(data, "batch_size"):
        return _examples_of_batches(data)
    return _examples_of_items(data)


def _gives_plainly(data: Any, images: Any) -> bool:
    """Whether a dataset gives all that it holds as it is: neither changed nor chosen from."""
    names = ("transform", "target_transform", "transforms")
    is_whole = not hasattr(data, "__len__") or len(data) == len(images)
    return is_whole and all(getattr(data, name, None) is None for name in names)


def _examples_of_table(table: Any) -> HeldExamples:
    """A pandas table: a column of labels and one for each pixel, or one of pictures or files."""
    names = [str(name) for name in table.columns]
    by_name = dict(zip(names, range(len(names)), strict=True))
    image, label = (first_key(by_name, known) for known in (IMAGE_NAMES, LABEL_NAMES))
    if image is not None and label is not None:
        pictures, labels = (table.iloc[:, by_name[name]] for name in (image, label))
        return make_examples(list(pictures), labels)
    rows = [[str(cell) for cell in row] for row in table.head(_LOOKED_AT).to_numpy().tolist()]
    if not rows:
        raise _nothing(table)

    def count(columns: Sequence[int]) -> dict[int, Counter[str]]:
        return {column: Counter(map(str, table.iloc[:, column])) for column in columns}

    heading = Heading(Path("the table"), tuple(names), rows, "", "", count, lambda cell: False)
    columns = find_columns(heading)
    if not columns.labels:
        raise _nothing(table)
    if columns.file is not None:
        return make_examples(list(table.iloc[:, columns.file]), table.iloc[:, columns.labels[0]])
    pixels, labels = (
        table.iloc[:, list(chosen)].to_numpy() for chosen in (columns.pixels, columns.labels)
    )
    if columns.shape:
        is_planar = bool(columns.shape[2] == 3 and are_planar(pixels))
        is_planar = is_planar if columns.is_planar is None else columns.is_planar
        pixels = rows_to_pictures(pixels, columns.shape, is_planar)
    return make_examples(pixels, labels, columns.classes or None)


def _examples_of_columns(data: Any) -> HeldExamples:
    """A dataset of Hugging Face's: rows of columns, which `features` describes."""
    features = data.features
    image, label = (first_key(features, names) for names in (IMAGE_NAMES, LABEL_NAMES))
    kinds = {key: type(feature).__name__ for key, feature in features.items()}
    image = next((key for key, kind in kinds.items() if kind == "Image"), image)
    label = next((key for key, kind in kinds.items() if kind == "ClassLabel"), label)
    if image is None or label is None:
        named = ", ".join(f"`{key}`" for key in features)
        message = f"The dataset has the columns {named}; it needs `image` and `label`."
        raise DatasetError(message)
    rows = [(row[image], row[label]) for row in data]
    names = getattr(features[label], "names", None)
    return make_examples([picture for picture, _ in rows], [one for _, one in rows], names)


def _examples_of_batches(loader: Any) -> HeldExamples:
    """What a `DataLoader` gives in one pass."""
    images: list[Any] = []
    labels: list[Any] = []
    for batch in loader:
        pictures, numbers = _pair(batch)
        images += list(as_numbers(pictures))
        labels += list(as_numbers(numbers))
    return make_examples(images, labels, _class_names(loader))


def _examples_of_items(data: Any) -> HeldExamples:
    """Pairs of an image and a label, one after the other."""
    try:
        count = len(data)
        items: Iterator[Any] = (data[number] for number in range(count))
        if not hasattr(data, "__getitem__"):
            items = iter(data)
    except TypeError:
        if not hasattr(data, "__iter__"):
            raise _nothing(data) from None
        items = iter(data)
    pairs = [_pair(item) for item in items]
    images, labels = ([pair[side] for pair in pairs] for side in range(2))
    return make_examples(images, labels, _class_names(data))


def _class_names(data: Any) -> Any:
    """The names of classes that a dataset has, or the one that it is a part of."""
    while not hasattr(data, "classes") and hasattr(data, "dataset"):
        data = data.dataset
    return getattr(data, "classes", None)


def _pair(item: Any) -> tuple[Any, Any]:
    if isinstance(item, Mapping):
        image, label = (first_key(item, names) for names in (IMAGE_NAMES, LABEL_NAMES))
        if image is not None and label is not None:
            return item[image], item[label]
    elif isinstance(item, (tuple, list)) and len(item) == 2:
        return item[0], item[1]
    raise _nothing(item)


def _nothing(data: Any) -> DatasetError:
    return DatasetError(
        f"A `{type(data).__name__}` holds no images with labels that can be found. Pass `(X, y)`, "
        "`((X_train, y_train), (X_test, y_test))`, a path, or pairs of an image and a label."
    )


def make_examples(pictures: Any, labels: Any, names: Any = None) -> HeldExamples:
    """Examples of pictures and labels as they come."""
    numbers = to_labels(_plain_labels(labels), "The labels")
    if isinstance(pictures, (list, tuple)):
        pictures = [_picture(one) for one in pictures]
        if len({shape_of(one) for one in pictures}) == 1 and shape_of(pictures[0]):
            pictures = np.stack(pictures)
    else:
        pictures = as_numbers(pictures)
    if isinstance(pictures, np.ndarray):
        pictures = to_pictures(pictures, "The array of images")
    if len(pictures) != len(numbers):
        message = f"There are {len(pictures)} images but {len(numbers)} labels."
        raise DatasetError(message)
    class_names = None if names is None else tuple(map(str, list(names)))
    return HeldExamples(pictures, numbers, class_names)


def _picture(value: Any) -> npt.NDArray[Any] | Path | bytes:
    """One picture as numbers, or where it is read from."""
    if isinstance(value, (str, Path)):
        return Path(value)
    if isinstance(value, bytes):
        return value
    if isinstance(value, Mapping):  # as `datasets` gives a picture that it does not decode
        return value["bytes"] or Path(value["path"])
    if hasattr(value, "getbands"):  # Pillow's
        return read_values(value)
    return as_numbers(value)


def _plain_labels(labels: Any) -> npt.NDArray[Any]:
    """Labels as an array of numbers or texts."""
    if isinstance(labels, (list, tuple)):
        labels = [as_numbers(label).item() if shape_of(label) == () else label for label in labels]
    values = as_numbers(labels)
    if values.dtype.kind != "O" or not values.ndim:
        return values
    listed = values.tolist()
    missing = [number for number, label in enumerate(listed) if label is None or label != label]
    if missing:
        message = f"The label of image {missing[0]} is missing."
        raise DatasetError(message)
    return np.array(listed)


def as_numbers(values: Any) -> npt.NDArray[Any]:
    """An array of what NumPy or PyTorch hold, wherever it lies."""
    if hasattr(values, "toarray") or getattr(values, "is_sparse", False):
        values = values.toarray() if hasattr(values, "toarray") else values.to_dense()
    try:
        numbers: npt.NDArray[Any] = to_numpy(values)
        return numbers
    except (ValueError, TypeError) as error:
        message = f"The images are no array: {error}"
        raise DatasetError(message) from error
