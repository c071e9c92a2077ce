"""Arrays of images and of their labels: what belongs together, and how they are taken."""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lenet.datasets.readers._contents import Label, RawExamples, SplitName, split_of, words_of
from lenet.errors import DataFileError

_LABEL_WORDS = {"y", "label", "labels", "target", "targets", "lbl", "lbls"}
_COMMON_WORDS = {"x", "image", "images", "img", "imgs", "data", "idx1", "idx3", "idx4", "ubyte"}
_COMMON_WORDS |= {*_LABEL_WORDS, "gz", "npy"}
_UNNAMED = re.compile(r"arr_\d+")  # as NumPy calls what it is given without a name
_LARGEST_LABEL = 2.0**53  # that a fraction holds exactly
_LOOKED_AT = 64  # images, to see in which order their colours stand

Shapes = Mapping[str, tuple[int, ...]]  # by the names of arrays


class ArrayPair(NamedTuple):
    """The names of an array of images and of the array of their labels."""

    split: SplitName | None
    images: str
    labels: str


def read_pairs(
    pairs: Sequence[ArrayPair],
    read: Callable[[str], npt.NDArray[Any]],
    describe: Callable[[str], str],
    blocks: Callable[[str], Iterator[npt.NDArray[Any]]] | None = None,
) -> Iterator[RawExamples]:
    """The examples of each pair of arrays.

    Args:
        pairs: The names of the arrays.
        read: Gives an array by its name.
        describe: How one is called in an error.
        blocks: Gives an array some images at a time, where that is possible.
    """
    for split, images, labels in pairs:
        numbers = to_labels(read(labels), describe(labels))
        place, start = describe(images), 0
        for pictures in blocks_to_pictures(blocks(images) if blocks else [read(images)], place):
            some = numbers[start : start + len(pictures)]
            yield RawExamples(split, some, pictures, [place])
            start += len(pictures)


def blocks_to_pictures(
    blocks: Iterable[npt.NDArray[Any]], place: str
) -> Iterator[npt.NDArray[Any]]:
    """The same as `to_pictures` gives of an array that comes some images at a time."""
    is_planar: bool | None = None
    for block in blocks:
        if is_planar is None and block.ndim == 2 and block.dtype.kind in "buif":
            shape = image_shape(block.shape[1])
            is_planar = shape is not None and shape[2] == 3 and are_planar(block)
        yield to_pictures(block, place, is_planar)


def pair_arrays(shapes: Shapes, place: str) -> list[ArrayPair]:
    """Find which labels belong to which images, by their dimensions and names; training first.

    Images have three dimensions or four, or two where each is written out in a row. Labels have
    one, or are a column, or have a column for every class. Errors call where they are `place`.

    >>> pair_arrays({"x_train": (60, 28, 28), "y_train": (60,)}, "mnist.npz")
    [ArrayPair(split='train', images='x_train', labels='y_train')]
    """
    labels = {name: shape for name, shape in shapes.items() if are_labels(name, shape)}
    if not labels:
        labels = _one_hot_of(shapes)
    images = {name: shape for name, shape in shapes.items() if name not in labels}
    found = {name: _labels_of(name, images, labels) for name in images}
    pairs = [
        ArrayPair(split_of(name), name, other) for name, other in found.items() if other is not None
    ]
    is_clear = len({pair.labels for pair in pairs}) == len(pairs) == len(images) == len(labels) > 0
    if not is_clear:
        pairs = _pairs_by_order(images, labels)
    if not pairs or () in shapes.values():
        held = ", ".join(f"`{name}` of shape {shape}" for name, shape in shapes.items())
        advice = ""
        if images and not labels and () not in shapes.values():
            advice = f" What images without labels show, `lenet predict {place}` answers."
        message = (
            f"`{place}` should hold images of shape (N, H, W) and labels of shape (N,), such as "
            f"`x_train` and `y_train`; it holds {held or 'no arrays'}.{advice}"
        )
        raise DataFileError(message)
    for pair in pairs:
        shape, count = images[pair.images], labels[pair.labels][0]
        if shape[0] != count:
            advice = ""
            if len(shape) > 2 and shape[-1] == count:
                advice = " The images seem to stand last; `np.moveaxis(images, -1, 0)` turns them."
            message = (
                f"`{place}` holds {shape[0]} images in `{pair.images}` but "
                f"{count} labels in `{pair.labels}`.{advice}"
            )
            raise DataFileError(message)
    order = {"train": 0, None: 0, "validation": 1, "test": 2}
    return sorted(pairs, key=lambda pair: order[pair.split])


