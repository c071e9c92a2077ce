"""Packed sets are written whole and read back to the byte."""

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from own_data import draw, write_pictures

import lenet
from lenet.datasets import (
    Dataset,
    DataSource,
    PackWriter,
    Split,
    convert_dataset,
    examine_dataset,
    pack_dataset,
)
from lenet.errors import DataFileError, DatasetError, SettingError, StorageError
from packed_sets import index_of, leave_little_room


def test_the_files_are_what_the_reference_says(few_digits: Dataset, folder: Path) -> None:
    """Read with NumPy and JSON alone, as another program would."""
    values = index_of(folder)
    assert values["format"] == "lenet packed images"
    assert values["version"] == 1
    assert values["class_names"] == list(few_digits.class_names)
    assert values["image_shape"] == [1, 28, 28]
    for part, split in few_digits.splits.items():
        files = values["parts"][part]
        shards = [folder / shard["file"] for shard in files["shards"]]
        pixels = np.concatenate([np.fromfile(shard, np.uint8) for shard in shards])
        np.testing.assert_array_equal(pixels.reshape(-1, 1, 28, 28), split.images)
        labels = np.fromfile(folder / files["labels"]["file"], "<u2")
        np.testing.assert_array_equal(labels, split.labels)
        for file in (*files["shards"], files["labels"]):
            content = (folder / file["file"]).read_bytes()
            assert file["bytes"] == len(content)
            assert file["sha256"] == hashlib.sha256(content).hexdigest()
    assert [shard["images"] for shard in values["parts"]["train"]["shards"]] == [50, 50, 28]


