"""EMNIST as NIST publishes it: transposed images in a zip of packed IDX files."""

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest
from own_data import Images, Labels, assert_holds, draw

import lenet
from lenet.datasets import cached_datasets
from lenet.errors import DataFileError, DatasetError, DownloadError, UnknownNameError
from small_dataset import pack_idx

# An "F" as a person sees it. NIST stores its columns where the rows belong.
F = np.array([[9, 9, 9], [9, 0, 0], [9, 9, 0], [9, 0, 0]], np.uint8) * 28
STORED_F = bytes([252, 252, 252, 252, 252, 0, 252, 0, 252, 0, 0, 0])


def members(split: str, first_label: int = 0, size: int = 28) -> dict[str, bytes]:
    """The files of a split, by their names in the zip."""
    files = {}
    for seed, part in enumerate(("train", "test")):
        images, labels = draw(20, classes=10, seed=seed, size=size)
        stored = np.ascontiguousarray(images.transpose(0, 2, 1))
        numbers = (labels + first_label).astype(np.uint8)
        for kind, array in (("images-idx3", stored), ("labels-idx1", numbers)):
            content = pack_idx(0x08, array.shape, array.tobytes())
            files[f"gzip/emnist-{split}-{part}-{kind}-ubyte.gz"] = gzip.compress(content)
    return files


def write_zip(path: Path, *splits: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for files in splits:
            for name, content in files.items():
                archive.writestr(name, content)
    return path


def parts() -> tuple[tuple[Images, Labels], tuple[Images, Labels]]:
    return draw(20, classes=10, seed=0), draw(20, classes=10, seed=1)


def test_an_f_that_is_stored_as_nist_does_stands_upright(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for kind, content in (
            ("images-idx3", pack_idx(0x08, (2, 3, 4), STORED_F * 2)),
            ("labels-idx1", pack_idx(0x08, (2,), bytes([1, 6]))),
        ):
            (tmp_path / f"emnist-letters-{part}-{kind}-ubyte").write_bytes(content)
    dataset = lenet.load_dataset(tmp_path, size=(4, 3))
    np.testing.assert_array_equal(dataset.train.images[0, 0], F)
    assert [dataset.class_names[label] for label in dataset.train.labels] == ["A", "F"]


@pytest.mark.parametrize("place", ["emnist/gzip.zip", "EMNIST/raw/gzip.zip", "gzip.zip"])
def test_a_split_has_a_name_where_the_zip_lies_in_the_data_folder(
    data_home: Path, place: str
) -> None:
    write_zip(data_home / place, members("digits"), members("letters", first_label=1))
    train, test = parts()
    for name in ("emnist-digits", "emnist-letters"):
        dataset = lenet.load_dataset(name)
        assert dataset.name == name
        assert_holds(dataset.train, *train)
        assert_holds(dataset.test, *test)
        assert dataset.preparation is not None
        assert dataset.preparation.method == "symbol"
    assert dataset.class_names[:3] == ("A", "B", "C")
    assert len(dataset.class_names) == 26
    assert [path.name for path in (data_home / place).parent.iterdir()] == ["gzip.zip"]


def test_the_files_may_lie_unpacked_where_torchvision_leaves_them(data_home: Path) -> None:
    folder = data_home / "EMNIST" / "raw"
    folder.mkdir(parents=True)
    for name, content in members("balanced").items():
        (folder / name.removeprefix("gzip/")).write_bytes(content)
    assert_holds(lenet.load_dataset("emnist-balanced").train, *parts()[0])


def test_without_the_zip_the_error_says_where_to_put_it(data_home: Path) -> None:
    with pytest.raises(DownloadError, match=r"`gzip.zip` of `emnist` is not in"):
        lenet.load_dataset("emnist-letters")
    assert "emnist-letters" not in cached_datasets()
    write_zip(data_home / "emnist" / "gzip.zip", members("letters"))
    assert "emnist-letters" in cached_datasets()


def test_by_its_path_a_split_is_chosen_like_a_folder(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "any.zip", members("digits"), members("letters", first_label=1))
    assert_holds(lenet.load_dataset(path / "digits").train, *parts()[0])
    with pytest.raises(DataFileError, match=r"choose one: `.*any.zip/digits`, `.*any.zip/letters`"):
        lenet.load_dataset(path)
    with pytest.raises(UnknownNameError, match="Unknown split of EMNIST `balanced`"):
        lenet.load_dataset(path / "balanced")
    assert len(lenet.load_dataset(write_zip(tmp_path / "one.zip", members("mnist"))).train) == 20


def test_the_characters_are_those_of_the_mapping_file(tmp_path: Path) -> None:
    mapping = "".join(f"{label} {ord('k') - label}\n" for label in range(10))
    files = members("digits") | {"gzip/emnist-digits-mapping.txt": mapping.encode()}
    dataset = lenet.load_dataset(write_zip(tmp_path / "x.zip", files))
    assert dataset.class_names == tuple("kjihgfedcb")
    files["gzip/emnist-digits-mapping.txt"] = b"0 x\n"
    with pytest.raises(DataFileError, match=r"a label and a character's code on every line"):
        lenet.load_dataset(write_zip(tmp_path / "y.zip", files))


def test_nothing_is_unpacked_onto_the_disk(tmp_path: Path) -> None:
    files = {f"../../../{name.removeprefix('gzip/')}": c for name, c in members("digits").items()}
    path = write_zip(tmp_path / "deep" / "er" / "x.zip", files)
    before = set(tmp_path.rglob("*")) | set(tmp_path.parent.glob("*"))
    assert len(lenet.load_dataset(path).train) == 20
    after = set(tmp_path.rglob("*")) | set(tmp_path.parent.glob("*"))
    assert {path for path in after - before if "cache" not in path.parts} == set()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gzip/emnist-digits-test-labels-idx1-ubyte.gz": None}, "lacks `emnist-digits-test-lab"),
        ({"gzip/emnist-digits-train-images-idx3-ubyte.gz": b"\x1f\x8bno"}, "train-images"),
        ({"gzip/emnist-digits-train-images-idx3-ubyte.gz": b"\0\0\x08\x03"}, "is truncated"),
        ({"other/emnist-digits-train-images-idx3-ubyte.gz": b""}, "twice"),
        ({"gzip/emnist-digits-train-labels-idx1-ubyte.gz": pack_idx(8, (1,), b"1")}, "20 images"),
        (
            {"gzip/emnist-digits-train-labels-idx1-ubyte.gz": pack_idx(8, (20,), b"9" * 20)},
            "label 57, which is none of its 10 classes",
        ),
    ],
)
def test_a_damaged_zip_is_one_clear_error(
    tmp_path: Path, change: dict[str, bytes | None], message: str
) -> None:
    files = members("digits") | change
    path = write_zip(tmp_path / "x.zip", {n: c for n, c in files.items() if c is not None})
    with pytest.raises(DatasetError, match=message):
        lenet.load_dataset(path)


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    """An IDX file of a few kilobytes that declares and holds gigabytes of zeros."""
    bomb = gzip.compress(pack_idx(0x08, (4, 2**14, 2**14), b"") + bytes(2**24))
    files = members("digits") | {"gzip/emnist-digits-train-images-idx3-ubyte.gz": bomb}
    with pytest.raises(DataFileError, match="is truncated"):
        lenet.load_dataset(write_zip(tmp_path / "x.zip", files))
