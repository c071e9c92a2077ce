from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor


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
        """Replace a tensor by its sum over all processes; see `lenet.training.Peers`."""

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

    def connect(self, device: torch.device) -> None:
        """Let tensors go from process to process from now on.

        Args:
            device: Where this process trains.

        Raises:
            LostProcessError: Not all processes came.
        """

    def send(self, content: bytes) -> bytes:
        """What the first process has sent, in all of them; after `connect`."""
        return content

    def place_on(self, device: torch.device) -> torch.device:
        """This process's own device of a kind: on a machine with several GPUs, each has its own.

        Raises:
            SettingError: There are more processes than GPUs on this machine.
        """
        return device

    def command(self, arguments: str) -> str:
        """The shell command that starts `lenet` on as many processes as these."""
        return f"lenet {arguments}"
