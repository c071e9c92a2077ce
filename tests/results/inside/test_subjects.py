"""What inputs mean, against the dataset and Pillow."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import lenet
from lenet.datasets import Dataset, Split
from lenet.errors import LenetError, ModelError, PictureError, SettingError, UnknownNameError
from lenet.models import ModelCard
from lenet.pictures import Preparation
from lenet.results import make_subject

SHAPE = (1, 8, 6)
CARD = ModelCard("lenet", {}, ("T-shirt/top", "coat", "1"), SHAPE, Preparation.plain(SHAPE))


def make_data(with_test: bool = True) -> Dataset:
    """Twelve noisy images of three classes to train on, six to test on."""
    generator = np.random.default_rng(0)
    images = generator.integers(256, size=(18, *SHAPE), dtype=np.uint8)
    labels = np.arange(18) % 3
    train, test = Split(images[:12], labels[:12]), Split(images[12:], labels[12:])
    return Dataset("noisy", CARD.class_names, train, test if with_test else None)


DATA = make_data()


def test_an_example_is_that_of_the_dataset() -> None:
    found = make_subject("test:4", CARD, DATA)
    assert DATA.test is not None
    np.testing.assert_array_equal(found.images, DATA.test.images[4:5])
    assert (found.label, found.title) == (1, "coat (test:4)")
    found = make_subject("TRAIN:11", CARD, DATA)
    np.testing.assert_array_equal(found.image, DATA.train.images[11])


@pytest.mark.parametrize("data", [DATA, make_data(with_test=False)])
def test_a_class_is_its_average_or_all_its_images(data: Dataset) -> None:
    split = data.test or data.train
    members = split.images[split.labels == 1]
    average = make_subject("class:Coat", CARD, data)
    np.testing.assert_array_equal(average.images, np.rint(members.mean(axis=0))[None])
    every = make_subject("all:coat", CARD, data)
    np.testing.assert_array_equal(every.images, members)
    np.testing.assert_array_equal(every.image, average.image)
    assert average.label == every.label == 1


@pytest.mark.parametrize(
    ("value", "label"), [("t-shirt/TOP", 0), ("0", 0), ("coat", 1), ("1", 2), ("2", 2)]
)
def test_a_class_is_called_by_its_name_or_else_its_number(value: str, label: int) -> None:
    assert make_subject(f"class:{value}", CARD, DATA).label == label


def test_noise_is_seeded() -> None:
    one, again, other = (make_subject(name, CARD) for name in ("noise", "noise:0", "noise:7"))
    np.testing.assert_array_equal(one.images, again.images)
    assert not np.array_equal(one.images, other.images)
    assert one.images.shape == (1, *SHAPE)
    assert one.images.dtype == np.uint8
    assert one.label is None


def test_a_picture_file_is_prepared_as_the_model_wants_it(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(256, size=(8, 6), dtype=np.uint8)
    path = tmp_path / "cat.png"
    Image.fromarray(pixels).save(path)
    for one in (path, str(path)):
        found = make_subject(one, CARD)
        np.testing.assert_array_equal(found.image[0], pixels)
        assert found.title == "cat.png"
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(PictureError):
        make_subject(tmp_path / "text.png", CARD)


def test_an_array_is_an_image_of_the_networks_shape() -> None:
    image = np.full((8, 6), 9, np.uint8)
    np.testing.assert_array_equal(make_subject(image, CARD).image, image[None])
    np.testing.assert_array_equal(make_subject(image[None], CARD).image, image[None])
    for wrong in (image[:7], image[None].astype(float), np.zeros((3, 8, 6), np.uint8)):
        with pytest.raises(ModelError, match=r"uint8 images of shape \(1, 8, 6\)"):
            make_subject(wrong, CARD)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("test:6", "has 6 test images"),
        ("train:12", "has 12 train images"),
        ("test:", "a whole number"),
        ("test:-1", "a whole number"),
        ("test:²", "a whole number"),
        ("noise:x", "a whole number"),
        ("noise:99999999999999999999", "a whole number"),
        ("missing.png", "neither a file nor a run"),
        ("tset:3", "neither a file nor a run"),
    ],
)
def test_an_input_that_does_not_exist_is_refused(name: str, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        make_subject(name, CARD, DATA)


def test_a_class_that_does_not_exist_has_a_near_one() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean `coat`"):
        make_subject("class:coats", CARD, DATA)
    nobody = Dataset("few", CARD.class_names, Split(DATA.train.images[:2], DATA.train.labels[:2]))
    with pytest.raises(SettingError, match="no train images of class `1`"):
        make_subject("class:2", CARD, nobody)


@given(st.text(max_size=12) | st.from_regex(r"(class|all|test|train|noise):.{0,4}", fullmatch=True))
def test_any_text_is_an_input_or_one_clear_error(name: str) -> None:
    try:
        found = make_subject(name, CARD, DATA)
    except LenetError:
        return
    assert found.images.shape[1:] == SHAPE


def test_the_dataset_is_needed_for_its_images(run: lenet.Run) -> None:
    with pytest.raises(SettingError, match="needs the dataset"):
        make_subject("test:1", CARD)
