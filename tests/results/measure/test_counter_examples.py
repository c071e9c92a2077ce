"""A network that has learnt `_none` is scored on its classes, and on what it refuses."""

from dataclasses import replace

import numpy as np
import pytest

import lenet
from lenet.datasets import Dataset, Split
from lenet.errors import DatasetError
from lenet.models import read_card
from lenet.results import answer, evaluate, examine
from lenet.serving import open_model


def test_classes_are_scored_by_themselves_and_counter_examples_beside_them(
    doubtful_run: lenet.Run, doubtful_digits: Dataset, digits: Dataset
) -> None:
    assert digits.test is not None
    assert doubtful_digits.test is not None
    card = read_card(doubtful_run.model_path)
    assert (card.none_index, card.classes) == (10, tuple("0123456789"))
    assert not card.answers_blank
    threshold = card.calibration.threshold
    scored = evaluate(doubtful_run, doubtful_digits)
    images, labels = doubtful_digits.test.images, doubtful_digits.test.labels
    shares = open_model(doubtful_run).probabilities(images)
    assert shares.shape == (len(images), 11)

    best, is_real = shares[:, :10].argmax(axis=1), labels < 10
    assert scored.images == is_real.sum() == 359
    assert scored.accuracy == pytest.approx((best == labels)[is_real].mean())
    largest = shares[:, :10].max(axis=1)
    passes = (largest >= threshold) & (largest >= shares[:, 10])
    answered = scored.answered
    assert answered is not None
    assert answered.right == ((best == labels) & passes & is_real).sum()
    assert answered.none == (~passes & is_real).sum()
    assert answered.right + answered.wrong + answered.none == 359
    assert doubtful_run.result.test_accuracy == scored.accuracy
    assert doubtful_run.result.test_loss == pytest.approx(scored.loss)
    assert scored.counter_examples is not None
    assert scored.counter_examples.images == 120
    assert scored.counter_examples.none == (~passes & ~is_real).sum() > 100
    assert len(scored.classes) == len(scored.confusion) == 10
    assert scored.to_dict()["counter_examples"]["images"] == 120


def test_data_without_counter_examples_gives_the_same_scores(
    doubtful_run: lenet.Run, doubtful_digits: Dataset
) -> None:
    with_others = evaluate(doubtful_run, doubtful_digits)
    without = evaluate(doubtful_run, "digits")
    assert without.counter_examples is None
    assert replace(without, dataset="doubtful", loss=0) == replace(
        with_others, counter_examples=None, loss=0
    )
    assert without.loss == pytest.approx(with_others.loss)
    numbers = lenet.load_dataset("digits").test
    assert numbers is not None
    pair = numbers.images, numbers.labels
    assert evaluate(doubtful_run, pair).accuracy == without.accuracy


def test_every_image_has_its_own_name_in_the_table(
    doubtful_run: lenet.Run, doubtful_digits: Dataset
) -> None:
    rows = list(answer(doubtful_run, doubtful_digits).rows())
    assert [name for name, *_ in rows] == [f"test no. {number}" for number in range(479)]
    assert {true for _, true, *_ in rows[359:]} == {"_none"}
    assert "_none" not in {given for _, _, given, _ in rows}


def test_a_report_looks_at_the_classes(doubtful_run: lenet.Run, doubtful_digits: Dataset) -> None:
    findings = examine(doubtful_run, doubtful_digits)
    assert findings.class_names == tuple("0123456789")
    assert findings.probabilities.shape == (359, 10)
    assert (findings.probabilities.sum(axis=1) < 1).all()
    plain = [point for point in findings.robustness[0].points if point.strength == 0]
    assert plain[0].accuracy == pytest.approx(findings.evaluation.accuracy)


def test_counter_examples_alone_are_no_data_to_score_on(
    doubtful_run: lenet.Run, doubtful_digits: Dataset
) -> None:
    split = Split(np.zeros((4, 1, 28, 28), np.uint8), np.full(4, 10))
    alone = Dataset("alone", doubtful_digits.class_names, split, split)
    with pytest.raises(DatasetError, match="All test images of `alone` are of `_none`"):
        evaluate(doubtful_run, alone)
