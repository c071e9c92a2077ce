from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import Any

from lenet.core import json_text, storage_errors
from lenet.errors import LenetError, MissingExtraError, TrackerError
from lenet.training._history import CurvePoint, TrainingResult
from lenet.training._trainer import Trainer
from lenet.training.trackers._tracker import (
    Metrics,
    TrackedRun,
    Tracker,
    describe_error,
    keep_for_tracker,
    metrics_of_point,
    metrics_of_result,
    read_tracking,
)

_EXPERIMENT = "lenet"
_STORE, _ARTIFACTS = "mlflow.db", "mlflow-artifacts"  # in the runs folder, where there is no server
_INSTANTS = 50  # a request, which may hold 1,000 numbers
_BETWEEN_REQUESTS = 1.0  # seconds; a request takes some 20 ms, and an epoch may take less

# Where they are not set, before MLflow is imported.
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # lenet sends nothing anywhere
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # the display has the terminal
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # a server that is gone costs seconds, not minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}


class MlflowTracker(Tracker):
    """Tells MLflow: the server that `MLFLOW_TRACKING_URI` names, or a database beside the runs.

    The experiment is the one that `MLFLOW_EXPERIMENT_NAME` names, else `lenet`. The run's id is
    kept in the run folder, and a resume goes on with the same run. After a kill the history may
    have gone back to a checkpoint; a point that MLflow has is not told again, as the training
    comes to the same bits.

    Raises:
        MissingExtraError: A package is not installed.
    """

    name = "mlflow"

    def __init__(self) -> None:
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        try:
            from mlflow.tracking import is_tracking_uri_set

            self._local = not is_tracking_uri_set()
            if self._local:
                import alembic  # noqa: F401  (MLflow needs both for a database of its own)
                import sqlalchemy  # noqa: F401
        except ImportError as error:
            raise MissingExtraError("The tracker `mlflow`", "track") from error
        self._client: Any = None
        self._experiment = self._run_id = ""
        self._run: TrackedRun | None = None
        self._told: set[int] = set()  # the steps whose points MLflow has
        self._waiting: list[Metrics] = []
        self._sent = time.monotonic()
        self._finished = False

    def connect(self, runs_folder: Path) -> None:
        """Find the experiment, or make it.

        Raises:
            TrackerError: The server does not answer, or the database can't be used.
            StorageError: There is no server, and the runs folder can't be made.
        """
        try:
            self._open(runs_folder)
        except LenetError:
            raise
        except Exception as error:  # MLflow's own, SQLAlchemy's, the operating system's
            message = f"The tracker `{self.name}` can't be used: {describe_error(error)}"
            raise TrackerError(message) from error

    def begin(self, trainer: Trainer, run: TrackedRun) -> None:
        """Make the run with its settings or go on with it, and tell what it lacks."""
        self._run = run
        if self._client is None:
            self._open(run.folder.parent)
        self._run_id = read_tracking(run.folder).get(self.name, {}).get("run_id", "")
        if self._run_id and self._is_there():
            self._client.update_run(self._run_id, status="RUNNING")
            curve = self._client.get_metric_history(self._run_id, "train_loss")
            self._told = {metric.step for metric in curve}
        else:
            self._create_run(run)
        for point in trainer.history:
            self._add_point(metrics_of_point(trainer, point))
        self._send()

    def on_point(self, trainer: Trainer, point: CurvePoint) -> None:
        self._add_point(metrics_of_point(trainer, point))
        if time.monotonic() - self._sent > _BETWEEN_REQUESTS:
            self._send()

    def on_finish(self, trainer: Trainer, result: TrainingResult) -> None:
        self._waiting.append(metrics_of_result(trainer, result))
        self._finished = True

    def on_stop(self, trainer: Trainer) -> None:
        """Tell the rest, hand over the files, and say how the run ended."""
        self._send()
        self._upload("model.safetensors")
        if self._finished:
            self._upload("curves.png")
        ended = "KILLED" if trainer.stop_requested else "FAILED"
        self._client.set_terminated(self._run_id, "FINISHED" if self._finished else ended)

    def _open(self, runs_folder: Path) -> None:
        """Connect, and find the experiment or make it."""
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import get_tracking_uri

        # They tell of every step in which MLflow makes its tables.
        for noisy in ("alembic", "mlflow.store.db.utils"):
            logging.getLogger(noisy).setLevel(logging.WARNING)
        uri, artifacts = get_tracking_uri(), None
        if self._local:
            folder = runs_folder.resolve()
            with storage_errors(runs_folder):
                folder.mkdir(parents=True, exist_ok=True)
            uri, artifacts = f"sqlite:///{folder / _STORE}", (folder / _ARTIFACTS).as_uri()
        client = MlflowClient(tracking_uri=uri)
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or _EXPERIMENT
        experiment = client.get_experiment_by_name(name)
        if experiment is None:
            try:
                self._experiment = client.create_experiment(name, artifact_location=artifacts)
            except MlflowException:  # another process made it just now
                experiment = client.get_experiment_by_name(name)
                if experiment is None:
                    raise
        if experiment is not None:
            self._experiment = experiment.experiment_id
        self._client = client

    def _is_there(self) -> bool:
        """Whether MLflow has the run; it may have been started on another server."""
        from mlflow.exceptions import MlflowException

        try:
            self._client.get_run(self._run_id)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return False
            raise
        return True

    def _create_run(self, run: TrackedRun) -> None:
        """Make the run, with what is known of it before the training."""
        from mlflow.entities import Param

        tags = {name: _as_text(value) for name, value in run.facts.items()}
        tags["run_folder"] = str(run.folder.resolve())
        created = self._client.create_run(self._experiment, tags=tags, run_name=run.folder.name)
        self._run_id = created.info.run_id
        keep_for_tracker(run.folder, self.name, {"run_id": self._run_id})
        params = [Param(name, _as_text(value)) for name, value in run.settings.items()]
        self._client.log_batch(self._run_id, params=params, synchronous=True)
        self._upload("config.json")
        self._upload("environment.json")

    def _add_point(self, metrics: Metrics) -> None:
        if metrics.step not in self._told:
            self._told.add(metrics.step)
            self._waiting.append(metrics)

    def _send(self) -> None:
        """Log all numbers that wait; MLflow takes the numbers of a request all or not at all."""
        from mlflow.entities import Metric

        for first in range(0, len(self._waiting), _INSTANTS):
            metrics = [
                Metric(name, value, round(instant.time * 1000), instant.step)
                for instant in self._waiting[first : first + _INSTANTS]
                for name, value in instant.values.items()
            ]
            self._client.log_batch(self._run_id, metrics=metrics, synchronous=True)
        self._waiting.clear()
        self._sent = time.monotonic()

    def _upload(self, name: str) -> None:
        assert self._run is not None
        path = self._run.folder / name
        if path.exists():
            self._client.log_artifact(self._run_id, str(path))


def _as_text(value: Any) -> str:
    """A setting as MLflow keeps it: a text as it is, anything else as in `config.json`.

    >>> _as_text("sigmoid"), _as_text(False), _as_text([6, 16])
    ('sigmoid', 'false', '[6, 16]')
    """
    return value if isinstance(value, str) else json_text(value)
