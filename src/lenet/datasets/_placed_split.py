"""Images on the device that computes, once, however many trainings look at them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lenet.datasets._dataset import Dataset, Split, stratified_halves
from lenet.datasets._packed_images import too_large_for_memory


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
        """Neighbours of the split, without a copy of them."""
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
            if too_large_for_memory(split.images) is None
        }
        self._parts: list[Split] = []  # which keeps their ids from being given to others

    def hold_out(self, fraction: float, seed: int) -> Dataset:
        """What `Dataset.with_validation` gives, of images that `place` knows.

        Args:
            fraction: As there; 0 to hold out none.
            seed: As there.

        Raises:
            SettingError: As there.
        """
        if not fraction:
            return self._dataset
        divided = self._dataset.with_validation(fraction, seed)
        if divided is self._dataset or divided.validation is None:
            return self._dataset
        whole = self._placed.get(id(self._dataset.train))
        if whole is None:
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
