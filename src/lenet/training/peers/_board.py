"""Short messages between processes, through the store that torchrun keeps for them."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from torch.distributed import Store  # type: ignore[attr-defined]

from lenet.errors import LostProcessError

Answer = TypeVar("Answer")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.002, 0.1  # seconds between two looks


class Board:
    """A board on which each process pins what it has to tell, for all to read.

    A wait looks at the board again and again, so that signals are answered meanwhile.

    Args:
        store: What torchrun keeps.
        rank: This process's number.
        size: How many there are.
        timeout: Seconds after which a store that does not answer is taken for lost.
    """

    def __init__(self, store: Store, rank: int, size: int, timeout: float):
        self._store, self._rank, self._size = store, rank, size
        self._timeout, self._is_lost = timeout, False
        self._rounds = 0

    def gather(self, value: Any, patience: float) -> list[Any]:
        """What each process has to tell in this round; all make the same rounds.

        Args:
            value: This process's, as JSON can hold it.
            patience: Seconds to wait for the others.

        Raises:
            LostProcessError: One did not come in time, or the store is gone.
        """
        self._rounds += 1
        self._pin(f"{self._rounds}/{self._rank}", json.dumps(value), self._timeout)
        deadline = time.monotonic() + patience
        found = []
        for rank in range(self._size):
            content = self._read(f"{self._rounds}/{rank}", deadline)
            if content is None:
                message = f"Process {rank} of {self._size} did not come within {patience:g} s."
                raise LostProcessError(message)
            found.append(json.loads(content))
        return found

    def mark(self, name: str, patience: float) -> None:
        """Pin a mark, if the board can be reached within so many seconds."""
        try:
            self._pin(name, "1", patience)
        except LostProcessError:
            return

    def has_mark(self, name: str, patience: float) -> bool:
        """Whether there is a mark within so many seconds."""
        try:
            return self._read(name, time.monotonic() + patience) is not None
        except LostProcessError:
            return False

    def _pin(self, name: str, content: str, patience: float) -> None:
        self._ask(lambda: self._store.set(name, content), patience)

    def _read(self, name: str, deadline: float) -> bytes | None:
        """What is pinned under a name, or nothing if it is not there in time."""
        pause = _FIRST_PAUSE
        while not self._ask(lambda: self._store.check([name]), deadline - time.monotonic()):
            if time.monotonic() > deadline:
                return None
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        return self._ask(lambda: self._store.get(name), self._timeout)

    def _ask(self, question: Callable[[], Answer], patience: float) -> Answer:
        """Ask the store in a thread, as it waits for ever where the network was cut."""
        answers: list[Answer] = []

        def ask() -> None:
            try:
                answers.append(question())
            except RuntimeError:
                return

        if not self._is_lost:
            thread = threading.Thread(target=ask, daemon=True)
            thread.start()
            thread.join(min(max(patience, 1.0), self._timeout))
        if not answers:
            self._is_lost = True
            message = "The store of torchrun, through which processes find each other, is gone."
            raise LostProcessError(message)
        return answers[0]
