"""Batches as tensors on a device, for PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from lenet.datasets._augmentation import DrawnChanges
from lenet.datasets._batches import BatchesOf, BatchOptions
from lenet.datasets._dataset import Split

if TYPE_CHECKING:
    from typing_extensions import Unpack


@dataclass(frozen=True)
class TensorPlace:
    """Tensors on a device; on a CPU they are views of the arrays where that is possible."""

    device: torch.device

    def put(self, array: npt.NDArray[Any]) -> Tensor:
        # torch takes no reversed views, and warns of arrays that may not be written to.
        return torch.from_numpy(np.require(array, requirements=["C", "W"])).to(self.device)

    def join(self, parts: Sequence[Tensor]) -> Tensor:
        return torch.cat(list(parts))

    def refresh(
        self, here: Tensor, array: npt.NDArray[Any], rows: slice | npt.NDArray[np.int64]
    ) -> None:
        if self.device.type != "cpu":
            key = rows if isinstance(rows, slice) else self.put(rows)
            here[key] = self.put(array[rows])


class Batches(BatchesOf[Tensor]):
    """Batches of a split, made in memory on the device that trains, without worker processes.

    The pixels stay uint8 on the device and become floats a batch at a time. All else is as it is
    with `ArrayBatches`, the orders and what augmentation draws to the bit.

    Args:
        split: The examples.
        batch_size: Examples a batch, at least 1; the last batch of an epoch may be smaller.
        device: Where the batches are made; where `shared` images lie, if there are any.
        options: `shuffle`, `seed`, `mean`, `std`, `augmentation`, `plain_from` and `shared`, as
            `ArrayBatches` takes them.

    Attributes:
        placed: The images that are in memory on the device, with their labels.
        labels: Of the split's examples, int64 (N,), on the device.

    >>> from lenet.datasets import load_dataset
    >>> images, labels = next(iter(Batches(load_dataset("digits").test, 32)))
    >>> images.shape, images.dtype, labels.shape
    (torch.Size([32, 1, 28, 28]), torch.float32, torch.Size([32]))
    """

    device: torch.device

    def __init__(
        self,
        split: Split,
        batch_size: int,
        *,
        device: torch.device | str = "cpu",
        **options: Unpack[BatchOptions],
    ):
        self.device = torch.device(device)
        shared = options.get("shared")
        self._place = TensorPlace(torch.device(shared.device) if shared else self.device)
        super().__init__(split, batch_size, **options)

    def normalise(self, pixels: Tensor) -> Tensor:
        """Pixels 0 … 255 of any type and shape as the float32 that the network takes."""
        images = pixels.to(torch.float32, copy=True).div_(255)
        if (self.mean, self.std) != (0.0, 1.0):
            images = images.sub_(self.mean).div_(self.std)
        return images

    @property
    def byte_values(self) -> Tensor:
        """What the 256 values of a pixel become: float32 of shape (256,), on the CPU."""
        return self.normalise(torch.arange(256, dtype=torch.uint8, device="cpu"))

    def _change(self, pixels: Tensor, changes: DrawnChanges[Tensor]) -> Tensor:
        return apply_changes(pixels, changes)


def apply_changes(pixels: Tensor, changes: DrawnChanges[Tensor]) -> Tensor:
    """Change the images of a batch.

    Args:
        pixels: uint8 (B, C, H, W).
        changes: Of each image.

    Returns:
        0 to 255 of the same shape; uint8, or float32 where images are distorted.
    """
    if changes.mirrored is not None:
        pixels = torch.where(changes.mirrored[:, None, None, None], pixels.flip(-1), pixels)
    if changes.distortions is not None:
        pixels = _distort(pixels.float(), changes.distortions)
    if changes.shifts is not None:
        pixels = _shift(pixels, changes.shifts)
    return pixels


def _distort(pixels: Tensor, distortions: Tensor) -> Tensor:
    _, _, height, width = pixels.shape
    # PyTorch counts from the middle too, but in halves of the image's width and height.
    # Filled on the device: a CUDA graph can't wait for numbers from the CPU.
    halves = torch.stack([pixels.new_full((), size) for size in (width, height)])
    matrices = distortions * halves / halves[:, None]
    no_shift = matrices.new_zeros(len(matrices), 2, 1)
    grid = F.affine_grid(
        torch.cat([matrices, no_shift], dim=2), list(pixels.shape), align_corners=False
    )
    return F.grid_sample(pixels, grid, align_corners=False)


def _shift(pixels: Tensor, shifts: Tensor) -> Tensor:
    count, _, height, width = pixels.shape
    rows = shifts[0, :, None] + torch.arange(height, device=pixels.device)
    columns = shifts[1, :, None] + torch.arange(width, device=pixels.device)
    inside = _within(rows, height)[:, :, None] & _within(columns, width)[:, None, :]
    image = torch.arange(count, device=pixels.device)[:, None, None]
    moved = pixels.movedim(1, -1)[
        image, rows.clamp(0, height - 1)[:, :, None], columns.clamp(0, width - 1)[:, None, :]
    ]
    return torch.where(inside[:, None], moved.movedim(-1, 1), 0)


def _within(places: Tensor, size: int) -> Tensor:
    return (places >= 0) & (places < size)
