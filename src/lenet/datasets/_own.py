"""A folder or file of one's own as a dataset."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from lenet.datasets._collect import (
    Collected,
    Deep,
    PartImages,
    UnknownRangeError,
    collect,
    measure_range,
)
from lenet.datasets._contents import Contents, Label
from lenet.datasets._dataset import Dataset, Split
from lenet.datasets._divide import keep_for_testing
from lenet.datasets._formats import open_contents
from lenet.datasets._natural_order import natural_key
from lenet.datasets._origin import Origin
from lenet.datasets._parts import Part
from lenet.datasets._polarity import measure_polarity
from lenet.datasets._prepared import find_prepared, keep_prepared, prepared_key
from lenet.datasets._progress import reading_progress
from lenet.datasets._source import DataSource
from lenet.errors import DatasetError
from lenet.pictures import Preparation

_MOST_CLASSES = 1000
Result = TypeVar("Result")
_NAMED = 3  # classes in an error
_ADVICE = {
    "a folder": " The folders of classes must lie directly in it, or in its `train`.",
    "a table": " If another column is the label, `--label-column` (`label_column`) says which.",
}
_MARGIN = 4 / 28  # that MNIST's makers left free around a symbol, of the shorter side


def load_own(source: DataSource, name: str) -> Dataset:
    """Read a dataset of one's own, from the cache if nothing in it has changed.

    Args:
        source: Where it lies and how it is read.
        name: What it is to be called.

    Raises:
        DatasetError: The data can't be used.
        DataFileError: A file can't be read.
        MissingExtraError: The format needs a package that is not installed.
    """
    contents = open_contents(source.place, source.label_column)
    key = prepared_key(source, contents)
    kept = find_prepared(key)
    if kept is not None:
        return replace(kept, name=name)

    def read(preparation: Preparation, deep: Deep) -> Collected:
        with reading_progress(source.place.name, len(contents.files)) as progress:
            return collect(
                contents, preparation, deep=deep, skip_bad=source.skip_bad, progress=progress
            )

    preparation, collected = read_on_one_scale(source, contents, read)
    dataset = _assemble(source, name, contents, collected, preparation)
    keep_prepared(key, dataset)
    return dataset


def read_on_one_scale(
    source: DataSource, contents: Contents, read: Callable[[Preparation, Deep], Result]
) -> tuple[Preparation, Result]:
    """Read pictures, those of more than 8 bits by one range for all of them.

    Pictures of 8 bits, which nearly all are, are read once.

    Args:
        source: How they are read.
        contents: What there is to read.
        read: Reads it; is called again where an `UnknownRangeError` ended the first reading.

    Returns:
        How the pictures became images, and what was read.
    """
    preparation = _preparation_for(source)
    if source.pixel_range is not None:
        return preparation, read(preparation, "check")
    try:
        return preparation, read(preparation, "raise")
    except UnknownRangeError:
        with reading_progress(source.place.name, len(contents.files)) as progress:
            found = measure_range(contents, progress)
    preparation = preparation.replace(pixel_range=found)
    return preparation, read(preparation, "clip")


def _preparation_for(source: DataSource) -> Preparation:
    """How the pictures become images."""
    is_symbol = source.prepare == "symbol"
    return Preparation(
        source.prepare,
        "light-on-dark" if is_symbol else "as-is",
        height=source.height,
        width=source.width,
        channels=3 if source.colour else 1,
        margin=round(_MARGIN * min(source.height, source.width)) if is_symbol else 0,
        pixel_range=source.pixel_range or (),
    )


def _assemble(
    source: DataSource,
    name: str,
    contents: Contents,
    collected: Collected,
    preparation: Preparation,
) -> Dataset:
    """The examples with their labels as numbers of classes, parted for training and testing."""
    labels = {label for examples in collected.parts.values() for label in examples.labels}
    classes = contents.classes or find_classes(source, labels)
    splits = make_splits(source.place, collected.parts, classes)
    return part_dataset(source, name, contents, collected, preparation, classes, splits)


def part_dataset(
    source: DataSource,
    name: str,
    contents: Contents,
    collected: Collected,
    preparation: Preparation,
    classes: Sequence[tuple[Label, str]],
    splits: dict[Part, Split],
) -> Dataset:
    """Make a dataset of the parts that were found, with one for testing where there is none.

    Args:
        source: Where it lies and how it was read.
        name: What it is to be called.
        contents: What was found there.
        collected: What was seen while it was read.
        preparation: How pictures became images.
        classes: The labels in the order of the classes, with their names.
        splits: The examples of every part.

    Raises:
        DatasetError: There is nothing to train on.
    """
    notes = list(contents.notes)
    if not splits:
        message = f"`{source.path}` holds no images."
        raise DatasetError(message)
    if "train" not in splits:
        (part, *others) = splits
        if others:
            message = (
                f"`{source.path}` holds {' and '.join(splits)} images and none to train on. To "
                "look at one of these parts or score on it, name its folder or file."
            )
            raise DatasetError(message)
        notes.append(f"There is a {part} part alone; it is taken as all there is.")
        splits = {"train": splits[part]}
    train, test = splits["train"], splits.get("test")
    if test is None and source.test_share:
        drawn = keep_for_testing(train.images, train.labels, source.test_share)
        if drawn.any():
            test = train.take(np.flatnonzero(drawn))
            train = train.take(np.flatnonzero(~drawn))
            notes.append(
                f"There is no test part: {len(test):,} of {len(drawn):,} images are kept for "
                "testing, the same each time, with copies of an image on one side."
            )
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
    return Dataset(
        name,
        tuple(class_name for _, class_name in classes),
        train,
        test,
        splits.get("validation"),
        preparation=preparation,
        origin=origin,
    )


def make_splits(
    place: Path,
    parts: Mapping[Part | None, PartImages],
    classes: Sequence[tuple[Label, str]],
) -> dict[Part, Split]:
    """The examples of every part, their labels as numbers of classes.

    Args:
        place: Where they were read from, for errors.
        parts: The examples, which are taken out; what is of no part is for training.
        classes: The labels in the order of the classes, with their names.

    Raises:
        DatasetError: A label is of no class.
    """
    named: dict[Part, PartImages] = {}
    for part, examples in parts.items():
        into = named.setdefault(part or "train", PartImages())
        into.images += examples.images
        into.labels += examples.labels
        examples.images.clear()  # so that there are not two copies for longer than needed
    numbers = {label: number for number, (label, _) in enumerate(classes)}
    return {part: _split(place, examples, numbers) for part, examples in named.items()}


def find_classes(source: DataSource, labels: Collection[Label]) -> tuple[tuple[Label, str], ...]:
    """A class for every label that there is: whole numbers by size, texts in natural order.

    Args:
        source: Where they were read from, for errors.
        labels: Each once.

    Raises:
        DatasetError: They are too many to be classes.
    """
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


def _split(place: Path, examples: PartImages, numbers: dict[Label, int]) -> Split:
    """The examples of a part, their labels as numbers of classes."""
    unknown = next((label for label in examples.labels if label not in numbers), None)
    if unknown is not None:
        message = (
            f"`{place}` holds the label {unknown!r}, which is none of its {len(numbers)} classes."
        )
        raise DatasetError(message)
    labels = np.array([numbers[label] for label in examples.labels], np.int64)
    images = examples.images
    joined: npt.NDArray[np.uint8] = images[0] if len(images) == 1 else np.concatenate(images)
    images.clear()
    return Split(np.ascontiguousarray(joined), labels)


def require_trainable(dataset: Dataset) -> None:
    """Raise if a dataset of one's own is no good for training.

    Raises:
        DatasetError: As `training_problem` says.
    """
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
        part: set(np.flatnonzero(np.bincount(split.labels)).tolist())
        for part, split in dataset.splits.items()
    }
    train = held["train"]
    if len(train) < 2:
        (only,) = (names[number] for number in train)
        advice = _ADVICE.get(kind.partition(" of ")[0], "")
        return (
            f"`{path}` has training images of one class alone, `{only}`; it takes two to tell "
            f"apart.{advice}"
        )
    for part, labels in held.items():
        if unseen := sorted(labels - train):
            named = ", ".join(f"`{names[number]}`" for number in unseen[:_NAMED])
            more = f" and {len(unseen) - _NAMED} more" if len(unseen) > _NAMED else ""
            return f"`{path}` has {part} images of {named}{more}, but none to train on."
    return ""
