"""Many trainings at once, each on its share of the cores."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lenet.errors import InterruptedTraining, LenetError, TrainingError
from lenet.experiments.comparison._progress import Progress
from lenet.experiments.comparison._worker import Job, job_line
from lenet.runs import stop_on_signals


@dataclass(frozen=True)
class Outcome:
    """How a training ended.

    Attributes:
        folder: Its run folder; `None` where it diverged.
        failure: Why there is none.
    """

    folder: Path | None
    failure: str = ""


def train_all(jobs: Sequence[Job], processes: int, progress: Progress) -> list[Outcome]:
    """Train everything, several at a time.

    Args:
        jobs: What to train.
        processes: How many at a time.
        progress: Who is told how it goes; calls come from several threads, one at a time.

    Returns:
        How each job ended, in their order.

    Raises:
        LenetError: A training could not be made; the others are stopped, and can be gone on with.
        InterruptedTraining: Ctrl-C or SIGTERM; the same comparison goes on from there.
    """
    pool = _Pool(jobs, progress)
    with stop_on_signals(pool.stop):
        threads = [threading.Thread(target=pool.work) for _ in range(min(processes, len(jobs)))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if pool.error is not None:
        raise pool.error
    if pool.stopping:
        message = "Stopped. The same command goes on from here."
        raise InterruptedTraining(message)
    return [pool.outcomes[index] for index in range(len(jobs))]


class _Pool:
    """Processes that take jobs until none is left."""

    def __init__(self, jobs: Sequence[Job], progress: Progress):
        self.outcomes: dict[int, Outcome] = {}
        self.error: LenetError | None = None
        self.stopping = False
        self._progress = progress
        self._waiting: queue.SimpleQueue[tuple[int, Job]] = queue.SimpleQueue()
        for numbered in enumerate(jobs):
            self._waiting.put(numbered)
        self._processes: list[subprocess.Popen[str]] = []
        self._lock = threading.Lock()

    def work(self) -> None:
        """Keep one process busy; the body of a thread."""
        with ExitStack() as stack:  # which tells the process that there are no more jobs
            process: subprocess.Popen[str] | None = None
            while not self.stopping:
                try:
                    index, job = self._waiting.get_nowait()
                except queue.Empty:
                    break
                process = process or stack.enter_context(self._start(job.threads))
                self._train(process, index, job)

    def stop(self) -> None:
        """Let the trainings under way keep a checkpoint and end."""
        self.stopping = True
        for process in self._processes:
            process.terminate()

    def _start(self, threads: int) -> subprocess.Popen[str]:
        """A process that waits for jobs; Ctrl-C reaches it through us alone."""
        process = subprocess.Popen(
            [sys.executable, "-m", "lenet.experiments.comparison._worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=os.environ | {"OMP_NUM_THREADS": str(threads)},
            start_new_session=True,
        )
        with self._lock:
            self._processes.append(process)
        return process

    def _train(self, process: subprocess.Popen[str], index: int, job: Job) -> None:
        """Have one job done and note how it ended."""
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(job_line(job))
            process.stdin.flush()
            for line in process.stdout:
                event = json.loads(line)
                if "share" not in event:
                    self._end(index, event)
                    return
                with self._lock:
                    self._progress.on_share(index, event["share"])
        except BrokenPipeError:
            pass
        if not self.stopping:
            message = f"A training ended without a result (exit code {process.wait()})."
            self._fail(TrainingError(message))

    def _end(self, index: int, event: dict[str, Any]) -> None:
        """Note how a job ended."""
        if "error" in event:
            if not self.stopping:
                error = LenetError(event["error"])
                error.exit_code = event["exit_code"]
                self._fail(error)
            return
        folder = event.get("run")
        outcome = Outcome(Path(folder) if folder else None, event.get("diverged", ""))
        with self._lock:
            self.outcomes[index] = outcome
            self._progress.on_end(index, outcome.folder)

    def _fail(self, error: LenetError) -> None:
        """Stop everything for an error."""
        with self._lock:
            self.error = self.error or error
        self.stop()
