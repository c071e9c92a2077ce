import os
import socket
from dataclasses import dataclass

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
