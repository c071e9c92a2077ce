"""Scores against scipy, scikit-learn's report and counting by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import (
    balanced_accuracy_score,
    classification_report,
    top_k_accuracy_score,
)
from torch import nn

import lenet
from lenet.datasets import Dataset
from lenet.errors import DatasetError, DownloadError, ModelError, RunError
from lenet.results import (
    Answered,
    Views,
    answer,
    confusion_text,
    draw_confusion,
    expected_calibration_error,
    log_probabilities,
    score_predictions,
    wilson_interval,
)


@given(st.integers(1, 10**6), st.floats(0, 1))
def test_the_interval_is_that_of_scipy(count: int, share: float) -> None:
    correct = round(share * count)
    expected = binomtest(correct, count).proportion_ci(method="wilson")
    assert wilson_interval(correct, count) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_the_scores_are_those_of_scikit_learns_report() -> None:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 4, 200)
    predictions = np.where(generator.random(200) < 0.7, labels, generator.integers(0, 4, 200))
    names = ("a", "b", "c", "d")
    scored = score_predictions(labels, predictions, names, loss=1.0, dataset="x", split="test")
    report = classification_report(labels, predictions, target_names=names, output_dict=True)
    for score in scored.classes:
        expected = report[score.name]
        found = (score.precision, score.recall, score.f1, score.images)
        assert found == pytest.approx(
            (expected["precision"], expected["recall"], expected["f1-score"], expected["support"])
        )
    assert scored.accuracy == report["accuracy"]
    assert scored.macro_f1 == pytest.approx(report["macro avg"]["f1-score"])
    assert scored.balanced_accuracy == pytest.approx(balanced_accuracy_score(labels, predictions))
    for row in range(4):
        for column in range(4):
            count = int(((labels == row) & (predictions == column)).sum())
            assert scored.confusion[row][column] == count


def test_classes_that_never_occur_score_nothing_and_break_nothing() -> None:
    labels, predictions = np.array([0, 0]), np.array([1, 0])
    scored = score_predictions(
        labels, predictions, ("a", "b", "c"), loss=1.0, dataset="x", split="test"
    )
    a, *others = scored.classes
    assert (a.precision, a.recall, a.f1) == pytest.approx((1, 1 / 2, 2 / 3))
    assert {(b.precision, b.recall, b.f1, b.images) for b in others} == {(None, None, None, 0)}
    assert (scored.macro_f1, scored.balanced_accuracy) == pytest.approx((2 / 3, 1 / 2))
    assert scored.to_dict()["classes"][2]["recall"] is None
    never = score_predictions(labels + 1, predictions * 0, ("a", "b"), loss=1, dataset="", split="")
    b = never.classes[1]
    assert (b.precision, b.recall, b.f1, b.images) == (0, 0, 0, 2)
    text = confusion_text(scored)
    assert len(text.splitlines()) == 4
    assert len({len(line) for line in text.splitlines()}) == 1, "columns stand under each other"
    axes = draw_confusion(scored, "title").axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b", "c"]
    assert sorted(text.get_text() for text in axes.texts) == ["1", "1"]


@pytest.fixture(scope="module")
def run(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> lenet.Run:
    """A run with a validation split that has learnt something."""
    return lenet.train(
        dataset=digits,
        activation="relu",
        learning_rate=0.1,
        preset="tutorial",
        batch_size=32,
        epochs=4,
        validation=0.2,
        normalisation="standard",
        runs_folder=tmp_path_factory.mktemp("runs"),
        listeners=[],
    )


def test_the_evaluation_agrees_with_the_training(run: lenet.Run) -> None:
    scored = lenet.evaluate(run)
    assert scored.accuracy == run.result.test_accuracy
    assert scored.loss == pytest.approx(run.result.test_loss, rel=1e-5)
    assert scored.accuracy > 0.8
    assert scored.images == 359
    validation = lenet.evaluate(run, split="validation")
    assert validation.accuracy == run.result.validation_accuracy
    train = lenet.evaluate(run, split="train")
    assert train.images + validation.images == 1438 or train.images + validation.images == 1437


@pytest.mark.parametrize("threshold", [None, 0.0, 0.9, 1.0])
def test_what_predict_would_answer_is_counted(
    run: lenet.Run, digits: Dataset, threshold: float | None
) -> None:
    network, card = lenet.load(run)
    test = digits.require_test()
    images = test.images.copy()
    images[:7] = 40  # in which nothing is to be seen
    if threshold is not None:
        card = replace(card, calibration=card.calibration.replace(threshold=threshold))
    data = replace(digits, test=lenet.Split(images, test.labels))
    scored = lenet.evaluate((network, card), data)
    assert scored.answered is not None
    answers = lenet.predict(run, list(images[:, 0]), threshold=threshold)
    named = [card.class_names[label] for label in test.labels]
    right = sum(one.class_name == name for one, name in zip(answers, named, strict=True))
    none = sum(one.class_name is None for one in answers)
    assert none >= 7
    assert scored.answered == Answered(
        right, len(images) - right - none, none, card.calibration.threshold
    )
    knowing = lenet.evaluate((network, replace(card, answers_blank=True)), data).answered
    if threshold == 0:
        assert knowing is not None
        assert (none, knowing.none) == (7, 0)
        assert knowing.right == round(scored.accuracy * len(images))


def test_temperature_calibration_error_and_likeliest_classes_are_told(run: lenet.Run) -> None:
    answers = answer(run)
    scored, temperature = answers.evaluation, answers.card.calibration.temperature
    assert scored.temperature == temperature != 1
    shares, labels = answers.probabilities(temperature), answers.examples.labels
    assert scored.calibration_error == expected_calibration_error(shares, labels)
    assert scored.top_k is not None
    assert list(scored.top_k) == [2, 3, 5]
    for k, share in scored.top_k.items():
        assert share == top_k_accuracy_score(labels, shares, k=k)


def test_a_model_file_is_evaluated_alone(run: lenet.Run) -> None:
    scored = lenet.evaluate(run.model_path)
    assert scored == lenet.evaluate(run)
    with pytest.raises(RunError, match="Only a run knows"):
        lenet.evaluate(run.model_path, split="validation")


def test_data_that_does_not_fit_is_an_error(run: lenet.Run, digits: Dataset) -> None:
    split = lenet.Split(digits.test.images[:, :, 4:, 4:], digits.test.labels)
    other = Dataset("small", digits.class_names, split, split)
    with pytest.raises(ModelError, match=r"`small` has shape \(1, 24, 24\)"):
        lenet.evaluate(run, other)


def test_a_run_without_validation_says_so(few_digits: Dataset) -> None:
    run = lenet.train(dataset=few_digits, epochs=1, batch_size=64, listeners=[])
    with pytest.raises(RunError, match="without a validation split"):
        lenet.evaluate(run, few_digits, split="validation")


def test_an_evaluation_of_nothing_is_an_error() -> None:
    with pytest.raises(RunError, match="lenet train"):
        lenet.evaluate()
    Path("empty").mkdir()
    with pytest.raises(RunError, match="not a run folder"):
        lenet.evaluate("empty")


@pytest.mark.parametrize("views", ["single", "mirrored", "shifted"])
def test_views_are_averaged_as_probabilities(views: Views, run: lenet.Run, digits: Dataset) -> None:
    network, card = lenet.load(run.folder)
    normalisation = card.normalisation
    pixels = torch.from_numpy(digits.test.images).float()
    looks = {
        "single": [pixels],
        "mirrored": [pixels, pixels.flip(3)],
        "shifted": [
            nn.functional.pad(pixels, (x, -x, y, -y)) for x in (-1, 0, 1) for y in (-1, 0, 1)
        ],
    }[views]
    with torch.no_grad():
        inputs = [(look / 255 - normalisation.mean) / normalisation.std for look in looks]
        expected = sum(network(images).double().softmax(1) for images in inputs) / len(looks)
    found = log_probabilities(network, digits.test, normalisation, views=views)
    np.testing.assert_allclose(np.exp(found), expected.numpy(), atol=1e-5)
    accuracy = float((expected.argmax(1).numpy() == digits.test.labels).mean())
    assert lenet.evaluate(run, views=views).accuracy == pytest.approx(accuracy)


def test_a_dataset_of_other_classes_is_refused() -> None:
    with pytest.raises(DatasetError, match="`digits` has the class `0`, which the network does"):
        lenet.evaluate("fashion", "digits")


def test_without_a_network_the_images_at_hand_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    at_hand = lenet.load_dataset("digits")

    def load(name: str) -> Dataset:
        if name == "digits":
            return at_hand
        message = f"`{name}` can't be fetched."
        raise DownloadError(message)

    monkeypatch.setattr("lenet.results.measure._examples.load_dataset", load)
    with pytest.raises(DownloadError, match=r"fetched\. `--data digits` needs no download\."):
        lenet.evaluate("digits")
    with pytest.raises(DownloadError, match=r"fetched\.$"):
        lenet.evaluate("fashion")
