"""How fast lenet is beside its peers: `lenet bench`.

All contestants of a benchmark take turns in one process; each number of threads has a process of
its own, which keeps its reports in a file after every turn, and tells on stderr what it is doing:

    python -m lenet.doctor.speed figures.json '{"benchmark": "train", "dataset": "digits", …}'
"""

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Literal

from lenet.core import check_range, json_text, write_atomically
from lenet.doctor._report import Report
from lenet.errors import InterruptedBenchmark, LenetError, UnknownNameError

Benchmark = Literal["train", "predict", "startup"]
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_MACHINE = ("lenet", "python", "torch", "numpy", "platform", "processor", "kernels")
_ROUNDS = 5
_SECONDS = 170  # of three minutes; the rest is for the start of processes


def default_threads() -> tuple[int, ...]:
    """One thread, and as many as there are cores for this process."""
    from lenet.runs import core_count

    cores = core_count()
    return (1,) if cores == 1 else (1, cores)


def run_benchmark(
    benchmark: Benchmark,
    *,
    dataset: str = "fashion-mnist",
    threads: Sequence[int] | None = None,
    rounds: int | None = None,
    only: Sequence[str] = (),
    all: bool = False,
    quiet: bool = False,
) -> list[Report]:
    """Measure lenet and its peers in turn, with a process of its own for each number of threads.

    Progress goes to stderr.

    Args:
        benchmark: What to measure: whole epochs of training, prediction of many images and of one,
            or the time to the first training step.
        dataset: The images, by name.
        threads: CPU threads, one report or more for each; `default_threads()` where none are given.
        rounds: Counted turns of each contestant, after one that is not counted; 5 where nothing is
            said, or as many as fit into three minutes.
        only: Who takes part: `lenet`, `numpy`, `eager`, `channels_last`, `compiled`, `onnxruntime`,
            `jax`, `sklearn`, `webassembly`. Where nobody is named, all do but NumPy's engine
            where PyTorch is.
        all: Let that take part too, train ReLU with AdamW and batch normalisation beside the
            tutorial's recipe, and take all the time that 5 rounds need.
        quiet: Whether nothing is told meanwhile, on standard error.

    Raises:
        SettingError: A number is out of range, or a name is unknown.
        InterruptedBenchmark: Ctrl-C was pressed; `reports` has what was measured until then.
        LenetError: A measuring process failed.
    """
    from lenet.datasets import load_dataset
    from lenet.doctor._session import CONTESTANTS

    threads = tuple(threads or default_threads())
    wanted = _ROUNDS if rounds is None else rounds
    check_range("rounds", wanted, 1, 2**31 - 1)
    for count in threads:
        check_range("threads", count, 1, 1024)
    if benchmark not in CONTESTANTS:
        raise UnknownNameError("benchmark", benchmark, CONTESTANTS)
    for name in only:
        if name not in CONTESTANTS[benchmark]:
            raise UnknownNameError("contestant", name, CONTESTANTS[benchmark])
    load_dataset(dataset)  # an error is told here, and a download is not a part of the measurement
    end = time.monotonic() + (_SECONDS if rounds is None and not all else math.inf)
    reports: list[Report] = []
    for later, count in zip(reversed(range(len(threads))), threads, strict=True):
        asked = {
            "benchmark": benchmark,
            "dataset": dataset,
            "threads": count,
            "rounds": wanted,
            "only": list(only),
            "all": all,
            "seconds": (end - time.monotonic()) / (later + 1),
            "later": later,
            "quiet": quiet,
        }
        code, found = _measure(asked)
        reports += found
        if code is None:
            raise InterruptedBenchmark(reports)
        if code:
            message = f"The benchmark `{benchmark}` on {count} threads stopped; see above."
            raise LenetError(message)
    return reports


def _measure(asked: dict[str, Any]) -> tuple[int | None, list[Report]]:
    """A process's exit code, none where Ctrl-C ended it, and its reports."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "figures.json")
        variables = dict.fromkeys(_THREAD_VARIABLES, str(asked["threads"]))
        process = subprocess.Popen(
            [sys.executable, "-m", "lenet.doctor.speed", str(file), json.dumps(asked)],
            env=os.environ | variables,
            start_new_session=True,  # Ctrl-C is passed on, to it and not to its own processes
        )
        with _stopping(process) as presses:
            code = process.wait()
        values = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    return None if presses else code, [Report.from_dict(each) for each in values]


@contextmanager
def _stopping(process: "subprocess.Popen[bytes]") -> Iterator[list[int]]:
    """Until the block ends, let Ctrl-C stop a process, at the second time by force.

    Gives a list that grows at each. In another thread than the main one Ctrl-C is not heard.
    """
    presses: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        process.send_signal(signal.SIGKILL if presses else signal.SIGINT)
        presses.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield presses
        return
    before = signal.signal(signal.SIGINT, stop)
    try:
        yield presses
    finally:
        signal.signal(signal.SIGINT, before)


def main(place: str, asked: str) -> None:
    """Measure on some threads, and keep the figures."""
    wanted = json.loads(asked)
    dataset, threads = wanted.pop("dataset"), wanted["threads"]
    is_quiet = wanted.pop("quiet")
    if sys.platform == "linux":  # for libraries that count cores themselves, imported below
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    from lenet.core import has_torch, set_thread_count

    if has_torch():
        import torch  # noqa: F401  (the number of threads is set for it, too)
    from lenet.datasets import load_dataset
    from lenet.doctor import _benchmarks
    from lenet.doctor._session import Session
    from lenet.runs import describe_environment

    def tell(text: str) -> None:
        if not is_quiet:
            sys.stderr.write(text)
            sys.stderr.flush()

    def keep(reports: list[Report]) -> None:
        write_atomically(Path(place), json_text([report.to_dict() for report in reports]))

    set_thread_count(threads)
    environment = describe_environment("cpu")
    machine = {name: environment[name] for name in _MACHINE}
    run = {
        "train": _benchmarks.benchmark_training,
        "predict": _benchmarks.benchmark_prediction,
        "startup": _benchmarks.benchmark_startup,
    }[wanted["benchmark"]]
    session = Session(**wanted, machine=machine, tell=tell, keep=keep)
    keep(run(load_dataset(dataset), session))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        sys.exit(InterruptedBenchmark.exit_code)
