"""A network that does not learn is told so, with what to try."""

import math
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lenet.datasets import Dataset, Split
from lenet.models import LeNetConfig, build_model, model_config
from lenet.training import CurvePoint, Diagnosis, Listener, Recipe, Trainer, diagnose, preset_for
from lenet.training._diagnosis import chance_loss, is_stuck  # numbers that no training is sure of


class Ear(Listener):
    """Keeps the diagnoses."""

    def __init__(self) -> None:
        self.heard: list[Diagnosis] = []

    def on_diagnosis(self, trainer: Trainer, diagnosis: Diagnosis) -> None:
        self.heard.append(diagnosis)


def train(
    data: Dataset, recipe: Recipe, model: str = "lenet", **settings: object
) -> list[Diagnosis]:
    """Train from seed 0 and give the diagnoses."""
    ear = Ear()
    config = model_config(model, {"classes": len(data.class_names), **settings})
    Trainer(build_model(config, seed=0), data, recipe, listeners=[ear]).run()
    return ear.heard


def shuffled(data: Dataset) -> Dataset:
    """The same images with labels that have nothing to do with them."""
    labels = np.random.default_rng(0).permutation(data.train.labels)
    return Dataset("shuffled", data.class_names, Split(data.train.images, labels), data.test)


def mostly_zeros(digits: Dataset, share: float) -> Dataset:
    """Zeros and ones, of which the zeros have a share."""
    zeros, ones = (np.flatnonzero(digits.train.labels == digit) for digit in (0, 1))
    wanted = round(len(ones) * share / (1 - share))
    chosen = np.concatenate([np.resize(zeros, wanted), ones])
    split = Split(digits.train.images[chosen], digits.train.labels[chosen])
    return Dataset("mostly-zeros", ("zero", "one"), split, None)


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
    (heard_once,) = train(few_digits, Recipe(epochs=1, batch_size=128))
    assert any("1 step is few" in remedy for remedy in heard_once.remedies)


def test_saturation_is_the_share_of_outputs_near_the_bounds() -> None:
    model = build_model(LeNetConfig(), seed=0)
    for parameter in model.parameters():
        parameter.data *= 1e4
    images = torch.rand(8, 1, 28, 28)
    layers = diagnose(model, images, 2.3, 2.3, 1000, Recipe()).layers
    assert [layer.name for layer in layers] == ["Sigmoid"] * 4
    assert [layer.position for layer in layers] == ["1", "4", "8", "10"]
    assert all(layer.saturated > 0.9 for layer in layers)


LENET5 = preset_for("digits", "lenet5").recipe.replace(epochs=3, validation=0.0)


@pytest.mark.parametrize(
    ("model", "recipe", "settings"),
    [
        ("lenet5", LENET5, {}),
        ("lenet5", LENET5.replace(loss="cross-entropy", label_smoothing=0.2), {}),
        ("lenet", Recipe(epochs=3, learning_rate=0.1, loss="map"), {"activation": "relu"}),
        ("lenet", Recipe(epochs=3, learning_rate=0.1, label_smoothing=0.9), {"activation": "relu"}),
    ],
    ids=["lenet5", "lenet5-smoothed", "map", "smoothed"],
)
def test_whatever_the_loss_is_what_learns_is_left_alone_and_what_does_not_is_told(
    model: str, recipe: Recipe, settings: dict[str, Any], digits: Dataset
) -> None:
    recipe = recipe.replace(batch_size=32)
    assert train(digits, recipe, model, **settings) == []
    (heard,) = train(shuffled(digits), recipe.replace(epochs=1), model, **settings)
    assert heard.loss > 0.9 * heard.chance_loss


