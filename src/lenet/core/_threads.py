"""How many CPU threads this process computes with, whoever computes.

PyTorch keeps such a number too. Where it is imported, the two are one.
"""

import functools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lenet.core._settings import check_range

_CPUS = Path("/sys/devices/system/cpu")
_VARIABLE = "OMP_NUM_THREADS"

_chosen: int | None = None
_untold = False  # whether a number was chosen before PyTorch was there to hear it


def thread_count() -> int:
    """How many CPU threads this process computes with.

    PyTorch, imported after a number was chosen, hears of it here.
    """
    global _untold
    torch = _imported_torch()
    if torch is None:
        return _chosen or default_threads()
    count: int = torch.get_num_threads()
    if _untold and count == default_threads():  # else somebody has told it another since
        torch.set_num_threads(_chosen)
        count = _chosen or count
    _untold = False
    return count


def set_thread_count(count: int) -> None:
    """Let this process compute with a number of CPU threads, PyTorch too.

    Raises:
        SettingError: The number is out of range.
    """
    global _chosen, _untold
    check_range("threads", count, 1, 1024)
    torch = _imported_torch()
    if torch is not None:
        torch.set_num_threads(count)
    _chosen, _untold = count, torch is None


@contextmanager
def cpu_threads(count: int | None) -> Iterator[None]:
    """Compute with a number of CPU threads until the block ends; `None` leaves it as it is.

    Raises:
        SettingError: The number is out of range.
    """
    if count is None:
        yield
        return
    before = thread_count()
    set_thread_count(count)
    try:
        yield
    finally:
        set_thread_count(before)


@functools.cache  # as PyTorch, which looks once
def default_threads() -> int:
    """How many CPU threads compute where nobody says: those that PyTorch takes on x86.

    They are the cores that this process may run on, hyperthreads of a core counted once, or fewer
    if `OMP_NUM_THREADS` says so.
    """
    first = os.environ.get(_VARIABLE, "").partition(",")[0].strip()
    asked = int(first) if first.isascii() and first.isdecimal() else 0
    cores = _core_count()
    return min(asked, cores) if asked else cores


def _core_count() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    if affinity is None:
        return os.cpu_count() or 1
    return len({_siblings(cpu) for cpu in affinity(0)})


def _siblings(cpu: int) -> str:
    """What the hyperthreads of one core have in common."""
    try:
        file = _CPUS / f"cpu{cpu}" / "topology" / "thread_siblings_list"
        return file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return f"cpu{cpu}"


def is_imported() -> bool:
    """Whether PyTorch was imported, all of it."""
    return _imported_torch() is not None


def _imported_torch() -> Any:
    """PyTorch, if something imported it, all of it."""
    torch = sys.modules.get("torch")
    return torch if hasattr(torch, "set_num_threads") else None
