"""Which folder the files lie in and under which names they are found there."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import platformdirs
import pytest

import lenet
from lenet.datasets import CatalogEntry, data_folder
from lenet.errors import DataFileError, DownloadError, LenetError
from small_dataset import SmallDataset, assert_loads


def test_the_folder_is_the_one_that_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LENET_DATA", str(tmp_path))
    assert data_folder() == tmp_path
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LENET_DATA", "~/images")
    assert data_folder() == tmp_path / "images"


@pytest.mark.parametrize("empty", [True, False])
def test_the_folder_is_below_the_platforms_cache_where_none_is_named(
    monkeypatch: pytest.MonkeyPatch, empty: bool
) -> None:
    if empty:
        monkeypatch.setenv("LENET_DATA", "")
    else:
        monkeypatch.delenv("LENET_DATA", raising=False)
    assert data_folder() == platformdirs.user_cache_path("lenet") / "datasets"


@pytest.mark.parametrize("folder", ["fashion-mnist", "FashionMNIST/raw"])
@pytest.mark.parametrize("separator", ["-", "."], ids=["dashed", "dotted"])
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_files_are_found_under_every_name_that_is_usual(
    small: SmallDataset, data_home: Path, folder: str, separator: str, compressed: bool
) -> None:
    place = data_home / folder
    place.mkdir(parents=True)
    for name, content in small.files().items():
        name = name.replace("-idx", f"{separator}idx")
        if compressed:
            name, content = f"{name}.gz", gzip.compress(content)
        (place / name).write_bytes(content)
    assert_loads(small)


def test_the_four_files_may_lie_in_different_forms_and_folders(
    small: SmallDataset, data_home: Path
) -> None:
    plain = small.files()
    own, torchvision = data_home / "fashion-mnist", data_home / "FashionMNIST" / "raw"
    own.mkdir()
    torchvision.mkdir(parents=True)
    (own / "train-images.idx3-ubyte").write_bytes(plain["train-images-idx3-ubyte"])
    (torchvision / "train-labels-idx1-ubyte").write_bytes(plain["train-labels-idx1-ubyte"])
    for name in ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        (own / f"{name}.gz").write_bytes(gzip.compress(plain[name]))
    assert_loads(small)


def test_offline_a_missing_file_is_an_error_that_names_folder_and_file(data_home: Path) -> None:
    with pytest.raises(DownloadError, match="`LENET_OFFLINE` forbids the network") as caught:
        lenet.load_dataset("mnist")
    assert "`train-images-idx3-ubyte.gz` of `mnist`" in str(caught.value)
    assert f"`{data_home / 'mnist'}`" in str(caught.value)
    assert list(data_home.iterdir()) == []


def test_a_folder_name_that_the_system_does_not_take_is_one_of_our_errors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LENET_DATA", "x" * 300)
    with pytest.raises(LenetError):
        lenet.load_dataset("mnist")


def test_a_folder_that_may_not_be_looked_into_is_one_of_our_errors(
    data_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The superuser may look into any folder, so the system's refusal is played."""

    def refuse(self: Path, **options: bool) -> os.stat_result:
        raise PermissionError(13, "Permission denied", str(self))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", refuse)
        patch.setattr(os, "stat", refuse)
        with pytest.raises(LenetError):
            lenet.load_dataset("mnist")


def test_files_of_another_dataset_are_not_taken_for_this_ones(
    small: SmallDataset, data_home: Path, publish: Callable[..., CatalogEntry]
) -> None:
    files = small.compressed_files()
    publish(files)
    (data_home / "mnist").mkdir()
    for name, content in files.items():
        (data_home / "mnist" / name).write_bytes(content)
    with pytest.raises(DataFileError, match="is a file of `fashion-mnist`, not of `mnist`"):
        lenet.load_dataset("mnist")
