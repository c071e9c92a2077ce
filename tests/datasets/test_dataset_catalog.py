"""The catalog against the real files and against what the world agrees on."""

import hashlib
import re
from pathlib import Path

import pytest

from lenet.datasets import CATALOG, RemoteFile, data_folder

# Private: no dataset is called by the archive of several.
from lenet.datasets._catalog import EMNIST

ENTRIES = {**CATALOG, "emnist": EMNIST}
FILES = [(name, file) for name, entry in ENTRIES.items() for file in entry.files]
IDS = [f"{name}/{file.name}" for name, file in FILES]


@pytest.mark.fashion_mnist
@pytest.mark.parametrize(("name", "file"), FILES, ids=IDS)
def test_both_checksums_are_those_of_the_real_file(name: str, file: RemoteFile) -> None:
    path: Path = data_folder() / name / file.name
    if not path.is_file():
        pytest.skip(f"no {path} on this machine")
    content = path.read_bytes()
    assert hashlib.md5(content).hexdigest() == file.md5
    assert hashlib.sha256(content).hexdigest() == file.sha256


@pytest.mark.parametrize(("name", "file"), FILES, ids=IDS)
def test_checksums_are_written_as_hashlib_writes_them(name: str, file: RemoteFile) -> None:
    assert re.fullmatch("[0-9a-f]{32}", file.md5)
    assert re.fullmatch("[0-9a-f]{64}", file.sha256)


def test_no_two_files_have_the_same_checksum() -> None:
    assert len({file.md5 for _, file in FILES}) == len(FILES) == 13
    assert len({file.sha256 for _, file in FILES}) == len(FILES)


@pytest.mark.parametrize("name", list(ENTRIES))
def test_every_mirror_is_by_https(name: str) -> None:
    entry = ENTRIES[name]
    assert entry.name == name
    assert len(set(entry.mirrors)) == len(entry.mirrors) >= 1
    assert all(re.fullmatch(r"https://.+/", mirror) for mirror in entry.mirrors)


@pytest.mark.parametrize("name", ["fashion-mnist", "mnist"])
def test_what_is_trained_on_most_has_mirrors_of_several_and_one_in_china(name: str) -> None:
    hosts = {mirror.split("/")[2] for mirror in CATALOG[name].mirrors}
    assert "dataset.bj.bcebos.com" in hosts
    assert len(hosts) >= 3


@pytest.mark.parametrize("name", list(CATALOG))
def test_every_dataset_has_ten_classes_of_different_names(name: str) -> None:
    assert len(set(CATALOG[name].class_names)) == 10
    assert CATALOG[name].source


def test_the_clothes_are_in_the_order_of_their_labels() -> None:
    assert CATALOG["fashion-mnist"].class_names == (
        "t-shirt",
        "trouser",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "ankle boot",
    )
