"""What a threshold can do about strangers, and what counter-examples can: docs/guides/doubt.md.

    python benchmarks/strangers.py [--counter-examples 6000] [--seed 0]

Trains a network on MNIST's digits, and another one that has drawn strangers besides as the class
`_none` (`lenet.datasets.draw_strangers`, the part to learn from). Both are shown the same strangers
as in a report: garments, drawn signs of held-out kinds, noise. It prints how many of each pass, and
draws the curves of the first into docs/images/doubt-roc.svg. Runs are kept in runs/strangers and
not made again.
"""

import argparse
from pathlib import Path

import numpy as np

import lenet
from lenet.core import NONE_CLASS, write_figure
from lenet.datasets import Dataset, Split, draw_strangers
from lenet.results import Strangers, draw_roc

IMAGES = Path("docs") / "images"
RUNS = Path("runs") / "strangers"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counter-examples", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    digits = lenet.load_dataset("mnist")
    doubtful = with_counter_examples(digits, arguments.counter_examples, arguments.seed)
    titles = ("Learnt digits alone", "Learnt counter-examples, too")
    for data, title in zip((digits, doubtful), titles, strict=True):
        run = lenet.train(
            dataset=data,
            preset="fast",
            validation=0.1,
            seed=arguments.seed,
            threads=1,
            reuse=True,
            runs_folder=RUNS / data.name,
            listeners=[],
        )
        scored = lenet.evaluate(run, digits, strangers=())
        assert scored.strangers is not None
        print(f"\n{title}: accuracy {scored.accuracy:.4f} of {scored.images:,}")
        print_table(scored.strangers)
        if data is digits:
            write_figure(draw_roc(scored.strangers), IMAGES, "doubt-roc")
            (IMAGES / "doubt-roc.png").unlink()  # the drawing alone is shown


def with_counter_examples(digits: Dataset, count: int, seed: int) -> Dataset:
    """The digits with drawn strangers as an eleventh class."""
    others = draw_strangers(count, seed, part="learn")
    train = Split(
        np.concatenate([digits.train.images, others.images]),
        np.concatenate([digits.train.labels, np.full(count, len(digits.class_names))]),
    )
    return Dataset("mnist-and-none", (*digits.class_names, NONE_CLASS), train, digits.test)


def print_table(strangers: Strangers) -> None:
    """A row for each kind."""
    print(f"threshold {strangers.threshold:.3f}: {strangers.right:.4f} of the digits right")
    print(f"{'strangers':<16}{'n':>6}{'pass':>7}{'share':>9}{'area':>9}  most often")
    for score in (*strangers.kinds, strangers.together):
        often = ", ".join(f"{name} ({count})" for name, count in score.taken_for[:2]) or "–"
        share = f"{score.answered / score.images:.4f}"
        counts = f"{score.images:>6}{score.answered:>7}{share:>9}"
        print(f"{score.kind:<16}{counts}{score.area:>9.4f}  {often}")


if __name__ == "__main__":
    main()
