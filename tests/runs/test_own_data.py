"""Runs on data of one's own, which they find again."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lenet
from kept_checkpoint import keep_checkpoints
from lenet.datasets import Dataset, DataSource, Split, convert_dataset
from lenet.errors import DataFileError, RunError
from lenet.runs import Run, RunConfig, load_data_of
from lenet.training import own


@pytest.fixture
def archive(few_digits: Dataset, tmp_path: Path) -> Path:
    """128 and 64 images in an NPZ file."""
    return convert_dataset(few_digits, tmp_path / "few.npz", "npz")


def train(data: object, **settings: object) -> Run:
    return lenet.train(dataset=data, epochs=1, listeners=[], **settings)  # type: ignore[arg-type]


def test_a_run_keeps_where_its_images_came_from_and_finds_them(archive: Path) -> None:
    run = train(archive)
    assert run.config.dataset == "few"
    assert run.config.source == DataSource(str(archive))
    assert run.config.source.path == str(archive.absolute())
    again = Run(run.folder)
    assert again.config == run.config
    assert load_data_of(again).fingerprint() == run.config.fingerprint
    assert lenet.evaluate(again).images == 64


def test_how_images_were_read_is_kept_too(archive: Path) -> None:
    run = train(DataSource(str(archive), size=32, colour=True))
    assert run.config.source is not None
    assert (run.config.source.height, run.config.source.colour) == (32, True)
    assert load_data_of(run).image_shape == (3, 32, 32)
    _, card = lenet.load(run.folder)
    assert card.preparation.image_shape == (3, 32, 32)
    assert card.preparation.polarity == "light-on-dark"


def test_a_config_without_a_source_is_read(archive: Path) -> None:
    values = json.loads(train("digits").config_path.read_text())
    assert values["source"] is None
    del values["source"]
    assert RunConfig.from_dict(values).source is None


def test_the_model_file_says_how_pictures_become_images(few_digits: Dataset) -> None:
    methods = {}
    for data in ("digits", few_digits):
        _, card = lenet.load(train(data, batch_size=64).folder)
        methods[card.dataset] = (card.preparation.method, card.preparation.polarity)
    assert methods == {"digits": ("plain", "light-on-dark"), "few-digits": ("plain", "as-is")}


@pytest.mark.parametrize("prepare", ["symbol", "object", "plain"])
def test_a_class_of_empty_pictures_is_learnt_and_answered(tmp_path: Path, prepare: str) -> None:
    random = np.random.default_rng(0)
    for name in ("cross", "empty"):
        (tmp_path / "cells" / name).mkdir(parents=True)
        for number in range(24):
            pixels = np.full((28, 28), random.integers(225, 256), np.uint8)
            if name == "cross":
                row, column = random.integers(8, 20, 2)
                pixels[row - 1 : row + 1, 4:24] = pixels[4:24, column - 1 : column + 1] = 20
            Image.fromarray(pixels).save(tmp_path / "cells" / name / f"{number}.png")
    source = DataSource(str(tmp_path / "cells"), prepare=prepare)
    run = lenet.train(dataset=source, epochs=12, batch_size=8, listeners=[])
    _, card = lenet.load(run)
    assert card.answers_blank
    empty = np.full((60, 60), 240, np.uint8)
    cross = empty.copy()
    cross[28:32, 10:50] = cross[10:50, 28:32] = 20
    answers = lenet.predict(run, [empty, cross], threshold=0.5)
    assert [(answer.class_name, answer.doubt) for answer in answers] == [
        ("empty", None),
        ("cross", None),
    ]


def test_a_few_empty_pictures_are_no_class_of_them(few_digits: Dataset) -> None:
    def with_empty(share: float) -> Dataset:
        images = few_digits.train.images.copy()
        threes = np.flatnonzero(few_digits.train.labels == 3)
        images[threes[: round(share * len(threes))]] = 255
        return replace(few_digits, train=Split(images, few_digits.train.labels))

    assert [with_empty(share).has_blank_class for share in (0, 0.05, 0.3, 1)] == [
        False,
        False,
        True,
        True,
    ]


def test_data_that_is_gone_or_has_changed_is_one_clear_error(
    archive: Path, few_digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_checkpoints(monkeypatch)
    run = train(archive)
    run.result_path.unlink()
    moved = archive.rename(archive.with_name("moved.npz"))
    with pytest.raises(RunError, match=r"few\.npz`, which is gone\. Put it back, or say where"):
        lenet.resume(run, listeners=[])
    assert lenet.resume(run, dataset=moved, listeners=[]).status == "complete"
    run.result_path.unlink()
    np.savez(archive, x=few_digits.train.images[:90, 0], y=few_digits.train.labels[:90])
    for use in (lambda: lenet.resume(run, listeners=[]), lambda: lenet.evaluate(run)):
        with pytest.raises(RunError, match=r"few\.npz` is not what `.*` was trained on: images"):
            use()


def test_a_run_on_a_named_dataset_has_no_place_to_have_moved_from(archive: Path) -> None:
    run = train("digits")
    with pytest.raises(RunError, match="was not trained on a folder or file"):
        load_data_of(run, archive)


def test_an_equal_run_is_known_wherever_the_data_lies(archive: Path) -> None:
    run = train(archive)
    moved = archive.parent / "elsewhere" / "few.npz"
    moved.parent.mkdir()
    archive.rename(moved)
    assert train(moved, reuse=True).folder == run.folder


@pytest.mark.parametrize("settings", [{}, {"model": "mlp"}, {"preset": "tutorial"}])
def test_few_images_can_be_trained_on_whatever_the_network(
    tmp_path: Path, digits: Dataset, settings: dict[str, str]
) -> None:
    labels = digits.train.labels[:17]
    np.savez(tmp_path / "x.npz", x=digits.train.images[:17, 0], y=labels)
    source = DataSource(str(tmp_path / "x.npz"), test_share=0.0)
    assert train(source, **settings).status == "complete"


@pytest.mark.parametrize("images", [2, 3, 17, 33, 481, 999, 1000, 1091, 10_000, 60_000])
@pytest.mark.parametrize("held_out", [0, 1, 7])
def test_no_batch_of_one_image_is_left(images: int, held_out: int) -> None:
    recipe = own(images, held_out).recipe
    left = max(2, images - held_out)
    assert left % recipe.batch_size != 1
    assert recipe.batch_size <= left
    assert recipe.epochs * -(-left // recipe.batch_size) >= min(1000, 300 * left // 17)
    assert not recipe.flip


def test_what_the_person_says_goes_before_what_suits(archive: Path) -> None:
    recipe = train(archive, batch_size=10, validation=0.25).config.recipe
    assert (recipe.batch_size, recipe.validation) == (10, 0.25)
    assert train(archive, preset="digits").config.preset == "digits"
    assert train(archive).config.preset == "modern"


def test_bad_pictures_of_another_folder_can_be_passed_over(
    few_digits: Dataset, tmp_path: Path
) -> None:
    first, second = (
        convert_dataset(few_digits, tmp_path / name, "folder") for name in ("first", "second")
    )
    run = train(first)
    (second / "test" / "0" / "bad.png").write_text("no picture")
    with pytest.raises(DataFileError, match="1 picture can't be read"):
        lenet.evaluate(run, second)
    assert lenet.evaluate(run, DataSource(str(second), skip_bad=True)).images == 64
