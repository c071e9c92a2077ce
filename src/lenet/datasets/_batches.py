"""Batches that come straight from memory, and images on the device that computes, once for all."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lenet.datasets._augmentation import Augmentation, DrawnChanges, apply_changes, draw_changes
from lenet.datasets._dataset import Dataset, Split, stratified_halves
from lenet.datasets.packed._images import PackedImages
from lenet.datasets.packed._read_ahead import ReadAhead
from lenet.errors import SettingError

_ORDER, _AUGMENTATION = 0, 1  # the streams of random numbers, each with seeds of its own
_NO_CHANGES = DrawnChanges()


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


def place_array(array: npt.NDArray[Any], device: torch.device | str) -> Tensor:
    """An array on a device; on a CPU without a copy where that is possible."""
    # torch takes no reversed views, and warns of arrays that may not be written to.
    return torch.from_numpy(np.require(array, requirements=["C", "W"])).to(device)


@dataclass(frozen=True, eq=False)
class PlacedSplit:
    """A split on a device, by itself or as a part of images that others look at, too.

    Attributes:
        images: uint8 (M, C, H, W).
        labels: int64 (M,).
        rows: Which of them are the split's, in its order, int64 (N,); `None` where all are.
    """

    images: Tensor
    labels: Tensor
    rows: Tensor | None = None

    @classmethod
    def place(cls, split: Split, device: torch.device | str) -> "PlacedSplit":
        """A split by itself; on a CPU without a copy where that is possible."""
        return cls(place_array(split.images, device), place_array(split.labels, device))

    def slice(self, part: slice) -> "PlacedSplit":
        """Neighbours in the split, without a copy of them."""
        if self.rows is not None:
            return self.part(self.rows[part])
        return PlacedSplit(self.images[part], self.labels[part])

    def part(self, rows: Tensor) -> "PlacedSplit":
        """Some of the images, without a copy of them."""
        return PlacedSplit(self.images, self.labels, rows.to(self.images.device))


class SharedImages:
    """A dataset on a device, once, for trainings that each hold out images of their own.

    A packed split that is too large for memory is not: every training reads it for itself.

    Args:
        dataset: As it was loaded, before images are held out.
        device: Where the images are to lie.
    """

    def __init__(self, dataset: Dataset, device: torch.device | str):
        self._dataset = dataset
        self._device = torch.device(device)
        self._placed = {
            id(split): PlacedSplit.place(split, device)
            for split in dataset.splits.values()
            if split.packed is None
        }
        self._parts: list[Split] = []  # which keeps their ids from being given to others

    def hold_out(self, fraction: float, seed: int) -> Dataset:
        """What `Dataset.with_validation` gives, of images that `place` knows; 0 holds out none."""
        divided = self._dataset.with_validation(fraction, seed) if fraction else self._dataset
        whole = self._placed.get(id(self._dataset.train))
        if divided is self._dataset or divided.validation is None or whole is None:
            return divided
        halves = stratified_halves(self._dataset.train.labels, fraction, seed)
        for split, rows in zip((divided.train, divided.validation), halves, strict=True):
            self._placed[id(split)] = whole.part(torch.from_numpy(rows))
            self._parts.append(split)
        return divided

    def place(self, split: Split) -> PlacedSplit:
        """A split on the device: shared if it is one of this dataset, else a copy of its own."""
        placed = self._placed.get(id(split))
        return placed if placed is not None else PlacedSplit.place(split, self._device)


@dataclass(frozen=True)
class Selection:
    """Which examples make a batch, and what happens to each.

    Attributes:
        indices: Of the examples, int64 (B,).
        changes: What augmentation has drawn for them; nothing by default.
    """

    indices: Tensor
    changes: DrawnChanges = _NO_CHANGES

    def part(self, part: slice) -> "Selection":
        """Some of the examples, each with what happens to it."""
        indices = self.indices[part]
        return Selection(indices, self.changes.part(part) if len(indices) else _NO_CHANGES)


class Batches:
    """Batches of a split, made in memory on the device that trains, without worker processes.

    The pixels stay uint8 on the device and become floats a batch at a time. Order and
    augmentation are functions of (seed, epoch, step), never of what was drawn before, so a
    training that is resumed in the middle of an epoch sees the very same batches.

    Of a packed split that is too large for memory, the images that come next are read ahead into
    `placed`; `selections` still names examples by their numbers in the split, and `locate` says
    where they are.

    Args:
        split: The examples.
        batch_size: Examples a batch, at least 1; the last batch of an epoch may be smaller.
        shuffle: Whether every epoch has an order of its own.
        seed: The seed of the order and the augmentation.
        device: Where the batches are made.
        mean: Subtracted from the pixels, which have been brought to 0 … 1 before.
        std: What they are divided by then.
        augmentation: How images are changed at random; not at all by default.
        plain_from: The epoch from which on they are mirrored at most; never by default.
        shared: Where the images lie already, on the same device, if they do.

    Attributes:
        placed: The images that are in memory on the device, with their labels.
        labels: Of the split's examples, int64 (N,), on the device.

    >>> from lenet.datasets import load_dataset
    >>> images, labels = next(iter(Batches(load_dataset("digits").test, 32)))
    >>> images.shape, images.dtype, labels.shape
    (torch.Size([32, 1, 28, 28]), torch.float32, torch.Size([32]))
    """

    batch_size: int
    shuffle: bool
    seed: int
    mean: float
    std: float
    augmentation: Augmentation
    plain_from: int | None
    device: torch.device
    placed: PlacedSplit
    labels: torch.Tensor

    def __init__(
        self,
        split: Split,
        batch_size: int,
        *,
        shuffle: bool = False,
        seed: int = 0,
        device: torch.device | str = "cpu",
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
        self.device = torch.device(device)
        self._ahead: ReadAhead | None = None
        if split.packed is None:
            self.placed = shared.place(split) if shared else PlacedSplit.place(split, device)
            rows = self.placed.rows
            self.labels = self.placed.labels if rows is None else self.placed.labels[rows]
        else:
            self.labels = place_array(split.labels, self.device)
            self._read_ahead(split.packed)

    def __len__(self) -> int:
        return -(-len(self.labels) // self.batch_size)

    @property
    def is_in_memory(self) -> bool:
        """Whether all of the split is in `placed`."""
        return self._ahead is None

    @property
    def sizes(self) -> Tensor:
        """Examples in each batch of an epoch: int64 of shape (len(self),)."""
        sizes = torch.full((len(self),), self.batch_size)
        sizes[-1] = len(self.labels) - self.batch_size * (len(self) - 1)
        return sizes

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        return self.epoch(0)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of an epoch, from a step on.

        Args:
            epoch: The epoch, counted from 0; decides order and augmentation.
            start: How many batches to pass over.

        Yields:
            Images, float32 (B, C, H, W), and labels, int64 (B,).
        """
        for selection in self.selections(epoch, start):
            yield self.take(selection)

    def selections(self, epoch: int, start: int = 0) -> Iterator[Selection]:
        """The same batches, before anything is read: which examples, and what happens to each."""
        for step, indices in enumerate(self._examples(epoch, start), start):
            yield Selection(indices, self._draw_changes(len(indices), epoch, step))

    def _examples(self, epoch: int, start: int) -> Iterator[Tensor]:
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
        order = self._order(epoch) if self.shuffle else torch.arange(count, device=self.device)
        for step in range(start, len(self)):
            yield order[step * self.batch_size : (step + 1) * self.batch_size]

    def take(self, selection: Selection) -> tuple[Tensor, Tensor]:
        """The examples of a selection: images, float32 (B, C, H, W), and labels, int64 (B,)."""
        places = self.locate(selection.indices)
        pixels = self.placed.images[places]
        if selection.changes is not _NO_CHANGES:
            pixels = apply_changes(pixels, selection.changes)
        return self.normalise(pixels), self.labels[selection.indices]

    def locate(self, indices: Tensor) -> Tensor:
        """Where in `placed.images` some examples are, as long as theirs is the latest selection.

        Args:
            indices: Of the examples, int64 (B,).
        """
        if self._ahead is not None:
            return self._ahead.locate(indices)
        return indices if self.placed.rows is None else self.placed.rows[indices]

    def pieces(self) -> Iterator[Tensor]:
        """All pixels in the order of the split: uint8 (P, C, H, W) each time, on the device."""
        if self._ahead is not None:
            yield from self._ahead.pieces()
        else:
            images, rows = self.placed.images, self.placed.rows
            yield images if rows is None else images[rows]

    def close(self) -> None:
        """End the thread that reads ahead, if there is one; another pass starts it again."""
        if self._ahead is not None:
            self._ahead.stop()

    def normalise(self, pixels: Tensor) -> Tensor:
        """Pixels 0 … 255 of any type and shape as the float32 that the network takes."""
        images = pixels.to(torch.float32, copy=True).div_(255)
        if (self.mean, self.std) != (0.0, 1.0):
            images = images.sub_(self.mean).div_(self.std)
        return images

    def part(self, part: slice) -> "Batches":
        """Batches of some of the examples, which share their memory with these if they can."""
        some = copy.copy(self)
        some.labels = self.labels[part]
        if self._ahead is None:
            some.placed = self.placed.slice(part)
            return some
        some._ahead = None
        images = self._ahead.packed.take(np.arange(*part.indices(len(self.labels))))
        if isinstance(images, PackedImages):
            some._read_ahead(images)
        else:
            some.placed = PlacedSplit(place_array(images, self.device), some.labels)
        return some

    def _read_ahead(self, packed: PackedImages) -> None:
        self._ahead = ReadAhead(packed, self.labels, self.batch_size, self.shuffle, self.device)
        self.placed = PlacedSplit(self._ahead.images, self._ahead.labels)

    @property
    def byte_values(self) -> Tensor:
        """What the 256 values of a pixel become: float32 of shape (256,)."""
        return self.normalise(torch.arange(256, dtype=torch.uint8))

    def _order(self, epoch: int) -> Tensor:
        generator = torch.Generator().manual_seed(derive_seed(self.seed, _ORDER, epoch))
        return torch.randperm(len(self.labels), generator=generator).to(self.labels.device)

    def _draw_changes(self, count: int, epoch: int, step: int) -> DrawnChanges:
        augmentation = self.augmentation
        if self.plain_from is not None and epoch >= self.plain_from:
            augmentation = Augmentation(flip=augmentation.flip)
        if augmentation == Augmentation():
            return _NO_CHANGES
        seed = derive_seed(self.seed, _AUGMENTATION, epoch, step)
        return draw_changes(augmentation, count, seed, self.device)
