"""The cache of datasets of one's own."""

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from own_data import draw, load, write_pictures
from safetensors import safe_open
from safetensors.numpy import load_file, save

import lenet

# Private: whether a cache serves is seen by what is not read, and its bounds are gigabytes.
from lenet.datasets import _own, _prepared, cache_folder, prepared_datasets
from lenet.datasets.readers import _collect


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of twelve pictures in two classes."""
    images, labels = draw(12, classes=2)
    write_pictures(tmp_path / "pictures", images, [str(label) for label in labels])
    return tmp_path / "pictures"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The pictures that are decoded, as they are."""
    read: list[Path] = []
    real = _collect.read_values

    def spy(path: Path) -> object:
        read.append(path)
        return real(path)

    monkeypatch.setattr(_collect, "read_values", spy)
    return read


def test_the_second_time_no_picture_is_read(folder: Path, reads: list[Path]) -> None:
    first = lenet.load_dataset(folder)
    assert len(reads) == 12
    second = lenet.load_dataset(str(folder))
    assert len(reads) == 12
    assert second.fingerprint() == first.fingerprint()
    assert (second.name, second.class_names) == (first.name, first.class_names)
    assert (second.preparation, second.origin) == (first.preparation, first.origin)


def change_content(folder: Path) -> None:
    path = folder / "0" / "0.png"
    write_pictures(folder, draw(1, seed=9)[0], ["0"])
    os.utime(path, ns=(1, 1))


def touch(folder: Path) -> None:
    os.utime(folder / "0" / "0.png", ns=(1, 1))


def rename(folder: Path) -> None:
    (folder / "0" / "0.png").rename(folder / "1" / "zero.png")


def remove(folder: Path) -> None:
    (folder / "0" / "0.png").unlink()


def name_classes(folder: Path) -> None:
    (folder / "class-names.txt").write_text("1\n0\n")


@pytest.mark.parametrize("change", [change_content, touch, rename, remove, name_classes])
def test_a_change_makes_it_read_again(folder: Path, reads: list[Path], change: object) -> None:
    lenet.load_dataset(folder)
    change(folder)  # type: ignore[operator]
    before = len(reads)
    assert lenet.load_dataset(folder).fingerprint() == load_anew(folder)
    assert len(reads) > before


def load_anew(folder: Path) -> str:
    """The fingerprint without a cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_own, "find_prepared", lambda key: None)
        return lenet.load_dataset(folder).fingerprint()


def test_other_options_are_other_data(folder: Path, reads: list[Path]) -> None:
    for options in ({}, {"size": 20}, {"colour": True}, {"prepare": "object"}, {"test_share": 0.5}):
        lenet.load_dataset(folder, **options)  # type: ignore[arg-type]
    assert len(reads) == 60
    assert len(prepared_datasets()) == 5


@pytest.mark.parametrize("keep", [0, 5, 200, -1])
def test_a_cut_file_is_read_again(folder: Path, reads: list[Path], keep: int) -> None:
    first = lenet.load_dataset(folder)
    (path,) = cache_folder().iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:keep])
    prepared_datasets()
    assert lenet.load_dataset(folder).fingerprint() == first.fingerprint()
    assert len(reads) == 24
    assert path.read_bytes() == whole


def test_a_flipped_bit_is_noticed(folder: Path, reads: list[Path]) -> None:
    first = lenet.load_dataset(folder)
    (path,) = cache_folder().iterdir()
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    assert lenet.load_dataset(folder).fingerprint() == first.fingerprint()
    assert len(reads) == 24


@pytest.mark.parametrize(
    "values", [[], "text", {"name": "x"}, "swapped", "preparation", "deep", "renamed"]
)
def test_what_another_program_wrote_there_is_read_again(
    folder: Path, reads: list[Path], values: object
) -> None:
    first = lenet.load_dataset(folder)
    (path,) = cache_folder().iterdir()
    with safe_open(path, "np") as file:
        header = json.loads(file.metadata()["lenet"])
    tensors = load_file(path)
    if values == "swapped":
        tensors = {"train-images": tensors["train-labels"], "train-labels": tensors["train-images"]}
        values = header
    elif values == "preparation":
        values = {**header, "preparation": "plain", "origin": []}
    elif values == "renamed":  # sound, but not what was kept
        values = {**header, "class_names": header["class_names"][::-1]}
    text = "[" * 100_000 if values == "deep" else json.dumps(values)
    path.write_bytes(save(tensors, {"lenet": text}))
    prepared_datasets()
    again = lenet.load_dataset(folder)
    assert again.fingerprint() == first.fingerprint()
    assert again.class_names == first.class_names
    assert len(reads) == 24
    assert len(prepared_datasets()) == 1


@pytest.mark.parametrize("below", [("a-file",), ("a-file", "below"), ("x" * 300,), ("loop",)])
def test_where_there_can_be_no_cache_data_is_read_each_time(
    below: tuple[str, ...],
    folder: Path,
    reads: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "a-file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    monkeypatch.setenv("LENET_CACHE", str(tmp_path.joinpath(*below)))
    for _ in range(2):
        assert len(lenet.load_dataset(folder).train) == 10
    assert len(reads) == 24
    assert prepared_datasets() == []


def test_that_nothing_can_be_kept_is_told_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_prepared, "_warned", [])
    monkeypatch.setenv("LENET_CACHE", os.devnull)
    for _ in range(2):
        lenet.load_dataset(folder)
    (record,) = caplog.records
    assert record.name == "lenet.datasets"
    assert record.getMessage() == (
        f"Your images are read anew each time. Could not write `{os.devnull}/prepared`: not a "
        "directory. Set `LENET_CACHE` to a folder that can be written."
    )


def test_on_a_full_disk_data_is_read_each_time(
    folder: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)
    for _ in range(2):
        assert len(lenet.load_dataset(folder).train) == 10
    assert len(reads) == 24
    assert list(cache_folder().iterdir()) == []


# root may look anywhere, so as root the file system is told that this is somebody else.
LOAD_WITHOUT_PERMISSION = """
import ctypes, os, sys
import numpy, lenet
from lenet.datasets import cached_datasets, prepared_datasets
lenet.load_dataset(sys.argv[1])
os.chmod(os.environ["LENET_CACHE"] + "/prepared", 0)
os.chmod(os.environ["LENET_DATA"], 0)
if os.geteuid() == 0:
    ctypes.CDLL(None).setfsuid(65534)
