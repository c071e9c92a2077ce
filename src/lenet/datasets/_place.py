"""Where numbers lie: in NumPy's arrays, or in tensors on a device."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor
    from typing_extensions import TypeVar as DefaultTypeVar

    # What names no kind means tensors.
    Values = DefaultTypeVar("Values", npt.NDArray[Any], Tensor, default=Tensor)
else:
    Values = TypeVar("Values")


class Place(Protocol[Values]):
    """A place for numbers; two that are equal are one."""

    def put(self, array: npt.NDArray[Any]) -> Values:
        """The numbers of an array here, in its own memory where that is possible."""

    def join(self, parts: Sequence[Values]) -> Values:
        """One after the other."""

    def refresh(
        self, here: Values, array: npt.NDArray[Any], rows: slice | npt.NDArray[np.int64]
    ) -> None:
        """Bring rows of an array that have changed to what `put` made of it."""


class ArrayPlace:
    """NumPy's arrays."""

    def put(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The array itself, or a copy where its numbers do not follow each other in memory."""
        return np.ascontiguousarray(array)

    def join(self, parts: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        """One after the other."""
        return np.concatenate(parts)

    def refresh(
        self, here: npt.NDArray[Any], array: npt.NDArray[Any], rows: slice | npt.NDArray[np.int64]
    ) -> None:
        """Nothing: they are the same."""


ARRAYS = ArrayPlace()
