"""Drawn digits and strangers: the same again, parted in kind, inside their frames, readable."""

import hashlib

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy.interpolate import CubicHermiteSpline

import lenet
from lenet.datasets import (
    DIGIT_KINDS,
    STRANGER_KINDS,
    DrawnPart,
    Split,
    draw_digits,
    draw_strangers,
    drawable_digits,
    drawable_strangers,
    drawn_dataset,
    undrawable_kinds,
)
from lenet.datasets.drawn import _draw, _hands, _pen  # what no picture shows, and single strokes
from lenet.datasets.drawn._digits import HELD_OUT, LEARNT
from lenet.errors import DatasetError, SettingError, UnknownNameError
from lenet.pictures import Preparation

PARTS: tuple[DrawnPart, ...] = ("learn", "held-out")
WITHOUT_FONTS = ("strokes", "bordered", "ruled", "segments", "dots")
# Of what is drawn without Pillow's FreeType: the pictures of each part, first 16 digits of SHA-256.
DRAWN = {"learn": "a354f43a0a37025b", "held-out": "8878e1505b0039f3"}


@pytest.mark.parametrize("part", PARTS)
def test_a_seed_gives_the_same_bytes_in_any_number_everywhere(part: DrawnPart) -> None:
    drawn = draw_digits(40, 7, part=part, kinds=WITHOUT_FONTS, preparation=None)
    few = draw_digits(15, 7, part=part, kinds=WITHOUT_FONTS, preparation=None)
    assert np.array_equal(few.images, drawn.images[:15])
    assert hashlib.sha256(drawn.images.tobytes()).hexdigest()[:16] == DRAWN[part]
    other = draw_digits(15, 8, part=part, kinds=WITHOUT_FONTS, preparation=None)
    assert (other.images != few.images).any(axis=(1, 2, 3)).all()
    strangers = draw_strangers(30, 7, part=part)
    assert np.array_equal(draw_strangers(20, 7, part=part).images, strangers.images[:20])


def test_the_parts_have_no_shape_and_no_kind_of_stranger_in_common() -> None:
    assert not set(STRANGER_KINDS["learn"]) & set(STRANGER_KINDS["held-out"])
    for known, held_out in zip(LEARNT, HELD_OUT, strict=True):
        assert not set(known.values()) & set(held_out.values())
        assert len(set(known.values())) == len(known) >= 7
        assert len(set(held_out.values())) == len(held_out) >= 3
    for part in PARTS:
        drawn = draw_digits(60, part=part, kinds=("strokes",))
        assert all(f"{part} hand" in str(drawn.name_of(index)) for index in range(60))


def test_held_out_hands_leave_the_ranges_of_those_to_learn_from() -> None:
    def inside(hand: _hands.Hand) -> tuple[bool, ...]:
        width = hand.width / (1.25 if hand.nib == "chisel" else 1)
        return (
            -0.25 <= hand.slant <= 0.5,
            0.035 <= width <= 0.17,
            0.7 <= hand.aspect <= 1.4,
            hand.tremor <= 0.6,
        )

    assert all(all(inside(_hands.hand("learn", number))) for number in range(100))
    outside = [inside(_hands.hand("held-out", number)) for number in range(100)]
    assert not any(map(all, outside))
    assert not np.all(outside, axis=0).any()  # each range is left by some


@pytest.mark.parametrize("part", PARTS)
def test_digits_of_every_kind_are_inside_their_frames(part: DrawnPart) -> None:
    kinds = drawable_digits(part)
    assert set(kinds) >= set(WITHOUT_FONTS)
    assert {*kinds, *undrawable_kinds(part)} >= set(DIGIT_KINDS[part])
    for kind in kinds:
        drawn = draw_digits(20, part=part, kinds=(kind,), preparation=None)
        assert drawn.images.shape == (20, 1, 96, 96)
        assert drawn.labels.tolist() == [*range(10), *range(10)]
        assert all(name.startswith(str(label)) for name, label in named(drawn))
        images = draw_digits(20, part=part, kinds=(kind,)).images
        assert images.shape == (20, 1, 28, 28)
        assert (images.max(axis=(1, 2, 3)) > 100).all()
        if kind not in ("bordered", "ruled"):
            assert_edges_are_empty(drawn)


@pytest.mark.parametrize("part", PARTS)
def test_strangers_of_every_kind_are_inside_their_frames(part: DrawnPart) -> None:
    kinds = drawable_strangers(part)
    assert set(kinds) <= set(STRANGER_KINDS[part])
    whole = {"stripes", "noise", "clouds", "cells", "empty-cells"}  # they fill their pictures
    drawn = draw_strangers(8 * len(kinds), part=part, preparation=None)
    assert np.bincount(drawn.labels).tolist() == [8] * len(kinds)
    for number, kind in enumerate(kinds):
        some = drawn.take(np.flatnonzero(drawn.labels == number))
        assert all(name.startswith(f"{kind}: ") for name, _ in named(some))
        contrast = np.ptp(some.images.astype(int), axis=(1, 2, 3))
        assert (contrast > 30).all()
        if kind not in whole:
            assert_edges_are_empty(some)


