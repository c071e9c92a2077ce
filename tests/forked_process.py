"""Processes of their own that have PyTorch imported already: forks of one that did it once.

They can be stopped and killed as any other, and start in a tenth of a second instead of in three.
"""

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.reduction import DupFd
from typing import Any

# All that a training imports sooner or later.
_IMPORTED = [
    "lenet.cli._main",
    "lenet.cli.train",
    "lenet.runs._train",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "matplotlib.figure",
    "torch",
    "torch._dynamo",  # which PyTorch's optimisers import, in more than a second
]
_PR_SET_PDEATHSIG = 1
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(_IMPORTED)


class ForkedProcess:
    """A process with the face of `subprocess.Popen`, as far as tests need it.

    Args:
        arguments: Behind `lenet`; or behind `python -c code`, if there is code.
        code: What is run instead of the command line.
        environment: Variables beside those of this process.
        stdin: Whether it reads what is written to its `stdin`; else what this process reads.
    """

    def __init__(
        self,
        *arguments: str,
        code: str = "from lenet.cli import main\nmain()",
        environment: Mapping[str, str] | None = None,
        stdin: bool = False,
    ):
        pipes = os.pipe(), os.pipe()
        self.stdout, self.stderr = (os.fdopen(reading) for reading, _ in pipes)
        theirs = {place: end for place, (_, end) in enumerate(pipes, 1)}
        if stdin:
            theirs[0], end = os.pipe()
            self.stdin = os.fdopen(end, "w")
        state = (os.getcwd(), os.environ | (environment or {}), ["lenet", *arguments])
        self._process = _CONTEXT.Process(
            target=_begin, args=(_Ends(theirs), *state, code), daemon=True
        )
        self._process.start()
        for end in theirs.values():
            os.close(end)
        assert self._process.pid
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    poll = returncode.fget

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for the end; gives what was printed and not read yet."""
        with ThreadPoolExecutor(2) as pool, self.stdout, self.stderr:
            output, errors = (pool.submit(file.read) for file in (self.stdout, self.stderr))
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
            return output.result(), errors.result()


class _Ends:
    """Ends of pipes by their places, which travel to the process as it starts."""

    def __init__(self, numbers: dict[int, int]):
        self._numbers = numbers

    def __getstate__(self) -> dict[int, object]:
        return {place: DupFd(number) for place, number in self._numbers.items()}

    def __setstate__(self, state: dict[int, Any]) -> None:
        self._numbers = {place: end.detach() for place, end in state.items()}

    def take_their_place(self) -> None:
        """Let this process read from them and print into them."""
        for place, number in self._numbers.items():
            os.dup2(number, place)
            os.close(number)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w", buffering=1)


def _begin(
    ends: _Ends, folder: str, environment: dict[str, str], argv: list[str], code: str
) -> None:
    """What the process does."""
    ends.take_their_place()
    os.setsid()
    if sys.platform == "linux":  # nothing lives on where the tests were killed
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.fsync = lambda descriptor: None  # a kill loses nothing that was written; a power cut would
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = argv
    try:
        exec(code, {"__name__": "__main__"})
    except KeyboardInterrupt:  # as the interpreter answers one that nobody catches
        sys.stdout.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)
