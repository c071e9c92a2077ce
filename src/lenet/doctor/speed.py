"""How fast lenet is beside its peers: `lenet bench`.

All contestants of a benchmark take turns in one process; each number of threads has a process of
its own, which prints its reports as JSON, and what it is doing to stderr:

    python -m lenet.doctor.speed train fashion-mnist 2 5
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Literal, get_args

from lenet.doctor._report import Report
from lenet.errors import LenetError, SettingError, UnknownNameError

Benchmark = Literal["train", "predict", "startup"]
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_MACHINE = ("lenet", "python", "torch", "numpy", "platform", "processor", "kernels")


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
    rounds: int = 5,
) -> list[Report]:
    """Measure lenet and its peers in turn, with a process of its own for each number of threads.

    Progress goes to stderr.

    Args:
        benchmark: What to measure: whole epochs of training, prediction of many images and of one,
            or the time to the first training step.
        dataset: The images, by name.
        threads: CPU threads, one report or more for each; `default_threads()` where none are given.
        rounds: Counted turns of each contestant, after one that is not counted.

    Raises:
        SettingError: A number is out of range, or a name is unknown.
        MissingExtraError: PyTorch, beside which lenet is measured, is not installed.
        LenetError: A measuring process failed.
    """
    from lenet.core import require_torch
    from lenet.datasets import load_dataset

    threads = tuple(threads or default_threads())
    if rounds < 1 or min(threads) < 1:
        message = f"`rounds` and `threads` must be at least 1, not {rounds} and {min(threads)}."
        raise SettingError(message)
    if benchmark not in get_args(Benchmark):
        raise UnknownNameError("benchmark", benchmark, get_args(Benchmark))
    require_torch("A comparison of speed")
    load_dataset(dataset)  # an error is told here, and a download is not a part of the measurement
    return [report for count in threads for report in _measure(benchmark, dataset, count, rounds)]


def _measure(benchmark: str, dataset: str, threads: int, rounds: int) -> list[Report]:
    """The reports of a process on some threads."""
    arguments = [benchmark, dataset, str(threads), str(rounds)]
    process = subprocess.run(
        [sys.executable, "-m", "lenet.doctor.speed", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | dict.fromkeys(_THREAD_VARIABLES, str(threads)),
    )
    if process.returncode:
        message = f"The benchmark `{benchmark}` on {threads} threads stopped; see above."
        raise LenetError(message)
    return [Report.from_dict(values) for values in json.loads(process.stdout)]


def main(benchmark: str, dataset: str, threads: int, rounds: int) -> None:
    """Measure on some threads, and print."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a traceback
    if sys.platform == "linux":  # for libraries that count cores themselves, imported below
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    import torch

    from lenet.datasets import load_dataset
    from lenet.doctor import _benchmarks
    from lenet.doctor._turns import Session
    from lenet.runs import describe_environment

    def tell(text: str) -> None:
        plural = "thread" if threads == 1 else "threads"
        sys.stderr.write(f"{benchmark}, {threads} {plural}, {text}\n")

    torch.set_num_threads(threads)
    environment = describe_environment("cpu")
    machine = {name: environment[name] for name in _MACHINE}
    run = {
        "train": _benchmarks.benchmark_training,
        "predict": _benchmarks.benchmark_prediction,
        "startup": _benchmarks.benchmark_startup,
    }[benchmark]
    reports = run(load_dataset(dataset), Session(benchmark, threads, rounds, machine, tell))
    sys.stdout.write(json.dumps([report.to_dict() for report in reports]))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