def named(split: Split) -> list[tuple[str, int]]:
    return [(split.name_of(index), int(split.labels[index])) for index in range(len(split))]


def assert_edges_are_empty(drawn: Split) -> None:
    edges = drawn.images[:, 0].astype(int)
    for edge in (edges[:, 0], edges[:, -1], edges[:, :, 0], edges[:, :, -1]):
        assert np.ptp(edge, axis=1).max() <= 13  # the grain of paper


@pytest.mark.parametrize("part", PARTS)
def test_the_bundled_model_reads_what_is_drawn(part: DrawnPart) -> None:
    drawn = draw_digits(300, 1, part=part, kinds=("strokes",))
    answers = lenet.open_model("digits").logits(drawn.images).argmax(axis=1)
    assert (answers == drawn.labels).mean() >= 0.95


def test_a_dataset_has_strangers_as_its_last_class() -> None:
    dataset = drawn_dataset(40, strangers=12, kinds=["strokes"], stranger_kinds=["han", "cells"])
    assert dataset.class_names == (*"0123456789", "_none")
    assert np.bincount(dataset.train.labels).tolist() == [4] * 10 + [12]
    assert dataset.train.name_of(40).startswith("han: ")
    assert dataset.image_shape == (1, 28, 28)
    assert drawn_dataset(10, kinds=["dots"]).class_names == tuple("0123456789")
    coloured = Preparation("symbol", "dark-on-light", 32, 32, channels=3)
    assert draw_digits(3, preparation=coloured).images.shape == (3, 3, 32, 32)
    held_out = dataset.with_validation(0.3)
    assert held_out.validation is not None
    assert held_out.train.groups is not None
    assert held_out.validation.groups is not None
    assert not set(held_out.train.groups) & set(held_out.validation.groups)


def test_what_can_not_be_drawn_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean `strokes`"):
        draw_digits(1, kinds=["stroke"])
    with pytest.raises(UnknownNameError, match="held-out"):
        draw_digits(1, part="test")  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="kind"):
        draw_strangers(1, kinds=["greek"])  # is held out
    with pytest.raises(SettingError, match="`count` must be at least 1"):
        draw_digits(0)
    with pytest.raises(SettingError, match="`seed` must be at least 0"):
        draw_strangers(1, -1)
    with pytest.raises(SettingError, match="`script` is there to test on alone"):
        draw_digits(1, kinds=["script"])
    with pytest.raises(SettingError, match="`stranger_kinds` needs `strangers`"):
        drawn_dataset(1, stranger_kinds=["han"])
    with pytest.raises(UnknownNameError, match="strokes"):
        draw_digits(1, kinds=[])
    monkeypatch.setattr(_draw, "fonts", lambda which: ())
    assert drawable_digits("held-out") == WITHOUT_FONTS
    assert not {"han-printed", "greek", "maths", "words"} & set(drawable_strangers("held-out"))
    assert "letters" in drawable_strangers("held-out")
    assert "apt-get install fonts-liberation" in undrawable_kinds("held-out")["printed"]
    with pytest.raises(DatasetError, match="pip install matplotlib"):
        draw_digits(1, kinds=["printed"])


def test_a_pen_leaves_what_pillow_draws() -> None:
    samples = np.array([[20.0, 30.0], [70.0, 30.0], [70.0, 80.0]])
    ours = _pen.put_down(samples, (0, 3), np.full(3, 4.0), nib="square")
    image = Image.new("L", (96 * 8, 96 * 8))
    drawing = ImageDraw.Draw(image)
    for box in ((16, 26, 74, 34), (66, 26, 74, 84)):
        drawing.rectangle([8 * end - (place > 1) for place, end in enumerate(box)], fill=255)
    theirs = np.asarray(image.reduce(8), np.float32) / 255
    assert np.abs(ours - theirs).max() <= 0.02


def test_strokes_are_splines_through_their_points() -> None:
    points = np.array([[0, 0], [40, 10], [50, 60], [10, 90.0]])
    text = " ".join(f"{x},{y}" for x, y in points)
    drawn = _pen.skeleton(text)
    way = drawn.bases[0] @ points
    padded = np.vstack([points[:1], points, points[-1:]])
    spline = CubicHermiteSpline(range(4), points, (padded[2:] - padded[:-2]) / 2)
    dense = spline(np.linspace(0, 3, 3001))
    nearest = np.sqrt(((way[:, None] - dense) ** 2).sum(axis=2)).min(axis=1)
    assert nearest.max() < 0.05
    assert np.array_equal(way[[0, -1]], points[[0, -1]])
