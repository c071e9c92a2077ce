"""The processes that make one training together: joining them, one's own part, leaving."""

from __future__ import annotations

import atexit
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from lenet.errors import LenetError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from lenet.training import TorchrunGroup

_NEEDED = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
_TOLD, _PATIENCE_FOR_OTHERS = "told", 3.0  # seconds
_LEFT, _PATIENCE_TO_LEAVE = "left", 60.0
_joined: list[TorchrunGroup] = []  # at most one a process


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


ALONE = Group()


def part_of(count: int, peers: Peers) -> slice:
    """Which of some examples are this process's: parts in order, without padding or overlap.

    Args:
        count: How many there are for all processes together; may be fewer than processes.
        peers: The processes.
    """
    return slice(peers.rank * count // peers.size, (peers.rank + 1) * count // peers.size)


def join_group() -> Group:
    """Join the processes that torchrun started with this one, or be on one's own without it.

    Every later call gives the same group.

    Raises:
        LostProcessError: Not all processes came.
    """
    place = find_place()
    if place is None:
        return ALONE
    if not _joined:
        from lenet.training import TorchrunGroup  # not before it is needed: it needs PyTorch

        _joined.append(TorchrunGroup(place))
    return _joined[0]


def speaker(error: Exception) -> str | None:
    """Who is to tell a person of an error: an error of all processes is told once.

    The first process tells, and this notes that it does. Another tells if the first is not heard
    of, or if the error is a mistake in the program, which is its own.

    Returns:
        What to put before the message, nothing or this process's name; `None` if another tells.
    """
    place = find_place()
    if place is None:
        return ""
    if threading.current_thread() is threading.main_thread():
        # torchrun ends what is left as soon as one process has gone; that much time it gives.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    group = _joined[0] if _joined else None
    if place.rank == 0:
        if group:
            group.messages.set_flag(_TOLD, _PATIENCE_FOR_OTHERS)
        return ""
    name = f"In {place}: "
    if group is None:  # a command line that can't be read, for example: once a machine
        return name if place.local_rank == 0 else None
    if isinstance(error, LenetError) and group.messages.has_flag(_TOLD, _PATIENCE_FOR_OTHERS):
        return None
    return name


def leave(code: int) -> None:
    """End this process at once if it is one of several that have trained together, else do nothing.

    The libraries behind `torch.distributed` keep threads that now and then abort a process in the
    interpreter's tear-down, after all is done and written. So all processes wait for each other,
    everything is flushed, what `atexit` knows is called, and the tear-down is left out.

    Args:
        code: The exit code.
    """
    group = _joined[0] if _joined else None
    if group is None:
        return
    patience = _PATIENCE_TO_LEAVE if code == 0 else _PATIENCE_FOR_OTHERS
    group.messages.set_flag(f"{_LEFT}/{group.rank}", patience)
    # Not so where another program stands in for torchrun.
    torchrun_keeps_store = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    # The first keeps the store, if torchrun does not; the others may still have to read it.
    if code == 0 or (group.is_first and not torchrun_keeps_store):
        deadline = time.monotonic() + patience
        for rank in range(group.size):
            group.messages.has_flag(f"{_LEFT}/{rank}", max(deadline - time.monotonic(), 0.0))
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
