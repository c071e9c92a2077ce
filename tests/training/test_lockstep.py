"""Trainings that are computed together are the trainings one after the other."""

import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from lockstep_trainers import RECIPES, SMALL, assert_same, curve_of, make_trainers
from torch import nn

from lenet.datasets import Dataset
from lenet.errors import SettingError, TrainingError
from lenet.training import Recipe, Trainer, TrainingResult, lockstep_key, train_in_lockstep

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here")
DEVICES = ["cpu", pytest.param("cuda", marks=needs_gpu)]
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "the tutorial's": ("lenet", {}),
    "ReLU and max pooling": ("lenet", {"activation": "relu", "pooling": "max"} | SMALL),
    "GELU": ("lenet", {"activation": "gelu"} | SMALL),
    "batch normalisation": ("lenet", {"batch_norm": True, "activation": "relu"} | SMALL),
    "mlp": ("mlp", {"dense_widths": (20,)}),
    "softmax": ("softmax", {}),
    "lenet5": ("lenet5", {}),
}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_learns_as_it_does_alone(few_digits: Dataset, name: str, device: str) -> None:
    model, settings = NETWORKS[name]
    recipe = RECIPES["sgd"]
    if model == "lenet5":
        recipe = recipe.replace(loss="map", learning_rate=0.001, normalisation="lecun")
    together = make_trainers(few_digits, [recipe] * 3, model, settings, device=device)
    alone = make_trainers(few_digits, [recipe] * 3, model, settings, shares=False)
    results = train_in_lockstep(together)
    for ours, theirs, result in zip(together, alone, results, strict=True):
        expected = theirs.run()
        assert isinstance(result, TrainingResult)
        assert result.test_accuracy == expected.test_accuracy
        assert result.train_loss == pytest.approx(expected.train_loss, rel=1e-5)
        assert_same(ours, theirs, 1e-5 if device == "cpu" else 1e-3)
    first, second, _ = together
    assert curve_of(first).losses != curve_of(second).losses


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_followed_by_each_with_its_own_numbers(
    few_digits: Dataset, name: str, device: str
) -> None:
    recipe = RECIPES[name]
    recipes = [
        recipe,
        recipe.replace(learning_rate=recipe.learning_rate / 3, schedule="step", step_epochs=1),
        recipe.replace(weight_decay=0.03, momentum=0.5 if recipe.momentum else 0.0),
    ]
    settings = {"activation": "tanh"} | SMALL
    together = make_trainers(few_digits, recipes, settings=settings, device=device)
    alone = make_trainers(few_digits, recipes, settings=settings, shares=False)
    train_in_lockstep(together)
    for ours, theirs in zip(together, alone, strict=True):
        theirs.run()
        assert_same(ours, theirs, 1e-5 if device == "cpu" else 1e-3)
        state = theirs.state()
        assert ours.state().arrays.keys() == state.arrays.keys()
        for key, array in ours.state().arrays.items():
            if key.startswith("optimiser."):
                np.testing.assert_allclose(array, state.arrays[key], rtol=1e-3, atol=1e-4)


def test_bfloat16_is_that_of_one_alone(few_digits: Dataset) -> None:
    recipe = RECIPES["sgd"].replace(precision="bfloat16")
    together = make_trainers(few_digits, [recipe] * 2)
    alone = make_trainers(few_digits, [recipe] * 2, shares=False)
    exact = make_trainers(few_digits, [RECIPES["sgd"]] * 2)
    train_in_lockstep(together)
    for ours, theirs, other in zip(together, alone, exact, strict=True):
        theirs.run()
        other.run()
        losses, expected, not_rounded = (curve_of(one).losses for one in (ours, theirs, other))
        assert losses == pytest.approx(expected, rel=1e-3)
        assert losses != pytest.approx(not_rounded, rel=1e-5)
        assert all(value.dtype == torch.float32 for value in ours.model.parameters())


def test_images_lie_there_once(few_digits: Dataset) -> None:
    trainers = make_trainers(few_digits, [RECIPES["adamw"]] * 3)
    places = {one.train_batches.placed.images.data_ptr() for one in trainers}
    held_out = [one.validation_batches for one in trainers]
    places |= {one.placed.images.ctypes.data for one in held_out if one is not None}
    assert len(places) == 1
    for one, seed in zip(trainers, range(3), strict=True):
        divided = few_digits.with_validation(0.2, seed)
        assert torch.equal(next(one.train_batches.pieces()), torch.tensor(divided.train.images))
        assert torch.equal(one.train_batches.labels, torch.tensor(divided.train.labels))


def test_what_does_not_go_together_is_refused(few_digits: Dataset) -> None:
    recipe = RECIPES["sgd"]

    def trainers(*recipes: Recipe, **settings: Any) -> list[Trainer]:
        return make_trainers(few_digits, recipes, settings=SMALL | settings)

    first, *others = trainers(
        recipe,
        recipe.replace(batch_size=20),
        recipe.replace(optimiser="adam"),
        recipe.replace(momentum=0.9),
        recipe.replace(flip=True),
        recipe.replace(label_smoothing=0.1),
    )
    for other in others:
        with pytest.raises(SettingError, match="the same network, images and recipe, but for"):
            train_in_lockstep([first, other])
    wider = trainers(recipe, channels=(2, 4))
    smoother = trainers(recipe, pooling="max")
    with pytest.raises(SettingError, match="the same network"):
        train_in_lockstep([first, *wider])
    with pytest.raises(SettingError, match="the same network"):
        train_in_lockstep([first, *smoother])
    elsewhere = dataclasses.replace(few_digits, train=few_digits.train.take(np.arange(128)))
    with pytest.raises(SettingError, match="the same network"):
        train_in_lockstep([first, *make_trainers(elsewhere, [recipe], settings=SMALL)])
    native = trainers(recipe)[0]
    native.engine.name = "native"
    network = nn.Sequential(*trainers(recipe)[0].model.children(), nn.Dropout())
    dropping = Trainer(network, few_digits, recipe, engine="torch")
    rounded = trainers(recipe.replace(precision="bfloat16"), batch_norm=True)[0]
    shared = trainers(recipe)[0]
    shared.peers = SimpleNamespace(rank=0, size=2)  # type: ignore[assignment]
    too_large = trainers(recipe)[0]
    too_large.train_batches._ahead = object()  # type: ignore[assignment]
    for alone in (native, dropping, rounded, shared, too_large):
        with pytest.raises(SettingError, match="no dropout, and no batch normal"):
            train_in_lockstep([alone, alone])
    faster = trainers(recipe.replace(learning_rate=2, epochs=9))[0]
    assert lockstep_key(first) == lockstep_key(faster)
    plain = recipe.replace(shift=1, plain_epochs=1)
    longer = trainers(plain.replace(epochs=9))[0]
    assert lockstep_key(trainers(plain)[0]) != lockstep_key(longer)
    frozen = trainers(recipe, recipe)
    frozen[1].model[0].requires_grad_(False)  # type: ignore[index]
    with pytest.raises(TrainingError, match="can't freeze layers"):
        train_in_lockstep(frozen)
