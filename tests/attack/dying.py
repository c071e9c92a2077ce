"""The side of a process that is killed: it counts its calls that write, and dies at one of them."""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

# What Python tells before it does it: https://docs.python.org/3/library/audit_events.html
_WRITES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.truncate"}
_TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def run(folder: str, die_at: int = 0, by: int = 0, after: float = 0.0, count_in: str = "") -> None:
    """Do what the command line says, and die at the n-th call that writes, just before it is done.

    Args:
        folder: Where it is done.
        die_at: The call's number, from 1; 0 for none.
        by: The signal that it dies by.
        after: Seconds from the call on after which it dies instead, by SIGALRM, which nothing here
            answers: while it writes what it has opened.
        count_in: A file that is told at the end how many calls there were.
    """
    from forked_worker import paint_nothing

    from lenet.cli import main
    from lenet.core import Drawing

    Drawing.savefig = paint_nothing  # type: ignore[method-assign]
    count = 0

    def note(*arguments: object) -> None:
        nonlocal count
        count += 1
        if count == die_at and after:
            signal.setitimer(signal.ITIMER_REAL, after)
        elif count == die_at:
            os.kill(os.getpid(), by)

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _WRITES or (event == "open" and arguments[2] & _TO_WRITE):
            if "__pycache__" not in str(arguments[0]):
                note()

    os.chdir(folder)
    os.fsync = note  # what was written must have come to the disk before the next rename
    sys.addaudithook(hear)
    try:
        main()
    finally:
        if count_in:
            with suppress(OSError):
                Path(count_in).write_text(str(count))
