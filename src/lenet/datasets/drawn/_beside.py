"""Drawn digits and strangers beside the images of a dataset."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from PIL import Image

from lenet.core import NONE_CLASS, check_range, real_classes
from lenet.datasets._catalog import CATALOG
from lenet.datasets._dataset import Dataset, Split
from lenet.datasets.drawn._draw import (
    MOST,
    check_strangers,
    draw_digits,
    draw_strangers,
    on_paper,
)
from lenet.datasets.drawn._fine import with_fine_pen
from lenet.datasets.drawn._hands import Random, pick
from lenet.datasets.drawn._pen import SIDE, Ink
from lenet.datasets.drawn._remains import add_border, add_rule
from lenet.datasets.drawn._stranger_kinds import HALVES, half_of
from lenet.errors import DatasetError
from lenet.pictures import Pixels, Preparation, prepare

DIGITS = CATALOG["mnist"].class_names
_REMAINS = 3  # drawn digits for each of the dataset's own in what is left of a form
_FINE = 8  # and with a finer pen
_DAMAGED = 8  # drawn strangers for each half or couple of the dataset's own images
_Change = Callable[[Dataset, int, Random], Ink]


def draw_beside(
    dataset: Dataset,
    count: int = 0,
    seed: int = 0,
    *,
    kinds: Sequence[str] | None = None,
    strangers: int = 0,
    stranger_kinds: Sequence[str] | None = None,
) -> Dataset:
    """Put drawn digits and strangers to learn from beside a dataset's training images.

    To a dataset of the ten digits drawn ones are more of them; for every three of them one of its
    own comes with what is left of a form, and for every eight one as a finer pen writes it. To any
    other they are strangers. One in nine of the strangers is made of the dataset's own images: two
    that overlap, or a half of a digit.

    Args:
        dataset: The dataset; its test images stay as they are.
        count: How many digits are drawn.
        seed: Decides all that is random, from 0 to 2³² - 1.
        kinds: Kinds of digits, as for `draw_digits`.
        strangers: How many strangers come into the class `_none`.
        stranger_kinds: Kinds of those that are drawn, as for `draw_strangers`.

    Returns:
        A dataset with the classes of this one and, where there are strangers, `_none`.

    Raises:
        SettingError: A number is out of range.
        UnknownNameError: There is no such kind.
        DatasetError: The dataset is a packed one, or fonts for a kind are lacking.

    >>> import lenet
    >>> draw_beside(lenet.load_dataset("digits"), 30, strangers=9).train.images.shape
    (1490, 1, 28, 28)
    """
    check_range("count", count, 0, MOST)
    check_strangers(strangers, stranger_kinds)
    if dataset.train.packed is not None:
        message = f"`{dataset.name}` is packed, too large to have drawings beside it."
        raise DatasetError(message)
    preparation = dataset.preparation or Preparation.plain(dataset.image_shape)
    classes = real_classes(dataset.class_names)
    are_digits, none = classes == DIGITS, len(classes)
    parts: list[Split] = []
    if count:
        drawn = draw_digits(count, seed, kinds=kinds, preparation=preparation)
        parts.append(drawn if are_digits else _relabelled(drawn, none))
    if are_digits and (remains := count // _REMAINS):
        parts.append(_own(dataset, remains, (seed, 4), preparation, _with_remains))
    if are_digits and (fine := count // _FINE):
        parts.append(_own(dataset, fine, (seed, 6), preparation, _with_fine_pen))
    if strangers:
        damaged = strangers // (_DAMAGED + 1)
        drawn = draw_strangers(
            strangers - damaged, seed, kinds=stranger_kinds, preparation=preparation
        )
        parts.append(_relabelled(drawn, none))
        if damaged:
            change = partial(_damaged, halves=HALVES if are_digits else ())
            own = _own(dataset, damaged, (seed, 5), preparation, change)
            parts.append(_relabelled(own, none))
    train = dataset.train.joined(*parts)
    has_none = bool((train.labels == none).any())
    return replace(
        dataset, class_names=(*classes, NONE_CLASS) if has_none else classes, train=train
    )


def _relabelled(split: Split, label: int) -> Split:
    """The same images, all of one class."""
    return Split(split.images, np.full(len(split), label))


def _own(
    dataset: Dataset,
    count: int,
    seeds: tuple[int, int],
    preparation: Preparation,
    change: _Change,
) -> Split:
    """Images that are made of the dataset's own, with the labels of those."""
    known = np.flatnonzero(dataset.train.labels != dataset.none_index)
    images = np.empty((count, *dataset.image_shape), np.uint8)
    of, random = np.empty(count, np.int64), Random()
    for index in range(count):
        random.seed((*seeds, index))
        of[index] = known[random.randint(len(known))]
        images[index] = prepare(on_paper(change(dataset, of[index], random), random), preparation)
    return Split(images, dataset.train.labels[of])


def _with_remains(dataset: Dataset, index: int, random: Random) -> Ink:
    """An image in what is left of a cell's border, or on a ruled line."""
    ink = _ink_of(dataset.train.images[index], 2 * int(random.randint(30, 43)))
    add = add_border if random.random_sample() < 0.6 else add_rule
    return add(ink, "learn", random)[0]


def _with_fine_pen(dataset: Dataset, index: int, random: Random) -> Ink:
    return with_fine_pen(_ink_of(dataset.train.images[index], SIDE - 20), random)


def _damaged(
    dataset: Dataset, index: int, random: Random, halves: tuple[tuple[int, str], ...]
) -> Ink:
    """A half of a digit that is none itself, or two images that overlap."""
    ink = _ink_of(dataset.train.images[index], SIDE - 12)
    label = dataset.train.labels[index]
    if sides := [side for digit, side in halves if digit == label]:
        return half_of(ink, pick(random, sides), random)
    other = _ink_of(dataset.train.images[random.randint(len(dataset.train))], SIDE - 12)
    left, right = (int(step) for step in random.randint(14, 30, 2))
    return np.maximum(np.roll(ink, -left, axis=1), np.roll(other, right, axis=1))


def _ink_of(image: Pixels, side: int) -> Ink:
    """An image, uint8 (C, H, W) with ink that is light, at a size and in the middle: (96, 96)."""
    grey = Image.fromarray(np.rint(image.mean(axis=0)).astype(np.uint8))
    large = np.asarray(grey.resize((side, side), Image.Resampling.BICUBIC), np.float32) / 255
    ink, start = np.zeros((SIDE, SIDE), np.float32), (SIDE - side) // 2
    ink[start : start + side, start : start + side] = (2.5 * large - 0.75).clip(0, 1)
    return ink
