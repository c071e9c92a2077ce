"""Which images a trained network is scored on."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lenet.datasets import (
    Dataset,
    DataSource,
    ImageHolder,
    ReadingOptions,
    Split,
    as_dataset,
    dataset_names,
    find_source,
    load_dataset,
)
from lenet.errors import DataFileError, DatasetError, DownloadError, RunError, SettingError
from lenet.models import ModelCard
from lenet.runs import Run, as_trained_on, find_trained_on, load_data_of

TRAINED_ON = "are left out, as they were trained on in"
_NAMED = 10  # classes in an error
_AT_HAND = "digits"  # images that come with the package


def find_dataset(
    dataset: str | Path | DataSource | ImageHolder | None, source: Run | Path, card: ModelCard
) -> Dataset:
    """The dataset that was asked for, else the one that a network was trained on.

    Classes are known by their names; they may be fewer than the network's and stand in another
    order. A folder or file is read as the network's own images were: with their size, their
    colours, their range of values and their way of preparation. Where it is not what the network
    was trained on and has no test part, all of it is for testing that the run was not trained on.

    Args:
        dataset: A name, a path, a source of which path, `skip_bad`, `pixel_range` and
            `label_column` count, or what `lenet.as_dataset` takes, if any are wanted.
        source: The run or the model file that the network is from.
        card: What the model file says.

    Raises:
        DatasetError: The data can't be had, nobody but the caller has it, or it has classes that
            the network does not know.
        RunError: What the run was trained on is gone or has changed.
    """
    if isinstance(dataset, Dataset):
        return _with_classes(dataset, card.class_names)
    if dataset is None:
        found = load_data_of(source) if isinstance(source, Run) else _load_by_name(source, card)
        return _with_classes(found, card.class_names)
    if not isinstance(dataset, (str, Path, DataSource)):
        return _read_held(dataset, source, card)
    wanted = find_source(dataset)
    if wanted is None:
        return _with_classes(load_dataset(dataset), card.class_names)
    if isinstance(source, Run) and (trained_on := _find_training_data(source, wanted)):
        return trained_on
    reading = _reading_of(card)
    if wanted.pixel_range is not None:
        reading["pixel_range"] = wanted.pixel_range
    wanted = wanted.replace(**reading)
    try:
        found = load_dataset(wanted, for_training=False)
    except DataFileError:
        own = source.config.source if isinstance(source, Run) else None
        if own is None or wanted.label_from or not own.label_from:
            raise
        found = load_dataset(wanted.replace(label_from=own.label_from), for_training=False)
    return _with_classes(_for_testing(found, source), card.class_names)


def _read_held(held: ImageHolder, source: Run | Path, card: ModelCard) -> Dataset:
    """Images in memory: what a run was trained on as it divided it, others as its own were read."""
    if isinstance(held, Iterator):
        held = list(held)  # it gives what it has but once
    if isinstance(source, Run) and source.config.source is None:
        try:
            data = as_dataset(held)
        except DatasetError:  # it need not be fit to train on
            pass
        else:
            if as_trained_on(source, data) is not None:
                return replace(data, class_names=card.class_names)
    if isinstance(held, Split):
        data = as_dataset(held, class_names=card.class_names, test_share=0.0)
        return _for_testing(data, source)
    data = as_dataset(held, for_training=False, **_reading_of(card))
    names = data.class_names
    if not set(names) <= set(card.class_names) and all(map(str.isdecimal, names)):
        # Numbers that are no names are the numbers of the network's classes.
        if max(map(int, names)) < len(card.class_names):
            data = replace(data, class_names=tuple(card.class_names[int(name)] for name in names))
    return _with_classes(_for_testing(data, source), card.class_names)


def _reading_of(card: ModelCard) -> ReadingOptions:
    """How images are read as a network's own were, with none of them set aside."""
    preparation = card.preparation
    return {
        "size": (preparation.height, preparation.width),
        "colour": preparation.channels == 3,
        "prepare": preparation.method,
        "test_share": 0.0,
        "pixel_range": preparation.pixel_range,
    }


