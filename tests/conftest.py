"""What all tests share: no network, a folder of their own, one CPU thread."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import lenet
from lenet.datasets import Dataset, Split
from lenet.errors import DownloadError
from page_in_browser import PageBrowser, start_browser
from small_dataset import SmallDataset

collect_ignore = ["typed"]  # for type checkers alone


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that a test does reaches the network or leaves a file behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LENET_OFFLINE", "1")
    monkeypatch.setenv("LENET_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)  # IPython warns if it is another one
    if "LENET_DATA" in os.environ:
        folder = Path(os.environ["LENET_DATA"])
        monkeypatch.setenv("LENET_DATA", str(folder if folder.is_absolute() else _START / folder))


_START = Path.cwd()


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Tiny networks are fastest on one thread, and tests may run beside each other."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """The bundled handwriting."""
    return lenet.load_dataset("digits")


@pytest.fixture(scope="session")
def few_digits(digits: Dataset) -> Dataset:
    """128 images to train on and 64 to test on, under a name that no catalog knows."""
    train = Split(digits.train.images[:128], digits.train.labels[:128])
    test = Split(digits.test.images[:64], digits.test.labels[:64])
    return Dataset("few-digits", digits.class_names, train, test)


@pytest.fixture
def small_fashion_mnist(digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of data in which the name `fashion-mnist` stands for 300 digits."""
    small = SmallDataset(
        digits.train.images[:300, 0],
        digits.train.labels[:300].astype(np.uint8),
        digits.test.images[:100, 0],
        digits.test.labels[:100].astype(np.uint8),
    )
    folder = tmp_path / "data" / "fashion-mnist"
    folder.mkdir(parents=True)
    for name, content in small.files().items():
        (folder / name).write_bytes(content)
    monkeypatch.setenv("LENET_DATA", str(folder.parent))


@pytest.fixture
def fashion_mnist() -> Dataset:
    """The real files; tests that need them are marked `fashion_mnist`."""
    try:
        return lenet.load_dataset("fashion-mnist")
    except DownloadError as error:
        pytest.skip(f"no Fashion-MNIST on this machine: {error}")


@pytest.fixture(scope="session")
def page_browser() -> Iterator[PageBrowser]:
    """A real browser; tests that need it are skipped where there is none."""
    browser = start_browser()
    yield browser
    browser.stop()