def describe_pairs(pairs: Sequence[ArrayPair]) -> tuple[str, ...]:
    """A sentence on arrays whose names do not say what they are."""
    if len(pairs) < 2 or not all(_UNNAMED.fullmatch(pair.images) for pair in pairs):
        return ()
    named = ", ".join(
        f"`{pair.images}` with the labels in `{pair.labels}` ({pair.split})" for pair in pairs
    )
    return (f"The arrays have no names; by their order and size they are taken as {named}.",)


def are_labels(name: str, shape: tuple[int, ...]) -> bool:
    """Whether an array holds labels, by its name and shape."""
    if len(shape) == 2 and shape[1] == 1:
        return True
    return len(shape) < 2 or (len(shape) == 2 and bool(_LABEL_WORDS & set(words_of(name))))


def _one_hot_of(shapes: Shapes) -> dict[str, tuple[int, ...]]:
    """The half of some arrays that may have a column for every class, as the rest is wider."""
    flat: dict[str, tuple[int, ...]]
    flat = {name: shape for name, shape in shapes.items() if len(shape) == 2}
    if not flat or not all(_UNNAMED.fullmatch(name) for name in shapes):
        return {}
    width = min(shape[1] for shape in flat.values())
    narrow = {name: shape for name, shape in flat.items() if shape[1] == width}
    others = [shape for name, shape in shapes.items() if name not in narrow]
    is_wider = all(math.prod(shape[1:]) > width for shape in others)
    return narrow if is_wider and len(narrow) == len(others) else {}


def _pairs_by_order(images: Shapes, labels: Shapes) -> list[ArrayPair]:
    """The pairs of one part or two whose arrays have no names, in their order.

    Training has more images than testing.
    """
    if not all(_UNNAMED.fullmatch(name) for name in (*images, *labels)):
        return []
    if not 0 < len(images) == len(labels) <= 2 or () in (*images.values(), *labels.values()):
        return []
    pairs = []
    free = dict(labels)
    for name, shape in images.items():
        fitting = [label for label, other in free.items() if other[0] == shape[0]]
        if not fitting:
            return []
        pairs.append((name, fitting[0]))
        del free[fitting[0]]
    pairs.sort(key=lambda pair: -images[pair[0]][0])
    parts: tuple[SplitName | None, ...] = (None,) if len(pairs) == 1 else ("train", "test")
    return [ArrayPair(part, *pair) for part, pair in zip(parts, pairs, strict=True)]


def _labels_of(name: str, images: Shapes, labels: Shapes) -> str | None:
    """The labels that belong to some images, where that is clear."""

    def what_is_left(name: str) -> list[str]:
        words = words_of(name)
        return [word for word in words if word not in _COMMON_WORDS and not split_of(word)]

    same_split = [other for other in labels if split_of(other) == split_of(name)]
    rivals = [other for other in images if split_of(other) == split_of(name)]
    if len(rivals) == len(same_split) == 1:
        return same_split[0]
    matching = [other for other in same_split if what_is_left(other) == what_is_left(name)]
    return matching[0] if len(matching) == 1 else None


