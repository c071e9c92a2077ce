"""NumPy archives and IDX files with any names."""

import io
import pickle
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from own_data import assert_holds, draw, load, write_idx

import lenet

# Private: shapes are tried by the hundred, without files.
from lenet.datasets.readers._arrays import pair_arrays
from lenet.errors import DataFileError, DatasetError

TRAIN, TEST = draw(12), draw(9, seed=1)


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("X_test", "Y_test", "X_train", "Y_train"),
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("images_train", "labels_train", "images_test", "labels_test"),
        ("xtrain", "ytrain", "xtest", "ytest"),
    ],
)
def test_archives_with_two_parts_are_read(tmp_path: Path, names: tuple[str, ...]) -> None:
    first, second = (TEST, TRAIN) if "test" in names[0].lower() else (TRAIN, TEST)
    np.savez(tmp_path / "x.npz", **dict(zip(names, (*first, *second), strict=True)))
    dataset = load(tmp_path / "x.npz")
    assert_holds(dataset.train, *TRAIN)
    assert_holds(dataset.test, *TEST)


@pytest.mark.parametrize("names", [("images", "labels"), ("arr_0", "arr_1"), ("x", "y")])
def test_an_archive_with_one_pair_is_read(tmp_path: Path, names: tuple[str, str]) -> None:
    images, labels = TRAIN
    np.savez_compressed(tmp_path / "x.npz", **{names[0]: images, names[1]: labels[:, None]})
    assert_holds(load(tmp_path / "x.npz").train, images, labels)


def as_type(kind: str) -> Any:
    images = TRAIN[0]
    forms: dict[str, Any] = {
        "int64": images.astype(np.int64),
        "whole floats": images.astype(np.float64),
        "unit floats": (images / 255).astype(np.float32),
        "rows": images.reshape(len(images), -1),
        "one channel last": images[..., None],
        "one channel first": images[:, None],
        "fortran": np.asfortranarray(images),
        "big-endian": images.astype(">i4"),
    }
    return forms[kind]


@pytest.mark.parametrize(
    "kind",
    [
        "int64",
        "whole floats",
        "unit floats",
        "rows",
        "one channel last",
        "one channel first",
        "fortran",
        "big-endian",
    ],
)
def test_images_may_be_numbers_of_any_kind(tmp_path: Path, kind: str) -> None:
    np.savez(tmp_path / "x.npz", images=as_type(kind), labels=TRAIN[1])
    assert_holds(load(tmp_path / "x.npz").train, *TRAIN)


def test_black_and_white_is_as_bright_as_can_be(tmp_path: Path) -> None:
    images, labels = TRAIN
    np.savez(tmp_path / "x.npz", images=images > 150, labels=labels)
    assert_holds(load(tmp_path / "x.npz").train, (images > 150) * np.uint8(255), labels)


@pytest.mark.parametrize("first", [False, True], ids=["channels last", "channels first"])
def test_colours_may_stand_last_or_first(tmp_path: Path, first: bool) -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, 20, 20, 3), dtype=np.uint8)
    stored = images.transpose(0, 3, 1, 2) if first else images
    np.savez(tmp_path / "x.npz", images=stored, labels=np.arange(6) % 2)
    dataset = load(tmp_path / "x.npz", size=20, colour=True)
    np.testing.assert_array_equal(dataset.train.images, images.transpose(0, 3, 1, 2))
    assert load(tmp_path / "x.npz").image_shape == (1, 28, 28)


def test_labels_may_be_texts_and_class_names_may_be_given(tmp_path: Path) -> None:
    images, labels = TRAIN
    np.savez(tmp_path / "x.npz", images=images, labels=np.array(["b", "a", "c10"])[labels])
    assert load(tmp_path / "x.npz").class_names == ("a", "b", "c10")
    names = np.array(["one", "two", "three", "four"])
    np.savez(tmp_path / "y.npz", images=images, labels=labels, class_names=names)
    assert load(tmp_path / "y.npz").class_names == ("one", "two", "three", "four")


