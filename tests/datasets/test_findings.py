"""What a look at a dataset tells."""

from pathlib import Path

import numpy as np
import pytest
from own_data import draw, load, write_idx, write_pictures
from PIL import Image

import lenet
from lenet.datasets import Dataset, Example, Split, describe_dataset, examine_dataset


def make(
    train_labels: list[int], test_labels: list[int] | None = None, classes: int = 3
) -> Dataset:
    """Distinct images with these labels."""
    images = draw(len(train_labels) + len(test_labels or []))[0][:, None]
    train = Split(images[: len(train_labels)], np.array(train_labels))
    test = None
    if test_labels:
        test = Split(images[len(train_labels) :], np.array(test_labels))
    return Dataset("some", ("a", "b", "c"), train, test)


def test_a_clean_set_has_counts_and_no_warnings() -> None:
    findings = examine_dataset(make([0, 1, 2] * 10, [0, 1, 2]))
    assert findings.counts == {"train": (10, 10, 10), "test": (1, 1, 1)}
    assert findings.polarity == "light-on-dark"
    assert findings.warnings == ()


def test_images_in_both_parts_are_counted() -> None:
    dataset = make([0, 1, 2] * 10, [0, 1, 2])
    assert dataset.test is not None
    dataset.test.images[:2] = dataset.train.images[5]
    findings = examine_dataset(dataset)
    assert findings.duplicates == 2
    assert "2 of 3 test images are training images too" in findings.warnings[0]
    assert "`test no. 0` = `train no. 5`, `test no. 1` = `train no. 5`" in findings.warnings[0]
    first, second = findings.examples["duplicates"]
    assert (first[0].split, first[0].name, first[0].class_name) == ("test", "test no. 0", "a")
    assert second[1] == first[1] == Example("train", "train no. 5", "c")


def test_one_image_under_two_labels_is_suspicious() -> None:
    dataset = make([0, 1, 2] * 10)
    dataset.train.images[4] = dataset.train.images[0]
    dataset.train.images[3] = dataset.train.images[0]  # the same label: no contradiction
    findings = examine_dataset(dataset)
    assert findings.contradictions == 1
    (alike,) = findings.examples["contradictions"]
    assert [example.name for example in alike] == [f"train no. {n}" for n in (0, 3, 4)]
    (warning,) = findings.warnings
    assert "label: `train no. 0` = `train no. 3` = `train no. 4`." in warning


def test_small_and_giant_classes_are_named() -> None:
    findings = examine_dataset(make([0] * 100 + [1] * 9 + [2] * 11))
    assert "Fewer than 10 training images have `b`." in findings.warnings
    assert any("83% of the training images are of `a`" in line for line in findings.warnings)


def test_blank_and_dark_images_are_told() -> None:
    dataset = make([0, 1, 2] * 10)
    dataset.train.images[...] //= 16
    dataset.train.images[3:5] = 7
    findings = examine_dataset(dataset)
    assert findings.blank == 2
    assert any("`train no. 3`, `train no. 4`." in warning for warning in findings.warnings)
    assert any("No pixel is brighter than 15" in warning for warning in findings.warnings)


def test_the_text_says_what_was_found(tmp_path: Path) -> None:
    images, labels = draw(60)
    write_idx(tmp_path / "x" / "images", 255 - images)
    write_idx(tmp_path / "x" / "labels", (labels * 2 + 1).astype(np.uint8))
    (tmp_path / "x" / "class-names.txt").write_text("".join(f"n{i}\n" for i in range(6)))
    dataset = lenet.load_dataset(tmp_path / "x")
    text = describe_dataset(dataset, examine_dataset(dataset))
    assert f"x: IDX files, {tmp_path / 'x'}" in text
    assert "images: 48 train, 12 test; 28×28 grey, dark on light" in text
    assert "pictures were 28×28" in text
    assert "Fewer than 10 training images have `n0`, `n2`, `n4`." in text


def test_a_label_that_is_not_the_classs_name_or_number_is_shown(tmp_path: Path) -> None:
    images, labels = draw(30)
    np.savez(tmp_path / "x.npz", images=images, labels=labels * 5)
    dataset = load(tmp_path / "x.npz")
    text = describe_dataset(dataset, examine_dataset(dataset))
    assert "  1  5" in text, "the second class is of label 5"


def test_skipped_pictures_and_many_sizes_are_told(tmp_path: Path) -> None:
    for size in (20, 21, 22, 23, 24):
        write_pictures(tmp_path / "x", draw(2, size=size)[0], [f"a{size}", "b"])
    for number in range(7):
        (tmp_path / "x" / "b" / f"bad{number}.png").write_text("no")
    dataset = load(tmp_path / "x", skip_bad=True)
    text = describe_dataset(dataset, examine_dataset(dataset))
    assert "pictures were 20×20 to 24×24, 5 sizes" in text
    assert "Can't be read and passed over, 7 in all:" in text
    assert "and 2 more" in text


@pytest.mark.fashion_mnist
def test_fashion_mnist_is_light_on_dark_and_clean(fashion_mnist: Dataset) -> None:
    findings = examine_dataset(fashion_mnist)
    assert findings.polarity == "light-on-dark"
    assert findings.warnings == ()


