"""A worker process, seen from the service."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from lenet.serving._messages import Answer, Job, MessageReader, read_answers, write_batch

if TYPE_CHECKING:
    from lenet.serving._pool import WorkerPool


@dataclass(eq=False)
class Waiting:
    """A request in the queue or with a worker.

    Attributes:
        job: What is sent to the worker.
        answer: What the client waits for; it is done early where nobody wants it any more.
        since: When it came, or became a suspect.
        is_suspect: Whether it was with a worker that broke; it is tried again, alone.
    """

    job: Job
    answer: asyncio.Future[Answer]
    since: float = field(default_factory=time.monotonic)
    is_suspect: bool = False


class WorkerProcess(asyncio.SubprocessProtocol):
    """A worker process, seen from the service."""

    def __init__(self, pool: WorkerPool, place: int) -> None:
        self.place = place
        self.started: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self.batch: deque[Waiting] = deque()
        self.too_slow = False
        self._pool = pool
        self._messages = MessageReader()
        self._transport: asyncio.SubprocessTransport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._has_exited = self._has_told_all = False
        self._asked, self._since = 0, 0.0

    @property
    def has_started(self) -> bool:
        """Whether it can be asked, or could be."""
        return self.started.done() and not self.started.cancelled() and not self.started.result()

    @property
    def process_id(self) -> int | None:
        """Its number in the system."""
        return self._transport.get_pid() if self._transport else None

    @property
    def is_gone(self) -> bool:
        """Whether it has ended, where the system tells before the event loop does.

        What is given to a worker that was killed already is not what broke it.
        """
        number = self.process_id
        if number is None or not hasattr(os, "waitid"):  # macOS, Windows
            return False
        try:
            return os.waitid(os.P_PID, number, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)  # uvloop's is no subclass

    def ask(self, batch: list[Waiting]) -> None:
        """Send it a batch; there must be none with it.

        Raises:
            Exception: The batch can't be packed, and nothing was sent.
        """
        assert self._transport is not None
        message = write_batch([one.job for one in batch])
        self.batch.extend(batch)
        self._asked, self._since = len(batch), time.monotonic()
        stdin = cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0))
        try:
            stdin.write(message)
        except RuntimeError:  # so uvloop says that the process has ended; the pool will hear of it
            self.kill()
        self._watch()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        for message in self._messages.feed(data):
            answers = read_answers(message)
            if not self.started.done():
                self._begin(next(answers))
                continue
            for answer in answers:
                one = self.batch.popleft()
                if not one.answer.done():
                    one.answer.set_result(answer)
            self._watch()
            if not self.batch:
                self._pool.pace = (time.monotonic() - self._since) / self._asked
                self._pool.is_idle(self)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 1:
            self._has_told_all = True
            self._end_if_over()

    def process_exited(self) -> None:
        self._has_exited = True
        self._end_if_over()

    def end(self) -> None:
        """Let it finish: it ends when it has read all."""
        if self._transport and (stdin := self._transport.get_pipe_transport(0)):
            stdin.close()

    def kill(self) -> None:
        """End it at once."""
        if self._transport and self._transport.get_returncode() is None:
            self._transport.kill()

    def close(self) -> None:
        """Let go of its pipes."""
        if self._transport:
            self._transport.close()

    def _begin(self, hello: Answer) -> None:
        """Take its first message."""
        if hello.status == 200:
            self.started.set_result(None)
        else:
            self.started.set_result(json.loads(hello.body)["detail"])

    def _end_if_over(self) -> None:
        """Tell the pool of its end: not before its last answers have come out of the pipe."""
        if not (self._has_exited and self._has_told_all):
            return
        if self._timer:
            self._timer.cancel()
        if not self.started.done():
            self.started.set_result("A worker process ended before it had started.")
        self._pool.has_ended(self)

    def _watch(self) -> None:
        """Give it time for the next answer."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self.batch:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._pool.timeout, self._give_up)

    def _give_up(self) -> None:
        self.too_slow = True
        self.kill()
