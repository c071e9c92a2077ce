from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

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
        shift: Move each image by up to this many pixels either way; 0 for none.
        flip: Mirror each image left to right with probability one half.

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
        shift: int = 0,
        flip: bool = False,
    ):
        if batch_size < 1:
            message = f"`batch_size` must be at least 1, not {batch_size}."
            raise SettingError(message)
        self.batch_size, self.shuffle, self.seed = batch_size, shuffle, seed
        self.mean, self.std, self.shift, self.flip = mean, std, shift, flip
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
        for pixels, labels in self.pixels(epoch, start):
            yield self.normalise(pixels), labels

    def pixels(self, epoch: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of an epoch before `normalise`: images are uint8 (B, C, H, W)."""
        order = self._order(epoch) if self.shuffle else None
        for step in range(start, len(self)):
            chosen: slice | Tensor = slice(step * self.batch_size, (step + 1) * self.batch_size)
            if order is not None:
                chosen = order[chosen]
            pixels = self.images[chosen]
            if self.shift or self.flip:
                pixels = self._augment(pixels, derive_seed(self.seed, _AUGMENTATION, epoch, step))
            yield pixels, self.labels[chosen]

    def normalise(self, pixels: Tensor) -> Tensor:
        """Pixels 0 … 255, uint8 of any shape, as the float32 that the network takes."""
        images = pixels.to(torch.float32).div_(255)
        if (self.mean, self.std) != (0.0, 1.0):
            images = images.sub_(self.mean).div_(self.std)
        return images

    def _order(self, epoch: int) -> Tensor:
        """The order of the examples in an epoch, the same on every device."""
        generator = torch.Generator().manual_seed(derive_seed(self.seed, _ORDER, epoch))
        return torch.randperm(len(self.labels), generator=generator).to(self.labels.device)

    def _augment(self, pixels: Tensor, seed: int) -> Tensor:
        """Mirror and shift each image on its own; what comes in from outside is 0."""
        generator = torch.Generator().manual_seed(seed)
        count, _, height, width = pixels.shape
        if self.flip:
            mirrored = torch.rand(count, generator=generator) < 0.5
            mirrored = mirrored.to(pixels.device)[:, None, None, None]
            pixels = torch.where(mirrored, pixels.flip(-1), pixels)
        if self.shift:
            offsets = torch.randint(2 * self.shift + 1, (2, count, 1), generator=generator)
            offsets = offsets.to(pixels.device)
            rows = offsets[0] + torch.arange(height, device=pixels.device)
            columns = offsets[1] + torch.arange(width, device=pixels.device)
            padded = F.pad(pixels, [self.shift] * 4).movedim(1, -1)
            image = torch.arange(count, device=pixels.device)[:, None, None]
            pixels = padded[image, rows[:, :, None], columns[:, None, :]].movedim(-1, 1)
        return pixels
