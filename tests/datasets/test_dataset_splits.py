"""`Split` and `Dataset`: what they refuse, and the split held out for validation."""

import dataclasses
from collections import Counter

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lenet.datasets import Dataset, Split
from lenet.errors import DatasetError, SettingError


def numbered(labels: list[int] | npt.NDArray[np.int64]) -> Split:
    """Images of 2×2 pixels that hold their own number, so that each can be told from the rest."""
    numbers = np.arange(len(labels), dtype="<u4").view(np.uint8).reshape(-1, 1, 2, 2)
    return Split(numbers.copy(), np.array(labels, dtype=np.int64))


def numbers_of(split: Split) -> list[int]:
    return np.ascontiguousarray(split.images).reshape(-1, 4).view("<u4")[:, 0].tolist()


def dataset_of(labels: list[int] | npt.NDArray[np.int64], classes: int = 10) -> Dataset:
    names = tuple(f"class {index}" for index in range(classes))
    return Dataset("numbered", names, numbered(labels), numbered([0]))


def test_names_of_classes_are_text() -> None:
    with pytest.raises(DatasetError, match="`numbered` has a class called 0, which is no text"):
        Dataset("numbered", (0, 1), numbered([0, 1]))  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float32, bool])
def test_images_that_are_not_uint8_are_refused(dtype: type) -> None:
    with pytest.raises(DatasetError, match=r"Images must be uint8 of shape \(N, C, H, W\)"):
        Split(np.zeros((2, 1, 4, 4), dtype), np.zeros(2, np.int64))


@pytest.mark.parametrize("shape", [(2,), (2, 16), (2, 1, 1, 4, 4)])
def test_images_of_other_dimensions_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(DatasetError, match="Images must be uint8") as caught:
        Split(np.zeros(shape, np.uint8), np.zeros(2, np.int64))
    assert str(shape) in str(caught.value)


@pytest.mark.parametrize("labels", [np.zeros(2, bool), np.zeros(2), np.zeros((2, 1), np.int64)])
def test_labels_that_are_not_a_row_of_int64_are_refused(labels: npt.NDArray[np.int64]) -> None:
    with pytest.raises(DatasetError, match=r"Labels must be int64 of shape \(N,\)"):
        Split(np.zeros((2, 1, 4, 4), np.uint8), labels)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, ">i8", np.uint64])
def test_whole_numbers_of_any_type_are_labels(dtype: str) -> None:
    split = Split(np.zeros((2, 1, 4, 4), np.uint8), np.array([7, 3], dtype))  # type: ignore[arg-type]
    assert split.labels.dtype == np.int64
    assert split.labels.tolist() == [7, 3]


def test_images_without_channels_are_images() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 5, 7), np.uint8)
    labels = np.array([0, 1])
    np.testing.assert_array_equal(Split(images[:, 0], labels).images, images[:, :1])
    last = Split(images.transpose(0, 2, 3, 1), labels)  # which may be seven channels of 3 columns
    assert last.images.shape == (2, 5, 7, 3)


def test_a_split_takes_tensors_and_is_a_sequence_of_pairs_for_pytorch() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 1, 6, 6), np.uint8)
    labels = [3, 1, 4, 1, 5]
    split = Split(torch.from_numpy(images), torch.tensor(labels))  # type: ignore[arg-type]
    assert type(split.images) is type(split.labels) is np.ndarray
    batches = list(torch.utils.data.DataLoader(split, batch_size=2))  # type: ignore[arg-type]
    np.testing.assert_array_equal(torch.cat([batch for batch, _ in batches]).numpy(), images)
    assert torch.cat([batch for _, batch in batches]).tolist() == labels
    assert [label for _, label in split] == labels
    np.testing.assert_array_equal(split[-1][0], images[4])
    np.testing.assert_array_equal(split[3:0:-2].images, images[3:0:-2])
    with pytest.raises(IndexError):
        split[5]


def test_different_numbers_of_images_and_labels_are_refused() -> None:
    with pytest.raises(DatasetError, match="3 images but 2 labels"):
        Split(np.zeros((3, 1, 4, 4), np.uint8), np.zeros(2, np.int64))


def test_no_images_at_all_are_refused() -> None:
    with pytest.raises(DatasetError, match="There are no images"):
        Split(np.zeros((0, 1, 4, 4), np.uint8), np.zeros(0, np.int64))


def test_taking_indices_keeps_their_order_and_their_labels() -> None:
    split = numbered([5, 6, 7, 8]).take(np.array([3, 0, 3]))
    assert numbers_of(split) == [3, 0, 3]
    assert split.labels.tolist() == [8, 5, 8]
    assert len(split) == 3


@pytest.mark.parametrize("name", ["train", "test", "validation"])
@pytest.mark.parametrize("wrong", [-1, 3, 200])
def test_a_label_outside_the_classes_is_refused(name: str, wrong: int) -> None:
    splits = {"train": numbered([0, 1]), "test": numbered([2]), "validation": numbered([1])}
    splits[name] = numbered([0, wrong, 2])
    with pytest.raises(DatasetError) as caught:
        Dataset("three", ("a", "b", "c"), **splits)
    assert str(caught.value) == (
        f"The {name} labels of `three` hold {wrong}, outside its 3 classes (0 to 2)."
    )


