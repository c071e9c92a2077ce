"""Objects that people hold: each becomes the same dataset."""

import io
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.sparse import csr_matrix
from sklearn.datasets import load_digits
from sklearn.utils import Bunch
from torch.utils.data import DataLoader, Subset, TensorDataset

import lenet
from lenet.datasets import Dataset, Split
from lenet.errors import DatasetError, SettingError

SIDE = 12
_random = np.random.default_rng(0)
X = _random.integers(0, 256, (30, SIDE, SIDE), np.uint8)
X[:, 0, 0], X[:, 0, 1] = 0, 255  # so that floats have their whole range
Y = np.arange(30) % 3
UNIT = torch.from_numpy(X).float().unsqueeze(1) / 255
NAMES = ("cat", "dog", "owl")
IN_PARTS = ((X[:20], Y[:20]), (X[20:], Y[20:]))
PICTURES = [Image.fromarray(image) for image in X]


class OfTorchvision:
    """As torchvision's MNIST is: tensors, and items of Pillow's images or what is made of them."""

    def __init__(self, transform: Callable[[Image.Image], Any] | None = None):
        self.classes = list(NAMES)
        self.transform = transform
        self.data = torch.from_numpy(X)
        self.targets = torch.from_numpy(Y)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        if index >= len(self):
            raise IndexError
        image = Image.fromarray(self.data[index].numpy())
        return self.transform(image) if self.transform else image, int(self.targets[index])


class ClassLabel(SimpleNamespace):
    """As `datasets.ClassLabel`, of which the names count."""


class OfHuggingFace:
    """As `datasets.Dataset` is: `features`, and rows that are dictionaries."""

    def __init__(self, pictures: list[Any], labels: npt.NDArray[Any]):
        self.features = {"image": SimpleNamespace(decode=True), "label": ClassLabel(names=[*NAMES])}
        self._columns = {"image": pictures, "label": labels.tolist()}

    @property
    def column_names(self) -> list[str]:
        return list(self.features)

    def __len__(self) -> int:
        return len(self._columns["label"])

    def __getitem__(self, key: int | str) -> Any:
        if isinstance(key, str):
            return self._columns[key]
        return {name: column[key] for name, column in self._columns.items()}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[number] for number in range(len(self)))


def to_tensor(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(image)).float()[None] / 255


