"""A folder or file of one's own as a dataset."""

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from lenet.core import NONE_CLASS, free_memory, none_index
from lenet.datasets._dataset import Dataset, Origin, Split
from lenet.datasets._dividing import draw_for_testing, find_units
from lenet.datasets._names import Names
from lenet.datasets._prepared import find_prepared, keep_prepared, prepared_key
from lenet.datasets._reading import DataSource
from lenet.datasets.readers._collect import Collected, Examples, Keep, collect
from lenet.datasets.readers._contents import (
    BESIDE,
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
    "a folder": " The folders of classes must lie directly in it, or in its `train`; where the "
    "names of files say what they show, `--label-from name` (`label_from`) reads that.",
    "a table": " If another column is the label, `--label-column` (`label_column`) says which.",
}
_LIGHT = 128
_NEARLY_ALL = 0.95
_LOOK_AFTER = 2**28  # bytes of images; then it is asked again how much memory is free
_SEVERAL = 5000  # images are enough to tell

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
    store = store or _Memory(source.path)
    collected = collect(contents, source, store.begin)
    classes = contents.classes or _find_classes(source, store.labels)
    classes = tuple(sorted(classes, key=lambda one: one[1] == NONE_CLASS))  # which is the last
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

    def __init__(self, path: str) -> None:
        self._path = path
        self._kept: dict[SplitName, _Kept] = {}
        self._bytes = self._seen = 0

    @property
    def labels(self) -> Collection[Label]:
        return dict.fromkeys(chain(*(kept.labels for kept in self._kept.values())))

    @contextmanager
    def begin(self) -> Iterator[Keep]:
        self._kept.clear()
        self._bytes = self._seen = 0
        yield self._keep

    def _keep(self, examples: Examples) -> None:
        kept = self._kept.setdefault(examples.split or "train", _Kept())
        kept.images.append(examples.images)
        self._bytes += examples.images.nbytes + BESIDE * len(examples.labels)
        if self._bytes > self._seen + _LOOK_AFTER:
            self._seen = self._bytes
            require_memory(self._bytes, self._path)
        kept.labels += examples.labels
        kept.names += examples.names
        kept.groups += examples.groups

    def splits(self, numbers: Mapping[Label, int]) -> dict[SplitName, Split]:
        known: dict[str, int] = {}  # groups, in whichever part they are
        splits = {}
        for name, kept in self._kept.items():
            joined = kept.images[0] if len(kept.images) == 1 else np.concatenate(kept.images)
            kept.images.clear()  # so that there are not two copies for longer than needed
            splits[name] = Split(
                np.ascontiguousarray(joined),
                np.array([numbers[label] for label in kept.labels], np.int64),
                Names(kept.names),
                number_groups(kept.groups, known),
            )
        return splits


@dataclass
class _Kept:
    """The examples of a part."""

    images: list[Images] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)


def require_memory(held: int, path: str) -> None:
    """Raise the `DatasetError` for images of which no second copy, as parts are made, fits."""
    free = free_memory()
    if free is not None and free < held:
        message = (
            f"The images of `{path}` take more memory than is free: {held / 2**20:,.0f} MiB so far "
            f"and as much to divide them, where {free / 2**20:,.0f} are left. `lenet data pack "
            f"{shlex.quote(path)} FOLDER` keeps them so that a training reads as it goes."
        )
        raise DatasetError(message)


def number_groups(groups: Sequence[str], known: dict[str, int]) -> npt.NDArray[np.int64] | None:
    """A number for every group, as it is `known` by; what is of none has one of its own."""
    if not groups:
        return None
    names = (group or f"\0{len(known)}" for group in groups)
    return np.array([known.setdefault(name, len(known)) for name in names], np.int64)


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
    notes = [*contents.notes, *collected.notes]
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
        units = find_units(train.images, train.groups)
        drawn = draw_for_testing(train.labels, units, source.test_share)
        if drawn.any():
            test = train.take(np.flatnonzero(drawn))
            train = train.take(np.flatnonzero(~drawn))
            groups = "" if train.groups is None else " and the members of a group"
            notes.append(
                f"There is no test part: {len(test):,} of {len(drawn):,} images are kept for "
                f"testing, the same each time, with copies of an image{groups} on one side."
            )
    class_names = tuple(class_name for _, class_name in classes)
    if (none := none_index(class_names)) is not None:
        count = sum(int((split.labels == none).sum()) for split in splits.values())
        notes.append(
            f"`{NONE_CLASS}` holds {count:,} counter-examples: a network learns to answer none of "
            "the classes for such pictures."
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
    validation = splits.get("validation")
    return Dataset(name, class_names, train, test, validation, preparation, origin)


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
    if len(train - {dataset.none_index}) < 2:
        advice = _ADVICE.get(kind.partition(" of ")[0], "")
        (only, *beside) = (names[number] for number in sorted(train))
        what = f"one class alone, `{only}`{', beside counter-examples' if beside else ''}"
        if only == NONE_CLASS:
            what = f"`{NONE_CLASS}` alone, which holds counter-examples"
        return f"`{path}` has training images of {what}; it takes two to tell apart.{advice}"
    for split, labels in held.items():
        if unseen := sorted(labels - train):
            named = name_some([names[number] for number in unseen], _NAMED)
            return f"`{path}` has {split} images of {named}, but none to train on."
    return ""