@pytest.mark.parametrize(
    ("model", "recipe", "settings"),
    [
        ("lenet5", LENET5.replace(epochs=6), {}),
        ("lenet", Recipe(epochs=3, learning_rate=0.1), {"activation": "relu"}),
        (
            "lenet",
            Recipe(epochs=3, learning_rate=0.02, label_smoothing=0.5),
            {"activation": "relu"},
        ),
    ],
    ids=["lenet5", "cross-entropy", "smoothed"],
)
def test_the_share_of_the_largest_class_is_no_merit(
    model: str, recipe: Recipe, settings: dict[str, Any], digits: Dataset
) -> None:
    data = mostly_zeros(digits, 0.8)
    recipe = recipe.replace(batch_size=16)
    assert train(data, recipe, model, **settings) == []
    (heard,) = train(shuffled(data), recipe.replace(epochs=1), model, **settings)
    assert heard.loss > 0.9 * heard.chance_loss


def test_a_single_class_is_no_alarm(digits: Dataset) -> None:
    only = Split(digits.train.images[:64], np.zeros(64, np.int64))
    data = Dataset("only-zeros", ("zero", "one"), only, None)
    for recipe in (Recipe(epochs=1, batch_size=16), Recipe(epochs=1, label_smoothing=0.1)):
        assert train(data, recipe.replace(batch_size=16)) == []


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_chance_is_the_loss_of_the_best_constant_answer(smoothing: float) -> None:
    images = np.zeros((8, 1, 28, 28), np.uint8)
    labels = np.array([0, 0, 0, 0, 0, 1, 1, 3])
    recipe = Recipe(label_smoothing=smoothing)
    chance = chance_loss(build_model(LeNetConfig(), seed=0), Split(images, labels), recipe)
    target = np.bincount(labels, minlength=10) / 8 * (1 - smoothing) + smoothing / 10
    logits = torch.from_numpy(np.log(np.maximum(target, 1e-30)))
    expected = F.cross_entropy(
        logits.expand(8, 10), torch.from_numpy(labels), label_smoothing=smoothing
    )
    assert chance == pytest.approx(float(expected))


@pytest.mark.parametrize("labels", [np.arange(10), np.array([0] * 9 + [1]), np.zeros(3, int)])
def test_no_constant_answer_of_lenet5_is_better_than_chance(labels: "np.ndarray[Any, Any]") -> None:
    network = build_model(model_config("lenet5"), seed=0)
    recipe = preset_for("mnist", "lenet5").recipe
    split = Split(np.zeros((len(labels), 1, 28, 28), np.uint8), labels)
    chance = chance_loss(network, split, recipe)
    pictures = network.output.targets  # type: ignore[union-attr]
    drawn = torch.rand(500, 10, generator=torch.Generator().manual_seed(0)) ** 4
    mixtures = torch.cat([drawn / drawn.sum(dim=1, keepdim=True), torch.eye(10)])
    distances = torch.cdist(mixtures @ pictures, pictures).square()  # type: ignore[operator]
    rubbish = torch.ones(len(mixtures), 1)
    likelihoods = torch.cat([-distances, -rubbish], dim=1).log_softmax(dim=1)
    losses = -likelihoods[:, labels].mean(dim=1)
    assert float(losses.min()) >= chance - 1e-3
    assert float(losses.min()) <= chance * 1.5


def point(epoch: int, loss: float, accuracy: float = 0.1, **held_out: float) -> CurvePoint:
    """The end of an epoch."""
    return CurvePoint(epoch, loss, accuracy, 0.1, 1.0, **held_out)


def test_the_tutorials_slow_first_epoch_is_no_alarm(digits: Dataset) -> None:
    model, recipe = build_model(LeNetConfig(), seed=0), Recipe(epochs=10)
    assert not is_stuck(model, point(1, 2.302), digits, 235, recipe)
    assert is_stuck(model, point(2, 2.302), digits, 470, recipe)
    assert not is_stuck(model, point(2, 1.2), digits, 470, recipe)


