"""A bounded number of worker processes, as the service sees them, and the queue before them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

from lenet.core import environment_without_secrets
from lenet.errors import LenetError, ModelFileError
from lenet.serving._messages import Answer, Job, MessageReader, read_answers, write_batch

_MOST_IN_BATCH = 16  # requests; they wait for each other
_MOST_BYTES_IN_BATCH = 2**20
_MOST_SECONDS_IN_BATCH = 1.0
_START_SECONDS = 60.0
_MOST_BETWEEN_LOOKS = 1.0  # seconds between looks for what has waited too long
_BEFORE_ANOTHER = 0.2  # seconds before another worker gets what the last one had
_MOST_PAUSE = 5.0  # seconds before another try to start a worker that does not
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# What ends a process by somebody's wish; a fault of its own raises another signal.
_WISHED_ENDS = frozenset(
    -getattr(signal, name, 0) for name in ("SIGKILL", "SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT")
) - {0}


class BusyError(LenetError):
    """The queue is full, or a request waited too long in it."""


class PictureTakesTooLongError(LenetError):
    """The pictures of a request took longer than is allowed."""


class WorkerBrokeError(LenetError):
    """A request ended the worker that looked at its pictures."""


class WorkerKilledError(BusyError):
    """Somebody, as the system where memory is short, ended the worker that had a request."""


@dataclass(eq=False)
class Waiting:
    """A request in the queue or with a worker."""

    job: Job
    answer: asyncio.Future[Answer]  # done early where nobody wants it any more
    since: float = field(default_factory=time.monotonic)  # it came, or became a suspect
    is_suspect: bool = False  # it was with a worker that broke, and is tried again, alone

    def refuse(self, error: LenetError) -> None:
        """Let the client have an error, if it still waits."""
        if not self.answer.done():
            self.answer.set_exception(error)


class WorkerPool:
    """Answers requests by worker processes, which are replaced when they break.

    Requests wait in one queue. An idle worker gets what waits there, up to a batch, at once; while
    all are busy, the next batches grow. A worker that breaks or takes too long costs nobody but the
    request that broke it: the others of its batch are tried again one by one. One that is killed
    from outside costs nobody anything, or, if its request's second worker is killed too, a 503.

    Args:
        settings: What workers are told when they start, as text.
        count: How many there are.
        queue: How many requests may wait.
        timeout: Seconds that a worker may take for a request.
        on_batch: Is told the size of each batch.
        command: What is run; the settings are added to it.
        before_restart: Puts right what a worker needs to start.
    """

    def __init__(
        self,
        settings: str,
        count: int,
        queue: int,
        timeout: float,
        on_batch: Callable[[int], None] = lambda size: None,
        command: Sequence[str] = (sys.executable, "-m", "lenet.serving._worker"),
        before_restart: Callable[[], None] = lambda: None,
    ):
        self.timeout = timeout
        self.restarts = 0
        self.pace = 0.0  # seconds that a request of the last batch took
        self._command = [*command, settings]
        self._count = count
        self._most_waiting = queue
        self._on_batch = on_batch
        self._before_restart = before_restart
        self._waiting: deque[Waiting] = deque()
        self._suspects: deque[Waiting] = deque()
        self._idle: list[WorkerProcess] = []
        self._workers: set[WorkerProcess] = set()
        self._is_running = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._sending = False
        self._looking: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """How many requests no worker has taken yet."""
        return len(self._waiting) + len(self._suspects)

    @property
    def busy(self) -> int:
        return sum(bool(worker.batch) for worker in self._workers)

    @property
    def places(self) -> dict[int, int]:
        """The processes of the workers that are alive, by places that replacements keep, from 1."""
        alive = [worker for worker in self._workers if worker.has_started]
        return {one.place: one.process_id or 0 for one in sorted(alive, key=lambda one: one.place)}

    async def start(self) -> None:
        """Start all workers; a `ModelFileError` says why one can't open a model, or not start."""
        problems = await asyncio.gather(*map(self._start_one, range(1, self._count + 1)))
        for problem in filter(None, problems):
            raise ModelFileError(problem)
        self._is_running = True

    def ask(self, job: Job) -> asyncio.Future[Answer]:
        """Have a request answered; what is cancelled before a worker has it costs nothing more.

        Returns:
            The answer, or one of these errors. `BusyError`: too many are waiting, or this one
            waited too long, or its workers were killed. `PictureTakesTooLongError`: its pictures
            took too long. `WorkerBrokeError`: its pictures ended the worker.
        """
        loop = asyncio.get_running_loop()
        one = Waiting(job, loop.create_future())
        if self.waiting >= self._most_waiting and not self._forget_the_gone():
            one.answer.set_exception(BusyError("The service is busy; try again in a second."))
            return one.answer
        self._waiting.append(one)
        if self._looking is None:
            self._look_later()
        if self._idle and not self._sending:
            self._sending = True
            loop.call_soon(self._send)  # what comes in the same moment goes into the same batch
        return one.answer

    async def close(self) -> None:
        self._is_running = False
        if self._looking is not None:
            self._looking.cancel()
        for task in self._tasks:
            task.cancel()
        for worker in list(self._workers):
            worker.end()
        deadline = time.monotonic() + 2
        while (self._workers or self._tasks) and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        self.kill()
        while (self._workers or self._tasks) and time.monotonic() < deadline + 2:
            await asyncio.sleep(0.01)

    def kill(self) -> None:
        for worker in list(self._workers):
            worker.kill()

    def is_idle(self, worker: WorkerProcess) -> None:
        self._idle.append(worker)
        self._send()

    def has_ended(self, worker: WorkerProcess) -> None:
        """A worker process is gone; another one takes its place."""
        worker.close()
        self._workers.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        broken = list(worker.batch)
        worker.batch.clear()
        if len(broken) == 1 and worker.too_slow:
            message = f"The pictures took longer than {self.timeout:g} seconds; send smaller ones."
            broken[0].refuse(PictureTakesTooLongError(message))
        elif len(broken) == 1 and broken[0].is_suspect and worker.was_killed:
            message = "The process that looked at the pictures was killed; try again in a second."
            broken[0].refuse(WorkerKilledError(message))
        elif len(broken) == 1 and broken[0].is_suspect:
            message = "The pictures can't be read: they ended the process that looked at them."
            broken[0].refuse(WorkerBrokeError(message))
        else:
            for one in broken:
                one.is_suspect, one.since = True, time.monotonic()
            self._suspects.extend(broken)
            if self._looking is None:
                self._look_later()
        if self._is_running and worker.has_started:
            self.restarts += 1
            task = asyncio.get_running_loop().create_task(self._replace(worker.place))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            # An idle one may look at its requests, if it was not killed together with this one.
            asyncio.get_running_loop().call_later(_BEFORE_ANOTHER, self._send)

    def _send(self) -> None:
        """Give what waits to the workers that are idle."""
        self._sending = False
        while self._idle and self.waiting:
            if self._idle[-1].is_gone:
                self._idle.pop()
                continue
            batch = self._next_batch()
            if not batch:
                return
            self._on_batch(len(batch))
            worker = self._idle.pop()
            try:
                worker.ask(batch)
            except Exception as error:
                self._idle.append(worker)
                for one in batch:
                    one.answer.set_exception(error)

    def _next_batch(self) -> list[Waiting]:
        """What goes to the next idle worker: a suspect alone, or a fair share of the queue."""
        self._refuse_late()
        while self._suspects:
            one = self._suspects.popleft()
            if not one.answer.done():
                return [one]
        share = -(-len(self._waiting) // len(self._idle))
        if self.pace:
            share = min(share, max(1, int(_MOST_SECONDS_IN_BATCH / self.pace)))
        batch: list[Waiting] = []
        size = 0
        while self._waiting and len(batch) < min(share, _MOST_IN_BATCH):
            size += len(self._waiting[0].job.body)
            if batch and size > _MOST_BYTES_IN_BATCH:
                break
            one = self._waiting.popleft()
            if not one.answer.done():  # a client that has gone needs no answer
                batch.append(one)
        return batch

    def _forget_the_gone(self) -> bool:
        """Make room in the queue, if there are requests in it that nobody waits for."""
        kept = [one for one in self._waiting if not one.answer.done()]
        is_shorter = len(kept) < len(self._waiting)
        self._waiting = deque(kept)
        return is_shorter

    def _refuse_late(self) -> None:
        """Refuse what has waited too long: in the queue, or as a suspect while no worker lives."""
        now = time.monotonic()
        late: list[Waiting] = []
        while self._waiting and self._waiting[0].since < now - self.timeout:
            late.append(self._waiting.popleft())
        patience = self.timeout + _MOST_PAUSE
        while self._suspects and not self.places and self._suspects[0].since < now - patience:
            late.append(self._suspects.popleft())
        for one in late:
            one.refuse(BusyError("The service is busy; try again later."))

    def _look_later(self) -> None:
        """Look for what has waited too long until nothing waits: there may be no worker to ask."""
        pause = min(_MOST_BETWEEN_LOOKS, self.timeout)
        self._looking = asyncio.get_running_loop().call_later(pause, self._look)

    def _look(self) -> None:
        self._looking = None
        self._refuse_late()
        if self.waiting:
            self._look_later()

    async def _start_one(self, place: int) -> str | None:
        """Start a worker and say what is wrong if it does not."""
        loop = asyncio.get_running_loop()
        environment = {**environment_without_secrets(), **dict.fromkeys(_THREADS, "1")}
        worker = WorkerProcess(self, place)
        self._workers.add(worker)
        try:
            await loop.subprocess_exec(lambda: worker, *self._command, stderr=None, env=environment)
        except OSError as error:
            self._workers.discard(worker)
            return f"A worker process can't be started: {error.strerror or error}."
        try:
            problem = await asyncio.wait_for(worker.started, _START_SECONDS)
        except asyncio.TimeoutError:
            worker.kill()
            return f"A worker process did not start within {_START_SECONDS:g} seconds."
        if problem is None:
            self.is_idle(worker)
        return problem

    async def _replace(self, place: int) -> None:
        """Start a worker in the place of one that ended; not too often if it does not start."""
        pause = 0.1
        while True:
            try:
                self._before_restart()
                problem = await self._start_one(place)
            except LenetError as error:
                problem = str(error)
            if problem is None or not self._is_running:  # `wait_for` may have let a cancellation go
                return
            sys.stderr.write(f"Error: {problem}\n")
            await asyncio.sleep(pause)
            pause = min(_MOST_PAUSE, 2 * pause)


class WorkerProcess(asyncio.SubprocessProtocol):
    def __init__(self, pool: WorkerPool, place: int) -> None:
        self.place = place  # among the workers; its replacement keeps it
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

    @property
    def was_killed(self) -> bool:
        """Whether it ended by a signal that processes do not raise by a fault of their own."""
        return self._transport is not None and self._transport.get_returncode() in _WISHED_ENDS

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)  # uvloop's is no subclass

    def ask(self, batch: list[Waiting]) -> None:
        """Send it a batch; there must be none with it. One that can't be packed is an error."""
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
            if self.started.cancelled():  # nobody waits for it any more
                return
            if not self.started.done():
                hello = next(answers)
                problem = None if hello.status == 200 else json.loads(hello.body)["detail"]
                self.started.set_result(problem)
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
        if self._transport and self._transport.get_returncode() is None:
            self._transport.kill()

    def close(self) -> None:
        if self._transport:
            self._transport.close()

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
