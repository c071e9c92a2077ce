"""Trainings that come out alike in one process and in several: a script, and what it trains."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import lenet
from lenet.datasets import Dataset, Split
from lenet.training import leave

# 127 images: the last batch of 42 has one, so that all processes but one have none.
TRAININGS: dict[str, dict[str, Any]] = {
    "augmented": {
        "epochs": 2,
        "batch_size": 40,
        "validation": 0.2,
        "activation": "tanh",
        "learning_rate": 0.1,
        "momentum": 0.9,
        "shift": 1,
        "flip": True,
        "gradient_clipping": 1.0,
    },
    "turned": {
        "batch_size": 42,
        "engine": "torch",
        "activation": "tanh",
        "optimiser": "adamw",
        "learning_rate": 0.003,
        "label_smoothing": 0.1,
        "rotation": 10.0,
        "shift": 1,
        "gradient_clipping": 1.0,
    },
    "one left": {"batch_size": 42, "activation": "tanh", "learning_rate": 0.1},
    "normalised": {
        "batch_size": 42,
        "engine": "torch",
        "activation": "tanh",
        "batch_norm": True,
        "dense_widths": (),
        "learning_rate": 0.01,
    },
    "lenet5": {"model": "lenet5", "batch_size": 42},
}


def few_digits() -> Dataset:
    """127 images to train on and 61 to test on."""
    digits = lenet.load_dataset("digits")
    train = Split(digits.train.images[:127], digits.train.labels[:127])
    test = Split(digits.test.images[:61], digits.test.labels[:61])
    return Dataset("few-digits", digits.class_names, train, test)


def train_each(folder: Path, names: Iterable[str]) -> None:
    """Train some into a folder of their own each."""
    for name in names:
        preset = TRAININGS[name].get("model", "tutorial")
        lenet.train(
            dataset=few_digits(),
            threads=1,
            runs_folder=folder / name,
            listeners=[],
            preset=preset,
            **{"epochs": 1, **TRAININGS[name]},
        )


if __name__ == "__main__":
    train_each(Path(sys.argv[1]), sys.argv[2:])
    leave(0)
