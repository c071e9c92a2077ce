"""This process as one of several: how it joins them, who speaks, how it is left."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from lenet.errors import Interrupted, LenetError
from lenet.training.peers._group import ALONE, Group, find_place

if TYPE_CHECKING:
    from lenet.training.peers._torchrun_group import TorchrunGroup

_TOLD, _PATIENCE_FOR_OTHERS = "told", 3.0  # seconds
_LEFT, _PATIENCE_TO_LEAVE = "left", 60.0
_joined: list[TorchrunGroup] = []  # at most one a process


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
        from lenet.training.peers._torchrun_group import TorchrunGroup

        _joined.append(TorchrunGroup(place))
    return _joined[0]


def speaker(error: BaseException) -> str | None:
    """Who is to tell a person of an error: an error of all processes is told once.

    The first process tells, and this notes that it does. Another tells if the first is not heard
    of, or if the error is a mistake in the program, which is its own.

    Returns:
        What to put before the message, nothing or this process's name; `None` if another tells.
    """
    place = find_place()
    if place is None:
        return ""
    outlast_others()
    group = _joined[0] if _joined else None
    if place.rank == 0:
        if group:
            group.messages.set_flag(_TOLD, _PATIENCE_FOR_OTHERS)
        return ""
    name = f"In {place}: "
    if group is None:  # a command line that can't be read, for example: once a machine
        return name if place.local_rank == 0 else None
    is_all_of_us = isinstance(error, (LenetError, Interrupted))
    if is_all_of_us and group.messages.has_flag(_TOLD, _PATIENCE_FOR_OTHERS):
        return None
    return name


def outlast_others() -> None:
    """Go on to say why this process ends, if it is one of several and another one has ended first.

    torchrun ends what is left with SIGTERM as soon as one process has gone; that is ignored from
    now on. It gives half a minute before it kills.
    """
    if find_place() and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


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
