"""Does jobs: in a pool of processes, or in this one."""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from lenet.core import stop_on_signals
from lenet.datasets import Dataset
from lenet.errors import LenetError
from lenet.experiments._job import Job, JobSource, Outcome, Worker

_PAUSE = 0.3  # seconds between two looks for new jobs


def work_here(source: JobSource, data: Dataset) -> int | None:
    """Do all jobs in this process; gives the signal that stopped it before, if one did."""
    worker = Worker(source, lambda job: data)
    with stop_on_signals(worker.stop) as received:
        while not worker.stopping:
            source.look()
            if job := source.next_job():
                worker.do(job)
            elif source.is_over():
                break
            else:
                time.sleep(_PAUSE)
    return received[0] if received else None


def work_in_processes(source: JobSource, processes: int) -> int | None:
    """Do all jobs, several at a time, each in a process that is kept for the next.

    Returns:
        The signal that stopped it before, if one did; trainings that keep runs have a checkpoint
        then, also those beside a job that can't be done and raises.
    """
    pool = _Pool(source, processes)
    with stop_on_signals(pool.stop) as received:
        pool.run()
    return received[0] if received else None


class _Process:
    """A process that does one job after the other, and tells what it does by events."""

    def __init__(self, threads: int, events: "queue.SimpleQueue[Any]"):
        self.job: Job | None = None
        self._events = events
        # In a session of its own, so that Ctrl-C reaches it through us alone.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "lenet.experiments._job"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=os.environ | {"OMP_NUM_THREADS": str(threads)},
            start_new_session=True,
        )
        assert self._process.stdin is not None
        self._stdin = self._process.stdin
        self.listener = threading.Thread(target=self._listen)
        self.listener.start()

    def _listen(self) -> None:
        """Pass on its events, the last one at its end; the body of a thread."""
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                with suppress(ValueError):  # it was killed while it wrote
                    self._events.put((self, json.loads(line)))
        self._events.put((self, {"exit_code": self._process.wait(), "ended": True}))

    def write(self, line: str) -> None:
        """Give it a line; if it can't read that any more, its last event says so."""
        with suppress(OSError, ValueError):  # it has ended, or was let go
            self._stdin.write(line)
            self._stdin.flush()

    def let_go(self) -> None:
        """Close its input, upon which it stops and ends."""
        with suppress(OSError):
            self._stdin.close()


class _Pool:
    """Processes that take jobs until none is left."""

    def __init__(self, source: JobSource, size: int):
        self.stopping = False
        self._source, self._size = source, size
        self._processes: list[_Process] = []
        self._events: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def run(self) -> None:
        """Work until all is done or `stop` was called."""
        try:
            while True:
                while not self.stopping and self._busy() < self._size:
                    job = self._source.next_job()
                    if job is None:
                        break
                    self._give(job)
                if not self._busy() and (self.stopping or self._source.is_over()):
                    return
                with suppress(queue.Empty):
                    if event := self._events.get(timeout=_PAUSE):
                        self._handle(*event)
                    else:
                        self._let_go()
                self._source.look()
        finally:
            self._let_go()
            for process in self._processes:
                process.listener.join()

    def stop(self) -> None:
        """Let the trainings under way end after this step; the body of a signal handler."""
        self.stopping = True
        self._events.put(None)

    def _busy(self) -> int:
        return sum(process.job is not None for process in self._processes)

    def _let_go(self) -> None:
        for process in self._processes:
            process.let_go()

    def _give(self, job: Job) -> None:
        """Let an idle process do a job, or a new one."""
        process = next((one for one in self._processes if one.job is None), None)
        if process is None:
            process = _Process(job.compute.threads or 1, self._events)
            self._processes.append(process)
        process.job = job
        process.write(job.to_line())

    def _handle(self, process: _Process, event: dict[str, Any]) -> None:
        if "epoch" in event:
            process.write("go on\n" if self._source.on_epoch(**event) else "stop\n")
            return
        if "outcome" in event:
            self._source.on_end(event["number"], Outcome(**event["outcome"]))
            return
        job, process.job = process.job, None
        if "ended" in event:
            process.let_go()
            self._processes.remove(process)
            if job and not self.stopping:
                self._source.on_death(list(job.trainings), event["exit_code"])
        elif "error" in event and not self.stopping:
            error = LenetError(event["error"])
            error.exit_code = event["exit_code"]
            raise error
