"""Drawings beside a dataset: more of its digits, strangers, and what is made of its own images."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

import lenet
from calling import call
from lenet.core import NONE_CLASS
from lenet.datasets import CATALOG, Dataset, Split, draw_beside, draw_digits, draw_strangers
from lenet.datasets.drawn import _fine, _hands  # thinning alone, which shows in no image


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
    own = 10 + 3, "of its own in what is left of a form, and with a finer pen"
    assert len(images) == known + 30 + own[0] + 18, own[1]
    again = draw_beside(digits, 30, 7, strangers=18)
    assert np.array_equal(again.train.images, images)
    assert not np.array_equal(draw_beside(digits, 30, 8, strangers=18).train.images, images)


def test_its_own_digits_in_what_is_left_of_a_form_are_still_read(digits: Dataset) -> None:
    made, known = draw_beside(digits, 300, strangers=0), len(digits.train)
    assert made.class_names == digits.class_names
    own = made.train.take(np.arange(known + 300, known + 400))
    given = lenet.open_model("digits").logits(own.images)[:, :10].argmax(axis=1)
    assert (given == own.labels).mean() > 0.3  # lines that touch make them small


def test_its_own_digits_with_a_finer_pen_are_in_one_piece(digits: Dataset) -> None:
    prepared = replace(digits, preparation=CATALOG["mnist"].preparation)
    made, known = draw_beside(prepared, 240), len(digits.train)
    own = made.train.take(np.arange(known + 240 + 80, known + 240 + 80 + 30))
    given = lenet.open_model("digits").logits(own.images)[:, :10].argmax(axis=1)
    assert (given == own.labels).mean() > 0.5, "of 8 x 8 pixels"
    random = _hands.Random(3)
    for index in range(40):
        drawn = draw_digits(1, index, kinds=("strokes",), preparation=None).images[0, 0] < 128
        fine = _fine.with_fine_pen(drawn.astype(np.float32), random) > 0
        all_round = np.ones((3, 3))
        assert ndimage.label(fine, all_round)[1] == ndimage.label(drawn, all_round)[1]
        once, wholly = _fine.thinned(drawn, 1), _fine.thinned(drawn, 40)
        assert not (ndimage.binary_erosion(drawn, all_round, 2) & ~once).any(), "an edge alone"
        assert not (once & ~drawn).any()
        assert not ndimage.binary_erosion(wholly, all_round).any()
        assert ndimage.label(wholly, all_round)[1] == ndimage.label(drawn, all_round)[1]


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
    assert len(made.train) == len(digits.train) + 20 + 6 + 2 + 9
    assert made.class_names[-1] == NONE_CLASS
    for flags in (("--pictures",), ("--part", "held-out")):
        error = call("data", "draw", "other", "--beside", "digits", *flags, code=2).stderr
        assert "`--beside` takes images to learn from" in error


@pytest.mark.parametrize("count", [{"count": -1}, {"strangers": 10**8}])
def test_numbers_out_of_range_are_refused(digits: Dataset, count: dict[str, int]) -> None:
    with pytest.raises(lenet.LenetError, match=next(iter(count))):
        draw_beside(digits, **count)
