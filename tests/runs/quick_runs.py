"""Trainings of an epoch, and who keeps what is told of them."""

from typing import Any

import lenet
from lenet.datasets import Dataset
from lenet.training import Listener


class Messages(Listener):
    """Keeps what the person is told."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def on_message(self, text: str) -> None:
        self.texts.append(text)


def quick(dataset: Dataset | str, **settings: Any) -> lenet.Run:
    """A silent training of an epoch."""
    return lenet.train(dataset=dataset, listeners=[], **{"epochs": 1, "batch_size": 32} | settings)