def _for_testing(data: Dataset, source: Run | Path) -> Dataset:
    """A dataset with a test part: where it has none, all that a run was not trained on."""
    if data.test is not None:
        return data
    data = replace(data, test=data.train)
    return _without_trained_on(data, source) if isinstance(source, Run) else data


def _without_trained_on(found: Dataset, run: Run) -> Dataset:
    """A dataset without the test images that a run was trained on, with a note on that."""
    test = found.require_test()
    is_known = find_trained_on(run, test)
    count = int(is_known.sum())
    if not count:
        return found
    if count == len(test):
        message = (
            f"`{run.folder}` was trained on all images of `{found.name}`; a score on them says "
            "nothing. Name others."
        )
        raise DatasetError(message)
    note = f"{count:,} of {len(test):,} images {TRAINED_ON} `{run.name}`."
    origin = found.origin and replace(found.origin, notes=(*found.origin.notes, note))
    return replace(found, test=test.take(np.flatnonzero(~is_known)), origin=origin)


def _load_by_name(path: Path, card: ModelCard) -> Dataset:
    """What a model file's network was trained on, if that has a name."""
    if card.dataset in dataset_names():
        try:
            return load_dataset(card.dataset)
        except DownloadError as error:
            if card.classes != load_dataset(_AT_HAND).class_names:
                raise
            message = f"{error} `--data {_AT_HAND}` needs no download."
            raise DownloadError(message) from error
    message = (
        f"`{path}` was trained on `{card.dataset}`, images of one's own; say where they are with "
        "`--data` (`dataset`)."
    )
    raise DatasetError(message)


def _find_training_data(run: Run, wanted: DataSource) -> Dataset | None:
    """What a run was trained on, if that is wanted: where it was, or where it was moved to."""
    source = run.config.source
    if source is None:
        return None
    if wanted.path == source.path:
        return load_data_of(run)
    moved = source.replace(path=wanted.path, skip_bad=wanted.skip_bad)
    try:
        data = load_dataset(moved, for_training=False)
    except (DatasetError, SettingError):  # it need not be readable as what it may not be
        return None
    return data if as_trained_on(run, data) is not None else None


def _with_classes(data: Dataset, class_names: tuple[str, ...]) -> Dataset:
    """A dataset with its labels as a network numbers them."""
    if data.class_names == class_names:
        return data
    by_number = {int(name): name for name in class_names if name.isdecimal()}
    named = [
        by_number.get(int(name), name) if name.isdecimal() and name not in class_names else name
        for name in data.class_names  # a table may have 7 for the folder 00007
    ]
    unknown = [name for name in named if name not in class_names]
    if unknown:
        known = ", ".join(f"`{name}`" for name in class_names[:_NAMED])
        more = f" and {len(class_names) - _NAMED} more" if len(class_names) > _NAMED else ""
        message = (
            f"`{data.name}` has the class `{unknown[0]}`, which the network does not know; it "
            f"knows {known}{more}."
        )
        raise DatasetError(message)
    numbers = np.array([class_names.index(name) for name in named], np.int64)
    splits: dict[str, Any] = {
        name: replace(split, labels=numbers[split.labels]) for name, split in data.splits.items()
    }
    return replace(data, class_names=class_names, **splits)


def pick_examples(source: Run | object, data: Dataset, split: str) -> Split:
    """The images to score on; those of training and validation are the run's own.

    Args:
        source: The run, or where else the network is from.
        data: The dataset, without a validation split of a run.
        split: `train`, `validation` or `test`.

    Raises:
        DatasetError: There are no test images.
        RunError: There is no run, it was trained on other data, or it held out no images.
    """
    if split == "test":
        return data.require_test()
    if not isinstance(source, Run):
        message = "Only a run knows which images were for training and which for validation."
        raise RunError(message)
    divided = as_trained_on(source, data)
    if divided is None:
        message = f"`{source.folder}` was not trained on `{data.name}`: it has no {split} images."
        raise RunError(message)
    examples: Split | None = getattr(divided, split)
    if examples is None:
        message = (
            f"`{source.folder}` was trained without a validation split; a `validation` share above "
            "0, such as 0.1, makes one."
        )
        raise RunError(message)
    return examples
