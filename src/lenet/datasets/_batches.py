"""Batches that come straight from memory, of arrays; `Batches` brings them to a device."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypedDict

import numpy as np
import numpy.typing as npt

from lenet.core import Generator
from lenet.datasets._augmentation import Augmentation, DrawnChanges, change_arrays, draw_changes
from lenet.datasets._dataset import Split
from lenet.datasets._place import ARRAYS, Place, Values
from lenet.datasets._shared import PlacedSplit, SharedImages
from lenet.datasets.packed._images import PackedImages
from lenet.datasets.packed._read_ahead import ReadAhead
from lenet.errors import SettingError

if TYPE_CHECKING:
    from typing_extensions import Self

_ORDER, _AUGMENTATION = 0, 1  # the streams of random numbers, each with seeds of its own
_NO_CHANGES: DrawnChanges[Any] = DrawnChanges()
_Array = npt.NDArray[Any]


def derive_seed(seed: int, *path: int) -> int:
    """A seed of its own for each place where random numbers are drawn.

    Args:
        seed: The seed of the whole run, 0 or more.
        path: What the numbers are for: a stream, an epoch, a step.

    Returns:
        63 bits that differ from those of every other path.
    """
    words = np.random.SeedSequence(seed, spawn_key=path).generate_state(1, np.uint64)
    return int(words[0]) >> 1


@dataclass(frozen=True)
class Selection(Generic[Values]):
    """Which examples make a batch, and what happens to each, in arrays or in tensors.

    Attributes:
        indices: Of the examples, int64 (B,).
        changes: What augmentation has drawn for them; nothing by default.
    """

    indices: Values
    changes: DrawnChanges[Values] = _NO_CHANGES

    def part(self, part: slice) -> Selection[Values]:
        """Some of the examples, each with what happens to it."""
        indices = self.indices[part]
        return Selection(indices, self.changes.part(part) if len(indices) else _NO_CHANGES)


class BatchOptions(TypedDict, total=False):
    """What `ArrayBatches` and `Batches` take by name."""

    shuffle: bool
    seed: int
    mean: float
    std: float
    augmentation: Augmentation
    plain_from: int | None
    shared: SharedImages | None


class BatchesOf(ABC, Generic[Values]):
    """What batches of arrays and batches of tensors have in common; see `ArrayBatches`."""

    batch_size: int
    shuffle: bool
    seed: int
    mean: float
    std: float
    augmentation: Augmentation
    plain_from: int | None
    placed: PlacedSplit[Values]
    labels: Values
    weights: Values | None
    _place: Place[Values]

    def __init__(
        self,
        split: Split,
        batch_size: int,
        *,
        shuffle: bool = False,
        seed: int = 0,
        mean: float = 0.0,
        std: float = 1.0,
        augmentation: Augmentation = Augmentation(),  # noqa: B008 - it is frozen
        plain_from: int | None = None,
        shared: SharedImages | None = None,
    ):
        if batch_size < 1:
            message = f"`batch_size` must be at least 1, not {batch_size}."
            raise SettingError(message)
        self.batch_size, self.shuffle, self.seed = batch_size, shuffle, seed
        self.mean, self.std = mean, std
        self.augmentation, self.plain_from = augmentation, plain_from
        self._ahead: ReadAhead[Values] | None = None
        self.weights = None
        if split.weights is not None:
            shares = split.weights / split.weights.mean(dtype=np.float64)
            self.weights = self._place.put(shares.astype(np.float32))
        if split.packed is not None:
            self._read_ahead(split.packed, split.labels)
            return
        place = self._place
        self.placed = shared.place(split, place) if shared else PlacedSplit.at(place, split)
        rows = self.placed.rows
        self.labels = self.placed.labels if rows is None else self.placed.labels[rows]

    def __len__(self) -> int:
        return -(-len(self.labels) // self.batch_size)

    @property
    def is_in_memory(self) -> bool:
        """Whether all of the split is in `placed`."""
        return self._ahead is None

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """Examples in each batch of an epoch: int64 of shape (len(self),)."""
        sizes = np.full(len(self), self.batch_size, np.int64)
        sizes[-1] = len(self.labels) - self.batch_size * (len(self) - 1)
        return sizes

    def __iter__(self) -> Iterator[tuple[Values, Values]]:
        return self.epoch(0)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[tuple[Values, Values]]:
        """The batches of an epoch, from a step on.

        Args:
            epoch: The epoch, counted from 0; decides order and augmentation.
            start: How many batches to pass over.

        Yields:
            Images, float32 (B, C, H, W), and labels, int64 (B,).
        """
        for selection in self.selections(epoch, start):
            yield self.take(selection)

    def selections(self, epoch: int, start: int = 0) -> Iterator[Selection[Values]]:
        """The same batches, before anything is read: which examples, and what happens to each."""
        for step, indices in enumerate(self._examples(epoch, start), start):
            yield Selection(indices, self._draw_changes(len(indices), epoch, step))

    def _examples(self, epoch: int, start: int) -> Iterator[Values]:
        if self._ahead is not None:
            now, following = (
                self._ahead.order(derive_seed(self.seed, _ORDER, one) if self.shuffle else None)
                for one in (epoch, epoch + 1)
            )
            yield from self._ahead.batches(
                now, self.batch_size, start, following if self.shuffle else None
            )
            return
        count = len(self.labels)
        order = self._place.put(
            self._order(epoch) if self.shuffle else np.arange(count, dtype=np.int64)
        )
        for step in range(start, len(self)):
            yield order[step * self.batch_size : (step + 1) * self.batch_size]

    def take(self, selection: Selection[Values]) -> tuple[Values, Values]:
        """The examples of a selection: images, float32 (B, C, H, W), and labels, int64 (B,)."""
        places = self.locate(selection.indices)
        pixels = self.placed.images[places]
        if selection.changes is not _NO_CHANGES:
            pixels = self._change(pixels, selection.changes)
        return self.normalise(pixels), self.labels[selection.indices]

    def locate(self, indices: Values) -> Values:
        """Where in `placed.images` some examples are, as long as theirs is the latest selection.

        Args:
            indices: Of the examples, int64 (B,).
        """
        if self._ahead is not None:
            return self._ahead.locate(indices)
        return indices if self.placed.rows is None else self.placed.rows[indices]

    def pieces(self) -> Iterator[Values]:
        """All pixels in the order of the split: uint8 (P, C, H, W) each time."""
        if self._ahead is not None:
            yield from self._ahead.pieces()
        else:
            images, rows = self.placed.images, self.placed.rows
            yield images if rows is None else images[rows]

    def close(self) -> None:
        """End the thread that reads ahead, if there is one; another pass starts it again."""
        if self._ahead is not None:
            self._ahead.stop()

    @abstractmethod
    def normalise(self, pixels: Values) -> Values:
        """Pixels 0 … 255 of any type and shape as the float32 that the network takes."""

    @property
    @abstractmethod
    def byte_values(self) -> Values:
        """What the 256 values of a pixel become: float32 of shape (256,)."""

    @abstractmethod
    def _change(self, pixels: Values, changes: DrawnChanges[Values]) -> Values:
        """Do to the images of a batch what was drawn for them."""

    def part(self, part: slice) -> Self:
        """Batches of some of the examples, which share their memory with these if they can."""
        some = copy.copy(self)
        some.weights = None if self.weights is None else self.weights[part]
        if self._ahead is None:
            some.labels = self.labels[part]
            some.placed = self.placed.slice(part)
            return some
        some._ahead = None
        images = self._ahead.packed.take(np.arange(*part.indices(len(self.labels))))
        labels = self._ahead.all_labels[part]
        if isinstance(images, PackedImages):
            some._read_ahead(images, labels)
        else:
            some.labels = self._place.put(labels)
            some.placed = PlacedSplit(self._place.put(images), some.labels)
        return some

    def _read_ahead(self, packed: PackedImages, labels: npt.NDArray[np.int64]) -> None:
        self.labels = self._place.put(labels)
        self._ahead = ReadAhead(packed, labels, self.batch_size, self.shuffle, self._place)
        self.placed = PlacedSplit(self._ahead.images, self._ahead.labels)

    def _order(self, epoch: int) -> npt.NDArray[np.int64]:
        return Generator(derive_seed(self.seed, _ORDER, epoch)).permutation(len(self.labels))

    def _draw_changes(self, count: int, epoch: int, step: int) -> DrawnChanges[Values]:
        augmentation = self.augmentation
        if self.plain_from is not None and epoch >= self.plain_from:
            augmentation = Augmentation(flip=augmentation.flip)
        if augmentation == Augmentation():
            return _NO_CHANGES
        seed = derive_seed(self.seed, _AUGMENTATION, epoch, step)
        return draw_changes(augmentation, count, seed, self._place)


class ArrayBatches(BatchesOf[_Array]):
    """Batches of a split as NumPy's arrays, made in memory, without worker processes.

    The pixels stay uint8 and become floats a batch at a time. Order and augmentation are functions
    of (seed, epoch, step), never of what was drawn before, so a training that is resumed in the
    middle of an epoch sees the very same batches.

    Of a packed split that is too large for memory, the images that come next are read ahead into
    `placed`; `selections` still names examples by their numbers in the split, and `locate` says
    where they are.

    Args:
        split: The examples.
        batch_size: Examples a batch, at least 1; the last batch of an epoch may be smaller.
        shuffle: Whether every epoch has an order of its own.
        seed: The seed of the order and the augmentation.
        mean: Subtracted from the pixels, which have been brought to 0 … 1 before.
        std: What they are divided by then.
        augmentation: How images are changed at random; not at all by default.
        plain_from: The epoch from which on they are mirrored at most; never by default.
        shared: Where the images lie already, if they do.

    Attributes:
        placed: The images that are in memory, with their labels.
        labels: Of the split's examples, int64 (N,).
        weights: How much each counts in the loss, float32 (N,) with mean 1; `None` where all count
            alike.

    >>> from lenet.datasets import load_dataset
    >>> images, labels = next(iter(ArrayBatches(load_dataset("digits").test, 32)))
    >>> images.shape, images.dtype, labels.shape
    ((32, 1, 28, 28), dtype('float32'), (32,))
    """

    _place = ARRAYS

    def normalise(self, pixels: _Array) -> _Array:
        """Pixels 0 … 255 of any type and shape as the float32 that the network takes."""
        images = pixels.astype(np.float32)
        images /= 255
        if (self.mean, self.std) != (0.0, 1.0):
            images -= self.mean
            images /= self.std
        return images

    @property
    def byte_values(self) -> _Array:
        """What the 256 values of a pixel become: float32 of shape (256,)."""
        return self.normalise(np.arange(256, dtype=np.uint8))

    def _change(self, pixels: _Array, changes: DrawnChanges[_Array]) -> _Array:
        return change_arrays(pixels, changes)