def test_drawn_symbols_in_different_places_are_told_how_to_be_fitted(
    digits: Dataset, tmp_path: Path
) -> None:
    random = np.random.default_rng(0)
    images = np.full((100, 60, 60), 240, np.uint8)
    for image, digit in zip(images, digits.train.images[:100, 0], strict=True):
        side = int(random.integers(20, 50))
        small = Image.fromarray(digit).resize((side, side))
        top, left = random.integers(0, 60 - side, 2)
        image[top : top + side, left : left + side] -= np.asarray(small) // 2
    path = tmp_path / "symbols.npz"
    np.savez(path, images=images, labels=digits.train.labels[:100])
    plain, fitted = (examine_dataset(load(path, prepare=way)) for way in ("plain", "symbol"))
    assert plain.unfitted_symbols
    assert plain.symbol_sizes is not None
    (told,) = (warning for warning in plain.warnings if "--prepare symbol" in warning)
    assert f"by {plain.symbol_places:.0%} of their size" in told
    assert f"by a factor of {plain.symbol_sizes:.2f}" in told
    assert not any("--prepare" in warning for warning in fitted.warnings)
    assert not examine_dataset(digits).unfitted_symbols


@pytest.mark.parametrize(("moved", "is_told"), [(0, False), (2, False), (4, True)])
def test_places_count_by_the_size_of_what_is_drawn(moved: int, is_told: bool) -> None:
    random = np.random.default_rng(0)
    images = np.zeros((60, 1, 60, 60), np.uint8)
    for image in images[:, 0]:
        top, left = 20 + random.integers(-moved, moved + 1, 2)
        image[top : top + 20, left : left + 20] = 200
    dataset = Dataset("squares", ("a", "b"), Split(images, np.arange(60) % 2))
    findings = examine_dataset(dataset)
    assert findings.unfitted_symbols is is_told
    assert findings.symbol_places == pytest.approx(
        np.sqrt(((2 * moved + 1) ** 2 - 1) / 12) / 20, abs=0.02
    )
    assert findings.symbol_sizes == pytest.approx(1)


def test_images_that_are_no_pictures_are_examined_too() -> None:
    images = np.random.default_rng(0).integers(0, 256, (30, 2, 8, 8), dtype=np.uint8)
    dataset = Dataset("two-channels", ("a", "b"), Split(images, np.arange(30) % 2))
    assert not examine_dataset(dataset).unfitted_symbols


def test_all_files_that_were_found_fault_with_are_listed(tmp_path: Path) -> None:
    images, labels = draw(40, classes=2)
    images[10:26] = 9
    images[26:28] = images[0]  # `a/26.png`, `b/27.png`
    write_pictures(tmp_path / "x" / "train", images, [["a", "b"][label] for label in labels])
    write_pictures(tmp_path / "x" / "test", images[:4], ["a", "b"] * 2)
    dataset = load(tmp_path / "x")
    findings = examine_dataset(dataset)
    listed = describe_dataset(dataset, findings, listed=True)
    assert "Test images that are training images too, 4 in all:" in listed
    assert "  test/b/3.png (test, b) = train/b/3.png (train, b)" in listed
    assert "Images under more than one label, 2 in all:" in listed
    shown = "train/a/0.png (train, a) = train/a/26.png (train, a) = train/b/27.png (train, b)"
    assert f"  {shown} = test/a/0.png (test, a)" in listed
    assert all(f"  train/{'ab'[n % 2]}/{n}.png (train" in listed for n in range(10, 26))
    short = describe_dataset(dataset, findings)
    assert (
        "16 images are blank: `train/a/10.png`, `train/b/11.png`, `train/a/12.png` and 13" in short
    )
    assert listed.startswith(short)


def test_groups_that_the_data_itself_has_on_both_sides_are_told() -> None:
    images, groups = draw(40)[0][:, None], np.arange(40) // 4
    train = Split(images[:30], np.arange(30) % 2, None, groups[:30])
    test = Split(images[30:], np.arange(10) % 2, None, groups[30:])
    findings = examine_dataset(Dataset("some", ("a", "b"), train, test))
    assert [example.name for (example,) in findings.examples["groups"]] == [
        "test no. 0",
        "test no. 1",
    ]
    assert "2 images to test or choose on are of groups" in findings.warnings[0]


def test_copies_in_a_validation_part_of_its_own_are_told() -> None:
    images = draw(40)[0][:, None]
    images[35] = images[3]
    train, test, validation = (
        Split(images[part], np.arange(40)[part] % 2)
        for part in (slice(30), slice(30, 34), slice(34, 40))
    )
    findings = examine_dataset(Dataset("some", ("a", "b"), train, test, validation))
    assert findings.duplicates == 0
    ((copy, original),) = findings.examples["validation_duplicates"]
    assert (copy.name, original.name) == ("validation no. 1", "train no. 3")
    (warning,) = findings.warnings
    assert warning.startswith("1 of 6 validation images are training images too")


def test_of_many_copies_a_few_are_named() -> None:
    dataset = make([0, 1, 2] * 10)
    dataset.train.images[:] = dataset.train.images[0]
    (told,) = [one for one in examine_dataset(dataset).warnings if "more than one label" in one]
    assert told.count("`train no.") <= 3
    assert "and 27 more like it" in told
