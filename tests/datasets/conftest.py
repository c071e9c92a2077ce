"""A small dataset, a folder to put it in and a catalog entry to publish it under."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lenet.datasets import CATALOG, CatalogEntry
from small_dataset import SmallDataset


@pytest.fixture
def small() -> SmallDataset:
    """A fresh small dataset, so that a test may damage it."""
    random = np.random.default_rng(5)
    return SmallDataset(
        random.integers(0, 256, (12, 28, 28), dtype=np.uint8),
        np.array([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8], dtype=np.uint8),
        random.integers(0, 256, (5, 28, 28), dtype=np.uint8),
        np.array([2, 7, 1, 8, 0], dtype=np.uint8),
    )


@pytest.fixture
def data_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that `LENET_DATA` names."""
    folder = tmp_path / "data-home"
    folder.mkdir()
    monkeypatch.setenv("LENET_DATA", str(folder))
    return folder


@pytest.fixture
def publish(monkeypatch: pytest.MonkeyPatch) -> Callable[..., CatalogEntry]:
    """Put other files, with their true checksums, behind the name `fashion-mnist`."""

    def publish(files: dict[str, bytes], *mirrors: str) -> CatalogEntry:
        original = CATALOG["fashion-mnist"]
        remote_files = tuple(
            replace(
                remote,
                md5=hashlib.md5(files[remote.name]).hexdigest(),
                sha256=hashlib.sha256(files[remote.name]).hexdigest(),
            )
            for remote in original.files
        )
        entry = replace(original, files=remote_files, mirrors=mirrors)
        monkeypatch.setitem(CATALOG, "fashion-mnist", entry)
        return entry

    return publish