@pytest.mark.parametrize("name", ["test", "validation"])
@pytest.mark.parametrize("shape", [(2, 1, 4, 5), (2, 3, 4, 4)])
def test_images_of_a_shape_of_their_own_are_refused(name: str, shape: tuple[int, ...]) -> None:
    usual = Split(np.zeros((2, 1, 4, 4), np.uint8), np.zeros(2, np.int64))
    splits = {"train": usual, "test": usual, "validation": usual}
    splits[name] = Split(np.zeros(shape, np.uint8), np.zeros(2, np.int64))
    with pytest.raises(DatasetError, match=f"The {name} images of `odd` have shape"):
        Dataset("odd", ("a",), **splits)


def test_the_shape_of_an_image_is_channels_height_width() -> None:
    split = Split(np.zeros((2, 3, 5, 7), np.uint8), np.zeros(2, np.int64))
    assert Dataset("wide", ("a",), split, split).image_shape == (3, 5, 7)


@settings(max_examples=50, deadline=None)
@given(
    counts=st.lists(st.integers(0, 40), min_size=2, max_size=6),
    fraction=st.floats(0.01, 0.99),
    seed=st.integers(0, 2**32 - 1),
)
def test_held_out_images_are_the_same_share_of_every_class_and_no_others_are_lost(
    counts: list[int], fraction: float, seed: int
) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    expected = {label: round(fraction * count) for label, count in enumerate(counts)}
    total = sum(expected.values())
    if not 0 < total < len(labels):
        if len(labels):
            with pytest.raises(SettingError, match="leaves"):
                dataset_of(labels).with_validation(fraction, seed)
        return

    dataset = dataset_of(labels).with_validation(fraction, seed)

    assert dataset.validation is not None
    kept, held_out = numbers_of(dataset.train), numbers_of(dataset.validation)
    assert sorted(kept + held_out) == list(range(len(labels)))
    assert (kept, held_out) == (sorted(kept), sorted(held_out))
    assert dataset.train.labels.tolist() == labels[kept].tolist()
    assert dataset.validation.labels.tolist() == labels[held_out].tolist()
    drawn = Counter(dataset.validation.labels.tolist())
    assert all(drawn[label] == count for label, count in expected.items())


def test_the_same_seed_holds_out_the_same_images_and_another_seed_others() -> None:
    dataset = dataset_of([0, 1, 2, 3] * 50, classes=4)

    def held_out(seed: int) -> list[int]:
        validation = dataset.with_validation(0.2, seed).validation
        assert validation is not None
        return numbers_of(validation)

    assert held_out(3) == held_out(3)
    assert len({tuple(held_out(seed)) for seed in range(8)}) == 8
    assert len(set().union(*(held_out(seed) for seed in range(100)))) == 200


def test_the_test_images_and_the_original_stay_as_they_were() -> None:
    dataset = dataset_of([0, 1] * 10)
    split = dataset.with_validation(0.5)
    assert split.test is dataset.test
    assert dataset.validation is None
    assert len(dataset.train) == 20
    assert (split.name, split.class_names) == (dataset.name, dataset.class_names)


@pytest.mark.parametrize("fraction", [0, 1, 0.0, 1.0, -0.1, 1.5, float("nan"), float("inf")])
def test_a_share_that_is_not_between_none_and_all_is_refused(fraction: float) -> None:
    with pytest.raises(SettingError, match=f"above 0 and below 1, not {fraction}"):
        dataset_of([0, 1] * 10).with_validation(fraction)


@pytest.mark.parametrize(("fraction", "kept", "held_out"), [(0.01, 20, 0), (0.99, 0, 20)])
def test_a_share_that_leaves_one_side_empty_is_refused(
    fraction: float, kept: int, held_out: int
) -> None:
    words = f"leaves {kept} images to train on and {held_out} to choose on"
    with pytest.raises(SettingError, match=words):
        dataset_of([0, 1] * 10).with_validation(fraction)


def test_the_fingerprint_changes_with_any_pixel_label_or_split() -> None:
    dataset = dataset_of([0, 1, 2, 3] * 5)
    assert dataset.fingerprint() == dataset_of([0, 1, 2, 3] * 5).fingerprint()

    pixel = dataset.train.images.copy()
    pixel[7, 0, 1, 1] += 1
    label = dataset.train.labels.copy()
    label[0] = 1
    others = [
        dataclasses.replace(dataset, train=Split(pixel, dataset.train.labels)),
        dataclasses.replace(dataset, train=Split(dataset.train.images, label)),
        dataclasses.replace(dataset, test=numbered([1])),
        dataset.with_validation(0.2),
        dataclasses.replace(dataset, validation=numbered([2])),
    ]
    prints = {dataset.fingerprint(), *(other.fingerprint() for other in others)}
    assert len(prints) == 6


def test_the_fingerprint_does_not_depend_on_how_the_array_lies_in_memory() -> None:
    split = numbered([0, 1, 2])
    other = Split(np.asfortranarray(split.images), split.labels)
    names = ("a", "b", "c")
    first, second = Dataset("x", names, split, split), Dataset("x", names, other, other)
    assert first.fingerprint() == second.fingerprint()


def test_a_dataset_may_have_no_test_images() -> None:
    dataset = Dataset("numbered", ("a", "b"), numbered([0, 1] * 10))
    assert dataset.test is None
    assert dataset.with_validation(0.5).test is None
    assert dataset.fingerprint() != dataset_of([0, 1] * 10, classes=2).fingerprint()
    with pytest.raises(DatasetError, match="`numbered` has no test images"):
        dataset.require_test()
    whole = dataset_of([0, 1])
    assert whole.require_test() is whole.test
