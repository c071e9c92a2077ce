"""A temperature makes probabilities honest, and a threshold keeps its promise."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.spatial.distance import cdist
from scipy.special import log_softmax

from lenet.errors import SettingError
from lenet.models import Calibration, decide
from lenet.training import calibrate, calibration_notice


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

    bounds = np.log([0.2, 20.0])
    expected = np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x)
    assert calibrate(logits, labels).temperature == pytest.approx(expected, rel=1e-5)


def answered(
    found: Calibration, logits: np.ndarray, none_index: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Which images are answered, and the likeliest class of each."""
    decided = decide(logits, found, none_index)
    return decided.is_sure, decided.likeliest


@pytest.mark.parametrize("wanted", [0.9, 0.95, 0.99])
def test_of_new_images_that_are_answered_the_wanted_share_is_right(wanted: float) -> None:
    shares = []
    for seed in range(10):
        logits = np.random.default_rng(seed).normal(0, 3, (15_000, 5)).astype(np.float32)
        logits[np.arange(15_000), np.arange(15_000) % 5] += 6
        labels = labels_drawn_from(logits, seed + 1)
        found = calibrate(logits[:5000], labels[:5000], answered_right=wanted)
        is_sure, likeliest = answered(found, logits[5000:])
        assert is_sure.mean() > 0.3
        assert found.answered_right == wanted
        assert found.answered == pytest.approx(is_sure.mean(), abs=0.03)
        passing = f"{100 * round(found.answered, 3):.4g} % of the held-out images get one"
        assert (passing in calibration_notice(found, wanted)) == (found.answered < 0.9)
        assert found.threshold == round(found.threshold, 3)
        shares.append((likeliest == labels[5000:])[is_sure].mean())
    assert np.mean(shares) > wanted - 0.003
    assert min(shares) > wanted - 0.02


