"""The class `_none` of counter-examples stands last, whatever the data is and its other classes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from own_data import draw, load, put, write_pictures

import lenet
from lenet.datasets import Dataset, Split, as_dataset, convert_dataset, load_dataset, pack_dataset
from lenet.errors import DatasetError

NAMES = ["zebra", "_none", "Ant"]
ORDERED = ("Ant", "zebra", "_none")
IMAGES, LABELS = draw(30)
TEXTS = [NAMES[label] for label in LABELS]


def as_folder(place: Path) -> object:
    write_pictures(place / "own", IMAGES, TEXTS)
    return place / "own"


def as_folder_with_an_order(place: Path) -> object:
    folder = as_folder(place)
    (place / "own/class-names.txt").write_text("_none\nAnt\nzebra\n")
    return folder


def as_table(place: Path) -> object:
    rows = [
        ",".join(map(str, [text, *image.ravel()]))
        for text, image in zip(TEXTS, IMAGES, strict=True)
    ]
    columns = ",".join(["label", *(f"p{number}" for number in range(784))])
    (place / "own.csv").write_text("\n".join([columns, *rows]) + "\n")
    return place / "own.csv"


def as_numbers_with_names(place: Path) -> object:
    names = np.array(["_none", "Ant", "zebra"])
    numbers = np.array([names.tolist().index(text) for text in TEXTS])
    np.savez(place / "own.npz", x_train=IMAGES, y_train=numbers, class_names=names)
    return place / "own.npz"


def as_texts_in_memory(place: Path) -> object:
    return IMAGES, TEXTS


def as_packed(place: Path) -> object:
    pack_dataset(as_folder(place), place / "packed")
    return place / "packed"


@pytest.mark.parametrize(
    "make",
    [
        as_folder,
        as_folder_with_an_order,
        as_table,
        as_numbers_with_names,
        as_texts_in_memory,
        as_packed,
    ],
)
def test_it_stands_last(make: Callable[[Path], object], tmp_path: Path) -> None:
    data = as_dataset(make(tmp_path), test_share=0.0)  # type: ignore[arg-type]
    assert data.class_names == ORDERED
    assert data.none_index == 2
    found = {
        image.tobytes(): label
        for split in data.splits.values()
        for image, label in zip(np.asarray(split.images), split.labels, strict=True)
    }
    expected = [ORDERED.index(text) for text in TEXTS]
    assert [found[image.tobytes()] for image in IMAGES] == expected


def test_what_was_found_is_told_and_kept(tmp_path: Path) -> None:
    folder = as_folder(tmp_path)
    for _ in range(2):  # the second time it is in the cache
        data = load_dataset(folder)  # type: ignore[arg-type]
        assert data.origin is not None
        assert data.origin.labels == ORDERED
        assert any("`_none` holds 10 counter-examples" in note for note in data.origin.notes)


@pytest.mark.parametrize("to", ["folder", "npz", "idx"])
def test_it_survives_a_conversion(to: str, tmp_path: Path) -> None:
    data = load(as_folder(tmp_path))  # type: ignore[arg-type]
    again = load(convert_dataset(data, tmp_path / f"made.{to}", to))  # type: ignore[arg-type]
    assert again.class_names == ORDERED
    np.testing.assert_array_equal(np.bincount(again.train.labels), np.bincount(data.train.labels))


def test_a_dataset_made_by_hand_has_to_have_it_last() -> None:
    split = Split(IMAGES, LABELS)
    with pytest.raises(DatasetError, match="`_none` must be the last of the classes of `mine`"):
        Dataset("mine", ("_none", "a", "b"), split)
    assert Dataset("mine", ("a", "b", "_none"), split).none_index == 2
    assert Dataset("mine", ("a", "b", "c"), split).none_index is None


def test_empty_pictures_among_counter_examples_are_no_blank_class() -> None:
    images = IMAGES.copy()
    images[LABELS == 2] = 0
    assert Dataset("mine", ("a", "b", "c"), Split(images, LABELS)).has_blank_class
    assert not Dataset("mine", ("a", "b", "_none"), Split(images, LABELS)).has_blank_class


def test_it_takes_two_classes_beside_it(tmp_path: Path) -> None:
    one, none = put(tmp_path / "one", "cat", "_none"), put(tmp_path / "none", "_none")
    with pytest.raises(DatasetError, match="one class alone, `cat`, beside counter-examples; it"):
        load_dataset(one)
    with pytest.raises(DatasetError, match="`_none` alone, which holds counter-examples; it takes"):
        load_dataset(none)
    data = Dataset("mine", ("cat", "_none"), Split(IMAGES, LABELS % 2))
    with pytest.raises(DatasetError, match="`mine` has one class beside `_none`; it takes two"):
        lenet.train(dataset=data, epochs=1, listeners=[])
