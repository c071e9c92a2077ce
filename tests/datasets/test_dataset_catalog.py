"""The catalog against the real files and against what the world agrees on."""

import hashlib
import re
from pathlib import Path

import pytest

from lenet.datasets import CATALOG, RemoteFile, data_folder

FILES = [(name, file) for name, entry in CATALOG.items() for file in entry.files]
IDS = [f"{name}/{file.name}" for name, file in FILES]


@pytest.mark.fashion_mnist
@pytest.mark.parametrize(("name", "file"), [pair for pair in FILES if pair[1].sha256], ids=IDS[:8])
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
    if file.sha256 is not None:
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)


def test_no_two_files_have_the_same_checksum() -> None:
    assert len({file.md5 for _, file in FILES}) == len(FILES) == 12
    strong = [file.sha256 for _, file in FILES if file.sha256]
    assert len(set(strong)) == len(strong) == 8


def test_the_stronger_checksum_is_the_one_that_is_checked() -> None:
    assert RemoteFile("a", md5="12", sha256="34").checksum == "sha256:34"
    assert RemoteFile("a", md5="12").checksum == "md5:12"


@pytest.mark.parametrize("name", list(CATALOG))
def test_every_dataset_has_several_mirrors_with_https_first(name: str) -> None:
    entry = CATALOG[name]
    assert entry.name == name
    assert len(set(entry.mirrors)) >= 2
    assert all(re.fullmatch(r"https?://.+/", mirror) for mirror in entry.mirrors)
    schemes = [mirror.partition(":")[0] for mirror in entry.mirrors]
    assert schemes == sorted(schemes, reverse=True)  # "https" sorts after "http"
    assert schemes[0] == "https"


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
