import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Literal, get_args

from lenet.datasets import load_dataset
from lenet.doctor.speed._report import Report
from lenet.errors import LenetError, SettingError, UnknownNameError
from lenet.runs import core_count

Benchmark = Literal["train", "predict", "startup"]
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def default_threads() -> tuple[int, ...]:
    """One thread, and as many as there are cores for this process."""
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
        LenetError: A measuring process failed.
    """
    threads = tuple(threads or default_threads())
    if rounds < 1 or min(threads) < 1:
        message = f"`rounds` and `threads` must be at least 1, not {rounds} and {min(threads)}."
        raise SettingError(message)
    if benchmark not in get_args(Benchmark):
        raise UnknownNameError("benchmark", benchmark, get_args(Benchmark))
    load_dataset(dataset)  # an error is told here, and a download is not a part of the measurement
    return [report for count in threads for report in _measure(benchmark, dataset, count, rounds)]


def _measure(benchmark: str, dataset: str, threads: int, rounds: int) -> list[Report]:
    """The reports of a process on some threads."""
    variables = dict.fromkeys(_THREAD_VARIABLES, str(threads))
    command = [
        sys.executable,
        "-m",
        "lenet.doctor.speed",
        benchmark,
        dataset,
        str(threads),
        str(rounds),
    ]
    environment = os.environ | variables
    process = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment)
    if process.returncode:
        message = f"The benchmark `{benchmark}` on {threads} threads stopped; see above."
        raise LenetError(message)
    return [Report.from_dict(values) for values in json.loads(process.stdout)]
