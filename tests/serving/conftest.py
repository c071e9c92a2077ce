"""Services that many tests share, each with what some of them ask for."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from service_process import ServiceProcess, running

import lenet
from lenet.pictures import Preparation

KEY = "a key, with blanks: and a colon"


@pytest.fixture(scope="session")
def service() -> Iterator[ServiceProcess]:
    """The bundled models with the defaults."""
    with running("--workers", "2") as started:
        yield started


@pytest.fixture(scope="session")
def strict_service() -> Iterator[ServiceProcess]:
    """Small limits, a key, one worker, and a page and a proxy that may ask."""
    limits = "--queue 3 --timeout 1.5 --max-body 20000 --max-images 3 --max-pixels 9000"
    others = "--allow-origin https://example.org --allow-host proxy.example"
    with running("digits", "--workers", "1", *limits.split(), *others.split(), key=KEY) as started:
        yield started


@pytest.fixture(scope="session")
def patient_service() -> Iterator[ServiceProcess]:
    """One worker, which tests let stand still: whatever that takes, nothing is given up."""
    with running("digits", "--workers", "1", "--queue", "30", "--timeout", "600") as started:
        yield started


@pytest.fixture(scope="session")
def key() -> str:
    """What clients of the strict service must know."""
    return KEY


@pytest.fixture(scope="session")
def trained(
    few_digits: lenet.Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ServiceProcess, lenet.Run, Path]]:
    """A service of a run and of a file of deep pictures, with both."""
    folder = tmp_path_factory.mktemp("trained")
    run = lenet.train(
        "softmax", few_digits, epochs=1, batch_size=64, runs_folder=folder / "runs", listeners=[]
    )
    deep = folder / "deep.safetensors"
    preparation = Preparation(pixel_range=(100.0, 4000.0))
    names = tuple("0123456789")
    lenet.save_model(deep, lenet.LeNet(), class_names=names, preparation=preparation)
    places = run.name, str(deep), "digits", "--runs-folder", str(folder / "runs")
    with running(*places, "--workers", "1") as started:
        yield started, run, deep
