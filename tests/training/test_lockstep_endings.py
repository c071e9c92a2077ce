"""How trainings that are computed together end, alone or with the others, and go on."""

import numpy as np
import pytest
import torch
from lockstep_trainers import RECIPES, SMALL, Curve, assert_same, curve_of, make_trainers

from lenet.datasets import Dataset
from lenet.errors import InterruptedTraining, NonFiniteLossError, StorageError, TrainingError
from lenet.training import CurvePoint, Recipe, Trainer, TrainingResult, train_in_lockstep


def test_a_training_that_ends_early_leaves_the_others(few_digits: Dataset) -> None:
    recipe = Recipe(
        epochs=4,
        batch_size=10,
        optimiser="adam",
        learning_rate=0.01,
        validation=0.2,
        early_stopping=1,
    )
    recipes = [recipe, recipe.replace(epochs=2), recipe.replace(learning_rate=1e-9), recipe]
    together = make_trainers(few_digits, recipes, "mlp")
    alone = make_trainers(few_digits, recipes, "mlp", shares=False)
    results = train_in_lockstep(together)
    expected = [trainer.run() for trainer in alone]
    assert [result.epochs for result in results] == [result.epochs for result in expected]  # type: ignore[union-attr]
    assert [result.epochs for result in expected][1:3] == [2, 2]
    assert max(result.epochs for result in expected) == 4
    assert [r.best_epoch for r in results] == [r.best_epoch for r in expected]  # type: ignore[union-attr]
    for ours, theirs in zip(together, alone, strict=True):
        assert_same(ours, theirs)


def test_who_leaves_is_told_at_once(few_digits: Dataset) -> None:
    told: list[tuple[str, str]] = []

    class Teller(Curve):
        def __init__(self, name: str):
            super().__init__()
            self.name = name

        def on_epoch(self, trainer: Trainer, point: CurvePoint) -> None:
            told.append((self.name, f"epoch {trainer.epoch}"))

        def on_finish(self, trainer: Trainer, result: TrainingResult) -> None:
            told.append((self.name, "finish"))

        def on_stop(self, trainer: Trainer) -> None:
            told.append((self.name, "stop"))

    recipes = [RECIPES["sgd"].replace(epochs=epochs) for epochs in (1, 2)]
    listeners = [Teller("first"), Teller("second")]
    train_in_lockstep(make_trainers(few_digits, recipes, "softmax", listeners=listeners))
    assert told == [
        ("first", "epoch 1"),
        ("second", "epoch 1"),
        ("first", "finish"),
        ("first", "stop"),
        ("second", "epoch 2"),
        ("second", "finish"),
        ("second", "stop"),
    ]


def test_a_training_that_diverges_ends_alone(few_digits: Dataset) -> None:
    recipe = Recipe(epochs=3, batch_size=20, learning_rate=0.1)
    recipes = [recipe, recipe.replace(learning_rate=1e30), recipe]
    settings = {"activation": "relu"} | SMALL
    together = make_trainers(few_digits, recipes, settings=settings)
    alone = make_trainers(few_digits, recipes, settings=settings, shares=False)
    results = train_in_lockstep(together)
    with pytest.raises(NonFiniteLossError) as caught:
        alone[1].run()
    assert isinstance(results[1], NonFiniteLossError)
    assert str(results[1]) == str(caught.value)
    assert curve_of(together[1]).events == curve_of(alone[1]).events == ["start", "stop"]
    for number in (0, 2):
        alone[number].run()
        assert_same(together[number], alone[number])


