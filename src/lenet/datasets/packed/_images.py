"""The images of a packed set, read from its shards when they are asked for."""

import hashlib
import io
import itertools
import math
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.mixins import NDArrayOperatorsMixin

from lenet.core import reading_errors
from lenet.datasets.packed._index import Identity, PackedFile, open_plain
from lenet.errors import DataFileError, DatasetError

IN_MEMORY_BYTES = 64 * 2**20  # what takes no more is held in memory, as any other split is
_MOST_AT_ONCE = 2**30  # bytes that are ever read for whoever wants an array
_PIECE = 2**20  # bytes
_GAP = 2**14  # bytes that are read and thrown away rather than skipped by another call
_SUMMED = 2**17  # bytes that are summed at once, few enough to stay in a processor's cache


class PackedImages(NDArrayOperatorsMixin):
    """Images that lie in the shards of a packed set, in the place of an array of them.

    Indexing gives arrays, as it does with a `numpy.ndarray` of shape (N, C, H, W), and reads the
    images that it needs. Nothing stays in memory. All else that an array can do is done with all
    images at once, up to 1 GiB of them; above that it is a `DatasetError`. A shard that was changed
    since the set was opened is a `DataFileError`.

    Args:
        folder: The set's folder.
        shards: The files of the pixels, in order.
        image_shape: Channels, height and width of every image.
        identities: What `open_plain` saw of each file when the set was checked.
        rows: Which of the shards' images these are, int64 (N,); all in their order by default.
    """

    ndim = 4
    dtype: np.dtype[np.uint8] = np.dtype(np.uint8)

    def __init__(
        self,
        folder: Path,
        shards: tuple[PackedFile, ...],
        image_shape: tuple[int, int, int],
        identities: tuple[Identity, ...],
        rows: npt.NDArray[np.int64] | None = None,
    ):
        self._folder, self._shards, self._identities = folder, shards, identities
        self._image_shape, self._rows = image_shape, rows
        self._starts = np.cumsum([0, *(shard.images for shard in shards)])

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Images, channels, height, width."""
        return (len(self), *self._image_shape)

    @property
    def image_bytes(self) -> int:
        """Of one image."""
        return math.prod(self._image_shape)

    @property
    def nbytes(self) -> int:
        """Of all images."""
        return len(self) * self.image_bytes

    @property
    def is_large(self) -> bool:
        """Whether they are read a part at a time, and never held in memory together."""
        return self.nbytes > IN_MEMORY_BYTES

    def __len__(self) -> int:
        return int(self._starts[-1]) if self._rows is None else len(self._rows)

    def __repr__(self) -> str:
        return f"PackedImages({str(self._folder)!r}, shape={self.shape})"

    def __getitem__(self, key: Any) -> npt.NDArray[np.uint8]:
        first, rest = (key[0], key[1:]) if isinstance(key, tuple) and key else (key, ())
        if first is None or first is Ellipsis:
            whole: npt.NDArray[np.uint8] = np.asarray(self)[key]
            return whole
        if isinstance(first, (int, np.integer)):
            indices, of_first = self._indices(np.array([first])), (0, *rest)
        elif isinstance(first, slice):
            indices, of_first = np.arange(*first.indices(len(self))), (slice(None), *rest)
        else:
            indices, of_first = self._indices(np.asarray(first)), (slice(None), *rest)
        chosen: npt.NDArray[np.uint8] = self.read(indices)[of_first]
        return chosen

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False:
            message = "Packed images can't be seen as an array without a copy."
            raise ValueError(message)
        return self[:].astype(dtype or np.uint8, copy=False)

    def __array_ufunc__(self, function: Any, method: str, *inputs: Any, **options: Any) -> Any:
        arrays = [np.asarray(one) if isinstance(one, PackedImages) else one for one in inputs]
        return getattr(function, method)(*arrays, **options)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(np.ndarray, name):
            message = f"Packed images have no attribute `{name}`."
            raise AttributeError(message)
        return getattr(np.asarray(self), name)

    def take(self, indices: npt.NDArray[np.int64]) -> "npt.NDArray[np.uint8] | PackedImages":
        """The images at some indices: an array of few, and of many still packed images."""
        rows = indices if self._rows is None else self._rows[indices]
        taken = PackedImages(self._folder, self._shards, self._image_shape, self._identities, rows)
        return taken if taken.is_large else taken[:]

    def read(self, indices: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """The images at some indices of 0 … N - 1, in their order: uint8 (n, C, H, W).

        Raises:
            DatasetError: They are too many to be held in memory.
            DataFileError: A shard can't be read or has changed.
        """
        wanted = len(indices) * self.image_bytes
        if wanted > _MOST_AT_ONCE:
            message = (
                f"{len(indices):,} images of `{self._folder}` at once take "
                f"{wanted / 1e9:.1f} GB of memory, more than is read. Take fewer of them."
            )
            raise DatasetError(message)
        images = np.empty((len(indices), *self._image_shape), np.uint8)
        self.read_into(indices, images)
        return images

    def read_into(
        self,
        indices: npt.NDArray[np.int64],
        target: npt.NDArray[np.uint8],
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        """Read the images at some indices into an array that is there.

        Args:
            indices: Of 0 … N - 1; those in ascending order are read with the least effort.
            target: uint8 (n, C, H, W), contiguous.
            is_stopped: Asked between two pieces; if so, the rest is left unread.

        Raises:
            DataFileError: A shard can't be read or has changed.
        """
        rows = indices if self._rows is None else self._rows[indices]
        if len(rows) > 1 and (np.diff(rows) <= 0).any():
            distinct, places = np.unique(rows, return_inverse=True)
            images = np.empty((len(distinct), *self._image_shape), np.uint8)
            self._read_ascending(distinct, images, is_stopped)
            np.take(images, places, axis=0, out=target, mode="clip")
        else:
            self._read_ascending(rows, target, is_stopped)

    def pieces(self, size: int = _PIECE) -> Iterator[npt.NDArray[np.uint8]]:
        """All images in their order, about `size` bytes at a time."""
        step = max(1, size // self.image_bytes)
        for start in range(0, len(self), step):
            yield self[start : start + step]

    def mean(self, *arguments: Any, **options: Any) -> Any:
        """Of all pixels, piece by piece; with arguments it is that of an array."""
        if arguments or options:
            return np.asarray(self).mean(*arguments, **options)
        return self._moments[0]

    def std(self, *arguments: Any, **options: Any) -> Any:
        """The standard deviation of all pixels; with arguments it is that of an array."""
        if arguments or options:
            return np.asarray(self).std(*arguments, **options)
        mean, mean_square = self._moments
        return math.sqrt(max(0.0, mean_square - mean * mean))

    def digest(self) -> bytes:
        """What names these very images: made from the shards' checksums, without reading them."""
        digest = hashlib.sha256(repr((self.shape, [one.sha256 for one in self._shards])).encode())
        if self._rows is not None:
            digest.update(np.ascontiguousarray(self._rows).data)
        return digest.digest()

    @cached_property
    def _moments(self) -> tuple[float, float]:
        """The means of the pixels and of their squares, from sums that are exact."""
        total = total_of_squares = 0
        for piece in self.pieces():
            flat = piece.reshape(-1)
            for start in range(0, len(flat), _SUMMED):
                values = flat[start : start + _SUMMED].astype(np.float64)
                total += int(values.sum())
                total_of_squares += int(values @ values)
        return total / self.nbytes, total_of_squares / self.nbytes

    def _indices(self, key: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """Which images an array of numbers or truth values means."""
        count = len(self)
        if key.dtype == np.bool_ and key.shape == (count,):
            return np.flatnonzero(key)
        if key.size == 0:
            return np.empty(0, np.int64)
        indices = key.astype(np.int64)
        if key.dtype.kind not in "iu" or key.ndim != 1:
            message = "Packed images are indexed by whole numbers, slices, or one array of either."
            raise IndexError(message)
        if indices.min() < -count or indices.max() >= count:
            message = f"There are {count} images; an index is outside of them."
            raise IndexError(message)
        return np.where(indices < 0, indices + count, indices)

    def _read_ascending(
        self,
        rows: npt.NDArray[np.int64],
        target: npt.NDArray[np.uint8],
        is_stopped: Callable[[], bool],
    ) -> None:
        """Read rows that ascend, near ones by one call."""
        bounds = np.searchsorted(rows, self._starts)
        content = target.reshape(-1).data
        size = self.image_bytes
        for number, (begin, end) in enumerate(itertools.pairwise(bounds.tolist())):
            if begin == end or is_stopped():
                continue
            path = self._folder / self._shards[number].name
            places = rows[begin:end] - self._starts[number]
            with (
                reading_errors(path, DataFileError),
                open_plain(path, self._identities[number]) as file,
            ):
                # A few hundred of these make a window: they should do little but read.
                for first, last in self._runs(places):
                    if is_stopped():
                        break
                    low, spanned = int(places[first]), int(places[last - 1] - places[first]) + 1
                    if spanned == last - first:
                        part = content[(begin + first) * size : (begin + last) * size]
                        _fill(part, file, path, low * size)
                    else:
                        held = np.empty((spanned, *self._image_shape), np.uint8)
                        _fill(held.reshape(-1).data, file, path, low * size)
                        chosen = places[first:last] - low
                        into = target[begin + first : begin + last]
                        np.take(held, chosen, axis=0, out=into, mode="clip")

    def _runs(self, rows: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
        """Where the rows that are read by one call begin and end."""
        breaks = np.flatnonzero(np.diff(rows) > 1 + _GAP // self.image_bytes) + 1
        edges = [0, *breaks.tolist(), len(rows)]
        most = max(1, _PIECE // self.image_bytes)
        for first, last in itertools.pairwise(edges):
            for start in range(first, last, most):
                yield start, min(start + most, last)


def _fill(target: memoryview, file: io.FileIO, path: Path, offset: int) -> None:
    file.seek(offset)
    while len(target):
        held = file.readinto(target)
        if not held:
            message = f"`{path}` has changed since it was checked: it ends too early."
            raise DataFileError(message)
        target = target[held:]
