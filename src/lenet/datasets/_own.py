"""A folder or file of one's own as a dataset."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from itertools import chain
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from lenet.datasets._dataset import Dataset, Origin, Split
from lenet.datasets._prepared import find_prepared, keep_prepared, prepared_key
from lenet.datasets._reading import DataSource
from lenet.datasets.readers._collect import Collected, Keep, collect
from lenet.datasets.readers._contents import (
    Classes,
    Contents,
    Label,
    SplitName,
    name_some,
    natural_key,
)
from lenet.datasets.readers._formats import open_contents
from lenet.errors import DatasetError

_MOST_CLASSES = 1000
_NAMED = 3  # classes in an error
_ADVICE = {
    "a folder": " The folders of classes must lie directly in it, or in its `train`.",
    "a table": " If another column is the label, `--label-column` (`label_column`) says which.",
}
_LIGHT = 128
_NEARLY_ALL = 0.95
_SEVERAL = 5000  # images are enough to tell
_HASHED = 256  # images at a time

Images = npt.NDArray[np.uint8]


class Store(Protocol):
    """Keeps examples until all labels are known."""

    @property
    def labels(self) -> Collection[Label]:
        """Those that were met, each once."""

    def begin(self) -> AbstractContextManager[Keep]:
        """Be ready for one reading; what an earlier one gave is forgotten."""

    def splits(self, numbers: Mapping[Label, int]) -> dict[SplitName, Split]:
        """The examples, with labels as numbers of classes; what is of no split is to train on."""


def load_own(source: DataSource, name: str) -> Dataset:
    """Read a dataset of one's own, from the cache if nothing in it has changed."""
    contents = open_contents(source)
    key = prepared_key(source, contents)
    kept = find_prepared(key)
    if kept is not None:
        return replace(kept, name=name)
    dataset = read_own(source, name, contents)
    keep_prepared(key, dataset)
    return dataset


def read_own(
    source: DataSource, name: str, contents: Contents, store: Store | None = None
) -> Dataset:
    """Read what was found into a store, by default the memory."""
    store = store or _Memory()
    collected = collect(contents, source, store.begin)
    classes = contents.classes or _find_classes(source, store.labels)
    numbers = {label: number for number, (label, _) in enumerate(classes)}
    unknown = next((label for label in store.labels if label not in numbers), None)
    if unknown is not None:
        message = (
            f"`{source.path}` holds the label {unknown!r}, which is none of its {len(numbers)} "
            "classes."
        )
        raise DatasetError(message)
    return _make_dataset(source, name, contents, collected, classes, store.splits(numbers))


class _Memory:
    """Keeps examples in memory."""

    def __init__(self) -> None:
        self._images: dict[SplitName | None, list[Images]] = defaultdict(list)
        self._labels: dict[SplitName | None, list[Label]] = defaultdict(list)

    @property
    def labels(self) -> Collection[Label]:
        return dict.fromkeys(chain(*self._labels.values()))

    @contextmanager
    def begin(self) -> Iterator[Keep]:
        self._images.clear()
        self._labels.clear()
        yield self._keep

    def _keep(self, split: SplitName | None, images: Images, labels: Sequence[Label]) -> None:
        self._images[split].append(images)
        self._labels[split] += labels

    def splits(self, numbers: Mapping[Label, int]) -> dict[SplitName, Split]:
        merged: dict[SplitName, tuple[list[Images], list[int]]] = {}
        for split, images in self._images.items():
            all_images, all_numbers = merged.setdefault(split or "train", ([], []))
            all_images += images
            all_numbers += [numbers[label] for label in self._labels[split]]
            images.clear()  # so that there are not two copies for longer than needed
        splits = {}
        for name, (images, labels) in merged.items():
            joined = images[0] if len(images) == 1 else np.concatenate(images)
            images.clear()
            splits[name] = Split(np.ascontiguousarray(joined), np.array(labels, np.int64))
        return splits


def _find_classes(source: DataSource, labels: Collection[Label]) -> Classes:
    """A class for every label that there is: whole numbers by size, texts in natural order."""
    if len(labels) > _MOST_CLASSES:
        message = (
            f"`{source.path}` holds {len(labels):,} different labels; at most {_MOST_CLASSES:,} "
            "classes can be learnt. Is the right column taken for the label?"
        )
        raise DatasetError(message)
    if all(isinstance(label, int) for label in labels):
        return tuple((label, str(label)) for label in sorted(labels, key=int))
    # A table may hold `7` beside `7a`: then all of them are texts.
    texts: dict[str, Label] = {}
    for label in labels:
        texts.setdefault(str(label), label)
    return tuple((texts[text], text) for text in sorted(texts, key=natural_key))


