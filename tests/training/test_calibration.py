"""A temperature makes probabilities honest, and a threshold lets nearly all right answers pass."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from lenet.training import calibrate


def labels_drawn_from(logits: np.ndarray, seed: int) -> np.ndarray:
    """What each image is, as likely as the softmax of the logits says."""
    probabilities = torch.from_numpy(logits).double().softmax(dim=1)
    generator = torch.Generator().manual_seed(seed)
    return torch.multinomial(probabilities, 1, generator=generator)[:, 0].numpy()


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_the_temperature_of_logits_that_were_scaled_is_found(temperature: float) -> None:
    honest = np.random.default_rng(0).normal(0, 2, (20_000, 10)).astype(np.float32)
    labels = labels_drawn_from(honest, seed=1)
    found = calibrate(honest * np.float32(temperature), labels)
    assert found.temperature == pytest.approx(temperature, rel=0.03)
    assert found.images == 20_000


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), scale=st.floats(0.5, 5))
def test_no_other_temperature_has_a_lower_cross_entropy_for_pytorch(
    seed: int, scale: float
) -> None:
    honest = np.random.default_rng(seed).normal(0, 2, (500, 4)).astype(np.float32)
    labels = torch.from_numpy(labels_drawn_from(honest, seed))
    smoothed = torch.full((500, 4), 1 / 502 / 3, dtype=torch.float64)
    smoothed[torch.arange(500), labels] = 501 / 502
    logits = torch.from_numpy(honest).double() * scale
    found = calibrate(logits.float().numpy(), labels.numpy()).temperature

    def loss(temperature: float) -> float:
        return float(torch.nn.functional.cross_entropy(logits / temperature, smoothed))

    assert loss(found) <= min(loss(found * 1.02), loss(found / 1.02)) + 1e-9


@pytest.mark.parametrize("scale", [0.01, 0.3, 1.0, 4.0, 100.0])
def test_the_temperature_is_where_scipy_finds_it_at_the_bounds_too(scale: float) -> None:
    honest = np.random.default_rng(5).normal(0, 2, (300, 4)).astype(np.float32)
    labels = labels_drawn_from(honest, seed=6)
    logits = honest * np.float32(scale)
    smoothed = np.full((300, 4), 1 / 302 / 3)
    smoothed[np.arange(300), labels] = 301 / 302

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(logits.astype(np.float64) / np.exp(log_temperature), axis=1)
        return -float((smoothed * scaled).sum(axis=1).mean())

    bounds = np.log([0.05, 20.0])
    expected = np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x)
    assert calibrate(logits, labels).temperature == pytest.approx(expected, rel=1e-5)


def test_the_threshold_lets_99_of_100_right_answers_pass() -> None:
    logits = np.random.default_rng(3).normal(0, 3, (2000, 5)).astype(np.float32)
    labels = labels_drawn_from(logits, seed=4)
    found = calibrate(logits, labels)
    probabilities = torch.from_numpy(logits / found.temperature).softmax(dim=1).numpy()
    right = probabilities.argmax(axis=1) == labels
    passing = probabilities.max(axis=1)[right] >= found.threshold - 1e-6
    assert 0.985 <= passing.mean() <= 0.995


@pytest.mark.parametrize("count", [5, 30, 1000])
@pytest.mark.parametrize("margin", [0.5, 5.0, 20.0, 80.0])
def test_images_that_are_all_right_make_no_answer_certain(count: int, margin: float) -> None:
    labels = np.arange(count) % 4
    logits = np.zeros((count, 4), np.float32)
    logits[np.arange(count), labels] = margin
    found = calibrate(logits, labels)
    scaled = torch.from_numpy(logits).double() / found.temperature
    given = scaled.softmax(dim=1).max(dim=1)[0]
    hottest = (torch.from_numpy(logits).double() / 20).softmax(dim=1).max(dim=1)[0]
    # Laplace's rule of succession; what is surer at the highest temperature stays so.
    assert float(given.mean()) <= max((count + 1) / (count + 2), float(hottest.mean())) + 1e-4
    assert found.threshold <= 1 - 1e-6
    assert found.temperature >= 1 or margin < 5 or count == 1000
    assert (given >= found.threshold - 1e-12).all()


def test_images_of_which_none_is_right_give_no_threshold() -> None:
    logits = np.array([[3.0, 0.0], [0.0, 3.0]], dtype=np.float32)
    found = calibrate(logits, np.array([1, 0]))
    assert found.threshold == 0
    assert found.temperature > 1
