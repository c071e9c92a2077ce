"""The processes that make one training together, and what is one process's part of it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor

_NEEDED = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class Place:
    """Where a process stands among those that torchrun started.

    Attributes:
        rank: Its number, counted from 0.
        size: How many processes there are, on all machines.
        local_rank: Its number on this machine, counted from 0.
        local_size: How many processes there are on this machine.
        host: This machine's name.
    """

    rank: int
    size: int
    local_rank: int
    local_size: int
    host: str

    def __str__(self) -> str:
        return f"process {self.rank} of {self.size} ({self.host})"


def find_place() -> Place | None:
    """Where this process stands, by torchrun's environment variables; `None` without torchrun."""
    if not all(os.environ.get(name) for name in _NEEDED):
        return None
    rank, size, local_rank, local_size = (int(os.environ[name]) for name in _NEEDED[:4])
    return Place(rank, size, local_rank, local_size, socket.gethostname())


class Peers(Protocol):
    """The processes that make one training together, as far as the training sees them."""

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


class Group:
    """The processes that make one training together; this class is a process on its own.

    What they tell each other is JSON or bytes; nothing is pickled.

    Attributes:
        rank: This process's number, counted from 0; 0 is the one that writes and prints.
        size: How many there are.
        local_rank: This process's number on its machine.
        local_size: How many there are on this machine.
    """

    rank = 0
    size = 1
    local_rank = 0
    local_size = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes and prints."""
        return self.rank == 0

    def add_up(self, tensor: Tensor) -> None:
        """Replace a tensor by its sum over all processes; as `Peers` has it."""

    @contextmanager
    def together(self) -> Iterator[None]:
        """Do something that may fail in one process; then it fails in all.

        All processes wait at the end of the block until each has come there.

        Raises:
            PeerError: It failed elsewhere; the message says where and why. A process in which it
                failed alone raises its own error if it is the first, or if that is a mistake in the
                program, whose traceback is wanted.
        """
        yield

    def gather(self, value: Any) -> list[Any]:
        """What each process has to tell, in the order of their numbers.

        Args:
            value: This process's, as JSON can hold it.
        """
        return [value]

    def decide(self, make: Callable[[], Any]) -> Any:
        """Let the first process make something, as JSON can hold it, and tell the others.

        Raises:
            PeerError: It could not be made, in the others; the first raises its own error.
        """
        value = None
        with self.together():
            if self.is_first:
                value = make()
        return self.gather(value)[0]

    def connect(self, device: str) -> None:
        """Let tensors go from process to process from now on.

        Args:
            device: Where this process trains.

        Raises:
            LostProcessError: Not all processes came.
        """

    def send(self, content: bytes) -> bytes:
        """What the first process has sent, in all of them; after `connect`."""
        return content

    def place_on(self, device: str) -> str:
        """This process's own device of a kind: on a machine with several GPUs, each has its own.

        Raises:
            SettingError: There are more processes than GPUs on this machine.
        """
        return device

    def command(self, arguments: str) -> str:
        """The shell command that starts `lenet` on as many processes as these."""
        return f"lenet {arguments}"


ALONE = Group()


def part_of(count: int, peers: Peers) -> slice:
    """Which of some examples are this process's: parts in order, without padding or overlap.

    Args:
        count: How many there are for all processes together; may be fewer than processes.
        peers: The processes.
    """
    return slice(peers.rank * count // peers.size, (peers.rank + 1) * count // peers.size)
