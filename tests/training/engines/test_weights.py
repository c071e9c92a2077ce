"""Weights of images are a factor of their loss, in PyTorch and in NumPy alike."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lenet.datasets import Dataset, Split
from lenet.errors import DatasetError, ModelError
from lenet.kernels import EngineName, kernel_status
from lenet.models import ArrayNetwork, LeNetConfig
from lenet.training import Recipe, Trainer

ALL = Recipe(epochs=8, learning_rate=0.1)


def trained(data: Dataset, recipe: Recipe, engine: EngineName) -> tuple[Trainer, dict[str, Any]]:
    network = ArrayNetwork.build(LeNetConfig(activation="tanh"), seed=0)
    if recipe.batch_size == ALL.batch_size:  # a step an epoch, of all images
        recipe = recipe.replace(batch_size=len(data.train))
    trainer = Trainer(network, data, recipe, engine=engine)
    trainer.run()
    return trainer, {name: value.numpy() for name, value in trainer.model.state_dict().items()}


def weighted(data: Dataset, weights: Any) -> Dataset:
    train = data.train
    return replace(data, train=Split(train.images, train.labels, weights=np.float32(weights)))


@pytest.fixture
def some(digits: Dataset) -> Dataset:
    """60 images, which all count alike."""
    return Dataset("some", digits.class_names, digits.train.take(np.arange(60)))


@pytest.mark.parametrize("engine", ["torch", "numpy"])
@pytest.mark.parametrize(
    "settings", [{}, {"label_smoothing": 0.2}, {"loss": "map"}], ids=["plain", "smoothed", "map"]
)
def test_an_image_that_counts_twice_is_one_that_is_there_twice(
    engine: EngineName, settings: dict[str, Any], some: Dataset
) -> None:
    counts = np.random.default_rng(0).integers(0, 3, 60)
    twice = some.train.take(np.repeat(np.arange(60), counts))
    recipe = ALL.replace(**settings)
    _, expected = trained(replace(some, train=twice), recipe, engine)
    trainer, found = trained(weighted(some, 7 * counts), recipe, engine)
    assert trainer.engine.name == engine
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=2e-6)


@pytest.mark.parametrize("settings", [{}, {"loss": "map", "validation": 0.2}])
def test_pytorch_and_numpy_weigh_alike(settings: dict[str, Any], some: Dataset) -> None:
    recipe = Recipe(epochs=3, batch_size=16, learning_rate=0.1, **settings)
    data = weighted(some, np.random.default_rng(0).gamma(1.0, size=60))
    data = data.with_validation(0.2) if recipe.validation else data
    (first, by_torch), (other, by_numpy) = (trained(data, recipe, e) for e in ("torch", "numpy"))
    for one, two in zip(first.history, other.history, strict=True):
        assert one.train_loss == pytest.approx(two.train_loss, abs=1e-5)
    for name, values in by_torch.items():
        np.testing.assert_allclose(by_numpy[name], values, atol=1e-5)


def test_weights_that_are_alike_change_nothing(some: Dataset) -> None:
    _, plain = trained(some, ALL, "numpy")
    _, alike = trained(weighted(some, np.full(60, 3.0)), ALL, "numpy")
    for name, values in plain.items():
        np.testing.assert_allclose(alike[name], values, atol=1e-6)


def test_the_compiled_kernels_leave_weights_to_pytorch(some: Dataset) -> None:
    data = weighted(some, np.arange(60))
    assert trained(data, ALL.replace(epochs=1), "auto")[0].engine.name == "torch"
    if not kernel_status().reason:
        with pytest.raises(ModelError, match="kernels do not weigh images; `torch` and `numpy` do"):
            trained(data, ALL, "native")


@pytest.mark.parametrize("wrong", [[np.nan] * 60, [-1.0] * 60, [0.0] * 60, [1.0] * 59])
def test_what_is_no_weights_is_refused(wrong: list[float], some: Dataset) -> None:
    with pytest.raises(DatasetError, match=r"Weights must be finite|60 images but 59 weights"):
        weighted(some, wrong)


def test_other_weights_are_another_training(some: Dataset) -> None:
    assert weighted(some, np.arange(60)).fingerprint() != some.fingerprint()
