from __future__ import annotations

from typing import TYPE_CHECKING

from lenet.training.peers._group import Group
from lenet.training.peers._place import find_place

if TYPE_CHECKING:
    from lenet.training.peers._torchrun_group import TorchrunGroup

_joined: list[TorchrunGroup] = []  # at most one a process


def join_group() -> Group:
    """Join the processes that torchrun started with this one, or be on one's own without it.

    Every later call gives the same group.

    Raises:
        LostProcessError: Not all processes came.
    """
    place = find_place()
    if place is None:
        return Group()
    if not _joined:
        from lenet.training.peers._torchrun_group import TorchrunGroup

        _joined.append(TorchrunGroup(place))
    return _joined[0]


def joined_group() -> TorchrunGroup | None:
    """The group of processes that this one has joined, if it has."""
    return _joined[0] if _joined else None
