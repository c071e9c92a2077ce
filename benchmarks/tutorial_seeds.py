"""The tutorial's recipe over several seeds: the scores and both speeds.

    python benchmarks/tutorial_seeds.py --seeds 5 --runs-folder runs/tutorial-seeds

Prints mean ± standard deviation (n - 1) and range. Seeds are trained one after
the other, so that each has the machine to itself.
"""

import argparse
import statistics
from pathlib import Path

import lenet

THREE_DIGITS = "train_loss", "train_accuracy", "test_accuracy"
WHOLE = "examples_per_second", "tutorial_examples_per_second"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, help="how many seeds, from 0 on")
    parser.add_argument("--runs-folder", type=Path, default=Path("runs/tutorial-seeds"))
    arguments = parser.parse_args()
    settings = {"preset": "tutorial", "runs_folder": arguments.runs_folder, "listeners": []}
    runs = [
        lenet.train(dataset="fashion-mnist", seed=seed, **settings)
        for seed in range(arguments.seeds)
    ]
    environment = runs[0].environment
    print(
        f"lenet {environment['lenet']}, torch {environment['torch']}, "
        f"{environment['processor']}, {runs[0].config.threads} threads, n = {len(runs)}"
    )
    for column in (*THREE_DIGITS, *WHOLE):
        values = [getattr(run.result, column) for run in runs]
        form = ".0f" if column in WHOLE else ".3f"
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        print(
            f"{column:<30} {statistics.mean(values):{form}} ± {spread:{form}} "
            f"({min(values):{form}} to {max(values):{form}})"
        )


if __name__ == "__main__":
    main()
