"""What examples are called in the files that they came from."""

from collections.abc import Iterable, Sequence
from typing import overload

import numpy as np
import numpy.typing as npt


class Names(Sequence[str]):
    """Names of examples, such as `cat/17.png`, in a few bytes each: there may be 70,000 of them.

    Args:
        names: The names; or the bytes of each in UTF-8, uint8 (N, longest), filled up with zeros.

    >>> names = Names(["cat/1.png", "dog/1.png"])
    >>> names[1], list(names.take(np.array([1, 0])))
    ('dog/1.png', ['dog/1.png', 'cat/1.png'])
    """

    def __init__(self, names: Iterable[str] | npt.NDArray[np.uint8]):
        if isinstance(names, np.ndarray):
            width = max(1, names.shape[1])
            self._names = np.ascontiguousarray(names).view(f"S{width}").reshape(len(names))
        else:
            # A name may hold bytes that are no text, which Python has as halves of characters.
            self._names = np.array([name.encode(errors="surrogatepass") for name in names], "S")

    def __len__(self) -> int:
        return len(self._names)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> "Names": ...
    def __getitem__(self, index: int | slice) -> "str | Names":
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        return bytes(self._names[index]).decode(errors="surrogatepass")

    def take(self, indices: npt.NDArray[np.int64]) -> "Names":
        """The names at some indices, in their order."""
        taken = Names(())
        taken._names = self._names[indices]
        return taken

    def as_bytes(self) -> npt.NDArray[np.uint8]:
        """The bytes of each, uint8 (N, longest), as they are given to the constructor."""
        rows = np.ascontiguousarray(self._names).view(np.uint8)
        return rows.reshape(len(self), self._names.dtype.itemsize)
