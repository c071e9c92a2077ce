"""A bounded number of worker processes and the queue before them."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence

from lenet.errors import LenetError, ModelFileError
from lenet.serving._messages import Answer, Job
from lenet.serving._worker_process import Waiting, WorkerProcess

_MOST_IN_BATCH = 16  # requests; they wait for each other
_MOST_BYTES_IN_BATCH = 2**20
_MOST_SECONDS_IN_BATCH = 1.0
_START_SECONDS = 60.0
_MOST_BETWEEN_LOOKS = 1.0  # seconds between looks for what has waited too long
_BEFORE_ANOTHER = 0.2  # seconds before another worker gets what the last one had
_MOST_PAUSE = 5.0  # seconds before another try to start a worker that does not
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class BusyError(LenetError):
    """The queue is full, or a request waited too long in it."""


class PictureTakesTooLongError(LenetError):
    """The pictures of a request took longer than is allowed."""


class WorkerBrokeError(LenetError):
    """A request ended the worker that looked at its pictures."""


class WorkerPool:
    """Answers requests by worker processes, which are replaced when they break.

    Requests wait in one queue. An idle worker gets what waits there, up to a batch, at once; while
    all are busy, the next batches grow. A worker that breaks or takes too long costs nobody but the
    request that broke it: the others of its batch are tried again one by one.

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
        """How many workers have something to do."""
        return sum(bool(worker.batch) for worker in self._workers)

    @property
    def process_ids(self) -> list[int]:
        """The numbers of the workers that are alive, in the system."""
        return sorted(self.places.values())

    @property
    def places(self) -> dict[int, int]:
        """The same by their places, which their replacements keep, from 1."""
        alive = [worker for worker in self._workers if worker.has_started]
        return {one.place: one.process_id or 0 for one in sorted(alive, key=lambda one: one.place)}

    async def start(self) -> None:
        """Start all workers.

        Raises:
            ModelFileError: A model can't be opened.
            LenetError: A worker does not start.
        """
        problems = await asyncio.gather(*map(self._start_one, range(1, self._count + 1)))
        for problem in filter(None, problems):
            raise ModelFileError(problem)
        self._is_running = True

    def ask(self, job: Job) -> asyncio.Future[Answer]:
        """Have a request answered; what is cancelled before a worker has it costs nothing more.

        Returns:
            The answer, or one of these errors. `BusyError`: too many are waiting, or this one
            waited too long. `PictureTakesTooLongError`: its pictures took too long.
            `WorkerBrokeError`: its pictures ended the worker.
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
        """End all workers."""
        self._is_running = False
        if self._looking is not None:
            self._looking.cancel()
        for task in self._tasks:
            task.cancel()
        for worker in list(self._workers):
            worker.end()
        deadline = time.monotonic() + 2
        while self._workers and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        self.kill()
        while self._workers and time.monotonic() < deadline + 2:
            await asyncio.sleep(0.01)

    def kill(self) -> None:
        """End all workers at once."""
        for worker in list(self._workers):
            worker.kill()

    def is_idle(self, worker: WorkerProcess) -> None:
        """A worker has answered all that it had."""
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
        if len(broken) == 1 and (worker.too_slow or broken[0].is_suspect):
            self._refuse(broken[0], worker.too_slow)
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
        while self._suspects and not self.process_ids and self._suspects[0].since < now - patience:
            late.append(self._suspects.popleft())
        for one in late:
            if not one.answer.done():
                one.answer.set_exception(BusyError("The service is busy; try again later."))

    def _look_later(self) -> None:
        """Look for what has waited too long until nothing waits: there may be no worker to ask."""
        pause = min(_MOST_BETWEEN_LOOKS, self.timeout)
        self._looking = asyncio.get_running_loop().call_later(pause, self._look)

    def _look(self) -> None:
        self._looking = None
        self._refuse_late()
        if self.waiting:
            self._look_later()

    def _refuse(self, one: Waiting, too_slow: bool) -> None:
        """Tell a client that its pictures broke a worker."""
        if one.answer.done():
            return
        if too_slow:
            message = f"The pictures took longer than {self.timeout:g} seconds; send smaller ones."
            one.answer.set_exception(PictureTakesTooLongError(message))
        else:
            message = "The pictures can't be read: they ended the process that looked at them."
            one.answer.set_exception(WorkerBrokeError(message))

    async def _start_one(self, place: int) -> str | None:
        """Start a worker and say what is wrong if it does not."""
        loop = asyncio.get_running_loop()
        environment = {**os.environ, **dict.fromkeys(_THREADS, "1")}
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
        while problem := await self._start_again(place):
            sys.stderr.write(f"Error: {problem}\n")
            await asyncio.sleep(pause)
            pause = min(_MOST_PAUSE, 2 * pause)

    async def _start_again(self, place: int) -> str | None:
        """Put right what a worker needs, start one, and say what is wrong if it does not."""
        try:
            self._before_restart()
        except LenetError as error:
            return str(error)
        return await self._start_one(place)
