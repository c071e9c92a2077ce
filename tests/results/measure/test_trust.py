"""Calibration, suspects and robustness, against scikit-learn and plain loops."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from torch import nn

import lenet
from lenet.datasets import Dataset, Split
from lenet.models import LeNet, LeNetConfig, Normalisation, save_model
from lenet.results import (
    answer,
    expected_calibration_error,
    find_suspects,
    frequent_confusions,
    measure_robustness,
    reliability,
    score_predictions,
)


def draw_answers(seed: int, count: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, count)
    logits = generator.normal(size=(count, classes)) + 2 * np.eye(classes)[labels]
    return torch.from_numpy(logits).softmax(dim=1).numpy(), labels


@settings(deadline=None)
@given(st.integers(0, 1000), st.integers(1, 300), st.integers(2, 20), st.integers(1, 20))
def test_reliability_is_scikit_learns_calibration_curve(
    seed: int, count: int, classes: int, bins: int
) -> None:
    probabilities, labels = draw_answers(seed, count, classes)
    parts = reliability(probabilities, labels, bins)
    is_right = probabilities.argmax(axis=1) == labels
    accuracy, confidence = calibration_curve(is_right, probabilities.max(axis=1), n_bins=bins)
    np.testing.assert_allclose([part.accuracy for part in parts], accuracy)
    np.testing.assert_allclose([part.confidence for part in parts], confidence)
    assert sum(part.images for part in parts) == count
    assert all(part.low < part.confidence <= part.high + 1e-12 for part in parts)


def test_the_calibration_error_is_its_formula() -> None:
    probabilities, labels = draw_answers(0, 500, 4)
    total = 0.0
    for part in range(15):
        low, high = part / 15, (part + 1) / 15
        inside = [i for i in range(500) if low < max(probabilities[i]) <= high]
        if inside:
            accuracy = np.mean([np.argmax(probabilities[i]) == labels[i] for i in inside])
            confidence = np.mean([max(probabilities[i]) for i in inside])
            total += len(inside) / 500 * abs(accuracy - confidence)
    assert expected_calibration_error(probabilities, labels) == pytest.approx(total)


def test_certainty_that_is_right_has_no_calibration_error() -> None:
    assert expected_calibration_error(np.eye(3), np.arange(3)) == 0
    assert expected_calibration_error(np.eye(3), np.array([1, 2, 0])) == 1


@settings(deadline=None)
@given(st.integers(0, 1000), st.integers(1, 100), st.integers(2, 10))
def test_suspects_are_those_of_the_paper(seed: int, count: int, classes: int) -> None:
    probabilities, labels = draw_answers(seed, count, classes)
    thresholds = {
        c: np.mean([probabilities[i][c] for i in range(count) if labels[i] == c])
        for c in range(classes)
        if c in labels
    }
    expected = set()
    for i in range(count):
        over = [c for c, threshold in thresholds.items() if probabilities[i][c] >= threshold]
        if over and max(over, key=lambda c: probabilities[i][c]) != labels[i]:
            expected.add(i)
    found = find_suspects(probabilities, labels)
    assert set(found.tolist()) == expected
    own = probabilities[found, labels[found]]
    assert (np.diff(own) >= 0).all()


def test_labels_that_were_changed_are_among_the_suspects() -> None:
    probabilities, labels = draw_answers(3, 1000, 4)
    sure = np.flatnonzero(probabilities[np.arange(1000), labels] > 0.9)[:20]
    labels[sure] = (labels[sure] + 1) % 4
    assert set(sure) <= set(find_suspects(probabilities, labels).tolist())


def test_confusions_are_counted() -> None:
    labels = np.array([0, 0, 0, 1, 1, 2])
    predictions = np.array([1, 1, 0, 2, 1, 2])
    scored = score_predictions(labels, predictions, ("a", "b", "c"), loss=0, dataset="", split="")
    found = [(one.true, one.given, one.count, one.images) for one in frequent_confusions(scored)]
    assert found == [("a", "b", 2, 3), ("b", "c", 1, 2)]
    assert len(frequent_confusions(scored, most=1)) == 1


class _Brightness(nn.Module):
    """Takes images brighter than the middle for class 1, and is 3 : 1 sure."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        is_bright = images.mean(dim=(1, 2, 3)) > 0.5
        return torch.where(is_bright[:, None], torch.tensor([0, 3.0]), torch.tensor([3.0, 0])).log()


def test_robustness_is_the_accuracy_on_changed_images() -> None:
    images = np.zeros((100, 1, 28, 28), np.uint8)
    images[50:] = 200
    network = _Brightness()
    examples = Split(images, np.arange(100) // 50)
    measured = {
        one.corruption.name: one
        for one in measure_robustness(network, examples, Normalisation(), images=40)
    }
    assert measured["brightness"].images == 40
    by_strength = {point.strength: point for point in measured["brightness"].points}
    assert by_strength[0].accuracy == 1
    assert by_strength[0].confidence == pytest.approx(1, abs=1e-4)
    bright = np.sort(np.random.default_rng(0).choice(100, 40, replace=False)) >= 50
    assert by_strength[-120].accuracy == pytest.approx(1 - bright.mean())
    assert measured["inversion"].points[1].accuracy == 0
    low, high = measured["inversion"].points[1].interval
    assert low == 0 < high < 0.2


def test_an_answer_agrees_with_the_evaluation(few_digits: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, LeNet(LeNetConfig()), class_names=few_digits.class_names)
    answers = answer(path, few_digits)
    scored = lenet.evaluate(path, few_digits)
    assert answers.evaluation == scored
    probabilities = answers.probabilities()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (probabilities.argmax(axis=1) == few_digits.test.labels).mean() == scored.accuracy
    assert (answers.probabilities(4).max(axis=1) <= probabilities.max(axis=1) + 1e-9).all()
