"""Tests here paint only what they look at, and their workers have PyTorch imported already."""

import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy
from forked_worker import ForkedWorker, paint_nothing

from lenet.core import Drawing
from lenet.experiments import _pool  # what starts the workers, to be replaced

COMMAND = [sys.executable, "-m", "lenet.experiments._job"]
SAVE = Drawing.savefig


@pytest.fixture(scope="module", autouse=True)
def workers() -> Iterator[list[ForkedWorker]]:
    """Those of this module; a command that is a process has workers as a person's has them."""
    started: list[ForkedWorker] = []

    def start(command: list[str], **options: Any) -> Any:
        if command != COMMAND:  # a test has a worker of its own
            return subprocess.Popen(command, **options)
        assert options["start_new_session"]
        assert "OMP_NUM_THREADS" in options["env"]
        started.append(ForkedWorker())
        return started[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_pool, "subprocess", SimpleNamespace(Popen=start, PIPE=subprocess.PIPE))
        patch.setattr(Drawing, "savefig", paint_nothing)
        yield started
    for worker in started:
        with worker.stderr:
            sys.stderr.write(worker.stderr.read())


@pytest.fixture(autouse=True)
def _real_pictures(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("real_curves"):
        monkeypatch.setattr(Drawing, "savefig", SAVE)


@pytest.fixture(scope="module", autouse=True)
def _lazy_databases() -> Iterator[None]:
    """Databases don't wait for the disk, which matters where the power fails; no test does that."""
    sqlalchemy.event.listen(sqlalchemy.Engine, "connect", _write_lazily)
    yield
    sqlalchemy.event.remove(sqlalchemy.Engine, "connect", _write_lazily)


def _write_lazily(connection: Any, record: object) -> None:
    if "sqlite" in type(connection).__module__:
        connection.execute("PRAGMA synchronous=OFF")
