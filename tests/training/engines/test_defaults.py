"""What PyTorch makes of numbers where nothing is said is no business of a training's."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch

from lenet.datasets import Dataset
from lenet.models import ArrayNetwork, LeNetConfig
from lenet.training import Recipe, Trainer, TrainerState


@contextmanager
def default_type() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


def trained(data: Dataset, optimiser: Any) -> TrainerState:
    """The end of a training that was stopped after two steps and resumed."""
    recipe = Recipe(
        epochs=1, batch_size=32, optimiser=optimiser, learning_rate=0.01, shift=1, flip=True
    )
    config = LeNetConfig(batch_norm=True)
    stopped, resumed = (
        Trainer(ArrayNetwork.build(config, seed=0), data, recipe, engine="torch") for _ in range(2)
    )
    stopped.train_epoch(2)
    resumed.restore(stopped.state())
    resumed.train_epoch()
    resumed.finish_epoch()
    return resumed.state()


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_defaults_change_no_bit(few_digits: Dataset, optimiser: str) -> None:
    usual = trained(few_digits, optimiser)
    with default_type():
        wide = trained(few_digits, optimiser)
    with torch.device("meta"):
        elsewhere = trained(few_digits, optimiser)
    for state in (wide, elsewhere):
        assert state.arrays.keys() == usual.arrays.keys()
        for name, array in usual.arrays.items():
            assert state.arrays[name].dtype == array.dtype, name
            np.testing.assert_array_equal(state.arrays[name], array, err_msg=name)
