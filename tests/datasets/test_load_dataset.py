"""`load_dataset`: from names to arrays, and files that do not go together."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import lenet
from lenet.datasets import Dataset, dataset_names
from lenet.errors import DataFileError, DatasetError, DownloadError, SettingError, UnknownNameError
from small_dataset import SmallDataset, pack_idx


@pytest.fixture
def write(data_home: Path) -> Callable[[SmallDataset], Path]:
    """Put a small dataset's plain files where they are looked for."""

    def write(small: SmallDataset) -> Path:
        folder = data_home / "fashion-mnist"
        folder.mkdir()
        for name, content in small.files().items():
            (folder / name).write_bytes(content)
        return folder

    return write


Write = Callable[[SmallDataset], Path]


def test_the_names_are_those_that_the_reference_gives() -> None:
    splits = ("balanced", "byclass", "bymerge", "digits", "letters", "mnist")
    emnist = [f"emnist-{split}" for split in splits]
    assert dataset_names() == ["fashion-mnist", "mnist", "kmnist", *emnist, "digits"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [("fashion", "fashion-mnist"), ("fashion_mnist", "fashion-mnist"), ("digit", "digits")],
)
def test_an_unknown_name_is_an_error_with_the_nearest_one(name: str, meant: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        lenet.load_dataset(name)
    known = ", ".join(f"`{known}`" for known in dataset_names())
    assert str(caught.value) == (
        f"Unknown dataset or folder `{name}`. Did you mean `{meant}`? Known: {known}."
    )


def test_a_name_that_is_near_to_none_gets_no_suggestion() -> None:
    with pytest.raises(UnknownNameError) as caught:
        lenet.load_dataset("cifar-10")
    assert "Did you mean" not in str(caught.value)


def test_small_files_become_a_dataset_of_the_promised_types(
    small: SmallDataset, write: Write
) -> None:
    write(small)
    dataset = lenet.load_dataset("fashion-mnist")
    assert dataset.name == "fashion-mnist"
    assert dataset.image_shape == (1, 28, 28)
    assert dataset.train.images.shape == (12, 1, 28, 28)
    assert dataset.test.images.shape == (5, 1, 28, 28)
    for split in (dataset.train, dataset.test):
        assert split.images.dtype == np.uint8
        assert split.labels.dtype == np.int64
    np.testing.assert_array_equal(dataset.train.images[:, 0], small.train_images)
    np.testing.assert_array_equal(dataset.test.labels, small.test_labels)
    assert dataset.validation is None


def test_more_images_than_labels_are_refused(small: SmallDataset, write: Write) -> None:
    small.train_labels = small.train_labels[:-1]
    folder = write(small)
    with pytest.raises(DataFileError) as caught:
        lenet.load_dataset("fashion-mnist")
    assert str(caught.value) == (
        f"`{folder / 'train-images-idx3-ubyte'}` holds 12 images but "
        f"`{folder / 'train-labels-idx1-ubyte'}` 11 labels."
    )


def test_more_labels_than_images_are_refused(small: SmallDataset, write: Write) -> None:
    small.test_images = small.test_images[:-2]
    write(small)
    with pytest.raises(DataFileError, match=r"holds 3 images but .* 5 labels"):
        lenet.load_dataset("fashion-mnist")


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_label_outside_the_classes_is_refused(
    small: SmallDataset, write: Write, split: str
) -> None:
    getattr(small, f"{split}_labels")[2] = 10
    write(small)
    with pytest.raises(DatasetError, match=f"{split} labels .* hold 10, outside its 10 classes"):
        lenet.load_dataset("fashion-mnist")


@pytest.mark.parametrize("shape", [(12,), (12, 784), (12, 1, 28, 28)])
def test_images_of_other_dimensions_are_refused(
    small: SmallDataset, write: Write, shape: tuple[int, ...]
) -> None:
    path = write(small) / "train-images-idx3-ubyte"
    path.write_bytes(pack_idx(0x08, shape, bytes(int(np.prod(shape)))))
    with pytest.raises(DataFileError, match=r"should hold uint8 images of shape \(N, H, W\)"):
        lenet.load_dataset("fashion-mnist")


def test_images_of_floats_are_refused(small: SmallDataset, write: Write) -> None:
    path = write(small) / "train-images-idx3-ubyte"
    path.write_bytes(pack_idx(0x0D, (12, 2, 2), bytes(12 * 4 * 4)))
    with pytest.raises(DataFileError, match="not float32 of shape"):
        lenet.load_dataset("fashion-mnist")


@pytest.mark.parametrize(
    ("type_code", "shape", "size"), [(0x08, (12, 1), 12), (0x0E, (12,), 96)], ids=["2-d", "floats"]
)
def test_labels_that_are_not_a_row_of_whole_numbers_are_refused(
    small: SmallDataset,
    write: Write,
    type_code: int,
    shape: tuple[int, ...],
    size: int,
) -> None:
    path = write(small) / "train-labels-idx1-ubyte"
    path.write_bytes(pack_idx(type_code, shape, bytes(size)))
    with pytest.raises(DataFileError, match=r"should hold whole numbers of shape \(N,\)"):
        lenet.load_dataset("fashion-mnist")


def test_images_and_labels_in_each_others_place_are_refused(
    small: SmallDataset, write: Write
) -> None:
    folder = write(small)
    images, labels = folder / "t10k-images-idx3-ubyte", folder / "t10k-labels-idx1-ubyte"
    images.rename(folder / "aside")
    labels.rename(images)
    (folder / "aside").rename(labels)
    with pytest.raises(DataFileError):
        lenet.load_dataset("fashion-mnist")


def test_test_images_of_another_size_are_refused(small: SmallDataset, write: Write) -> None:
    small.test_images = small.test_images[:, :14]
    write(small)
    with pytest.raises(DatasetError, match=r"test images .* have shape \(1, 14, 28\)"):
        lenet.load_dataset("fashion-mnist")


def test_files_without_any_image_are_refused(small: SmallDataset, write: Write) -> None:
    small.train_images, small.train_labels = small.train_images[:0], small.train_labels[:0]
    write(small)
    with pytest.raises(DatasetError, match="no images"):
        lenet.load_dataset("fashion-mnist")


def test_a_damaged_file_is_named(small: SmallDataset, write: Write) -> None:
    path = write(small) / "t10k-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataFileError) as caught:
        lenet.load_dataset("fashion-mnist")
    assert f"`{path}` is truncated" in str(caught.value)


def test_validation_is_held_out_on_request(small: SmallDataset, write: Write) -> None:
    small.train_labels[:] = 3
    write(small)
    plain = lenet.load_dataset("fashion-mnist")
    dataset = lenet.load_dataset("fashion-mnist", validation=0.25, seed=4)
    same = plain.with_validation(0.25, seed=4)
    assert dataset.validation is not None
    assert (len(dataset.train), len(dataset.validation)) == (9, 3)
    assert dataset.fingerprint() == same.fingerprint()


@pytest.mark.parametrize("validation", [1.0, -0.1, 2.0, float("nan"), float("inf")])
def test_a_validation_share_out_of_range_is_refused(validation: float) -> None:
    with pytest.raises(SettingError, match="validation fraction must be above 0 and below 1"):
        lenet.load_dataset("digits", validation=validation)


def check_family(dataset: Dataset, first_label: int) -> None:
    assert dataset.train.images.shape == (60_000, 1, 28, 28)
    assert dataset.test.images.shape == (10_000, 1, 28, 28)
    for split in (dataset.train, dataset.test):
        assert split.images.dtype == np.uint8
        assert split.labels.dtype == np.int64
        assert (split.images.min(), split.images.max()) == (0, 255)
    assert dataset.train.labels[0] == first_label


@pytest.mark.fashion_mnist
def test_the_real_fashion_mnist_has_its_known_numbers(fashion_mnist: Dataset) -> None:
    check_family(fashion_mnist, first_label=9)
    assert np.bincount(fashion_mnist.train.labels).tolist() == [6_000] * 10
    assert np.bincount(fashion_mnist.test.labels).tolist() == [1_000] * 10
    # The mean and standard deviation that are quoted everywhere for these images.
    pixels = fashion_mnist.train.images
    assert round(float(pixels.mean()) / 255, 4) == 0.2860
    assert round(float(pixels.std()) / 255, 4) == 0.3530


@pytest.mark.fashion_mnist
def test_a_tenth_of_the_real_fashion_mnist_is_held_out_evenly(fashion_mnist: Dataset) -> None:
    dataset = fashion_mnist.with_validation(0.1)
    assert dataset.validation is not None
    assert np.bincount(dataset.train.labels).tolist() == [5_400] * 10
    assert np.bincount(dataset.validation.labels).tolist() == [600] * 10


@pytest.mark.fashion_mnist
def test_the_real_mnist_has_its_known_numbers() -> None:
    try:
        mnist = lenet.load_dataset("mnist")
    except DownloadError as error:
        pytest.skip(f"no MNIST on this machine: {error}")
    check_family(mnist, first_label=5)
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(mnist.train.labels).tolist() == counts
    assert round(float(mnist.train.images.mean()) / 255, 4) == 0.1307
    assert round(float(mnist.train.images.std()) / 255, 4) == 0.3081
