"""The processes that make one training together, as far as the training sees them."""

from typing import Protocol

from torch import Tensor


class Peers(Protocol):
    """The processes that make one training together; each takes a part of every batch."""

    @property
    def rank(self) -> int:
        """Which of them this one is, counted from 0."""

    @property
    def size(self) -> int:
        """How many they are."""

    def add_up(self, tensor: Tensor) -> None:
        """Replace a tensor by its sum over all processes, to the same bits in each of them.

        Args:
            tensor: Of the same shape and type in all of them, contiguous, on any device.

        Raises:
            LostProcessError: One of them is gone, or does not answer.
        """


class Alone:
    """A training in one process."""

    rank = 0
    size = 1

    def add_up(self, tensor: Tensor) -> None:
        """Leave the tensor as it is."""


ALONE = Alone()


def part_of(count: int, peers: Peers) -> slice:
    """Which of some examples are this process's: parts in order, without padding or overlap.

    Args:
        count: How many there are for all processes together; may be fewer than processes.
        peers: The processes.
    """
    return slice(peers.rank * count // peers.size, (peers.rank + 1) * count // peers.size)
