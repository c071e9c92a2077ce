"""The bundled digits against scikit-learn's own arrays."""

import numpy as np
import pytest
import scipy.ndimage
from sklearn.datasets import load_digits

import lenet
from lenet.datasets import Dataset


@pytest.fixture(scope="module")
def bundled() -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's 8×8 images and their labels."""
    source = load_digits()
    return source.images, source.target


def test_the_sizes_types_and_classes_are_as_promised(digits: Dataset) -> None:
    assert digits.name == "digits"
    assert digits.class_names == tuple("0123456789")
    assert digits.image_shape == (1, 28, 28)
    assert (len(digits.train), len(digits.test)) == (1438, 359)
    for split in (digits.train, digits.test):
        assert split.images.dtype == np.uint8
        assert split.labels.dtype == np.int64
    assert digits.validation is None


def test_the_bytes_are_the_same_on_every_machine(digits: Dataset) -> None:
    """Runs name their data by it, and are not resumed with other data."""
    assert digits.fingerprint().startswith("c7fd5fabc3d10b9f552c6a9dae9aabd7")


def test_every_class_gives_a_fifth_to_the_test(
    digits: Dataset, bundled: tuple[np.ndarray, np.ndarray]
) -> None:
    counts = np.bincount(bundled[1])
    tested = np.bincount(digits.test.labels)
    np.testing.assert_array_equal(tested, [round(0.2 * count) for count in counts])
    np.testing.assert_array_equal(tested + np.bincount(digits.train.labels), counts)


def ink(images: np.ndarray) -> np.ndarray:
    """The 20×20 pixels in the middle."""
    return images[:, 0, 4:24, 4:24]


def test_the_ink_lies_within_a_margin_of_four_black_pixels(digits: Dataset) -> None:
    for split in (digits.train, digits.test):
        assert split.images.sum(dtype=np.int64) == ink(split.images).sum(dtype=np.int64)
        assert ink(split.images).max() == 255


def enlarged(image: np.ndarray) -> np.ndarray:
    """An 8×8 image at 20×20 by scipy, each value at the middle of its pixel."""
    middle = (np.arange(20) + 0.5) * 8 / 20 - 0.5
    grid = np.meshgrid(middle, middle, indexing="ij")
    values = scipy.ndimage.map_coordinates(image / 16, grid, order=1, mode="nearest")
    return values * 255


def test_every_image_is_a_bundled_one_enlarged_and_each_is_in_one_split_only(
    digits: Dataset, bundled: tuple[np.ndarray, np.ndarray]
) -> None:
    expected = np.stack([enlarged(image) for image in bundled[0]])
    found: list[int] = []
    for split in (digits.train, digits.test):
        # Both splits keep the order of the source, so one walk along it meets every image.
        position = -1
        for image, label in zip(ink(split.images), split.labels, strict=True):
            position += 1
            while bundled[1][position] != label or np.abs(image - expected[position]).max() > 0.51:
                position += 1
            found.append(position)
    assert sorted(found) == list(range(1797))


def test_loading_twice_gives_the_same_bits(digits: Dataset) -> None:
    assert lenet.load_dataset("digits").fingerprint() == digits.fingerprint()


def test_validation_comes_out_of_the_training_images_only(digits: Dataset) -> None:
    dataset = lenet.load_dataset("digits", validation=0.1, seed=2)
    assert dataset.validation is not None
    assert len(dataset.train) + len(dataset.validation) == 1438
    np.testing.assert_array_equal(dataset.test.images, digits.test.images)