def easy(count: int, margin: float, classes: int = 4, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Logits and labels of images that are all right, by about this margin."""
    labels = np.arange(count) % classes
    logits = np.random.default_rng(seed).normal(0, margin / 10, (count, classes))
    logits[np.arange(count), labels] += margin
    return logits.astype(np.float32), labels


@pytest.mark.parametrize("count", [5, 30, 300, 6000])
@pytest.mark.parametrize("margin", [3.0, 10.0, 40.0])
def test_images_that_are_all_right_are_answered_and_make_no_answer_surer(
    count: int, margin: float
) -> None:
    logits, labels = easy(count, margin)
    found = calibrate(logits, labels)
    assert found.temperature >= 1
    assert 0.5 <= found.threshold <= 0.9
    assert answered(found, logits)[0].mean() >= 0.98
    scaled = torch.from_numpy(logits).double() / found.temperature
    hottest = (torch.from_numpy(logits).double() / 20).softmax(dim=1).max(dim=1)[0]
    # Laplace's rule of succession; what is surer at the highest temperature stays so.
    most = max((count + 1) / (count + 2), float(hottest.mean()))
    assert float(scaled.softmax(dim=1).max(dim=1)[0].mean()) <= most + 1e-4
    assert found.answered_right == pytest.approx(min(0.99, (count + 1) / (count + 2)))


def test_a_network_that_is_always_right_and_unsure_of_it_is_not_made_surer() -> None:
    logits, labels = easy(300, 0.5)
    found = calibrate(logits, labels)
    assert found.temperature == 1
    assert not answered(found, np.random.default_rng(1).normal(0, 0.5, (100, 4)))[0].any()


def test_too_few_images_say_how_many_it_takes() -> None:
    logits, labels = easy(50, 12)
    few = calibrate(logits, labels)
    notice = calibration_notice(few, 0.99)
    assert "50 images were held out, too few to show that 99 %" in notice
    assert "takes 98 at least" in notice
    assert f"a probability of {100 * few.threshold:.4g} %; 98.08 % of such" in notice
    assert few.answered_right == pytest.approx(51 / 52)
    assert not calibration_notice(calibrate(*easy(98, 12)), 0.99)
    assert calibration_notice(calibrate(*easy(97, 12)), 0.99)


def test_a_class_without_images_and_images_of_one_class_change_nothing() -> None:
    logits, labels = easy(600, 10, classes=6)
    whole = calibrate(logits, labels)
    for kept in (labels != 3, labels == 3):
        found = calibrate(logits[kept], labels[kept])
        assert found.temperature == pytest.approx(whole.temperature, abs=0.6)
        assert found.threshold == pytest.approx(whole.threshold, abs=0.05)
        assert answered(found, logits)[0].mean() > 0.95


@pytest.mark.parametrize("count", [50, 1000])
def test_of_shuffled_labels_hardly_anything_is_answered(count: int) -> None:
    logits, labels = easy(count, 10)
    found = calibrate(logits, np.random.default_rng(2).permutation(labels))
    assert answered(found, logits)[0].mean() < 0.01
    assert found.answered_right == 0
    assert "hardly any has it" in calibration_notice(found, 0.99) or count == 50


def test_a_share_that_is_out_of_reach_becomes_the_best_that_there_is() -> None:
    random = np.random.default_rng(4)
    logits, labels = easy(2000, 10, seed=3)
    odd = random.random(2000) < 0.04  # however sure the network is
    found = calibrate(logits, np.where(odd, (labels + 1) % 4, labels))
    assert 0.94 < found.answered_right < 0.98
    assert "No threshold makes 99 % of the answers right on the 2,000" in calibration_notice(
        found, 0.99
    )


def test_labels_that_were_smoothed_in_training_may_make_answers_surer() -> None:
    # What training with a share of 0.2 on other labels leads to: 0.85 for what is right by 0.98.
    random = np.random.default_rng(5)
    logits, labels = easy(5000, np.log(0.85 / 0.05))
    wrong = random.random(5000) < 0.02
    logits[wrong] = np.roll(logits[wrong], 1, axis=1) * 0.5
    found = calibrate(logits, labels)
    assert 0.4 < found.temperature < 0.9
    assert answered(found, logits)[0].mean() > 0.9


def test_counter_examples_that_are_answered_count_as_wrong() -> None:
    logits, labels = easy(1000, 8, classes=5)
    none = labels == 4
    assert calibrate(logits, labels, none_index=4).answered_right == 0.99
    # Half of them are taken for a class, a little less surely than what is one.
    fooled = none & (np.arange(1000) % 10 == 4)
    logits[fooled] = np.roll(logits[fooled], 1, axis=1) * 0.6
    strict = calibrate(logits, labels, none_index=4)
    is_sure, likeliest = answered(strict, logits, 4)
    assert (likeliest < 4).all()
    assert is_sure[none].sum() <= 0.01 * is_sure.sum() + 1
    assert is_sure[~none].mean() > 0.8


def test_what_none_is_likelier_than_is_not_answered() -> None:
    scores = np.log([[0.3, 0.1, 0.6], [0.5, 0.1, 0.4], [0.2, 0.7, 0.1]])
    found = Calibration(threshold=0.25)
    decided = decide(scores, found, 2)
    assert decided.answers.tolist() == [-1, 0, 1]
    assert decided.likeliest.tolist() == [0, 0, 1]
    np.testing.assert_allclose(decided.none_probability, [0.6, 0.4, 0.1])
    assert decide(scores, Calibration(threshold=0.6), 2).answers.tolist() == [-1, -1, 1]
    assert decide(scores, found, None).answers.tolist() == [2, 0, 1]


@pytest.mark.parametrize("count", [100, 300, 6000])
def test_99_of_100_new_images_are_within_reach_and_what_is_unlike_them_is_not(count: int) -> None:
    shares = []
    for seed in range(10):
        found = calibrate(*easy(count, 8, seed=2 * seed))
        decided = decide(easy(4000, 8, seed=2 * seed + 1)[0], found, None)
        shares.append(1 - decided.is_far.mean())
    # Of few images one of a hundred is the farthest, and how far that one is varies.
    assert 0.985 < np.mean(shares) < 0.998
    two_at_once = np.tile([8, 5, 0, 0], (100, 1))
    decided = decide(two_at_once, found, None)
    assert (decided.distance > found.reach).all()
    assert (decided.is_far == (decided.probability >= found.threshold)).all()
    assert (decided.answers == -1).all()
    always = decide(two_at_once, found, None, threshold=0)
    assert (always.answers == 0).all()
    np.testing.assert_array_equal(always.distance, decided.distance)
    assert not always.is_far.any()


def test_distances_are_those_of_mahalanobis_for_scipy() -> None:
    logits, labels = easy(2000, 3, seed=7)
    found = calibrate(logits, labels)
    logarithms = log_softmax(logits.astype(np.float64) / found.temperature, axis=1)
    means = np.array([logarithms[labels == label].mean(axis=0) for label in range(4)])
    away = logarithms - means[labels]
    covariance = away.T @ away / 1996
    covariance += np.eye(4) * (0.001 * covariance.trace() / 4 + 0.01**2)
    inverse = np.linalg.inv(covariance)
    expected = cdist(logarithms, means, "mahalanobis", VI=inverse).min(axis=1)
    np.testing.assert_allclose(decide(logits, found, None).distance, expected, rtol=1e-5)


def test_the_reach_is_as_far_as_if_each_image_had_been_left_out() -> None:
    logits, labels = easy(120, 2, seed=8)
    found = calibrate(logits, labels)
    logarithms = log_softmax(logits.astype(np.float64) / found.temperature, axis=1)
    ridge = np.linalg.inv(np.array(found.whitening) @ np.array(found.whitening).T)
    distances = []
    for index in np.flatnonzero(logits.argmax(axis=1) == labels):
        others = np.arange(120) != index
        means = [logarithms[others & (labels == label)].mean(axis=0) for label in range(4)]
        away = (logarithms - np.array(means)[labels])[others]
        plain = logarithms - [logarithms[labels == label].mean(axis=0) for label in labels]
        beside = ridge - plain.T @ plain / 116  # what was added to the covariance
        covariance = away.T @ away / 115 + beside
        inverse = np.linalg.inv(covariance)
        distances.append(cdist([logarithms[index]], means, "mahalanobis", VI=inverse).min())
    expected = np.sort(distances)[-1]  # of fewer than 199 the farthest is the 99th in 100
    assert found.reach == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("odd", ["few", "few of a class", "a class missing", "none"])
def test_what_says_too_little_of_where_classes_lie_gives_no_distances(odd: str) -> None:
    logits, labels = easy(400, 8)
    kept = np.ones(400, bool)
    if odd == "few":
        kept = np.arange(400) < 99
    elif odd != "none":
        kept = (labels != 3) | (np.cumsum(labels == 3) < (10 if odd == "few of a class" else 0))
    found = calibrate(logits[kept], labels[kept], none_index=3 if odd == "none" else None)
    assert (found.means, found.whitening, found.reach) == ((), (), 0.0)
    assert answered(found, logits)[0].mean() > 0.7
    assert (decide(logits, found, None).distance == 0).all()


def test_outputs_that_never_vary_give_distances_that_can_be_computed_with() -> None:
    labels = np.arange(200) % 4
    logits = np.where(np.eye(4)[labels] > 0, 1e4, 0).astype(np.float32)
    found = calibrate(logits, labels)
    decided = decide(logits, found, None)
    assert np.isfinite(decided.distance).all()
    assert decided.is_sure.all()


def test_distances_of_shuffled_labels_refuse_nothing_by_themselves() -> None:
    logits, labels = easy(1000, 10)
    found = calibrate(logits, np.random.default_rng(2).permutation(labels))
    assert (decide(logits, found, None).distance <= found.reach).mean() > 0.98


@pytest.mark.parametrize(
    "wrong",
    [
        {"means": ((np.inf,),), "whitening": ((1.0,),)},
        {"means": ((0.0,),), "whitening": ((np.nan,),)},
        {"means": ((0.0,),), "whitening": ((1e308,),)},
        {"reach": 1e19},
        {"threshold": 5e-324},
        {"temperature": 1e-300},
        {"temperature": 1e300},
    ],
)
def test_numbers_that_float32_can_not_compute_with_are_no_calibration(
    wrong: dict[str, Any],
) -> None:
    with pytest.raises(SettingError, match=r"must (be|hold)"):
        Calibration(**wrong)