class Runs:
    """What would run code when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("code from a data file has run",))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": np.array([Runs()] * 4, object), "labels": np.arange(4)}, "pickled objects"),
        ({"images": TRAIN[0], "labels": np.array([Runs()] * 12, object)}, "pickled objects"),
        ({"images": TRAIN[0]}, "should hold images .* and labels"),
        ({"labels": TRAIN[1]}, "should hold images .* and labels"),
        ({}, "no arrays"),
        ({"images": TRAIN[0], "labels": TRAIN[1][:5]}, "12 images in `images` but 5 labels"),
        ({"a": TRAIN[0], "b": TRAIN[0], "y": TRAIN[1]}, "should hold images"),
        ({"images": TRAIN[0], "labels": TRAIN[1] + 0.5}, "a whole number or a text"),
        ({"images": TRAIN[0], "labels": np.full(12, np.inf)}, "a whole number or a text"),
        ({"images": TRAIN[0], "labels": np.float64(3)}, "should hold images"),
        ({"images": TRAIN[0] * np.nan, "labels": TRAIN[1]}, r"`images` in .*x\.npz` .* not finite"),
        ({"images": TRAIN[0] * 1j, "labels": TRAIN[1]}, "holds complex128 instead of numbers"),
        ({"images": np.zeros((4, 5, 5, 7)), "labels": np.arange(4)}, r"not \(N, H, W\)"),
        ({"images": np.zeros((4, 0, 5)), "labels": np.arange(4)}, "without pixels"),
        ({"images": np.zeros((4, 50)), "labels": np.arange(4)}, "no square image"),
        ({"images": np.zeros((0, 5, 5)), "labels": np.arange(0)}, "holds no images"),
        ({"images": np.zeros((4, 5, 5)), "labels": np.zeros(4)}, "one class alone, `0`"),
        ({"images": TRAIN[0], "labels": TRAIN[1], "class_names": ["a"]}, "label 1, which is none"),
    ],
)
def test_an_archive_without_images_and_labels_is_refused(
    tmp_path: Path, arrays: dict[str, Any], message: str
) -> None:
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(DatasetError, match=message) as caught:
        lenet.load_dataset(tmp_path / "x.npz")
    assert "x.npz" in str(caught.value)


def test_an_array_that_declares_more_than_it_holds_is_refused_unread(tmp_path: Path) -> None:
    header = io.BytesIO()
    declared = {"descr": "|u1", "fortran_order": False, "shape": (10**6, 1000, 1000)}
    np.lib.format.write_array_header_1_0(header, declared)  # type: ignore[arg-type]
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("images.npy", header.getvalue())
        archive.writestr("labels.npy", header.getvalue())
    with pytest.raises(DataFileError, match=r"declares 1000000000\d\d\d bytes"):
        lenet.load_dataset(tmp_path / "x.npz")


@pytest.mark.parametrize(("place", "value"), [(6, b"\xff"), (8, b"\x00\x08\x00\x00")])
def test_an_archive_of_another_kind_is_refused(tmp_path: Path, place: int, value: bytes) -> None:
    """A later version of the format, and a name in UTF-8 that is none."""
    path = tmp_path / "x.npz"
    np.savez(path, images=TRAIN[0], labels=TRAIN[1])
    content = bytearray(path.read_bytes().replace(b"labels", b"label\xff"))
    entry = content.rindex(b"PK\x01\x02") + place
    content[entry : entry + len(value)] = value
    path.write_bytes(content)
    with pytest.raises(DataFileError, match="is damaged"):
        load(path)


@given(place=st.integers(0, 10**6), value=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_archive_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, place: int, value: int, cut: bool
) -> None:
    path = tmp_path_factory.mktemp("any") / "x.npz"
    np.savez_compressed(path, images=TRAIN[0][:, :4, :4], labels=TRAIN[1])
    content = bytearray(path.read_bytes())
    place %= len(content)
    content[place] = value
    path.write_bytes(content[:place] if cut else content)
    with suppress(DatasetError):
        load(path)


@pytest.mark.parametrize("packed", ["", ".gz"])
@pytest.mark.parametrize(
    "names",
    [
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images", "t10k-labels"),
        ("signs-x-train", "signs-y-train", "signs-x-test", "signs-y-test"),
        ("train.images.idx3", "train.labels.idx1", "test.images.idx3", "test.labels.idx1"),
    ],
)
def test_idx_files_are_paired_whatever_they_are_called(
    tmp_path: Path, names: tuple[str, ...], packed: str
) -> None:
    arrays = (TRAIN[0], TRAIN[1].astype(np.uint8), TEST[0], TEST[1].astype(np.uint8))
    for name, array in zip(names, arrays, strict=True):
        write_idx(tmp_path / "x" / f"{name}{packed}", array)
    (tmp_path / "x" / "readme.txt").write_text("Some digits.")
    dataset = load(tmp_path / "x")
    assert_holds(dataset.train, *TRAIN)
    assert_holds(dataset.test, *TEST)


def test_a_file_that_lies_there_packed_and_unpacked_counts_once(tmp_path: Path) -> None:
    for packed in ("", ".gz"):
        write_idx(tmp_path / "x" / f"train-images-idx3-ubyte{packed}", TRAIN[0])
        write_idx(tmp_path / "x" / f"train-labels-idx1-ubyte{packed}", TRAIN[1].astype(np.uint8))
    assert_holds(load(tmp_path / "x").train, *TRAIN)


def test_dark_ink_gaps_in_labels_and_other_sizes_are_taken_as_they_are(tmp_path: Path) -> None:
    images, labels = draw(30, size=50)
    write_idx(tmp_path / "x" / "images", 255 - images)
    write_idx(tmp_path / "x" / "labels", (labels * 3 + 1).astype(np.uint8))
    dataset = load(tmp_path / "x", size=50)
    assert dataset.class_names == ("1", "4", "7")
    assert_holds(dataset.train, 255 - images, labels)
    assert dataset.preparation is not None
    assert dataset.preparation.polarity == "dark-on-light"
    assert load(tmp_path / "x").image_shape == (1, 28, 28)


def test_idx_files_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    write_idx(tmp_path / "x" / "a", TRAIN[0])
    with pytest.raises(DataFileError, match="give the folder that holds it with its labels"):
        lenet.load_dataset(tmp_path / "x" / "a")
    with pytest.raises(DataFileError, match="should hold images"):
        lenet.load_dataset(tmp_path / "x")
    write_idx(tmp_path / "x" / "b", TRAIN[1][:5].astype(np.uint8))
    with pytest.raises(DataFileError, match="12 images in `a` but 5 labels in `b`"):
        lenet.load_dataset(tmp_path / "x")


def test_class_names_of_idx_files_may_stand_beside_them(tmp_path: Path) -> None:
    write_idx(tmp_path / "x" / "images", TRAIN[0])
    write_idx(tmp_path / "x" / "labels", TRAIN[1].astype(np.uint8))
    (tmp_path / "x" / "class-names.txt").write_text("zero\none\ntwo\n", encoding="utf-8-sig")
    assert load(tmp_path / "x").class_names == ("zero", "one", "two")
    (tmp_path / "x" / "class-names.txt").write_text("zero\nzero\n")
    with pytest.raises(DataFileError, match="every class once"):
        load(tmp_path / "x")


@given(
    st.dictionaries(
        st.text(max_size=12), st.lists(st.integers(0, 3), max_size=4).map(tuple), max_size=5
    )
)
def test_any_arrays_are_paired_or_refused(shapes: dict[str, tuple[int, ...]]) -> None:
    with suppress(DataFileError):
        pairs = pair_arrays(shapes, "x.npz")
        paired = [name for pair in pairs for name in (pair.images, pair.labels)]
        assert sorted(paired) == sorted(shapes)


def test_a_file_of_images_for_each_class_is_read(tmp_path: Path) -> None:
    images, labels = TRAIN
    for number, name in enumerate(("ant", "bee", "cow")):
        rows = images[labels == number].reshape(-1, 784)
        np.save(tmp_path / f"full_numpy_bitmap_{name}.npy", rows)
    dataset = load(tmp_path)
    assert dataset.class_names == ("ant", "bee", "cow")
    order = np.argsort(labels, kind="stable")
    assert_holds(dataset.train, images[order], labels[order])
    assert dataset.origin is not None
    assert dataset.origin.notes == ("There are no labels; each file is taken for a class.",)


def save_tensors(path: Path) -> None:
    import torch

    torch.save({"images": torch.zeros(2, 28, 28)}, path)


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("x.pt", save_tensors, r"is what `torch\.save` writes, and .*keep its tensors as arrays"),
        ("x.pkl", lambda path: path.write_bytes(pickle.dumps(TRAIN)), "is a pickle, and lenet nev"),
        ("x.h5", lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n\0"), "an HDF5 file; open it w"),
        ("x.mat", lambda path: path.write_bytes(b"MATLAB 5.0 MAT-file\0"), r"`scipy\.io\.loadmat`"),
        ("x.npy", lambda path: np.save(path, TRAIN[0]), "is one array; give the folder that holds"),
    ],
)
def test_a_file_of_another_program_is_told_what_to_do(
    tmp_path: Path, name: str, write: Callable[[Path], Any], message: str
) -> None:
    write(tmp_path / name)
    with pytest.raises(DataFileError, match=rf"{name}` .*{message}"):
        load(tmp_path / name)


def test_images_that_stand_last_are_told_how_to_turn(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", X=TRAIN[0].transpose(1, 2, 0), y=TRAIN[1])
    with pytest.raises(DataFileError, match=r"np\.moveaxis\(images, -1, 0\)"):
        load(tmp_path / "x.npz")
