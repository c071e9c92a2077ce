"""Datasets written for other programs, and what those programs make of them."""

import gzip
import io
import json
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from own_data import draw
from PIL import Image

import lenet
from lenet.datasets import Dataset, Split, convert_dataset, draw_contact_sheet
from lenet.datasets import _convert as module  # what writes, to be made to fail
from lenet.errors import DatasetError, SettingError, StorageError, UnknownNameError

NAMES = ("t-shirt", "ankle boot", "10", "a ä 的")


def make(channels: int = 1, validation: bool = False) -> Dataset:
    """Three parts of which the last class has no image."""
    splits = []
    for seed in range(3):
        images, labels = draw(30, seed=seed)
        images = np.stack([images >> n for n in range(channels)], axis=1)
        splits.append(Split(images, labels[::-1].copy()))
    return Dataset("some", NAMES, splits[0], splits[1], splits[2] if validation else None)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("validation", [False, True])
@pytest.mark.parametrize("form", ["folder", "idx", "npz", "parquet"])
def test_what_is_written_is_read_back_to_the_last_pixel(
    tmp_path: Path, form: module.Form, channels: int, validation: bool
) -> None:
    dataset = make(channels, validation)
    path = convert_dataset(dataset, tmp_path / "new" / "target", form)
    again = lenet.load_dataset(path, colour=channels == 3)
    assert again.fingerprint() == dataset.fingerprint()
    assert again.class_names == dataset.class_names
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["target"]


def test_numpy_reads_the_archive(tmp_path: Path) -> None:
    dataset = make()
    with np.load(convert_dataset(dataset, tmp_path / "x.npz", "npz"), allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["x_train"], dataset.train.images[:, 0])
        np.testing.assert_array_equal(arrays["y_train"], dataset.train.labels)
        assert arrays["class_names"].tolist() == list(NAMES)


def test_the_idx_files_are_as_mnists(tmp_path: Path) -> None:
    dataset = make()
    folder = convert_dataset(dataset, tmp_path / "x", "idx")
    content = gzip.decompress((folder / "train-images-idx3-ubyte.gz").read_bytes())
    assert struct.unpack(">4I", content[:16]) == (2051, 30, 28, 28)
    assert content[16:] == dataset.train.images.tobytes()
    labels = gzip.decompress((folder / "t10k-labels-idx1-ubyte.gz").read_bytes())
    assert struct.unpack(">2I", labels[:8]) == (2049, 30)


def test_pandas_and_pillow_read_the_parquet_file(tmp_path: Path) -> None:
    dataset = make()
    file = convert_dataset(dataset, tmp_path / "x", "parquet") / "train-00000-of-00001.parquet"
    frame = pd.read_parquet(file)
    assert frame["label"].tolist() == dataset.train.labels.tolist()
    with Image.open(io.BytesIO(frame["image"][0]["bytes"])) as picture:
        np.testing.assert_array_equal(np.asarray(picture), dataset.train.images[0, 0])
    metadata = json.loads(pq.read_schema(file).metadata[b"huggingface"])
    assert metadata["info"]["features"]["label"]["names"] == list(NAMES)


def test_pillow_reads_the_folder(tmp_path: Path) -> None:
    dataset = make()
    folder = convert_dataset(dataset, tmp_path / "x", "folder")
    name = NAMES[dataset.train.labels[7]]
    with Image.open(folder / "train" / name / "07.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), dataset.train.images[7, 0])


@pytest.mark.parametrize("form", ["folder", "idx", "npz", "parquet"])
@pytest.mark.parametrize(
    "occupy",
    [lambda path: path.mkdir(), lambda path: path.write_text("kept"), lambda p: p.symlink_to("x")],
    ids=["folder", "file", "dangling link"],
)
def test_nothing_is_overwritten(
    tmp_path: Path, form: module.Form, occupy: Callable[[Path], object]
) -> None:
    occupy(tmp_path / "x")
    with pytest.raises(StorageError, match="is there already; nothing is overwritten"):
        convert_dataset(make(), tmp_path / "x", form)


@pytest.mark.parametrize("form", ["folder", "idx", "npz", "parquet"])
def test_an_error_on_the_way_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: module.Form
) -> None:
    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    for name in ("_pixels", "_write_class_names"):
        monkeypatch.setattr(module, name, fail)
    with pytest.raises((StorageError, OSError)):
        convert_dataset(make(), tmp_path / "x", form)
    assert [path for path in tmp_path.iterdir() if path.name != "cache"] == []


