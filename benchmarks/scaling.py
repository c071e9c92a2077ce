"""How much faster two processes train than one, and what their exchange costs.

    python benchmarks/scaling.py --rounds 5 --save benchmarks/history/scaling.json

The tutorial's recipe on Fashion-MNIST, by the compiled kernels and by PyTorch: one process with one
thread, one with two, two with one each, all started by torchrun and taking turns, so that whatever
the machine does meanwhile hits all of them. Images a second by the wall clock over whole epochs,
the look at the test images included, as each run's `result.json` has them. Then how long one
exchange between two processes takes, of a tensor as large as LeNet's gradients.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torchrun import run_members

from lenet.core import write_atomically
from lenet.models import LeNetConfig, build_model
from lenet.runs import describe_environment, find_runs
from lenet.training import join_group, leave

TRAIN = ("-m", "lenet", "train", "--data", "fashion-mnist", "--preset", "tutorial")
CONTESTANTS = {"1 process, 1 thread": (1, 1), "1 process, 2 threads": (1, 2), "2 processes": (2, 1)}
EPOCHS = {"native": 5, "torch": 1}
EXCHANGES = 1000
BESIDE_GRADIENTS = 3  # loss, right answers, and the wish to stop


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--engine", nargs="+", choices=list(EPOCHS), default=list(EPOCHS))
    parser.add_argument("--save", type=Path)
    parser.add_argument("--exchange", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.exchange:
        time_exchange()
        leave(0)
    measured: dict[str, Any] = {"machine": describe_environment("cpu"), "speeds": {}}
    measured["load_average_before"] = os.getloadavg()[0]  # of other programs too
    for kernels in arguments.engine:
        speeds: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
        for number in range(arguments.rounds):
            for name, (processes, threads) in CONTESTANTS.items():
                speeds[name].append(train(processes, threads, kernels))
            print(f"{kernels}, round {number + 1} of {arguments.rounds}", flush=True)
        measured["speeds"][kernels] = speeds
        print_table(kernels, speeds)
    measured["exchanged_numbers"] = exchanged_numbers()
    measured["exchange_microseconds"] = exchange_times(arguments.rounds)
    numbers, times = measured["exchanged_numbers"], measured["exchange_microseconds"]
    print(f"one exchange of {numbers:,} numbers: {spread(times, '.0f')} µs")
    if arguments.save:
        write_atomically(arguments.save, json.dumps(measured, indent=2) + "\n")


def train(processes: int, threads: int, kernels: str) -> float:
    """Images a second of one training."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--threads", str(threads), "--engine", kernels]
        options += ["--epochs", str(EPOCHS[kernels])]
        printed_by_members(processes, [*TRAIN, *options, "--runs-folder", folder])
        (run,) = find_runs(folder)
        return run.result.examples_per_second


def exchanged_numbers() -> int:
    """How many numbers go round at each step of the tutorial's LeNet."""
    weights = sum(weight.numel() for weight in build_model(LeNetConfig()).parameters())
    return weights + BESIDE_GRADIENTS


def exchange_times(rounds: int) -> list[float]:
    """Microseconds that an exchange takes, the mean of each round: rare long ones cost too."""
    return [float(printed_by_members(2, [__file__, "--exchange"])) for _ in range(rounds)]


def time_exchange() -> None:
    """Exchange many times and let the first process print the mean in microseconds."""
    torch.set_num_threads(1)
    group = join_group()
    group.connect("cpu")
    tensor = torch.zeros(exchanged_numbers())
    group.add_up(tensor)  # the processes are at the same point
    started = time.perf_counter()
    for _ in range(EXCHANGES):
        group.add_up(tensor)
    seconds = (time.perf_counter() - started) / EXCHANGES
    if group.is_first:
        print(f"{1e6 * seconds:.1f}", flush=True)


def printed_by_members(processes: int, command: list[str]) -> str:
    """What a command on so many processes prints; ends this script where it fails."""
    process = run_members(processes, command)
    if process.returncode:
        sys.exit(process.stderr)
    return process.stdout


def print_table(kernels: str, speeds: dict[str, list[float]]) -> None:
    """Print speeds, and ratios to one process with one thread in the same round."""
    print(f"\n| {kernels} | images/s | speed-up | efficiency |\n| --- | --- | --- | --- |")
    base = next(iter(speeds.values()))
    for name, rounds in speeds.items():
        ratios = [one / other for one, other in zip(rounds, base, strict=True)]
        cores = max(CONTESTANTS[name])
        efficiency = statistics.median(ratios) / cores
        cells = [name, spread(rounds, ",.0f"), spread(ratios, ".2f"), f"{efficiency:.0%}"]
        print(f"| {' | '.join(cells)} |")
    print()


def spread(values: list[float], form: str) -> str:
    low, high = format(min(values), form), format(max(values), form)
    return f"{statistics.median(values):{form}} ({low}–{high})"


if __name__ == "__main__":
    main()
