"""Images where they are computed with, once for all trainings."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic

import numpy as np
import numpy.typing as npt

from lenet.datasets._dataset import Dataset, Split
from lenet.datasets._place import Place, Values

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class PlacedSplit(Generic[Values]):
    """A split in arrays or on a device, by itself or as a part of images that others look at, too.

    Attributes:
        images: uint8 (M, C, H, W).
        labels: int64 (M,).
        rows: Which of them are the split's, in its order, int64 (N,); `None` where all are.
    """

    images: Values
    labels: Values
    rows: Values | None = None

    @classmethod
    def at(cls, place: Place[Values], split: Split) -> "PlacedSplit[Values]":
        """A split by itself, without a copy where that is possible."""
        return cls(place.put(split.images), place.put(split.labels))

    def slice(self, part: slice) -> "PlacedSplit[Values]":
        """Neighbours in the split, without a copy of them."""
        if self.rows is not None:
            return self.part(self.rows[part])
        return PlacedSplit(self.images[part], self.labels[part])

    def part(self, rows: Values) -> "PlacedSplit[Values]":
        """Some of the images, without a copy of them."""
        return PlacedSplit(self.images, self.labels, rows)


class SharedImages:
    """A dataset where it is computed with, once, for trainings that hold out images of their own.

    A packed split that is too large for memory is not shared: every training reads it for itself.

    Args:
        dataset: As it was loaded, before images are held out.
        device: Where PyTorch's tensors of the images are to lie; arrays are those of the dataset.
    """

    def __init__(self, dataset: Dataset, device: "torch.device | str" = "cpu"):
        self.device = device
        self._dataset = dataset
        self._wholes = {
            id(split): split for split in dataset.splits.values() if split.packed is None
        }
        # The parts stay here, so that their ids are not given to others.
        self._rows: dict[int, tuple[Split, npt.NDArray[np.int64]]] = {}
        self._placed: dict[tuple[int, Place[Any]], PlacedSplit[Any]] = {}

    def hold_out(self, fraction: float, seed: int) -> Dataset:
        """What `Dataset.with_validation` gives, of images that `place` knows; 0 holds out none."""
        whole = self._dataset.train
        divided = self._dataset.with_validation(fraction, seed) if fraction else self._dataset
        if divided is self._dataset or divided.validation is None or id(whole) not in self._wholes:
            return divided
        halves = whole.halves(fraction, seed)
        for split, rows in zip((divided.train, divided.validation), halves, strict=True):
            self._rows[id(split)] = split, rows
        return divided

    def place(self, split: Split, place: Place[Values]) -> PlacedSplit[Values]:
        """A split at a place: shared if it is one of this dataset, else by itself."""
        if id(split) in self._rows:
            _, rows = self._rows[id(split)]
            return self.place(self._dataset.train, place).part(place.put(rows))
        if id(split) not in self._wholes:
            return PlacedSplit.at(place, split)
        key = id(split), place
        if key not in self._placed:
            self._placed[key] = PlacedSplit.at(place, split)
        placed: PlacedSplit[Values] = self._placed[key]
        return placed
