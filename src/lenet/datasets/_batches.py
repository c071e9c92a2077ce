from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from lenet.datasets._augmentation import (
    Augmentation,
    DrawnChanges,
    apply_changes,
    draw_changes,
)
from lenet.datasets._dataset import Split
from lenet.errors import SettingError

_ORDER, _AUGMENTATION = 0, 1  # the streams of random numbers, each with seeds of its own


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
class Selection:
    """Which examples make a batch, and what happens to each.

    Attributes:
        indices: Of the examples, int64 (B,).
        changes: What augmentation has drawn for them; nothing by default.
    """

    indices: Tensor
    changes: DrawnChanges = field(default_factory=DrawnChanges)


class Batches:
    """Batches of a split, made in memory on the device that trains, without worker processes.

    The pixels stay uint8 on the device and become floats a batch at a time. Order and
    augmentation are functions of (seed, epoch, step), never of what was drawn before, so a
    training that is resumed in the middle of an epoch sees the very same batches.

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

    >>> from lenet.datasets import load_dataset
    >>> images, labels = next(iter(Batches(load_dataset("digits").test, 32)))
    >>> images.shape, images.dtype, labels.shape
    (torch.Size([32, 1, 28, 28]), torch.float32, torch.Size([32]))
    """

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
    ):
        if batch_size < 1:
            message = f"`batch_size` must be at least 1, not {batch_size}."
            raise SettingError(message)
        self.batch_size, self.shuffle, self.seed = batch_size, shuffle, seed
        self.mean, self.std = mean, std
        self.augmentation, self.plain_from = augmentation, plain_from
        self.device = torch.device(device)
        # torch takes no reversed views, and warns of arrays that may not be written to.
        self.images = torch.from_numpy(np.require(split.images, requirements=["C", "W"])).to(device)
        self.labels = torch.from_numpy(np.require(split.labels, requirements=["C", "W"])).to(device)

    def __len__(self) -> int:
        """Batches an epoch."""
        return -(-len(self.labels) // self.batch_size)

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
        count = len(self.labels)
        order = self._order(epoch) if self.shuffle else torch.arange(count, device=self.device)
        for step in range(start, len(self)):
            indices = order[step * self.batch_size : (step + 1) * self.batch_size]
            yield Selection(indices, self._draw_changes(len(indices), epoch, step))

    def take(self, selection: Selection) -> tuple[Tensor, Tensor]:
        """The examples of a selection: images, float32 (B, C, H, W), and labels, int64 (B,)."""
        pixels = apply_changes(self.images[selection.indices], selection.changes)
        return self.normalise(pixels), self.labels[selection.indices]

    def normalise(self, pixels: Tensor) -> Tensor:
        """Pixels 0 … 255 of any type and shape as the float32 that the network takes."""
        images = pixels.to(torch.float32, copy=True).div_(255)
        if (self.mean, self.std) != (0.0, 1.0):
            images = images.sub_(self.mean).div_(self.std)
        return images

    @property
    def byte_values(self) -> Tensor:
        """What the 256 values of a pixel become: float32 of shape (256,)."""
        return self.normalise(torch.arange(256, dtype=torch.uint8))

    def _order(self, epoch: int) -> Tensor:
        """The order of the examples in an epoch, the same on every device."""
        generator = torch.Generator().manual_seed(derive_seed(self.seed, _ORDER, epoch))
        return torch.randperm(len(self.labels), generator=generator).to(self.labels.device)

    def _draw_changes(self, count: int, epoch: int, step: int) -> DrawnChanges:
        """What happens to each image of a batch."""
        augmentation = self.augmentation
        if self.plain_from is not None and epoch >= self.plain_from:
            augmentation = Augmentation(flip=augmentation.flip)
        if augmentation == Augmentation():
            return DrawnChanges()
        seed = derive_seed(self.seed, _AUGMENTATION, epoch, step)
        return draw_changes(augmentation, count, seed, self.device)
