"""MLflow's own client, imported where it is used: that takes a second of every process of tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient


def client_of(store: Path) -> MlflowClient:
    """A client that reads a database."""
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=f"sqlite:///{store}")
