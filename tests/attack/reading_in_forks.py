"""A reader in processes of its own, so that what crashes, hangs or takes memory is seen."""

import json
import os
import resource
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from lenet.errors import LenetError

_SECONDS, _WAITING = 5, 60  # of a core that a small file may take, and by the clock
_MEMORY = 2**30  # bytes that it may take
_ROOM = 3 * 2**30  # bytes of addresses; threads reserve many that they never use
_TOGETHER = 200  # files that a process reads
_KINDS = {signal.SIGPROF: "hang", signal.SIGALRM: "hang", signal.SIGKILL: "memory"}


class Reading(NamedTuple):
    """What came of reading a file.

    Attributes:
        number: Which one it is.
        breaks: How a promise was broken, as `counting.BREAKS` has it; empty where none was.
        what: Of a break what happened; of an error its message; of a result what names its bits.
        is_error: Whether it was refused.
    """

    number: int
    breaks: str
    what: str
    is_error: bool = False


def in_a_fork(work: Callable[[], object]) -> Any:
    """What a function gives, as JSON has it, in a process that ends with it."""
    (reading,) = _read_lines(lambda write: write({"gives": work()}))
    return reading["gives"]


def read_in_forks(
    prepare: Callable[[], Callable[[int], str]], numbers: Sequence[int]
) -> Iterator[Reading]:
    """Read files by their numbers.

    Args:
        prepare: Is called in each process; gives what reads a file, and gives what names the bits
            of its result.
        numbers: Of the files.
    """
    left = list(numbers)
    while left:
        done = 0
        for told in _read_lines(partial(_read_some, prepare, left[:_TOGETHER])):
            if "ended" in told:
                number, ended = left[done], signal.Signals(told["ended"])
                yield Reading(number, _KINDS.get(ended, "traceback"), f"ended by {ended.name}")
            else:
                yield Reading(*told["reading"])
            done += 1
        left = left[done:]


def _read_some(
    prepare: Callable[[], Callable[[int], str]],
    numbers: Sequence[int],
    write: Callable[[object], None],
) -> None:
    read = prepare()
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + _ROOM, used + _ROOM))
    warnings.simplefilter("error")
    for number in numbers:
        before = _most_memory()
        signal.setitimer(signal.ITIMER_PROF, _SECONDS)
        signal.alarm(_WAITING)
        reading = _read_one(read, number)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        if not reading.breaks and _most_memory() - before > _MEMORY:
            grown = (_most_memory() - before) / 2**20
            reading = Reading(number, "memory", f"took {grown:.0f} MiB")
        write({"reading": reading})


def _read_one(read: Callable[[int], str], number: int) -> Reading:
    try:
        return Reading(number, "", read(number))
    except LenetError as error:
        message = str(error)
        # A list of pictures that can't be read has a line for each.
        is_short = "\n" not in message or message.endswith("`--skip-bad` (`skip_bad=True`).")
        if not message.strip() or not is_short:
            return Reading(number, "traceback", f"no message of one line: {message[:300]!r}")
        return Reading(number, "", message, is_error=True)
    except MemoryError as error:
        return Reading(number, "memory", repr(error))
    except BaseException as error:  # whatever it is, it is what is looked for
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
        return Reading(number, "traceback", f"{type(error).__name__}: {error} ({place})"[:400])


def _most_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _read_lines(work: Callable[[Callable[[object], None]], None]) -> Iterator[dict[str, Any]]:
    """What a process writes, and the signal that ended it."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # From Python 3.12 on it warns of threads; those of libraries here mind forks.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        try:
            os.close(reading)
            # What libraries print of damaged files is not for whoever runs the tests.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            with os.fdopen(writing, "w") as file:

                def write(told: object) -> None:
                    file.write(json.dumps(told) + "\n")
                    file.flush()

                work(write)
        except BaseException:  # this copy of the process must end here, whatever it is
            traceback.print_exc(file=sys.stdout)
            sys.stdout.flush()
            os._exit(1)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        for line in file:
            yield json.loads(line)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        yield {"ended": os.WTERMSIG(status)}
    elif os.WEXITSTATUS(status):
        message = "A process of the attack itself failed."
        raise RuntimeError(message)
