"""One benchmark on one number of threads: the process that `lenet.doctor.run_benchmark` starts.

    python -m lenet.doctor.speed train fashion-mnist 2 5

Prints the reports as JSON, and what it is doing to stderr.
"""

import json
import os
import signal
import sys

from lenet.doctor.speed._report import Report


def main() -> None:
    """Measure and print."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a traceback
    benchmark, dataset, threads, rounds = sys.argv[1:]
    _stay_on_cores(int(threads))
    reports = _run(benchmark, dataset, int(threads), int(rounds))
    sys.stdout.write(json.dumps([report.to_dict() for report in reports]))


def _run(benchmark: str, dataset_name: str, threads: int, rounds: int) -> list[Report]:
    """The benchmark; PyTorch and the others are imported only now, with the cores settled."""
    import torch

    from lenet.datasets import load_dataset
    from lenet.doctor.speed._prediction import benchmark_prediction
    from lenet.doctor.speed._session import Session
    from lenet.doctor.speed._startup import benchmark_startup
    from lenet.doctor.speed._training import benchmark_training
    from lenet.runs import describe_environment

    def tell(text: str) -> None:
        plural = "thread" if threads == 1 else "threads"
        sys.stderr.write(f"{benchmark}, {threads} {plural}, {text}\n")

    torch.set_num_threads(threads)
    names = ("lenet", "python", "torch", "numpy", "platform", "processor", "kernels")
    environment = describe_environment(torch.device("cpu"))
    machine = {name: environment[name] for name in names}
    session = Session(benchmark, threads, rounds, machine, tell)
    run = {
        "train": benchmark_training,
        "predict": benchmark_prediction,
        "startup": benchmark_startup,
    }[benchmark]
    return run(load_dataset(dataset_name), session)


def _stay_on_cores(threads: int) -> None:
    """Keep to as many cores as there are threads, for libraries that count cores themselves."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


if __name__ == "__main__":
    main()
