"""What all tests share: no network, a folder of their own, one CPU thread, cores that are busy."""

import gc
import os
import signal
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

# Before PyTorch is imported, and for the processes that tests start: threads that wait for each
# other on a busy core cost hundreds of times as much as they save.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
import torch
from hypothesis import settings

import lenet
from blank_picture import save_blank
from lenet.core import NONE_CLASS
from lenet.datasets import Dataset, Split
from lenet.errors import DownloadError
from lenet.runs import _recorder  # what paints the curves, to be replaced
from page_in_browser import PageBrowser, start_browser
from small_dataset import SmallDataset

# What a shell starts in the background ignores Ctrl-C, and so would all that tests start and stop.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Nothing that is imported and collected is garbage; the search for it would take a third as long.
gc.disable()

collect_ignore = ["typed"]  # for type checkers alone
# Modules that the tests of one folder share are imported by their bare names, as those here are.
sys.path += sorted({str(file.parent) for file in Path(__file__).parent.glob("*/**/*.py")})


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Spread the tests of a folder over the cores, unless options say how (`-n 0`: not at all)."""
    options = config.option
    folders = any(Path(argument).is_dir() for argument in config.args)
    if (
        folders
        and "PYTEST_XDIST_WORKER" not in os.environ  # this is no such process itself
        and getattr(options, "numprocesses", 0) is None  # 0: xdist is not there
        and options.dist == "no"
        and not options.usepdb
        and options.capture != "no"
        and not options.collectonly
    ):
        cores = config.hook.pytest_xdist_auto_num_workers(config=config)
        # While one test waits, for a process or for time to pass, another one has its core.
        options.numprocesses, options.dist = cores + (cores + 1) // 2, "worksteal"
        options.maxprocesses = options.maxprocesses or 8


settings.register_profile("any machine", deadline=None)  # no test asserts a time
settings.load_profile("any machine")

# Tests that take half a second of a core or more, alone or for what they share with their module.
SLOW = frozenset((Path(__file__).parent / "slow_tests.txt").read_text().split())


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark the slow ones."""
    if getattr(item, "originalname", None) in SLOW:
        item.add_marker("slow")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep folders together in the random order, so that a process starts few of the services."""
    folders: dict[Path, list[pytest.Item]] = {}
    for item in items:
        folders.setdefault(item.path.parent, []).append(item)
    items[:] = [item for folder in folders.values() for item in folder]


def pytest_collection_finish() -> None:
    """Spare the search for garbage, from here on made again and again, all that was imported."""
    gc.freeze()
    gc.enable()


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


@pytest.fixture(autouse=True)
def _blank_curves(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings make the figure of their curves but spare the time to paint it, half of all."""
    if request.node.get_closest_marker("real_curves"):
        return
    real = _recorder.draw_curves

    def draw_curves(*arguments: Any, **options: Any) -> Any:
        figure = real(*arguments, **options)
        monkeypatch.setattr(figure, "savefig", save_blank)
        return figure

    monkeypatch.setattr(_recorder, "draw_curves", draw_curves)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Tiny networks are fastest on one thread, and tests may run beside each other."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_the_disk() -> Iterator[None]:
    """Files need not outlive a loss of power; that they are brought to the disk costs time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


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


@pytest.fixture(scope="session")
def doubtful_digits(digits: Dataset) -> Dataset:
    """The bundled handwriting with counter-examples: digits upside down in part, and noise."""
    random = np.random.default_rng(0)
    names = (*digits.class_names, NONE_CLASS)

    def with_others(split: Split, count: int) -> Split:
        halves = split.images[:count].copy()
        halves[..., 14:] = split.images[-count:, :, ::-1, 14:]
        others = np.concatenate([halves, random.integers(0, 256, halves.shape, dtype=np.uint8)])
        return split.joined(Split(others, np.full(len(others), len(names) - 1)))

    test = digits.test
    assert test is not None
    return Dataset("doubtful", names, with_others(digits.train, 200), with_others(test, 60))


@pytest.fixture(scope="session")
def doubtful_run(doubtful_digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> lenet.Run:
    """A run on them with a small network, which has learnt to doubt."""
    return train_small_mlp(doubtful_digits, 16, 0.1, tmp_path_factory.mktemp("doubtful"))


@pytest.fixture(scope="session")
def distant_run(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> lenet.Run:
    """A run without counter-examples, whose network knows how far pictures lie from its classes."""
    return train_small_mlp(digits, 32, 0.2, tmp_path_factory.mktemp("distant"))


def train_small_mlp(dataset: Dataset, width: int, validation: float, folder: Path) -> lenet.Run:
    """Train a network of one hidden layer for ten epochs."""
    return lenet.train(
        "mlp",
        dataset=dataset,
        epochs=10,
        batch_size=32,
        dense_widths=(width,),
        activation="relu",
        initialisation="kaiming",
        learning_rate=0.1,
        validation=validation,
        runs_folder=folder,
        listeners=[],
    )


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
def torchlib_once() -> Iterator[None]:
    """Exports to ONNX share PyTorch's table of operators: parsing it anew is half of their time."""
    from torch.onnx._internal.exporter._registration import ONNXRegistry

    table = cache(ONNXRegistry.from_torchlib)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ONNXRegistry, "from_torchlib", staticmethod(table))
        yield


@pytest.fixture(scope="session")
def page_browser() -> Iterator[PageBrowser]:
    """A real browser; tests that need it are skipped where there is none."""
    browser = start_browser()
    yield browser
    browser.stop()