def encode(image: npt.NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


FORMS: dict[str, Any] = {
    "arrays": (X, Y),
    "a list of two": [X, Y],
    "rows": (X.reshape(30, -1), Y),
    "channels last": (X[..., None], Y.astype(np.int32)),
    "fractions": (X / 255, Y.astype(float)),
    "one-hot": (X, np.eye(3)[Y]),
    "a column": (X, Y[:, None]),
    "lists": (X.tolist(), Y.tolist()),
    "tensors": (UNIT, torch.from_numpy(Y)),
    "half": (UNIT.double().requires_grad_(), list(torch.from_numpy(Y))),
    "pandas": (pd.DataFrame(X.reshape(30, -1)), pd.Series(Y)),
    "a table": pd.DataFrame(X.reshape(30, -1)).assign(label=Y),
    "a table with the label last": pd.DataFrame(X.reshape(30, -1)).assign(digit=Y),
    "a table of pictures": pd.DataFrame({"image": list(X), "label": Y}),
    "a dictionary": {"images": X, "labels": Y},
    "scikit-learn's": Bunch(data=X.reshape(30, -1), images=X, target=Y, target_names=np.arange(3)),
    "OpenML's": Bunch(data=pd.DataFrame(X.reshape(30, -1)), target=Y, target_names=["class"]),
    "TensorDataset": TensorDataset(UNIT, torch.from_numpy(Y)),
    "Subset": Subset(TensorDataset(UNIT, torch.from_numpy(Y)), range(30)),
    "DataLoader": DataLoader(TensorDataset(UNIT, torch.from_numpy(Y)), batch_size=7),
    "pairs": list(zip(X, Y.tolist(), strict=True)),
    "pairs with pictures": list(zip(PICTURES, Y.tolist(), strict=True)),
    "a generator": ((image, label) for image, label in zip(X, Y, strict=True)),
    "rows of a dictionary": [
        {"image": image, "label": 0 + y} for image, y in zip(X, Y, strict=True)
    ],
    "a split": Split(X, Y),
    "bytes": ([encode(image) for image in X], Y),
}
PARTED: dict[str, Any] = {
    "as Keras gives": IN_PARTS,
    "as train_test_split gives": (X[:20], X[20:], Y[:20], Y[20:]),
    "a dictionary of parts": {"train": IN_PARTS[0], "test": IN_PARTS[1]},
    "a dictionary of arrays": {
        "x_train": X[:20],
        "y_train": Y[:20],
        "x_test": X[20:],
        "y_test": Y[20:],
    },
    "two datasets": tuple(
        TensorDataset(UNIT[part], torch.from_numpy(Y)[part]) for part in (slice(20), slice(20, 30))
    ),
}
NAMED: dict[str, Any] = {
    "torchvision": OfTorchvision(),
    "torchvision with a transform": OfTorchvision(to_tensor),
    "a loader of torchvision's": DataLoader(OfTorchvision(to_tensor), batch_size=8),
    "a part of torchvision's": Subset(OfTorchvision(), range(30)),
    "a loader of a part": DataLoader(Subset(OfTorchvision(to_tensor), range(30)), batch_size=9),
    "Hugging Face": OfHuggingFace(PICTURES, Y),
    "undecoded": OfHuggingFace([{"bytes": encode(image), "path": None} for image in X], Y),
}


def assert_same(split: Split | None, images: npt.NDArray[Any], labels: npt.NDArray[Any]) -> None:
    assert split is not None
    np.testing.assert_array_equal(split.images[:, 0], images)
    np.testing.assert_array_equal(split.labels, labels)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_dataset(form: str) -> None:
    size = {"size": SIDE} if form == "bytes" else {}
    dataset = lenet.as_dataset(FORMS[form], test_share=0.0, **size)
    assert_same(dataset.train, X, Y)
    assert dataset.class_names == ("0", "1", "2")
    assert dataset.test is None


@pytest.mark.parametrize("form", PARTED)
def test_parts_are_kept(form: str) -> None:
    dataset = lenet.as_dataset(PARTED[form])
    assert_same(dataset.train, X[:20], Y[:20])
    assert_same(dataset.test, X[20:], Y[20:])


@pytest.mark.parametrize("form", NAMED)
def test_names_of_classes_are_kept(form: str) -> None:
    size = {"size": SIDE} if form == "undecoded" else {}
    dataset = lenet.as_dataset(NAMED[form], test_share=0.0, **size)
    assert_same(dataset.train, X, Y)
    assert dataset.class_names == NAMES


def test_three_parts_and_a_dictionary_of_hugging_faces_are_kept() -> None:
    parts = [
        OfHuggingFace(PICTURES[start : start + 10], Y[start : start + 10]) for start in (0, 10, 20)
    ]
    for data in (parts, dict(zip(("train", "validation", "test"), parts, strict=True))):
        dataset = lenet.as_dataset(data)
        assert_same(dataset.train, X[:10], Y[:10])
        assert_same(dataset.validation, X[10:20], Y[10:20])
        assert_same(dataset.test, X[20:], Y[20:])


def test_without_a_test_part_a_fifth_is_kept_as_of_files() -> None:
    dataset = lenet.as_dataset((X, Y))
    np.savez_compressed("same.npz", x=X, y=Y)
    same = lenet.load_dataset("same.npz", size=SIDE)
    assert dataset.fingerprint() == same.fingerprint()
    assert dataset.preparation == same.preparation
    assert dataset.origin is None


def test_texts_are_classes_and_names_may_be_given() -> None:
    texts = np.array(["none", "10", "9"])[Y]
    for labels in (
        texts,
        texts.tolist(),
        pd.Series(texts).astype("category"),
        texts.astype(object),
    ):
        assert lenet.as_dataset((X, labels)).class_names == ("9", "10", "none")
    assert lenet.as_dataset((X, Y), class_names=NAMES).class_names == NAMES
    in_order = lenet.as_dataset((X, texts), class_names=["none", "9", "10", "never"])
    assert in_order.class_names == ("none", "9", "10", "never")
    np.testing.assert_array_equal(in_order.train.labels[:3], [0, 2, 1])
    with pytest.raises(DatasetError, match="The label `10` is none of the 2 names of classes"):
        lenet.as_dataset((X, texts), class_names=["none", "9"])
    with pytest.raises(DatasetError, match="There are 2 names of classes, but the label 2"):
        lenet.as_dataset((X, Y), class_names=NAMES[:2])


def test_colours_are_kept_and_small_images_enlarged() -> None:
    colours = _random.integers(0, 256, (10, 20, 16, 3), np.uint8)
    labels = np.arange(10) % 2
    for images in (
        colours,
        colours.transpose(0, 3, 1, 2),
        [Image.fromarray(one) for one in colours],
    ):
        dataset = lenet.as_dataset((images, labels), test_share=0.0)
        np.testing.assert_array_equal(dataset.train.images, colours.transpose(0, 3, 1, 2))
    assert lenet.as_dataset((colours, labels), colour=False, size=12).image_shape == (1, 12, 12)
    digits = lenet.as_dataset(load_digits())
    assert digits.image_shape == (1, 28, 28)
    assert digits.train.images.max() == 255
    assert digits.class_names == tuple("0123456789")


def test_paths_and_pictures_of_any_size_are_read_as_files_are(tmp_path: Path) -> None:
    paths = []
    for number in range(6):
        paths.append(tmp_path / f"{number}.png")
        Image.fromarray(X[number]).resize((12 + number, 20)).save(paths[-1])
    by_path = lenet.as_dataset((list(map(str, paths)), [0, 1] * 3))
    opened = [Image.open(path) for path in paths]
    assert by_path.image_shape == (1, 28, 28)
    assert lenet.as_dataset((opened, [0, 1] * 3)).fingerprint() == by_path.fingerprint()
    table = pd.DataFrame({"path": list(map(str, paths)), "label": [0, 1] * 3})
    assert lenet.as_dataset(table).fingerprint() == by_path.fingerprint()


def _groups(split: Split) -> list[int]:
    assert split.groups is not None
    return split.groups.tolist()


def test_splits_keep_what_they_have() -> None:
    weights, groups = np.linspace(1, 2, 30, dtype=np.float32), np.arange(30) // 6
    whole = Split(X, Y + 2, groups=groups, weights=weights)
    dataset = lenet.as_dataset(whole)
    assert dataset.class_names == tuple("01234")  # labels are the numbers of classes
    assert dataset.test is not None
    assert dataset.train.weights is not None
    assert not {*_groups(dataset.train)} & {*_groups(dataset.test)}
    np.testing.assert_array_equal(np.unique(dataset.train.labels), [2, 3, 4])
    parts = lenet.as_dataset((whole, whole[:5]), class_names="abcde")
    assert parts.train is whole
    assert parts.class_names == tuple("abcde")
    with pytest.raises(SettingError, match="A `Split` is taken as it is; leave out `size`"):
        lenet.as_dataset(whole, size=28)


def test_what_is_for_files_is_refused() -> None:
    with pytest.raises(SettingError, match="`label_column` is for folders and files"):
        lenet.as_dataset((X, Y), label_column="last")
    with pytest.raises(DatasetError, match=r"A `tuple` is neither a name nor a path; `lenet\.as_d"):
        lenet.load_dataset((X, Y))  # type: ignore[arg-type]


def test_names_paths_and_datasets_are_themselves(few_digits: Dataset) -> None:
    assert lenet.as_dataset(few_digits) is few_digits
    assert lenet.as_dataset("digits").name == "digits"
    with pytest.raises(SettingError, match="A `Dataset` is taken as it is"):
        lenet.as_dataset(few_digits, size=12)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (7, "A `int` holds no images with labels"),
        (X, "A `ndarray` holds no images with labels"),
        ((X, Y[:-1]), "There are 30 images but 29 labels"),
        ([], "without images is no dataset|holds no images"),
        ((X, X), "holds no images with labels"),
        ({"a": X, "b": Y[:-1]}, "30 images in `a` but 29 labels"),
        ({"one": IN_PARTS[0]}, "A dictionary of `one` is no dataset; call its parts `train`"),
        ((X, [None, *Y[1:]]), "The label of image 0 is missing"),
        ((X, Y + 0.5), "a whole number or a text for every image"),
        ((X / np.nan, Y), "The array of images holds values that are not finite"),
        ((X[:, :, :5, None].repeat(7, 3), Y), r"The array of images has shape"),
        ((X, Y * 0), "`the data` has training images of one class alone, `0`"),
        (pd.DataFrame(X.reshape(30, -1)), "A `DataFrame` holds no images with labels"),
    ],
)
def test_what_holds_no_examples_is_told_what_would(data: Any, message: str) -> None:
    with np.errstate(all="ignore"), pytest.raises(DatasetError, match=message):
        lenet.as_dataset(data)


