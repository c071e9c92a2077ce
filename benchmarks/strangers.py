"""What a threshold can do about strangers, and what counter-examples can: docs/guides/doubt.md.

    python benchmarks/strangers.py [--preset fast] [--counter-examples 6000] [--seeds 5]

Trains networks on MNIST's digits, and others that have drawn strangers besides as the class `_none`
(`lenet.datasets.draw_strangers`, the part to learn from). All are shown the same strangers as in a
report: garments, drawn signs of held-out kinds, noise. It prints how many of each pass, as means
over the seeds with the standard deviation, for digits alone also as it would be without distances,
and for the preset `fast` draws the curves of the first network into docs/images/doubt-roc.svg. Runs
are kept in runs/strangers and not made again.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

import lenet
from lenet.core import NONE_CLASS, write_figure
from lenet.datasets import Dataset, Split, draw_strangers
from lenet.results import Evaluation, Strangers, draw_roc

IMAGES = Path("docs") / "images"
RUNS = Path("runs") / "strangers"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--counter-examples", type=int, default=6000)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    digits = lenet.load_dataset("mnist")
    doubtful = with_counter_examples(digits, arguments.counter_examples)
    for data in (digits, doubtful):
        runs = [train(data, arguments.preset, seed) for seed in range(arguments.seeds)]
        scored = [lenet.evaluate(run, digits, strangers=()) for run in runs]
        title = f"{data.name}, {arguments.preset}, seeds 0 to {arguments.seeds - 1}"
        print_table(title, scored)
        if data is digits:
            print_table(f"{title}, without distances", [without_distances(run) for run in runs])
        if data is digits and arguments.preset == "fast":
            write_figure(draw_roc(strangers_of(scored[0])), IMAGES, "doubt-roc")
            (IMAGES / "doubt-roc.png").unlink()  # the drawing alone is shown


def with_counter_examples(digits: Dataset, count: int) -> Dataset:
    """The digits with drawn strangers as an eleventh class."""
    others = draw_strangers(count, part="learn")
    train = digits.train.joined(Split(others.images, np.full(count, len(digits.class_names))))
    return Dataset("mnist-and-none", (*digits.class_names, NONE_CLASS), train, digits.test)


def train(data: Dataset, preset: str, seed: int) -> lenet.Run:
    """A network that is trained on some data, with a tenth held out."""
    return lenet.train(
        dataset=data,
        preset=preset,
        validation=0.1,
        seed=seed,
        threads=1,
        reuse=True,
        runs_folder=RUNS / data.name,
        listeners=[],
    )


def without_distances(run: lenet.Run) -> Evaluation:
    """What a run's network would answer by probabilities alone."""
    network, card = lenet.load(run)
    plain = replace(card.calibration, whitening=(), means=(), reach=0.0)
    return lenet.evaluate((network, replace(card, calibration=plain)), "mnist", strangers=())


def strangers_of(scored: Evaluation) -> Strangers:
    """Those that were shown."""
    assert scored.strangers is not None
    return scored.strangers


def print_table(title: str, scored: Sequence[Evaluation]) -> None:
    """Accuracy, what is right at the threshold, and a row for each kind of strangers."""
    measured = [strangers_of(one) for one in scored]
    print(f"\n{title}; {scored[0].images:,} test images")
    rows = {"accuracy": [one.accuracy for one in scored]}
    rows["right at the threshold"] = [one.right for one in measured]
    for kinds in zip(*((*one.kinds, one.together) for one in measured), strict=True):
        name = f"of {kinds[0].images:,} {kinds[0].kind}"
        rows[f"{name}, pass"] = [one.answered / one.images for one in kinds]
        rows[f"{name}, area"] = [one.area for one in kinds]
    for name, values in rows.items():
        print(f"{name:<36}{np.mean(values):>8.4f} ± {np.std(values, ddof=1):.4f}")


if __name__ == "__main__":
    main()
