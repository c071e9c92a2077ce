"""The end of a process of several: who speaks, and how it is left."""

import atexit
import os
import signal
import sys
import threading
import time

from lenet.errors import LenetError
from lenet.training.peers._join import joined_group
from lenet.training.peers._place import find_place

_TOLD, _PATIENCE_FOR_OTHERS = "told", 3.0  # seconds
_LEFT, _PATIENCE_TO_LEAVE = "left", 60.0


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
    group = joined_group()
    if place.rank == 0:
        if group:
            group.board.mark(_TOLD, _PATIENCE_FOR_OTHERS)
        return ""
    name = f"In {place}: "
    if group is None:  # a command line that can't be read, for example: once a machine
        return name if place.local_rank == 0 else None
    if isinstance(error, LenetError) and group.board.has_mark(_TOLD, _PATIENCE_FOR_OTHERS):
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
    group = joined_group()
    if group is None:
        return
    patience = _PATIENCE_TO_LEAVE if code == 0 else _PATIENCE_FOR_OTHERS
    group.board.mark(f"{_LEFT}/{group.rank}", patience)
    # The first keeps the board, if torchrun does not; the others may still have to read it.
    if code == 0 or (group.is_first and not _torchrun_keeps_the_board()):
        deadline = time.monotonic() + patience
        for rank in range(group.size):
            group.board.has_mark(f"{_LEFT}/{rank}", max(deadline - time.monotonic(), 0.0))
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _torchrun_keeps_the_board() -> bool:
    """Whether the store is in torchrun's own process; not so where another program stands in."""
    return os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