SHAPES = st.sampled_from(
    [(), (0,), (6,), (6, 1), (6, 3), (6, 16), (6, 48), (6, 4, 4), (6, 4, 4, 3)]
)
TYPES = st.sampled_from(["u1", "i8", "f2", "f8", "?", "U3", "S3", "c8", "M8[s]", "O"])
ARRAYS = st.tuples(SHAPES, TYPES, st.sampled_from([0, 1, np.inf])).map(
    lambda drawn: (np.zeros(drawn[0]) + (drawn[2] if drawn[1] == "f8" else 0)).astype(drawn[1])
)


@settings(max_examples=50)
@given(arrays=st.lists(ARRAYS, max_size=4), names=st.permutations("x y images target".split()))
def test_any_arrays_are_a_dataset_or_a_clear_error(
    arrays: list[npt.NDArray[Any]], names: list[str]
) -> None:
    for data in (arrays, tuple(arrays), dict(zip(names, arrays, strict=False))):
        with suppress(DatasetError):
            assert lenet.as_dataset(data, for_training=False).class_names


class Changed(OfTorchvision):
    """The same with other labels, or a part of it alone."""

    def __init__(self, count: int, **changes: Any):
        super().__init__()
        self.count = count
        vars(self).update(changes)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Any, int]:
        if index >= self.count:
            raise IndexError
        change = vars(self).get("target_transform", int)
        return Image.fromarray(self.data[index].numpy()), change(int(self.targets[index]))


def test_what_a_dataset_changes_or_leaves_out_counts() -> None:
    top = len(NAMES) - 1
    turned = lenet.as_dataset(Changed(len(X), target_transform=lambda label: top - label))
    plain = lenet.as_dataset((X, top - Y))
    np.testing.assert_array_equal(turned.train.labels, plain.train.labels)
    some = lenet.as_dataset(Changed(len(X) // 2))
    assert sum(map(len, filter(None, (some.train, some.test)))) == len(X) // 2


def test_sparse_rows_are_read() -> None:
    rows = X.reshape(len(X), -1)
    plain = lenet.as_dataset((X, Y))
    for sparse in (csr_matrix(rows), torch.from_numpy(rows).to_sparse()):
        read = lenet.as_dataset((sparse, Y))
        np.testing.assert_array_equal(read.train.images, plain.train.images)