@pytest.mark.parametrize("name", ["a/b", "..", ".hidden", "a:b", "end.", "a\0b"])
def test_a_class_that_can_be_no_folder_is_refused_and_nothing_is_written(
    tmp_path: Path, name: str
) -> None:
    images, labels = draw(6, classes=2)
    dataset = Dataset("some", ("a", name), Split(images[:, None], labels))
    with pytest.raises(DatasetError, match="can't be the name of a folder"):
        convert_dataset(dataset, tmp_path / "x", "folder")
    assert not (tmp_path / "x").exists()


def test_a_name_of_two_lines_does_not_fit_into_a_list(tmp_path: Path) -> None:
    images, labels = draw(6, classes=2)
    dataset = Dataset("some", ("a", "b\nc"), Split(images[:, None], labels))
    with pytest.raises(DatasetError, match="does not fit on a line"):
        convert_dataset(dataset, tmp_path / "x", "idx")


def test_an_unknown_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean `parquet`"):
        convert_dataset(make(), tmp_path / "x", "parket")  # type: ignore[arg-type]


@pytest.mark.parametrize("channels", [1, 3])
def test_the_contact_sheet_has_a_row_a_class(channels: int) -> None:
    dataset = make(channels)
    file = io.BytesIO()
    draw_contact_sheet(dataset, per_class=5).savefig(file, format="png")
    with Image.open(file) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    assert pixels.shape[0] >= len(NAMES) * 2 * 28
    is_dark = (pixels.max(axis=2) == 0).mean(axis=1)
    assert (is_dark > 0.3).sum() >= 3 * 10, "the corners of three rows of images are black"
    again = io.BytesIO()
    draw_contact_sheet(dataset, per_class=5).savefig(again, format="png")
    assert again.getvalue() == file.getvalue()


def test_a_sheet_of_nothing_is_refused() -> None:
    with pytest.raises(SettingError, match="`per_class` must be at least 1"):
        draw_contact_sheet(make(), per_class=0)


@pytest.mark.parametrize("form", ["folder", "idx", "npz", "parquet"])
def test_other_bits_than_were_written_are_refused(tmp_path: Path, form: module.Form) -> None:
    """A name of a class stands outside of what the forms themselves have check sums for."""
    path = convert_dataset(make(), tmp_path / "x", form)
    kept = {
        "folder": "class-names.txt",
        "idx": "class-names.txt",
        "parquet": "train-00000-of-00001.parquet",
    }
    file = path / kept[form] if form in kept else path
    content = file.read_bytes()
    was, becomes = {
        "folder": (b"t-shirt\nankle boot\n", b"ankle boot\nt-shirt\n"),
        "npz": (b"x_test", b"x_tost"),
    }.get(form, (b"boot", b"bood"))
    other = content.replace(was, becomes)
    assert other != content
    file.write_bytes(other)
    with pytest.raises(DatasetError, match=f"{file.name}. is not as it was written"):
        lenet.load_dataset(path)


def test_sums_are_as_sha256sum_has_them(tmp_path: Path) -> None:
    path = convert_dataset(make(), tmp_path / "x", "idx")
    subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=path, check=True)


def test_parquet_pages_have_check_sums(tmp_path: Path) -> None:
    path = convert_dataset(make(), tmp_path / "x", "parquet")
    (path / "SHA256SUMS").unlink()
    file = path / "test-00000-of-00001.parquet"
    content = bytearray(file.read_bytes())
    content[content.index(b"IDAT") + 10] ^= 1
    file.write_bytes(content)
    with pytest.raises(DatasetError, match=r"damaged: .*CRC"):
        lenet.load_dataset(path)
