"""Drawings beside a dataset: more of its digits, strangers, and what is made of its own images."""

import json

import numpy as np
import pytest

import lenet
from calling import call
from lenet.core import NONE_CLASS
from lenet.datasets import Dataset, Split, draw_beside, draw_digits, draw_strangers


def garments(digits: Dataset) -> Dataset:
    """Images of two classes that are no digits."""
    train = Split(digits.train.images[:60], digits.train.labels[:60] % 2)
    return Dataset("garments", ("shirt", "bag"), train, preparation=digits.preparation)


def test_digits_get_more_of_themselves_and_a_class_of_strangers(digits: Dataset) -> None:
    made, known = draw_beside(digits, 30, 7, strangers=18), len(digits.train)
    assert made.class_names == (*digits.class_names, NONE_CLASS)
    assert made.test is digits.test
    images, labels = made.train.images, made.train.labels
    assert np.array_equal(images[:known], digits.train.images)
    drawn = draw_digits(30, 7, preparation=digits.preparation)
    assert np.array_equal(images[known : known + 30], drawn.images)
    assert np.array_equal(labels[known : known + 30], drawn.labels)
    others = draw_strangers(16, 7, preparation=digits.preparation)
    assert np.array_equal(images[-18:-2], others.images)
    assert (labels[-18:] == 10).all()
    assert len(images) == known + 30 + 10 + 18, "ten of its own in what is left of a form"
    again = draw_beside(digits, 30, 7, strangers=18)
    assert np.array_equal(again.train.images, images)
    assert not np.array_equal(draw_beside(digits, 30, 8, strangers=18).train.images, images)


def test_its_own_digits_in_what_is_left_of_a_form_are_still_read(digits: Dataset) -> None:
    made, known = draw_beside(digits, 300, strangers=0), len(digits.train)
    assert made.class_names == digits.class_names
    own = made.train.take(np.arange(known + 300, known + 400))
    given = lenet.open_model("digits").logits(own.images)[:, :10].argmax(axis=1)
    assert (given == own.labels).mean() > 0.3  # lines that touch make them small


def test_digits_are_strangers_to_other_classes(digits: Dataset) -> None:
    made = draw_beside(garments(digits), 20, strangers=9)
    assert made.class_names == ("shirt", "bag", NONE_CLASS)
    assert np.bincount(made.train.labels[60:], minlength=3).tolist() == [0, 0, 29]
    twice = draw_beside(made, 10)
    assert twice.class_names == made.class_names
    assert np.bincount(twice.train.labels)[2] == 39


def test_the_command_writes_them(digits: Dataset) -> None:
    asked = ("--count", "20", "--strangers", "9", "--to", "npz", "--beside", "digits")
    told = call("data", "draw", "made.npz", *asked, "--json").stdout
    assert json.loads(told)["strangers"] == 9
    made = lenet.load_dataset("made.npz")
    assert len(made.train) == len(digits.train) + 20 + 6 + 9
    assert made.class_names[-1] == NONE_CLASS
    for flags in (("--pictures",), ("--part", "held-out")):
        error = call("data", "draw", "other", "--beside", "digits", *flags, code=2).stderr
        assert "`--beside` takes images to learn from" in error


@pytest.mark.parametrize("count", [{"count": -1}, {"strangers": 10**8}])
def test_numbers_out_of_range_are_refused(digits: Dataset, count: dict[str, int]) -> None:
    with pytest.raises(lenet.LenetError, match=next(iter(count))):
        draw_beside(digits, **count)
