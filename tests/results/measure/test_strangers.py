"""Pictures of none of the classes: which are shown, how many pass, and what the curve tells."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.metrics import auc, roc_auc_score
from typer.testing import CliRunner

import lenet
from lenet.cli import app
from lenet.datasets import Dataset
from lenet.errors import PictureError
from lenet.models import BUNDLED, ModelCard, read_card
from lenet.pictures import Preparation
from lenet.results import (
    StrangerScore,
    answer,
    describe_strangers,
    draw_roc,
    evaluate,
    pick_strangers,
    roc_series,
    score_strangers,
)
from lenet.serving import open_model
from small_dataset import SmallDataset

Shares = npt.NDArray[np.float64]
THRESHOLDS = st.sampled_from([-1.0, 0.0, 0.1, 0.25, 0.5, 0.9, 1.0])  # few, so that many are equal


def card_of(names: tuple[str, ...], shape: tuple[int, int, int] = (1, 28, 28)) -> ModelCard:
    """What the file of a network of such classes says."""
    return ModelCard("lenet", {}, names, shape, Preparation.plain(shape))


def score(strangers: Shares, right: Shares) -> StrangerScore:
    """What is counted where all strangers are taken for the first class."""
    shown = {"things": (np.where(strangers >= 0.5, 0, -1), strangers)}
    return score_strangers(shown, right, ("a", "b"), 0.5, float((right >= 0.5).mean())).kinds[0]


@settings(max_examples=40)
@given(st.lists(THRESHOLDS, min_size=1), st.lists(THRESHOLDS, min_size=1))
def test_the_area_and_the_curve_are_those_of_scikit_learn(
    of_strangers: list[float], of_images: list[float]
) -> None:
    strangers, right = np.array(of_strangers), np.array(of_images)
    found = score(strangers, right)
    # An image that is never answered rightly stands below all, also below what is never answered.
    scores = np.concatenate([np.where(right < 0, -2, right), strangers])
    is_image = np.arange(len(scores)) < len(right)
    assert found.area == pytest.approx(roc_auc_score(is_image, scores))
    for point in found.roc:
        assert point.strangers == pytest.approx((strangers >= point.threshold).mean())
        assert point.right == pytest.approx((right >= point.threshold).mean())
    kept = {point.threshold for point in found.roc}
    corners = [(point.strangers, point.right) for point in found.roc]
    assert max(kept) == 1
    assert min(kept) == 0
    assert corners == sorted(corners)
    x, y = np.array([(0.0, 0.0), *corners, (1.0, corners[-1][1])]).T
    assert found.area == pytest.approx(auc(x, y)), "so few thresholds are all kept"


def test_a_long_curve_is_thinned_out_and_stays_where_it_was() -> None:
    random = np.random.default_rng(0)
    found = score(random.beta(2, 4, 5000), random.beta(9, 1, 20000))
    assert len(found.roc) <= 102
    x, y = np.array([(0.0, 0.0), *((one.strangers, one.right) for one in found.roc)]).T
    assert auc(x, y) == pytest.approx(found.area, abs=2e-4)


@pytest.mark.parametrize("kind", ["plain", "doubtful", "distant"])
def test_what_passes_is_what_the_model_answers(
    kind: str,
    doubtful_run: lenet.Run,
    distant_run: lenet.Run,
    doubtful_digits: Dataset,
    digits: Dataset,
) -> None:
    run, data = {
        "plain": (BUNDLED["fashion"], _garments(digits)),
        "doubtful": (doubtful_run, doubtful_digits),
        "distant": (distant_run, digits),
    }[kind]
    answers = answer(run, data, strangers=())
    measured, opened = answers.evaluation.strangers, open_model(run)
    assert measured is not None
    card, labels = opened.card, answers.examples.labels
    threshold = card.calibration.threshold
    first = ["counter-examples"] if kind == "doubtful" else []
    kinds = [one.kind for one in measured.kinds]
    assert kinds[: len(first)] == first
    assert kinds[-1] == "noise images"
    assert measured.threshold == threshold

    def highest(images: npt.NDArray[np.uint8]) -> tuple[Shares, npt.NDArray[np.int64]]:
        shares = opened.probabilities(images)
        real = shares[:, : len(card.classes)]
        passes = real.max(axis=1) >= shares[:, len(card.classes) :].sum(axis=1)
        if kind == "distant":
            is_far = opened.decide(images).distance > card.calibration.reach
            assert is_far.any()
            passes &= ~is_far
        return np.where(passes, real.max(axis=1), 0.0), real.argmax(axis=1)

    sure, given_class = highest(answers.examples.images)
    right = np.where(given_class == labels, sure, -2)
    assert measured.right == pytest.approx((right >= threshold).mean())
    for one, (name, shown) in zip(measured.kinds, answers.of_none.items(), strict=True):
        assert one.kind == name
        images = shown.examples.images
        passing, taken = highest(images)
        assert one.images == len(images)
        assert one.answered == (passing >= threshold).sum()
        counts = Counter(card.classes[index] for index in taken[passing >= threshold])
        assert dict(one.taken_for) == counts
        assert [count for _, count in one.taken_for] == sorted(counts.values(), reverse=True)
        if one.answered:
            assert one.confidence == pytest.approx(passing[passing >= threshold].mean())
        is_image = np.arange(len(right) + len(passing)) < len(right)
        area = roc_auc_score(is_image, np.concatenate([right, passing]))
        assert one.area == pytest.approx(area, abs=1e-6)
        for point in one.roc[1::20]:
            decided = opened.decide(images, point.threshold).is_sure.mean()
            assert point.strangers == pytest.approx(decided, abs=2 / len(images))
    assert measured.together.images == sum(one.images for one in measured.kinds)
    assert measured.together.answered == sum(one.answered for one in measured.kinds)


def _garments(digits: Dataset) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Images that a network for garments is scored on, here digits that are called so."""
    assert digits.test is not None
    return digits.test.images, digits.test.labels


