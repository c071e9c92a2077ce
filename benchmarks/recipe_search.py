"""How the preset `modern` was chosen: each row changes one thing about it.

    python benchmarks/recipe_search.py

Scores are those of validation images, a sixth of the training images, with three seeds; the test
images are not looked at. Trainings are kept in runs/recipe and not made again.
"""

import argparse
from typing import Any

import lenet
from lenet.experiments import ConsoleProgress, Entry

ADAMW = {"optimiser": "adamw", "momentum": 0.0, "nesterov": False}
CHANGES: dict[str, dict[str, Any]] = {
    "max pooling": {"pooling": "max"},
    "no batch norm": {"batch_norm": False},
    "tanh": {"activation": "tanh"},
    "Xavier's initialisation": {"initialisation": "xavier"},
    "PyTorch's initialisation": {"initialisation": "pytorch"},
    "AdamW at 0.005": {**ADAMW, "learning_rate": 0.005, "weight_decay": 0.02},
    "learning rate 0.04": {"learning_rate": 0.04},
    "learning rate 0.15": {"learning_rate": 0.15},
    "weight decay 0.0002": {"weight_decay": 0.0002},
    "weight decay 0.001": {"weight_decay": 0.001},
    "batches of 64": {"batch_size": 64, "learning_rate": 0.05},
    "batches of 256": {"batch_size": 256, "learning_rate": 0.15},
    "cosine schedule": {"schedule": "cosine"},
    "label smoothing 0.05": {"label_smoothing": 0.05},
    "label smoothing 0.1": {"label_smoothing": 0.1},
    "no plain epochs": {"plain_epochs": 0},
    "4 plain epochs": {"plain_epochs": 4},
    "12 plain epochs": {"plain_epochs": 12},
    "no shifts": {"shift": 0},
    "shifts of 2 pixels": {"shift": 2},
    "no mirroring": {"flip": False},
    "20 epochs": {"epochs": 20},
    "10 epochs": {"epochs": 10},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds each")
    arguments = parser.parse_args()
    base = train({}, arguments.seeds)
    print_row("the preset `modern`", base, "")
    for name, changes in CHANGES.items():
        changed = train(changes, arguments.seeds)
        both = lenet.compare_runs([*base.runs, *changed.runs], split="validation")
        (pair,) = both.pairs
        worse_or_better = "better" if changed.accuracy > base.accuracy else "worse"
        verdict = worse_or_better if pair.is_better else "noise"
        chance = "" if pair.adjusted_p is None else f" (p {pair.adjusted_p:.3f})"
        difference = changed.accuracy - base.accuracy
        print_row(name, changed, f"{difference:+.4f} {verdict}{chance}")


def train(changes: dict[str, Any], seeds: int) -> Entry:
    """Three trainings of the preset with some settings changed."""
    settings = {"validation": 1 / 6, **changes}
    compared = lenet.compare(
        ["modern"],
        "fashion-mnist",
        seeds=seeds,
        split="validation",
        runs_folder="runs/recipe",
        progress=ConsoleProgress("validation"),
        **settings,
    )
    return compared.entries[0]


def print_row(name: str, entry: Entry, verdict: str) -> None:
    deviation = 0.0 if entry.deviation is None else entry.deviation
    score = f"{entry.accuracy:.4f} ± {deviation:.4f}"
    print(f"{name:<26} {score}  {entry.mean_seconds:5.1f} s  {verdict}", flush=True)


if __name__ == "__main__":
    main()