def image_shape(values: int) -> tuple[int, int, int] | None:
    """Height, width and channels of a square image of so many values; `None` if there is none.

    >>> image_shape(784), image_shape(3072), image_shape(785)
    ((28, 28, 1), (32, 32, 3), None)
    """
    for channels in (1, 3):
        side = math.isqrt(values // channels)
        if side and channels * side * side == values:
            return side, side, channels
    return None


def are_planar(rows: npt.NDArray[Any]) -> bool:
    """Whether images in red, green and blue hold one colour after the other, as CIFAR-10's do.

    The other order has the three values of a pixel beside each other. That order is right in which
    pixels are more like those above them.

    Args:
        rows: Square images, a row of values each.
    """
    side = math.isqrt(rows.shape[1] // 3)
    some = rows[:: -(-len(rows) // _LOOKED_AT) or 1].astype(np.float64)
    some = np.where(np.isfinite(some), some, 0)
    roughness = [
        np.abs(np.diff(some.reshape(shape), axis=axis)).mean() if side > 1 else 0.0
        for shape, axis in (((-1, 3, side, side), 2), ((-1, side, side, 3), 1))
    ]
    return bool(roughness[0] <= roughness[1])


def rows_to_pictures(
    rows: npt.NDArray[Any], shape: tuple[int, int, int], is_planar: bool
) -> npt.NDArray[Any]:
    """Images that are written out in a row each, as (N, H, W) or (N, H, W, 3)."""
    height, width, channels = shape
    pictures: npt.NDArray[Any]
    if channels == 1:
        pictures = rows.reshape(len(rows), height, width)
    elif is_planar:
        pictures = rows.reshape(len(rows), channels, height, width).transpose(0, 2, 3, 1)
    else:
        pictures = rows.reshape(len(rows), height, width, channels)
    return pictures


def to_pictures(
    values: npt.NDArray[Any], place: str, is_planar: bool | None = None
) -> npt.NDArray[Any]:
    """Images as arrays come, in the shape (N, H, W) or (N, H, W, 3).

    An image may be written out in a row, if it is square, and its colours may stand before its
    rows; `is_planar` says so where it is known. The values stay as they are: what is black and
    white is seen from the whole dataset.
    """
    if values.ndim == 2:
        shape = image_shape(values.shape[1])
        if shape is None:
            message = (
                f"{place} has {values.shape[1]} pixels a row, which make no square image; give "
                "them as (N, H, W)."
            )
            raise DataFileError(message)
        if is_planar is None:
            is_planar = shape[2] == 3 and values.dtype.kind in "buif" and are_planar(values)
        values = rows_to_pictures(values, shape, is_planar)
    if values.ndim == 4 and values.shape[3] not in (1, 3) and values.shape[1] in (1, 3):
        values = values.transpose(0, 2, 3, 1)
    if values.ndim == 4 and values.shape[3] == 1:
        values = values[..., 0]
    problem = ""
    if values.ndim not in (3, 4) or (values.ndim == 4 and values.shape[3] != 3):
        problem = f"has shape {values.shape}, which is not (N, H, W) or (N, H, W, 3)"
    elif 0 in values.shape[1:]:
        problem = f"has images without pixels: shape {values.shape}"
    elif values.dtype.kind not in "buif":
        problem = f"holds {values.dtype} instead of numbers"
    elif values.dtype.kind == "f" and not np.isfinite(values).all():
        problem = "holds values that are not finite (NaN or infinite); replace them first"
    if problem:
        message = f"{place} {problem}."
        raise DataFileError(message)
    return values


def to_labels(values: npt.NDArray[Any], place: str) -> list[Label]:
    """Labels as arrays come: whole numbers of any type, texts, or a column for every class."""
    values = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    if values.ndim == 2 and values.dtype.kind in "buif" and values.shape[1] > 1:
        is_one_hot = np.isin(values, (0, 1)).all() and (values.sum(axis=1) == 1).all()
        values = values.argmax(axis=1) if is_one_hot else values
    held = values.dtype
    values = values.astype(np.float64) if held.kind == "f" else values
    kind = values.dtype.kind
    is_whole = kind == "f" and np.isfinite(values).all() and (values == np.trunc(values)).all()
    if is_whole and values.ndim == 1 and (np.abs(values) < _LARGEST_LABEL).all():
        kind, values = "i", values.astype(np.int64)
    if kind == "S" and values.ndim == 1:
        try:
            return [value.decode() for value in values.tolist()]
        except UnicodeDecodeError as error:
            message = f"{place} holds bytes that are no text in UTF-8."
            raise DataFileError(message) from error
    if values.ndim == 1 and kind in "iubU":
        return [int(value) if kind == "b" else value for value in values.tolist()]
    message = (
        f"{place} should hold a whole number or a text for every image; it holds {held} of shape "
        f"{values.shape}."
    )
    raise DataFileError(message)