def names_of(card: ModelCard) -> list[str]:
    """The kinds that a network is shown, with their numbers."""
    return [f"{len(split)} {kind}" for kind, split in pick_strangers(card).items()]


def test_strangers_suit_the_classes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LENET_DATA", str(tmp_path / "nothing"))
    digits, garments = read_card(BUNDLED["digits"]), read_card(BUNDLED["fashion"])
    assert names_of(digits) == ["300 drawn signs", "1000 noise images"]
    assert names_of(garments) == ["359 digits", "1000 noise images"]
    assert names_of(card_of(("cat", "dog"))) == names_of(garments)
    assert names_of(card_of(("cat", "7"))) == ["1000 noise images"], "no digits for a class 7"
    assert names_of(card_of(("cat", "dog"), (4, 20, 20))) == ["1000 noise images"]
    for shape in ((3, 32, 32), (1, 20, 36)):
        shown = pick_strangers(card_of(("cat", "dog"), shape))
        assert {split.images.shape[1:] for split in shown.values()} == {shape}
        assert all(split.images.std() > 20 for split in shown.values())


@pytest.mark.usefixtures("small_fashion_mnist")
def test_another_dataset_is_read_where_it_is_and_never_fetched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("lenet.datasets._load.download_file", lambda *_: pytest.fail("a fetch"))
    digits = read_card(BUNDLED["digits"])
    assert names_of(digits)[0] == "100 garments"
    first, second = (pick_strangers(digits) for _ in range(2))
    for kind in first:
        np.testing.assert_array_equal(first[kind].images, second[kind].images)
        assert list(first[kind].names or ()) == list(second[kind].names or ())
    (file,) = (tmp_path / "data" / "fashion-mnist").glob("t10k-images*")
    file.write_bytes(file.read_bytes()[:-500])
    assert names_of(digits)[0] == "300 drawn signs", "a damaged file is none"
    pixels = np.zeros((40, 28, 28), np.uint8)
    other = SmallDataset(pixels, np.zeros(40, np.uint8), pixels[:30], np.zeros(30, np.uint8))
    (tmp_path / "data" / "mnist").mkdir()
    for name, content in other.files().items():
        (tmp_path / "data" / "mnist" / name).write_bytes(content)
    assert names_of(read_card(BUNDLED["fashion"]))[0] == "30 digits"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with seven pictures of one's own: crosses, a blot, and empty paper."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(7):
        pixels = np.full((60, 80), 230, np.uint8)
        if number:
            pixels[20:40, 38 : 40 + number] = pixels[28 : 30 + number, 25:55] = 30
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def test_pictures_of_ones_own_are_answered_as_predict_does(photos: Path) -> None:
    answers = lenet.predict("digits", photos)
    passing = Counter(one.class_name for one in answers if one.class_name)
    for own in (photos, f"{photos}/*.png", [np.array(Image.open(one)) for one in _in(photos)]):
        measured = evaluate("digits", "digits", strangers=own).strangers
        assert measured is not None
        assert measured.kinds[-1].kind == "own pictures"
        assert measured.kinds[-1].images == 7
        assert dict(measured.kinds[-1].taken_for) == passing
        assert measured.kinds[-1].roc[-1].strangers == pytest.approx(6 / 7), "empty paper never"
    names = pick_strangers(read_card(BUNDLED["digits"]), photos)["own pictures"].names
    assert list(names or ()) == [str(path) for path in _in(photos)]


