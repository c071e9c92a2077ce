"""Copies of an image and the members of a group stay on one side, whatever is held out."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from own_data import draw, load, write_pictures

import lenet
from lenet.datasets import Dataset, SharedImages, Split, stratified_halves
from lenet.errors import DatasetError

Numbers = npt.NDArray[np.int64]


def made(keys: list[int], labels: list[int], groups: list[int] | None = None) -> Dataset:
    """Images that are equal where their keys are."""
    images = np.array(keys, "<u4").view(np.uint8).reshape(-1, 1, 2, 2)
    numbers = None if groups is None else np.array(groups, np.int64)
    names = tuple(map(str, range(max(labels) + 1)))
    return Dataset("made", names, Split(images.copy(), np.array(labels, np.int64), None, numbers))


def keys_of(split: Split | None) -> list[int]:
    assert split is not None
    return np.ascontiguousarray(split.images).reshape(-1, 4).view("<u4")[:, 0].tolist()


@given(
    rows=st.lists(st.tuples(st.integers(0, 8), st.integers(0, 2)), min_size=2, max_size=60),
    fraction=st.floats(0.01, 0.99),
    seed=st.integers(0, 9),
)
def test_no_image_is_on_both_sides_and_every_class_can_be_learnt(
    rows: list[tuple[int, int]], fraction: float, seed: int
) -> None:
    keys, labels = (list(column) for column in zip(*rows, strict=True))
    dataset = made(keys, labels)
    kept, held_out = dataset.train.halves(fraction, seed)
    assert sorted([*kept, *held_out]) == list(range(len(rows)))
    assert not {keys[index] for index in kept} & {keys[index] for index in held_out}
    if len(set(keys)) < len(keys):
        # An image that occurs under several labels goes where the first of these wants it.
        owned = {key for key in keys if len({label for k, label in rows if k == key}) == 1}
        for label in set(labels):
            own = {key for key, of in rows if of == label}
            if own <= owned:
                assert label in {labels[index] for index in kept}


def test_a_tenth_of_many_copies_is_about_a_tenth() -> None:
    keys = np.repeat(np.arange(200), 5).tolist()
    dataset = made(keys, [key % 2 for key in keys]).with_validation(0.1)
    assert len(dataset.train) == 900
    assert not set(keys_of(dataset.train)) & set(keys_of(dataset.validation))


def test_images_without_a_copy_are_drawn_as_they_always_were() -> None:
    # The indices that were drawn before copies were looked for: runs are known again by them.
    kept, held_out = made(list(range(12)), [0, 1] * 6).train.halves(0.34, seed=3)
    same = stratified_halves(np.array([0, 1] * 6), 0.34, seed=3)
    assert (held_out.tolist(), kept.tolist()) == (same[1].tolist(), same[0].tolist())
    assert held_out.tolist() == [4, 7, 10, 11]


def test_the_members_of_a_group_stay_together_in_every_class() -> None:
    labels, groups = [0, 1, 2] * 40, np.repeat(np.arange(20), 6).tolist()
    dataset = made(list(range(120)), labels, groups).with_validation(0.2)
    sides = [set(split.groups.tolist()) for split in (dataset.train, dataset.validation)]
    assert [len(side) for side in sides] == [16, 4]
    assert not sides[0] & sides[1]


def test_a_copy_in_another_group_joins_the_two() -> None:
    keys = [0, 1, 2, 3, 0, 4, 5, 6]  # the first of group 0 is the first of group 2
    groups = [0, 0, 1, 1, 2, 2, 3, 3]
    for seed in range(20):
        dataset = made(keys, [0] * 8, groups)
        kept, held_out = dataset.train.halves(0.5, seed)
        for side in (kept.tolist(), held_out.tolist()):
            assert (0 in side) == (1 in side) == (4 in side) == (5 in side)
        assert min(len(kept), len(held_out)) > 0


def test_trainings_that_share_their_images_hold_out_the_same_ones() -> None:
    keys = np.repeat(np.arange(20), 3).tolist()
    dataset = made(keys, [key % 2 for key in keys])
    shared = SharedImages(dataset).hold_out(0.25, 4)
    assert keys_of(shared.validation) == keys_of(dataset.with_validation(0.25, 4).validation)


def test_neither_names_nor_groups_of_another_number_are_taken() -> None:
    images, labels = np.zeros((2, 1, 1, 1), np.uint8), np.zeros(2, np.int64)
    with pytest.raises(DatasetError, match="2 images but 1 names"):
        Split(images, labels, ["a"])
    with pytest.raises(DatasetError, match="2 images but 3 groups"):
        Split(images, labels, None, np.arange(3))


def test_an_example_keeps_its_name_wherever_it_goes(tmp_path: Path) -> None:
    images, labels = draw(40, classes=2)
    names = [f"n{number}\udcff猫" for number in range(40)]
    dataset = Dataset("named", ("a", "b"), Split(images[:, None], labels, names))
    for split in dataset.with_validation(0.25).splits.values():
        for image, name in zip(split.images, split.names or (), strict=True):
            np.testing.assert_array_equal(image[0], images[names.index(name)])
    assert dataset.train.name_of(3) == "n3\udcff猫"
    assert Split(images[:, None], labels).name_of(3, "test") == "test no. 3"


def test_pictures_are_called_by_their_files(tmp_path: Path) -> None:
    folder = tmp_path / "x"
    images, labels = draw(12, classes=2)
    write_pictures(folder, images, [["cat", "dog"][label] for label in labels])
    (folder / "cat" / "00.png").write_text("no picture")
    for _ in range(2):  # read, and from the cache
        dataset = load(folder, skip_bad=True)
        names = list(dataset.train.names or ())
        assert names == [f"{['cat', 'dog'][n % 2]}/{n}.png" for n in range(12)]
        divided = lenet.load_dataset(folder, skip_bad=True)
        assert divided.test is not None
        for image, name in zip(divided.test.images, divided.test.names or (), strict=True):
            np.testing.assert_array_equal(image[0], images[int(name[4:-4])])


def test_images_of_arrays_are_called_by_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    images, labels = draw(12, classes=2)
    np.savez(path, x_train=images[:8], y_train=labels[:8], x_test=images[8:], y_test=labels[8:])
    dataset = load(path)
    assert dataset.train.name_of(7) == "train no. 7"
    assert dataset.test is not None
    assert dataset.test.name_of(3, "test") == "test no. 3"


@pytest.mark.parametrize("header", [True, False])
def test_images_of_tables_are_called_by_their_lines(tmp_path: Path, header: bool) -> None:
    images, labels = draw(12, classes=2)
    rows = np.column_stack([labels, images.reshape(12, -1)])
    names = ["label", *(f"pixel{number}" for number in range(784))]
    lines = [",".join(names)] * header + [",".join(map(str, row)) for row in rows.tolist()]
    (tmp_path / "x.csv").write_text("\n".join(lines))
    dataset = load(tmp_path / "x.csv", label_column="first")
    assert dataset.train.name_of(0) == f"x.csv, line {1 + header}"
    assert dataset.train.name_of(11) == f"x.csv, line {12 + header}"
