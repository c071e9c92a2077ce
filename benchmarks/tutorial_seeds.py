"""The tutorial's recipe over several seeds: the scores and both speeds.

    python benchmarks/tutorial_seeds.py --seeds 5 --runs-folder runs/tutorial-seeds

Prints mean ± standard deviation (n - 1) and range. Seeds are trained one after
the other, so that each has the machine to itself.
"""

import argparse
import statistics
from pathlib import Path

from printing import print_line

import lenet
from lenet.runs import Run


def main() -> None:
    """Train the seeds and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, help="how many seeds, from 0 on")
    parser.add_argument("--runs-folder", type=Path, default=Path("runs/tutorial-seeds"))
    arguments = parser.parse_args()
    runs = [
        lenet.train(
            dataset="fashion-mnist",
            preset="tutorial",
            seed=seed,
            runs_folder=arguments.runs_folder,
            listeners=[],
        )
        for seed in range(arguments.seeds)
    ]
    report(runs)


def report(runs: list[Run]) -> None:
    """Print the figures of some runs."""
    environment = runs[0].environment
    print_line(
        f"lenet {environment['lenet']}, torch {environment['torch']}, "
        f"{environment['processor']}, {runs[0].config.threads} threads, n = {len(runs)}"
    )
    columns = (
        "train_loss",
        "train_accuracy",
        "test_accuracy",
        "examples_per_second",
        "tutorial_examples_per_second",
    )
    results = [run.result.to_dict() for run in runs if run.is_complete]
    for column in columns:
        values = [result[column] for result in results]
        digits = 0 if "second" in column else 3
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        print_line(
            f"{column:<30} {statistics.mean(values):.{digits}f} ± {spread:.{digits}f} "
            f"({min(values):.{digits}f} to {max(values):.{digits}f})"
        )


if __name__ == "__main__":
    main()
