"""Folders of pictures that Pillow wrote."""

import os
from pathlib import Path

import numpy as np
import pytest
from own_data import assert_holds, counts, draw, load, notes, put, write_pictures
from PIL import Image

import lenet
from lenet.errors import DataFileError, DatasetError


def test_every_folder_is_a_class_and_numbers_are_in_their_order(tmp_path: Path) -> None:
    images, _ = draw(12)
    folder = tmp_path / "pictures"
    write_pictures(folder, images, ["10", "2", "1"] * 4)
    dataset = load(folder)
    assert dataset.name == "pictures"
    assert dataset.class_names == ("1", "2", "10")
    assert_holds(dataset.train, images, np.array([2, 1, 0] * 4))
    assert dataset.test is None


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".gif", ".tiff", ".webp", ".jpg"])
def test_pictures_of_every_format_are_read(tmp_path: Path, suffix: str) -> None:
    images, _ = draw(6)
    options = {".webp": {"lossless": True}}.get(suffix, {})
    for number, image in enumerate(images):
        (tmp_path / "x" / str(number % 2)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(tmp_path / f"x/{number % 2}/{number}{suffix}", **options)
    expected = []
    for number in range(6):
        with Image.open(tmp_path / f"x/{number % 2}/{number}{suffix}") as picture:
            expected.append(np.asarray(picture.convert("L")))
    read = load(tmp_path / "x").train.images[:, 0].astype(int)
    assert np.abs(read - np.stack(expected)).max() <= 1


def test_a_picture_without_an_ending_is_known_by_its_content(tmp_path: Path) -> None:
    images, labels = draw(6, classes=2)
    write_pictures(tmp_path / "x", images, [str(label) for label in labels])
    for path in (tmp_path / "x").glob("*/*.png"):
        path.rename(path.with_suffix(""))
    assert_holds(load(tmp_path / "x").train, images, labels)


def test_parts_are_found_by_the_names_of_their_folders(tmp_path: Path) -> None:
    for number, part in enumerate(("Train", "testing", "val")):
        images, labels = draw(9, seed=number)
        write_pictures(tmp_path / "x" / part, images, [f"c{label}" for label in labels])
    dataset = load(tmp_path / "x")
    assert_holds(dataset.train, *draw(9, seed=0))
    assert_holds(dataset.test, *draw(9, seed=1))
    assert_holds(dataset.validation, *draw(9, seed=2))


@pytest.mark.parametrize(
    ("train", "test", "validation"),
    [
        ("train_set", "test_set", "dev-set"),
        ("seg_train/seg_train", "seg_test/seg_test", "seg_val/seg_val"),
        ("Training Images", "TestSet", "Validation (2)"),
        ("train2017", "test2017", "val2017"),
        ("训练集", "测试集", "验证集"),
        ("archive/train", "archive/test", "archive/eval"),
        ("data/archive/xTrain", "data/archive/xTest", "data/archive/xValid"),
    ],
)
def test_parts_are_found_by_a_word_in_their_names_and_below_single_folders(
    tmp_path: Path, train: str, test: str, validation: str
) -> None:
    for part in (train, test, validation):
        put(tmp_path / "x" / part, "cat", "dog")
    (tmp_path / "x" / "__MACOSX" / "archive").mkdir(parents=True)
    (tmp_path / "x" / ".DS_Store").write_bytes(b"\0")
    dataset = load(tmp_path / "x")
    assert dataset.class_names == ("cat", "dog")
    assert counts(dataset) == {"train": [2, 2], "test": [2, 2], "validation": [2, 2]}
    for part in (train, test, validation):
        assert f"`{part.rpartition('/')[2]}`" in notes(dataset)


def test_a_single_folder_round_the_classes_is_passed_through_and_named(tmp_path: Path) -> None:
    put(tmp_path / "x" / "pictures" / "all", "cat", "dog")
    (tmp_path / "x" / "licence.txt").write_text("mine")
    (tmp_path / "x" / "nothing").mkdir()
    dataset = load(tmp_path / "x")
    assert dataset.class_names == ("cat", "dog")
    for name in ("`pictures/all`", "`licence.txt`", "`nothing`"):
        assert name in notes(dataset)


@pytest.mark.parametrize(
    "names",
    [
        ("train", "bus", "car"),
        ("test", "cat", "dog"),
        ("bullet train", "steam train", "tram"),
        ("test tube", "dev board", "flask"),
    ],
)
def test_a_class_may_be_called_as_a_part_is(tmp_path: Path, names: tuple[str, ...]) -> None:
    dataset = load(put(tmp_path / "x", *names))
    assert dataset.class_names == tuple(sorted(names))
    assert f"`{names[0]}` is taken for a class" in notes(dataset)
    below = load(put(tmp_path / "y", *(f"{part}/{n}" for part in ("train", "test") for n in names)))
    assert below.class_names == tuple(sorted(names))
    assert counts(below) == {"train": [2, 2, 2], "test": [2, 2, 2]}


@pytest.mark.parametrize(
    ("places", "told"),
    [
        (["Dataset/0", "Dataset/1", "Examples"], ["lenet data info {}/Dataset`", "`0` and `1`"]),
        (["Dataset/0", "Dataset/1", "Examples/0", "Examples/1"], ["lenet data info {}/Dataset`"]),
        (["my data/0", "my data/1", "more"], ["lenet data info '{}/my data'`"]),
        (["train/D/0", "train/D/1", "train/E", "test/D/0"], ["lenet data info {}/train/D`"]),
        (
            ["cat/s1", "cat/s2", "dog"],
            ["`cat` and `dog` are the classes", "{} --label-from folder`"],
        ),
        (["test/s1", "test/s2", "dog"], ["`dog` and `test` are the classes"]),
        (["cat/train", "cat/test", "dog/train", "dog/test"], ["as in `test/cat`"]),
        (
            ["0/ann", "0/bo", "1/ann", "1/bo"],
            ["If `ann` and `bo` are groups", "{} --group-from folder`"],
        ),
        (["train", "test"], ["itself has pictures, 2 in all", "{} --label-from folder`"]),
        (["train", "test", "extra"], ["itself has pictures, 2 in all", "{} --label-from folder`"]),
        (
            ["train/a", "train/b", "bus"],
            ["`bus`, which is no part", "info {}/train`", "--label-from folder`"],
        ),
        (
            ["A/1", "A/2", "B/1", "B/2"],
            ["{}/A`", "{} --label-from folder`", "{} --label-from path`"],
        ),
        (["test/a", "test/b", "val/a", "val/b"], ["test and validation images and none to train"]),
    ],
)
def test_folders_that_may_be_read_in_two_ways_are_asked_about(
    tmp_path: Path, places: list[str], told: list[str]
) -> None:
    folder = put(tmp_path / "x", *places)
    with pytest.raises(DatasetError) as caught:
        load(folder)
    for text in told:
        assert text.format(folder) in str(caught.value)


@pytest.mark.parametrize("places", [["cat/s1", "cat/s2", "dog"], ["train", "test"]])
def test_a_list_of_the_classes_says_which_folders_they_are(
    tmp_path: Path, places: list[str]
) -> None:
    folder = put(tmp_path / "x", *places)
    names = sorted({place.partition("/")[0] for place in places})
    (folder / "class-names.txt").write_bytes(b"\xef\xbb\xbf" + "\n".join(names).encode())
    dataset = load(folder)
    assert dataset.class_names == tuple(names)
    assert len(dataset.train) == 2 * len(places)


def test_pictures_deeper_in_a_class_are_counted_to_it_and_named(tmp_path: Path) -> None:
    dataset = load(put(tmp_path / "x", "cat/scans", "dog", "dog/old"))
    assert counts(dataset) == {"train": [2, 4]}
    assert "counted to the class above: `cat/scans`, `dog/old`" in notes(dataset)


def test_without_a_test_part_a_fifth_of_every_class_is_kept_and_always_the_same(
    tmp_path: Path,
) -> None:
    images, labels = draw(60)
    write_pictures(tmp_path / "x", images, [str(label) for label in labels])
    first, second = (lenet.load_dataset(tmp_path / "x", seed=seed) for seed in (0, 1))
    assert first.test is not None
    assert np.bincount(first.test.labels).tolist() == [4, 4, 4]
    assert np.bincount(first.train.labels).tolist() == [16, 16, 16]
    assert first.fingerprint() == second.fingerprint()
    both = np.concatenate([first.train.images, first.test.images])[:, 0]
    assert {image.tobytes() for image in both} == {image.tobytes() for image in images}


def test_two_images_a_class_give_one_to_each_side(tmp_path: Path) -> None:
    images, labels = draw(6)
    write_pictures(tmp_path / "x", images, [str(label) for label in labels])
    dataset = lenet.load_dataset(tmp_path / "x")
    assert dataset.test is not None
    assert dataset.train.labels.tolist() == dataset.test.labels.tolist() == [0, 1, 2]


def test_copies_of_an_image_are_kept_on_one_side(tmp_path: Path) -> None:
    images, labels = draw(20, classes=2)
    write_pictures(tmp_path / "x", np.repeat(images, 3, axis=0), [str(x) for x in labels.repeat(3)])
    dataset = lenet.load_dataset(tmp_path / "x")
    assert dataset.test is not None
    train, test = ({i.tobytes() for i in s.images} for s in (dataset.train, dataset.test))
    assert not train & test
    assert len(dataset.test) == 12


def test_pictures_keep_their_colours_and_size_where_that_is_wished(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    images = random.integers(0, 256, (6, 32, 48, 3), dtype=np.uint8)
    write_pictures(tmp_path / "x", images, ["a", "b"] * 3)
    dataset = load(tmp_path / "x", size=(32, 48), colour=True)
    np.testing.assert_array_equal(dataset.train.images, images.transpose(0, 3, 1, 2))
    assert dataset.preparation is not None
    assert dataset.preparation.image_shape == (3, 32, 48)
    assert dataset.origin is not None
    assert dataset.origin.sizes == ((32, 48, 6),)
    assert load(tmp_path / "x").image_shape == (1, 28, 28)


def test_the_network_is_told_whether_things_are_light_or_dark(tmp_path: Path) -> None:
    images, labels = draw(40, classes=2)
    names = [str(label) for label in labels]
    half = images.copy()
    half[::2] = 255 - half[::2]
    polarities = {}
    for name, some in {"light": images, "dark": 255 - images, "mixed": half}.items():
        write_pictures(tmp_path / name, some, names)
        preparation = load(tmp_path / name).preparation
        assert preparation is not None
        polarities[name] = preparation.polarity
    assert polarities == {"light": "light-on-dark", "dark": "dark-on-light", "mixed": "as-is"}


def test_the_method_of_preparation_can_be_chosen(tmp_path: Path) -> None:
    page = np.full((100, 80), 250, np.uint8)
    page[20:50, 30:40] = 10
    write_pictures(tmp_path / "x", np.stack([page, page[::-1]]), ["a", "b"])
    dataset = load(tmp_path / "x", prepare="symbol")
    assert dataset.preparation is not None
    assert dataset.preparation.method == "symbol"
    ink = dataset.train.images[0, 0]
    assert ink[0].max() == 0
    assert (ink > 128).any(axis=1).sum() == 20


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_names_that_are_no_text_are_no_trouble(tmp_path: Path) -> None:
    images, labels = draw(6, classes=2)
    write_pictures(tmp_path / "x", images, [str(label) for label in labels])
    path = tmp_path / "x" / "0" / "0.png"
    os.rename(os.fsencode(path), os.fsencode(path.parent) + b"/\xff\xfe.png")
    assert len(load(tmp_path / "x").train) == 6


def test_class_names_may_stand_in_a_file_that_gives_their_order(tmp_path: Path) -> None:
    images, labels = draw(6, classes=2)
    write_pictures(tmp_path / "x", images, [["a", "b"][label] for label in labels])
    (tmp_path / "x" / "class-names.txt").write_text("b\na\nc\n")
    dataset = load(tmp_path / "x")
    assert dataset.class_names == ("b", "a", "c")
    assert_holds(dataset.train, images, 1 - labels)
    (tmp_path / "x" / "class-names.txt").write_text("b\n")
    with pytest.raises(DataFileError, match="does not name the class `a`"):
        load(tmp_path / "x")


def test_a_known_name_is_not_a_folder_and_a_path_is_not_a_name(tmp_path: Path) -> None:
    images, labels = draw(6, classes=2)
    write_pictures(tmp_path / "digits", images, [str(label) for label in labels])
    assert lenet.load_dataset("digits").origin is None
    own = lenet.load_dataset("./digits")
    assert own.name == "own-digits"
    assert len(own.train) + len(own.test or ()) == 6
