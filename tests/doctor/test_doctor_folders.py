"""What `lenet doctor` finds of the folders for data and runs."""

import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest
from findings import fail, find

from lenet.datasets import CATALOG
from lenet.doctor import Finding


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of data, and the network allowed."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("LENET_DATA", str(folder))
    monkeypatch.delenv("LENET_OFFLINE")
    return folder


def put_dataset(folder: Path, name: str) -> None:
    """Files with the names of a dataset's."""
    (folder / name).mkdir()
    for file in CATALOG[name].files:
        (folder / name / file.name).touch()


def test_the_data_that_are_here_are_named(data: Path) -> None:
    text = "`fashion-mnist`, `mnist`, `kmnist` fetched at first use"
    assert find("data") == Finding("data", "ok", f"none yet in {data} (`LENET_DATA`); {text}")
    put_dataset(data, "mnist")
    (data / "kmnist").mkdir()
    assert find("data").text.startswith("`mnist` in")
    put_dataset(data, "fashion-mnist")
    shutil.rmtree(data / "kmnist")
    put_dataset(data, "kmnist")
    text = f"`fashion-mnist`, `mnist`, `kmnist` in {data} (`LENET_DATA`)"
    assert find("data") == Finding("data", "ok", text)


def test_a_data_folder_that_is_not_there_may_be_a_slip(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data.rmdir()
    assert find("data").state == "note"
    assert not data.exists()
    monkeypatch.delenv("LENET_DATA")
    monkeypatch.setattr("lenet.doctor._examine.data_folder", lambda: data)
    assert find("data").state == "ok"


def test_offline_it_says_what_can_be_had(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LENET_OFFLINE", "1")
    finding = find("data")
    assert finding.state == "note"
    assert "bundled `digits`" in finding.advice
    put_dataset(data, "fashion-mnist")
    finding = find("data")
    assert finding.state == "ok"
    assert "`LENET_OFFLINE` forbids to fetch `mnist`, `kmnist`" in finding.text


def test_a_data_folder_that_cannot_be_written_is_told(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data / "file").touch()
    monkeypatch.setenv("LENET_DATA", str(data / "file"))
    finding = find("data")
    assert finding.state == "wrong"
    assert finding.text.endswith("can't be fetched into it: not a directory")
    monkeypatch.setenv("LENET_DATA", str(data))
    monkeypatch.setattr("lenet.doctor._examine.tempfile.TemporaryFile", fail)
    put_dataset(data, "fashion-mnist")
    finding = find("data")
    assert finding.state == "note", "the tutorial runs"
    assert "LENET_DATA" in finding.advice


def test_a_data_folder_that_cannot_be_looked_into_is_told(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_dataset(data, "mnist")
    monkeypatch.setattr("lenet.doctor._examine.os.scandir", fail)
    finding = find("data")
    assert finding.state == "wrong"
    assert f"{data} (`LENET_DATA`) can't be read: " in finding.text
    assert find("cache").state == "note"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="/dev/full is Linux's")
def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(
        "lenet.doctor._examine.tempfile.TemporaryFile", lambda dir: open("/dev/full", "r+b", 0)
    )
    monkeypatch.setenv("LENET_CACHE", str(tmp_path))
    assert "can't be written: no space left on device" in find("cache").text


def test_a_home_that_may_not_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LENET_CACHE", str(tmp_path / "cache"))
    assert find("cache").state == "ok"
    (tmp_path / "home").touch()
    monkeypatch.delenv("LENET_CACHE")
    monkeypatch.setattr("lenet.datasets._prepared.platform_cache", lambda: tmp_path / "home/.cache")
    finding = find("cache")
    assert finding.state == "note"
    assert "can't be written: not a directory; data of your own is read anew" in finding.text
    assert "LENET_CACHE" in finding.advice


def test_a_folder_that_cannot_keep_runs_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find("runs").state == "ok"
    usage = namedtuple("usage", "free")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda folder: usage(2_000_000))
        assert find("runs").state == "note"
    (tmp_path / "runs").touch()
    finding = find("runs")
    assert finding.state == "wrong"
    assert finding.text == f"{tmp_path / 'runs'} can't be written: not a directory"
