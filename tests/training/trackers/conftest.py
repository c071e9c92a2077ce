"""What the tests of trackers share: a database of MLflow's, made once."""

import shutil
from pathlib import Path

import pytest
from mlflow_client import client_of

from lenet.training import MlflowTracker


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database as MLflow makes it, which takes seconds, without an experiment."""
    MlflowTracker()  # sets the environment: no telemetry
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    client_of(path)
    return path


@pytest.fixture
def store(empty_store: Path) -> Path:
    """That database beside the runs of this test."""
    path = Path("runs/mlflow.db").resolve()
    path.parent.mkdir()
    shutil.copy(empty_store, path)
    return path
