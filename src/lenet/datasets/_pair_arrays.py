from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lenet.datasets._parts import Part, part_of, words_of
from lenet.errors import DataFileError

_LABEL_WORDS = {"y", "label", "labels", "target", "targets", "lbl", "lbls"}
_NO_KEYS = _LABEL_WORDS | {"x", "image", "images", "img", "imgs", "data"}
_NO_KEYS |= {"idx1", "idx3", "idx4", "ubyte", "gz", "npy"}


@dataclass(frozen=True)
class Pair:
    """The names of an array of images and of the array of their labels."""

    part: Part | None
    images: str
    labels: str


def pair_arrays(shapes: Mapping[str, tuple[int, ...]], place: str) -> list[Pair]:
    """Find which labels belong to which images, by their dimensions and names.

    Images have three dimensions or four, or two where each is written out in a row. Labels have
    one, or are a column.

    Args:
        shapes: Of every array, by its name.
        place: Where they are, for errors.

    Raises:
        DataFileError: They can't be told apart, or differ in length.

    >>> pair_arrays({"x_train": (60, 28, 28), "y_train": (60,)}, "mnist.npz")
    [Pair(part='train', images='x_train', labels='y_train')]
    """
    labels = {name: shape for name, shape in shapes.items() if _are_labels(name, shape)}
    images = {name: shape for name, shape in shapes.items() if name not in labels}
    found = {name: _find_labels(name, images, labels) for name in images}
    pairs = [Pair(part_of(name), name, other) for name, other in found.items() if other is not None]
    held = ", ".join(f"`{name}` of shape {shape}" for name, shape in shapes.items()) or "no arrays"
    paired = {pair.labels for pair in pairs}
    is_clear = len(paired) == len(pairs) == len(images) == len(labels) > 0
    if not is_clear or () in shapes.values():
        message = (
            f"`{place}` should hold images of shape (N, H, W) and labels of shape (N,), such as "
            f"`x_train` and `y_train`; it holds {held}."
        )
        raise DataFileError(message)
    for pair in pairs:
        if images[pair.images][0] != labels[pair.labels][0]:
            message = (
                f"`{place}` holds {images[pair.images][0]} images in `{pair.images}` but "
                f"{labels[pair.labels][0]} labels in `{pair.labels}`."
            )
            raise DataFileError(message)
    return pairs


def _are_labels(name: str, shape: tuple[int, ...]) -> bool:
    """Whether an array holds labels."""
    if len(shape) == 2 and shape[1] == 1:
        return True
    return len(shape) < 2 or (len(shape) == 2 and bool(_LABEL_WORDS & set(words_of(name))))


def _find_labels(
    name: str, images: Mapping[str, tuple[int, ...]], labels: Mapping[str, tuple[int, ...]]
) -> str | None:
    """The labels that belong to some images, where that is clear."""
    same_part = [other for other in labels if part_of(other) == part_of(name)]
    rivals = [other for other in images if part_of(other) == part_of(name)]
    if len(rivals) == len(same_part) == 1:
        return same_part[0]
    matching = [other for other in same_part if _key(other) == _key(name)]
    return matching[0] if len(matching) == 1 else None


def _key(name: str) -> tuple[str, ...]:
    """What a name says besides what it holds and for which part."""
    return tuple(word for word in words_of(name) if word not in _NO_KEYS and not part_of(word))


def sort_by_part(pairs: list[Pair]) -> Iterator[Pair]:
    """Training images first."""
    order = {"train": 0, None: 0, "validation": 1, "test": 2}
    return iter(sorted(pairs, key=lambda pair: order[pair.part]))
