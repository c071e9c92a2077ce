import os
from contextlib import suppress
from pathlib import Path

_LOOP = "gloo_tcp_loop"  # the name of the thread, as PyTorch 2.13 gives it
_THREADS = Path("/proc/self/task")


def keep_loop_from_interrupting() -> None:
    """Let gloo's network thread wait for a core, instead of taking one from the thread it serves.

    The thread that sends holds its connection's lock. Data that come in meanwhile wake the network
    thread; where it takes the sender's core, it finds the lock held and asks again without a pause
    (`gloo/transport/tcp/pair.cc`, `Pair::handleEvents`) until its time slice is over, 3 or 4 ms. A
    process for each core makes that frequent. Linux lets a thread of the class `SCHED_BATCH`
    interrupt no other. On other systems, and where threads have other names, this does nothing.
    """
    if not hasattr(os, "SCHED_BATCH") or not _THREADS.is_dir():
        return
    for thread in _THREADS.iterdir():
        with suppress(OSError):  # a thread that is gone by now, or a sandbox that forbids it
            if (thread / "comm").read_text().startswith(_LOOP):
                os.sched_setscheduler(int(thread.name), os.SCHED_BATCH, os.sched_param(0))