def _in(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def test_what_is_no_picture_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.png").write_text("no picture")
    for name, told in (
        ("empty", "no picture in"),
        ("missing", "no such file"),
        ("text.png", "text.png"),
    ):
        with pytest.raises(PictureError, match=told):
            evaluate("digits", "digits", strangers=tmp_path / name)


def test_without_strangers_nothing_is_counted() -> None:
    scored = evaluate("digits", "digits")
    assert scored.strangers is None
    assert scored.to_dict()["strangers"] is None


def test_the_command_counts_them_in_words_and_as_json(photos: Path) -> None:
    words = ["evaluate", "digits", "--data", "digits", "--strangers", str(photos)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0
    measured = evaluate("digits", "digits", strangers=photos).strangers
    assert measured is not None
    told = describe_strangers(measured)
    assert told[-1].startswith("Of 7 own pictures ")
    assert "\n".join(told) in result.stdout
    result = CliRunner().invoke(app, [*words, "--json"])
    assert json.loads(result.stdout)["strangers"] == json.loads(json.dumps(measured.to_dict()))


def test_the_sentences_name_the_class_that_strangers_pass_for() -> None:
    def told(images: int, *taken: tuple[str, int]) -> str:
        passing = sum(count for _, count in taken)
        one = StrangerScore("garments", images, passing, None, taken, 0.5, ())
        measured = score_strangers({"a": (np.array([0]), np.ones(1))}, np.ones(1), ("a",), 0, 1)
        return describe_strangers(type(measured)(0.5, 1, (one,), one))[0]

    assert told(1000) == "Of 1,000 garments none passes for one of the classes."
    one = told(8, ("a", 1))
    assert one.endswith(" 1 passes for one of the classes (12.5 %), for a.")
    assert told(8, ("a", 2)).endswith("(25.0 %), all of them for a.")
    assert told(8, ("a", 2), ("b", 1)).endswith("(37.5 %), most of them for a.")
    assert told(8, ("a", 1), ("b", 1)).endswith("(25.0 %), most often for a.")
    assert told(8, ("\x1b[2J", 1)).endswith(", for \\x1b[2J.")


def test_curves_are_drawn_whole_and_within_a_window() -> None:
    random = np.random.default_rng(1)
    strangers, right = random.beta(2, 4, 500), random.beta(9, 1, 2000)
    given_class = np.where(strangers > 0.5, 0, -1)
    shown = {name: (given_class, strangers) for name in ("noise", "signs")}
    measured = score_strangers(shown, right, ("a", "b"), 0.5, 0.99)
    whole = roc_series(measured)
    assert [one.kind for one in whole] == ["line"] * 3 + ["marks"] * 3
    assert whole[0].points[0] == (0, 0)
    assert whole[3].points == ((measured.kinds[0].answered / 500, 0.99),)
    part = roc_series(measured, 0.3, 0.8)
    x, y = np.array(part[0].points).T
    assert y[0] == pytest.approx(0.8)
    assert x[-1] == 0.3
    full = np.array(whole[0].points).T
    assert np.interp(0.3, *full) == pytest.approx(y[-1])
    assert ((x <= 0.3) & (y >= 0.8 - 1e-12)).all()
    (axes,) = draw_roc(measured, "Strangers").axes
    assert len(axes.lines) == 6
    legend = axes.get_legend()
    assert legend is not None
    assert len(legend.get_texts()) == 3