print(len(lenet.load_dataset(sys.argv[1]).train), prepared_datasets(), cached_datasets())
try:
    lenet.load_dataset("fashion-mnist")
except lenet.errors.DownloadError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="setfsuid is Linux's")
def test_folders_that_may_not_be_looked_into_are_as_if_they_were_not_there(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own are closed to others
        Path(name).chmod(0o755)
        shutil.copytree(folder, Path(name, "pictures"))
        places = {kind: Path(name, kind.lower()) for kind in ("LENET_CACHE", "LENET_DATA")}
        for place in places.values():
            place.mkdir()
        finished = subprocess.run(
            [sys.executable, "-c", LOAD_WITHOUT_PERMISSION, str(Path(name, "pictures"))],
            capture_output=True,
            text=True,
            env=os.environ | {kind: str(place) for kind, place in places.items()},
        )
        for place in (*places.values(), places["LENET_CACHE"] / "prepared"):
            place.chmod(0o700)
    loaded, refused = finished.stdout.splitlines()
    assert loaded == "10 [] []"
    assert finished.stderr.startswith("Your images are read anew each time. Could not write `")
    assert finished.stderr.count("\n") == finished.stderr.count("Set `LENET_CACHE`") == 1
    assert "`LENET_OFFLINE` forbids the network" in refused


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_in_the_cache_is_passed_over(folder: Path) -> None:
    lenet.load_dataset(folder)
    os.mkfifo(cache_folder() / "pipe.safetensors")
    assert len(prepared_datasets()) == 1


def test_the_cache_stays_within_its_bounds_and_drops_what_is_oldest(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_prepared, "_MOST_FILES", 2)
    for number, size in enumerate((10, 11, 12)):
        lenet.load_dataset(folder, size=size)
        for path in cache_folder().iterdir():  # clocks may be coarser than this test
            os.utime(path, ns=(path.stat().st_mtime_ns - 10**9, path.stat().st_mtime_ns - 10**9))
        if number == 1:
            lenet.load_dataset(folder, size=10)  # used again
    assert sorted(one.source.height for one in prepared_datasets()) == [10, 12]


def test_a_set_that_is_too_large_is_not_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_prepared, "_MOST_BYTES", 100)
    lenet.load_dataset(folder)
    assert prepared_datasets() == []


def test_what_is_kept_can_be_listed(folder: Path) -> None:
    lenet.load_dataset(folder, size=16)
    (one,) = prepared_datasets()
    assert (one.name, one.images, one.classes) == ("pictures", 12, 2)
    assert (one.source.path, one.source.height) == (str(folder), 16)
    assert one.size == one.path.stat().st_size


def test_the_array_that_comes_from_the_cache_may_be_written_to(folder: Path) -> None:
    load(folder)
    images = load(folder).train.images
    images += np.uint8(1)
    assert load(folder).train.images.sum() != images.sum()
