"""A damaged state is refused in one line, before anything of the training is changed."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from compiled_kernels import needs_kernels
from lenet.datasets import Dataset
from lenet.errors import ModelError
from lenet.models import ArrayNetwork, LeNetConfig
from lenet.training import Recipe, Trainer, TrainerState

ENGINES = [pytest.param("native", marks=needs_kernels), "torch", "numpy"]
MOMENTUM = "optimiser.0.momentum_buffer"
Change = Callable[[dict[str, Any], dict[str, Any]], object]


def trainer_for(data: Dataset, engine: Any, optimiser: Any = "sgd") -> Trainer:
    momentum = 0.9 if optimiser == "sgd" else 0.0
    recipe = Recipe(
        epochs=2, batch_size=64, optimiser=optimiser, momentum=momentum, learning_rate=0.01
    )
    network = ArrayNetwork.build(LeNetConfig(channels=(2, 3), dense_widths=(8, 8)), seed=0)
    return Trainer(network, data, recipe, engine=engine)


SGD: list[tuple[Change, str]] = [
    (lambda arrays, _: arrays.pop(MOMENTUM), "is nothing where float32"),
    (lambda arrays, _: arrays.update({"optimiser.99.x": arrays[MOMENTUM]}), "where nothing"),
    (lambda arrays, _: arrays.update({MOMENTUM: np.float32(3)}), r"is float32 \[\] where"),
    (lambda arrays, _: arrays.update({MOMENTUM: np.ones(5, "f4")}), r"is float32 \[5\] where"),
    (lambda arrays, _: arrays.update({MOMENTUM: arrays[MOMENTUM].astype("i8")}), "is int64"),
    (lambda arrays, _: arrays.update(losses=arrays["losses"][:1]), r"`losses` is float32 \[1\]"),
    (lambda arrays, _: arrays.update(correct=arrays["correct"].astype("f4")), "is float32"),
    *[
        (lambda _, values, wrong=wrong: values.update(wrong), f"`{next(iter(wrong))}` can't be")
        for wrong in (
            {"step": "3"},
            {"step": 99999},
            {"step": -1},
            {"epoch": -1},
            {"epoch": 1.5},
            {"epoch": 1},  # its end is not on the curve
            {"seconds": "a"},
            {"seconds": float("nan")},
            {"best_epoch": None},
            {"told_stuck": 1},
            {"frozen": ["nothing"]},
            {"history": [{"epoch": 1.0}]},
            {"engine": "jax"},
        )
    ],
    (lambda arrays, _: arrays.update({"model.0.bias": np.float32([np.nan, 0])}), "not finite"),
    (lambda arrays, _: arrays.update({"model.0.bias": np.float32([np.inf, 0])}), "not finite"),
    (lambda _, values: values.update(history=[{"epoch": 10**400}]), "`history` can't be"),
    (lambda _, values: values.update(seconds=10**400), "`seconds` can't be"),
]
ADAM: list[tuple[Change, str]] = [
    (lambda arrays, _: arrays.pop("optimiser.0.step"), "is nothing where"),
    (lambda arrays, _: arrays.update({"optimiser.0.step": np.ones(3, "f4")}), r"float32 \[3\]"),
    *[
        (lambda arrays, _, made=made: arrays.update({"optimiser.0.step": made}), "can't be")
        for made in np.float32([np.inf, np.nan, -5, 0, 1.5])
    ],
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("optimiser", "damages"), [("sgd", SGD), ("adam", ADAM)])
def test_a_damaged_state_is_refused(
    few_digits: Dataset, engine: str, optimiser: str, damages: list[tuple[Change, str]]
) -> None:
    trainer = trainer_for(few_digits, engine, optimiser)
    trainer.train_epoch(2)
    kept = trainer.state()
    for change, message in damages:
        arrays, values = dict(kept.arrays), dict(kept.values)
        change(arrays, values)
        with pytest.raises(ModelError, match=message):
            trainer.restore(TrainerState(arrays, values))
    after = trainer.state()
    assert after.values == kept.values
    assert all(np.array_equal(after.arrays[name], array) for name, array in kept.arrays.items())
    trainer.restore(kept)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_a_training_begins_anew_from_its_beginning(
    few_digits: Dataset, engine: str, optimiser: str
) -> None:
    trainer = trainer_for(few_digits, engine, optimiser)
    beginning = trainer.state()
    trainer.train_epoch(2)
    once = trainer.state()
    trainer.restore(beginning)
    trainer.train_epoch(2)
    again = trainer.state()
    assert once.arrays.keys() == again.arrays.keys()
    assert all(np.array_equal(once.arrays[name], array) for name, array in again.arrays.items())


@pytest.mark.parametrize("engine", ENGINES)
def test_less_than_no_batches_are_refused(few_digits: Dataset, engine: Any) -> None:
    config = LeNetConfig(channels=(2, 3), dense_widths=(8, 8), batch_norm=True)
    trainer = Trainer(
        ArrayNetwork.build(config, seed=0), few_digits, Recipe(batch_size=64), engine=engine
    )
    state = trainer.state()
    (name, *_) = (name for name in state.arrays if name.endswith("num_batches_tracked"))
    damaged = state.arrays | {name: np.int64(-1)}
    with pytest.raises(ModelError, match="num_batches_tracked` can't be -1"):
        trainer.restore(TrainerState(damaged, state.values))