def test_an_accuracy_above_chance_is_learning_whatever_the_loss_is(digits: Dataset) -> None:
    model, recipe = build_model(LeNetConfig(), seed=0), Recipe(epochs=3)
    assert is_stuck(model, point(3, 9.0, 0.11, test_accuracy=0.1), digits, 470, recipe)
    assert not is_stuck(model, point(3, 9.0, 0.3), digits, 470, recipe)
    assert not is_stuck(model, point(3, 9.0, 0.1, test_accuracy=0.9), digits, 470, recipe)
    held_out = digits.with_validation(0.1)
    at_last = point(3, 9.0, 0.1, validation_accuracy=0.9)
    assert not is_stuck(model, at_last, held_out, 470, recipe)


def test_a_few_right_answers_among_few_images_are_luck(digits: Dataset) -> None:
    few = Split(digits.train.images[:10], np.arange(10) % 2)
    data = Dataset("few", ("even", "odd"), few, None)
    model = build_model(LeNetConfig(classes=2), seed=0)
    assert is_stuck(model, point(3, 0.69, 0.7), data, 470, Recipe(epochs=3))
    assert not is_stuck(model, point(3, 0.69, 1.0), data, 470, Recipe(epochs=3))


def sentences(model: nn.Module, recipe: Recipe, steps: int = 1000) -> tuple[str, ...]:
    """What a network that does not learn is advised."""
    return diagnose(model, torch.rand(4, 1, 28, 28), 2.3, 2.3, steps, recipe).remedies


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "gelu"])
def test_each_remedy_is_a_sentence_by_itself(activation: str) -> None:
    for initialisation in ("xavier", "pytorch", "normal"):
        config = {"activation": activation, "initialisation": initialisation}
        model = build_model(model_config("mlp", config), seed=0)
        for optimiser, rate, steps in product(("sgd", "adam"), (1e-5, 0.1, 5.0), (1, 1000)):
            recipe = Recipe.from_dict({"optimiser": optimiser, "learning_rate": rate})
            remedies = sentences(model, recipe, steps)
            assert remedies
            for remedy in remedies:
                assert remedy[0].isupper() or remedy[0].isdigit()
                assert not remedy.startswith(("Or ", "And ", "But "))
                assert remedy.endswith(".")


def test_what_a_network_does_not_have_is_not_advised() -> None:
    for name in ("softmax", "lenet5"):
        said = " ".join(sentences(build_model(model_config(name), seed=0), Recipe()))
        assert "`activation`" not in said
        assert "`initialisation`" not in said
    own = nn.Sequential(nn.Flatten(), nn.Linear(784, 32), nn.Sigmoid(), nn.Linear(32, 10))
    said = " ".join(sentences(own, Recipe()))
    assert "`torch.nn.init.xavier_uniform_`" in said
    assert "`initialisation`" not in said


@pytest.mark.parametrize(
    ("changes", "rate"),
    [
        ({"learning_rate": 0.9}, "0.1"),
        ({"learning_rate": 0.09, "momentum": 0.9}, "0.01"),
        ({"optimiser": "adam", "learning_rate": 0.1}, "0.001"),
        ({"optimiser": "adamw", "learning_rate": 1e-6}, "0.001"),
    ],
)
def test_the_learning_rate_advised_suits_the_optimiser(changes: dict[str, Any], rate: str) -> None:
    model = build_model(LeNetConfig(activation="relu"), seed=0)
    assert f"`learning_rate` {rate}." in sentences(model, Recipe.from_dict(changes))[0]


def test_a_network_is_only_looked_at() -> None:
    model = build_model(LeNetConfig(batch_norm=True), seed=0).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    sentences(model, Recipe())
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_the_bounds_of_lenet5s_squashing_are_known() -> None:
    network = build_model(model_config("lenet5"), seed=0)
    for parameter in network.parameters():
        parameter.data *= 1e3
    found = diagnose(network, torch.rand(8, 1, 28, 28), 60.0, 55.0, 1000, Recipe())
    assert all(layer.saturated > 0.9 for layer in found.layers if layer.name == "ScaledTanh")
    assert "Layer c1_squash (ScaledTanh) is" in str(found)