def _make_dataset(
    source: DataSource,
    name: str,
    contents: Contents,
    collected: Collected,
    classes: Classes,
    splits: dict[SplitName, Split],
) -> Dataset:
    """A dataset of the splits that were found, with one for testing where there is none."""
    notes = list(contents.notes)
    if not splits:
        message = f"`{source.path}` holds no images."
        raise DatasetError(message)
    if "train" not in splits:
        (only, *others) = splits
        if others:
            message = (
                f"`{source.path}` holds {' and '.join(splits)} images and none to train on. To "
                "look at one of these parts or score on it, name its folder or file."
            )
            raise DatasetError(message)
        notes.append(f"There is a {only} part alone; it is taken as all there is.")
        splits = {"train": splits[only]}
    train, test = splits["train"], splits.get("test")
    if test is None and source.test_share:
        drawn = _draw_for_testing(train.images, train.labels, source.test_share)
        if drawn.any():
            test = train.take(np.flatnonzero(drawn))
            train = train.take(np.flatnonzero(~drawn))
            notes.append(
                f"There is no test part: {len(test):,} of {len(drawn):,} images are kept for "
                "testing, the same each time, with copies of an image on one side."
            )
    preparation = collected.preparation
    if preparation.method != "symbol":
        preparation = preparation.replace(polarity=measure_polarity(train.images))
    origin = Origin(
        source=source,
        format=contents.format,
        labels=tuple(label for label, _ in classes),
        sizes=tuple((*size, count) for size, count in collected.sizes.most_common()),
        skipped=tuple(collected.skipped),
        notes=tuple(notes),
    )
    class_names = tuple(class_name for _, class_name in classes)
    validation = splits.get("validation")
    return Dataset(name, class_names, train, test, validation, preparation, origin)


def image_keys(images: Images) -> npt.NDArray[np.int64]:
    """A number for every image, int64 (N,), that is the same for identical images alone.

    >>> image_keys(np.array([[[[7]]], [[[1]]], [[[7]]]], np.uint8))
    array([0, 1, 0])
    """
    numbers: dict[bytes, int] = {}
    # Packed images are read some at a time.
    pieces = (images[start : start + _HASHED] for start in range(0, len(images), _HASHED))
    digests = (hashlib.sha256(image.tobytes()).digest() for image in chain.from_iterable(pieces))
    return np.array([numbers.setdefault(digest, len(numbers)) for digest in digests], np.int64)


def _draw_for_testing(
    images: Images, labels: npt.NDArray[np.int64], share: float
) -> npt.NDArray[np.bool_]:
    """Draw the same share of every class, the same each time, and copies of an image together.

    A class of two different images or more has some on both sides, unless they occur under other
    labels too.
    """
    keys = image_keys(images)
    generator = np.random.default_rng(0)
    drawn = np.zeros(len(labels), dtype=bool)
    held: dict[int, bool] = {}  # by key: a copy under another label goes the same way
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        wanted = max(1, round(share * len(members)))
        taken = sum(held.get(int(keys[index]), False) for index in members)
        free = [int(key) for key in dict.fromkeys(keys[members].tolist()) if key not in held]
        counts = dict(zip(*np.unique(keys[members], return_counts=True), strict=True))
        order = [free[index] for index in generator.permutation(len(free))]
        # The last one stays for training, so that the class can be learnt.
        for position, key in enumerate(order):
            held[key] = taken < wanted and position < len(order) - 1
            taken += int(counts[key]) if held[key] else 0
        drawn[members] = [held[int(key)] for key in keys[members]]
    return drawn


def measure_polarity(images: Images) -> Literal["light-on-dark", "dark-on-light", "as-is"]:
    """Whether things are lighter than their ground in nearly all images, or darker, or neither.

    The ground is seen in the corners.

    >>> image = np.zeros((1, 1, 28, 28), np.uint8)
    >>> image[..., 10:18, 10:18] = 255
    >>> measure_polarity(image), measure_polarity(255 - image)
    ('light-on-dark', 'dark-on-light')
    """
    some = images[:: -(-len(images) // _SEVERAL)].mean(axis=1)
    rows, columns = (
        np.r_[: -(-size // 12), size - -(-size // 12) : size] for size in some.shape[1:]
    )
    corners = some[:, rows[:, None], columns].reshape(len(some), -1)
    ground, whole = np.median(corners, axis=1), some.mean(axis=(1, 2))
    light_things = (ground < _LIGHT) & (whole > ground)
    dark_things = (ground >= _LIGHT) & (whole < ground)
    is_blank = np.ptp(some.reshape(len(some), -1), axis=1) == 0
    enough = _NEARLY_ALL * max(1, int((~is_blank).sum()))
    if light_things.sum() >= enough:
        return "light-on-dark"
    return "dark-on-light" if dark_things.sum() >= enough else "as-is"


def require_trainable(dataset: Dataset) -> None:
    """Raise what `training_problem` says of a dataset of one's own, if it says anything."""
    if problem := training_problem(dataset):
        raise DatasetError(problem)


def training_problem(dataset: Dataset) -> str:
    """Why there is nothing to tell apart, or nothing to learn a class from; empty where there is.

    It does not matter to who only scores the images or looks at them.
    """
    if dataset.origin is None:
        return ""
    path, kind = dataset.origin.source.path, dataset.origin.format
    names = dataset.class_names
    held = {
        split: set(np.flatnonzero(np.bincount(examples.labels)).tolist())
        for split, examples in dataset.splits.items()
    }
    train = held["train"]
    if len(train) < 2:
        (only,) = (names[number] for number in train)
        advice = _ADVICE.get(kind.partition(" of ")[0], "")
        return (
            f"`{path}` has training images of one class alone, `{only}`; it takes two to tell "
            f"apart.{advice}"
        )
    for split, labels in held.items():
        if unseen := sorted(labels - train):
            named = name_some([names[number] for number in unseen], _NAMED)
            return f"`{path}` has {split} images of {named}, but none to train on."
    return ""