@settings(max_examples=40, deadline=None)
@given(
    pieces=st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["train", "test"])), max_size=9),
    images_a_shard=st.integers(1, 9),
    channels=st.sampled_from([1, 3]),
)
def test_pieces_of_any_size_come_back_in_their_order(
    tmp_path_factory: pytest.TempPathFactory,
    pieces: list[tuple[int, str]],
    images_a_shard: int,
    channels: int,
) -> None:
    random = np.random.default_rng(0)
    pieces.append((2, "train"))
    target = tmp_path_factory.mktemp("packed") / "set"
    written: dict[str, list[np.ndarray]] = {}
    with PackWriter(target, ["a", "b"]) as writer:
        writer._shard_bytes = images_a_shard * channels * 12
        for count, part in pieces:
            images = random.integers(0, 256, (count, channels, 3, 4), dtype=np.uint8)
            writer.write(images, [1] * count, part)  # type: ignore[arg-type]
            written.setdefault(part, []).append(images)
    data = lenet.load_dataset(target)
    np.testing.assert_array_equal(data.train.images, np.concatenate(written["train"]))
    assert len(list(target.glob("train-*"))) == -(-len(data.train) // images_a_shard)
    if sum(map(len, written.get("test", []))):
        np.testing.assert_array_equal(data.require_test().images, np.concatenate(written["test"]))
    else:
        assert data.test is None


def test_single_images_can_be_written(tmp_path: Path) -> None:
    images, labels = draw(5)
    with PackWriter(tmp_path / "set", ["a", "b", "c"]) as writer:
        for image, label in zip(images, labels, strict=True):
            writer.write(image, int(label))
    data = lenet.load_dataset(tmp_path / "set")
    np.testing.assert_array_equal(data.train.images[:, 0], images)
    np.testing.assert_array_equal(data.train.labels, labels)


def test_a_dataset_comes_back_with_all_it_was(few_digits: Dataset, tmp_path: Path) -> None:
    mnist_like = lenet.load_dataset("digits").with_validation(0.1)
    pack_dataset(mnist_like, tmp_path / "digits")
    data = lenet.load_dataset(tmp_path / "digits")
    assert data.fingerprint() == mnist_like.fingerprint()
    assert data.class_names == mnist_like.class_names
    assert data.preparation == mnist_like.preparation
    assert data.origin is not None
    assert data.origin.format == "packed images"
    pack_dataset(tmp_path / "digits", tmp_path / "again")
    assert_same_files(tmp_path / "again", tmp_path / "digits")


@pytest.mark.parametrize("room", [10**6, 10])
@pytest.mark.parametrize("form", ["folder", "npz", "idx", "parquet", "csv", "no test part"])
def test_ones_own_data_is_packed_as_it_would_be_read(
    few_digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Any, room: int
) -> None:
    place = tmp_path / "own"
    if form == "no test part":
        images, labels = few_digits.train.images[:, 0], few_digits.train.labels
        images = np.concatenate([images, images[:9]])  # copies stay on one side
        write_pictures(place, images, [f"class {n}" for n in [*labels, *labels[:9]]])
    elif form == "csv":
        rows = [f"{n % 7}a," + ",".join(["9"] * n + ["0"] * (16 - n)) for n in range(16)]
        place.write_text("\n".join(rows))
    else:
        convert_dataset(few_digits, place, form)
    source = DataSource(str(place), size=(14, 20))
    leave_little_room(monkeypatch, room)  # while it is packed; comparing is done in memory
    pack_dataset(source, tmp_path / "set")
    leave_little_room(monkeypatch, 10**6)
    data, packed = lenet.load_dataset(source), lenet.load_dataset(tmp_path / "set")
    assert packed.fingerprint() == data.fingerprint()
    assert packed.class_names == data.class_names
    assert packed.preparation == data.preparation
    assert {path.name for path in tmp_path.iterdir()} == {"own", "set", "cache"}


def test_pictures_that_cannot_be_read_stop_the_packing_or_are_passed_over(tmp_path: Path) -> None:
    images, _ = draw(12)
    write_pictures(tmp_path / "pictures", images, [str(n % 3) for n in range(12)])
    (tmp_path / "pictures" / "0" / "bad.png").write_text("no picture")
    with pytest.raises(DataFileError, match=r"bad\.png"):
        pack_dataset(tmp_path / "pictures", tmp_path / "set")
    assert {path.name for path in tmp_path.iterdir()} <= {"pictures", "cache"}
    source = DataSource(str(tmp_path / "pictures"), skip_bad=True, test_share=0.0)
    assert pack_dataset(source, tmp_path / "set").parts["train"].images == 12


def assert_same_files(folder: Path, other: Path) -> None:
    """Two folders hold the same files."""
    names = [path.name for path in sorted(folder.iterdir())]
    assert names == [path.name for path in sorted(other.iterdir())]
    for name in names:
        assert (folder / name).read_bytes() == (other / name).read_bytes()


@pytest.mark.parametrize(
    ("images", "labels", "part", "words"),
    [
        (np.zeros((2, 28, 28)), [0, 1], "train", "Images must be uint8"),
        (np.zeros((2, 28), np.uint8), [0, 1], "train", "not uint8 of shape"),
        (np.zeros((2, 0, 28), np.uint8), [0, 1], "train", "Images must be"),
        (np.zeros((2, 28, 28), np.uint8), [0], "train", "2 images need as many labels"),
        (np.zeros((2, 28, 28), np.uint8), [0.0, 1.0], "train", "whole numbers"),
        (np.zeros((2, 28, 28), np.uint8), [0, 2], "train", "label 2 is outside of the 2 classes"),
        (np.zeros((2, 28, 28), np.uint8), [-1, 0], "train", "label -1 is outside"),
        (np.zeros((2, 27, 28), np.uint8), [0, 1], "train", "do not go together|do not go with"),
        (np.zeros((2, 28, 28), np.uint8), [0, 1], "../up", "A part is"),
    ],
)
def test_what_does_not_fit_is_refused_and_leaves_nothing(
    tmp_path: Path, images: Any, labels: Any, part: Any, words: str
) -> None:
    def write() -> None:
        with PackWriter(tmp_path / "a" / "b", "xy") as writer:
            writer.write(np.zeros((1, 28, 28), np.uint8), [0])
            writer.write(images, labels, part)

    with pytest.raises(DatasetError, match=words):
        write()
    assert not list((tmp_path / "a").iterdir())


def test_nothing_is_left_of_a_set_without_images_or_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="No images to train on"), PackWriter("empty", "xy"):
        pass

    def stop() -> None:
        with PackWriter("stopped", "xy") as writer:
            writer.write(np.zeros((1, 28, 28), np.uint8), [0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert not [path for path in tmp_path.iterdir() if path.name != "cache"]


def test_what_a_kill_left_beside_a_finished_set_goes(folder: Path) -> None:
    left = folder.with_name(f".{folder.name}-read.0123abcd.partial")
    left.mkdir()
    with pytest.raises(StorageError, match="nothing is overwritten"):
        pack_dataset("digits", folder)
    assert not left.exists()


def test_nothing_is_overwritten_and_settings_have_bounds(folder: Path) -> None:
    before = (folder / "index.json").read_bytes()
    with pytest.raises(StorageError, match="nothing is overwritten"):
        PackWriter(folder, "xy")
    assert (folder / "index.json").read_bytes() == before
    with pytest.raises(SettingError, match="`shard_mib` must be"):
        PackWriter("new", "xy", shard_mib=0)
    with pytest.raises(SettingError, match="1 to 65536 classes"):
        PackWriter("new", [])


def test_a_full_disk_is_one_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with (
        pytest.raises(StorageError, match="no space left on device"),
        PackWriter("full", "xy") as writer,
    ):
        writer.write(np.zeros((1, 28, 28), np.uint8), [0])
    assert not list(tmp_path.glob("*full*"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_disk_that_is_full_for_good_leaves_nothing_either(tmp_path: Path) -> None:
    """What a file still holds can't be written when it is closed either."""

    def write() -> None:
        with open("/dev/full", "wb") as full, PackWriter("full", "xy") as writer:
            writer.write(np.zeros((1, 28, 28), np.uint8), [0])
            (folder,) = tmp_path.glob(".full*")
            for link in Path("/proc/self/fd").iterdir():
                if os.path.exists(link) and folder in Path(os.readlink(link)).parents:
                    os.dup2(full.fileno(), int(link.name))

    with pytest.raises(StorageError, match="no space left on device"):
        write()
    assert not list(tmp_path.glob("*full*"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size": 32}, "images of 28×28 pixels, not of 32×32"),
        ({"colour": True}, "grey images"),
        ({"prepare": "object"}, "prepared as `plain`, not as `object`"),
        ({"test_share": 0.5}, "`test_share` does not apply"),
    ],
)
def test_images_are_not_to_be_had_otherwise_than_packed(
    folder: Path, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(SettingError, match=words):
        lenet.load_dataset(folder, **options)
    lenet.load_dataset(DataSource(str(folder), test_share=0.0))


def test_findings_of_a_large_set_are_those_of_memory_for_a_sample_of_everything(
    few_digits: Dataset, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_little_room(monkeypatch)
    data = lenet.load_dataset(folder)
    assert examine_dataset(data) == examine_dataset(few_digits)
    monkeypatch.setattr("lenet.datasets._findings._SAMPLED", 20)
    findings = examine_dataset(data)
    assert findings.counts == examine_dataset(few_digits).counts
    assert data.origin is not None
    assert "of a sample" in data.origin.notes[-1]


def test_a_split_of_packed_images_is_taken_apart_like_any_other(
    few_digits: Dataset, folder: Path
) -> None:
    taken = lenet.load_dataset(folder).train.take(np.array([5, 3, 5]))
    assert isinstance(taken, Split)
    np.testing.assert_array_equal(taken.images, few_digits.train.images[[5, 3, 5]])