@pytest.mark.parametrize("name", RECIPES)
def test_a_stop_is_kept_and_gone_on_with_together_or_alone(few_digits: Dataset, name: str) -> None:
    recipes = [RECIPES[name], RECIPES[name].replace(weight_decay=0.02)]
    unbroken = make_trainers(few_digits, recipes, settings=SMALL)
    train_in_lockstep(unbroken)
    stopped = make_trainers(
        few_digits, recipes, settings=SMALL, listeners=[Curve(stop_after=6), Curve(stop_after=6)]
    )
    results = train_in_lockstep(stopped)
    assert all(isinstance(result, InterruptedTraining) for result in results)
    assert all(trainer.steps_done == 6 for trainer in stopped)
    together, alone = (make_trainers(few_digits, recipes, settings=SMALL) for _ in range(2))
    for ours, theirs, before in zip(together, alone, stopped, strict=True):
        ours.restore(before.state())
        theirs.restore(before.state())
    train_in_lockstep(together)
    for ours, theirs, whole in zip(together, alone, unbroken, strict=True):
        theirs.run()
        for key, value in whole.model.state_dict().items():
            assert torch.equal(ours.model.state_dict()[key], value), "the same bits together"
            torch.testing.assert_close(theirs.model.state_dict()[key], value, rtol=1e-3, atol=1e-4)
        assert [p.train_loss for p in ours.history] == [p.train_loss for p in whole.history]


def test_one_that_is_behind_catches_up(few_digits: Dataset) -> None:
    recipes = [RECIPES["adam"]] * 2
    listeners = [Curve(stop_after=2), Curve(stop_after=3)]
    stopped = make_trainers(few_digits, recipes, settings=SMALL, listeners=listeners)
    assert all(isinstance(end, InterruptedTraining) for end in train_in_lockstep(stopped))
    assert [trainer.step for trainer in stopped] == [2, 3]
    together = make_trainers(few_digits, recipes, settings=SMALL)
    alone = make_trainers(few_digits, recipes, settings=SMALL)
    for ours, theirs, before in zip(together, alone, stopped, strict=True):
        ours.restore(before.state())
        theirs.restore(before.state())
    train_in_lockstep(together)
    for ours, theirs in zip(together, alone, strict=True):
        theirs.run()
        assert_same(ours, theirs)


def test_an_error_of_a_listener_ends_all_with_a_step_each(few_digits: Dataset) -> None:
    class Full(Curve):
        """Has no more room after two steps."""

        def on_step(self, trainer: Trainer) -> None:
            super().on_step(trainer)
            if trainer.step == 2:
                message = "The disk is full."
                raise StorageError(message)

    listeners = [Curve(), Full(), Curve()]
    trainers = make_trainers(few_digits, [RECIPES["sgd"]] * 3, settings=SMALL, listeners=listeners)
    with pytest.raises(StorageError, match="full"):
        train_in_lockstep(trainers)
    assert [trainer.step for trainer in trainers] == [2, 2, 2]
    assert [listener.events for listener in listeners] == [["start", "stop"]] * 3
    for trainer in trainers:  # each is whole, and goes on alone
        trainer.listeners = []
        trainer.run()


@pytest.mark.parametrize("name", ["momentum", "adam"])
def test_what_the_optimiser_knew_is_kept_without_a_step(few_digits: Dataset, name: str) -> None:
    stopped = make_trainers(
        few_digits, [RECIPES[name]] * 2, "softmax", listeners=[Curve(3), Curve(3)]
    )
    train_in_lockstep(stopped)
    restored = make_trainers(few_digits, [RECIPES[name]] * 2, "softmax")
    for ours, before in zip(restored, stopped, strict=True):
        ours.restore(before.state())
    restored[1].model.register_forward_hook(lambda *what: None)
    with pytest.raises(TrainingError, match="can't freeze layers or watch them"):
        train_in_lockstep(restored)
    for ours, before in zip(restored, stopped, strict=True):
        arrays = ours.state().arrays
        assert any(key.startswith("optimiser.") for key in arrays)
        assert arrays.keys() == before.state().arrays.keys()
        for key, value in before.state().arrays.items():
            assert np.array_equal(arrays[key], value), key


def test_a_trainer_is_by_itself_again_afterwards(few_digits: Dataset) -> None:
    settings = {"batch_norm": True} | SMALL
    trainers = make_trainers(few_digits, [RECIPES["sgd"]] * 2, settings=settings)
    train_in_lockstep(trainers)
    before = {name: value.clone() for name, value in trainers[1].model.state_dict().items()}
    for value in trainers[0].model.state_dict().values():
        assert value.untyped_storage().nbytes() == value.numel() * value.element_size()
        value.zero_()
    for name, value in trainers[1].model.state_dict().items():
        assert torch.equal(value, before[name])
