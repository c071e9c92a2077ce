"""A network that does not learn is told so, with what to try."""

import math

import numpy as np
import pytest
import torch

from lenet.datasets import Dataset, Split
from lenet.models import LeNetConfig, build_model
from lenet.training import Diagnosis, Listener, Recipe, Trainer, diagnose
from lenet.training._diagnosis import chance_loss, is_stuck


class Ear(Listener):
    """Keeps the diagnoses."""

    def __init__(self) -> None:
        self.heard: list[Diagnosis] = []

    def on_diagnosis(self, trainer: Trainer, diagnosis: Diagnosis) -> None:
        self.heard.append(diagnosis)


def train(data: Dataset, recipe: Recipe, **settings: object) -> list[Diagnosis]:
    """Train from seed 0 and give the diagnoses."""
    ear = Ear()
    model = build_model(LeNetConfig.from_dict(settings), seed=0)
    Trainer(model, data, recipe, listeners=[ear]).run()
    return ear.heard


def test_pytorchs_own_initial_weights_are_named(digits: Dataset) -> None:
    heard = train(
        digits, Recipe(epochs=10, batch_size=32, learning_rate=0.9), initialisation="pytorch"
    )
    assert len(heard) == 1, "said once, not after every epoch"
    assert "`initialisation` xavier" in str(heard[0])
    assert heard[0].chance_loss == pytest.approx(math.log(10), rel=1e-2)


def test_relu_at_a_large_rate_is_found_dead(digits: Dataset) -> None:
    recipe = Recipe(epochs=10, batch_size=32, learning_rate=0.9)
    heard = train(digits, recipe, activation="relu", pooling="max")
    assert "`learning_rate` 0.1" in heard[0].remedies[0]
    assert max(layer.dead for layer in heard[0].layers) > 0.9
    assert "dead" in str(heard[0])


def test_a_network_that_learns_is_left_alone(digits: Dataset) -> None:
    recipe = Recipe(epochs=10, batch_size=32, learning_rate=0.1)
    assert train(digits, recipe, activation="relu", pooling="max") == []


def test_too_few_steps_are_named(few_digits: Dataset) -> None:
    heard = train(few_digits, Recipe(epochs=2, batch_size=64))
    assert any("4 steps are few" in remedy for remedy in heard[0].remedies)


def test_saturation_is_the_share_of_outputs_near_the_bounds() -> None:
    model = build_model(LeNetConfig(), seed=0)
    for parameter in model.parameters():
        parameter.data *= 1e4
    images = torch.rand(8, 1, 28, 28)
    layers = diagnose(model, images, 2.3, 2.3, 1000, Recipe()).layers
    assert [layer.name for layer in layers] == ["Sigmoid"] * 4
    assert [layer.position for layer in layers] == ["1", "4", "8", "10"]
    assert all(layer.saturated > 0.9 for layer in layers)


def test_chance_is_the_entropy_of_the_class_frequencies() -> None:
    images = np.zeros((4, 1, 8, 8), np.uint8)
    balanced = Split(images, np.array([0, 1, 2, 3]))
    assert chance_loss(balanced) == pytest.approx(math.log(4))
    lopsided = Split(images, np.array([0, 0, 0, 3]))
    assert chance_loss(lopsided) == pytest.approx(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)))


def test_the_tutorials_slow_first_epoch_is_no_alarm() -> None:
    recipe = Recipe(epochs=10)
    assert not is_stuck(2.302, math.log(10), steps=235, epoch=1, recipe=recipe)
    assert is_stuck(2.302, math.log(10), steps=470, epoch=2, recipe=recipe)
    assert not is_stuck(1.2, math.log(10), steps=470, epoch=2, recipe=recipe)
