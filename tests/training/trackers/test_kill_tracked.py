"""A tracked training that is killed, as a real process, goes on in the same trackers."""

import random
import time
from pathlib import Path

from mlflow_client import client_of
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from calling import call
from forked_process import ForkedProcess
from lenet.runs import find_runs

DIGITS = ("--data", "digits", "--epochs", "10", "--batch-size", "2", "--threads", "1")
TRACK = ("--track", "tensorboard", "--track", "mlflow")
PATIENCE = 120.0  # seconds after which a process is taken to hang

# MLflow is told once a second, and so would know nothing yet.
TELLING_AT_ONCE = """
from lenet.cli import main
from lenet.training.trackers import _mlflow
_mlflow._BETWEEN_REQUESTS = 0.0
main()
"""


def test_killed_it_ends_with_every_point_once(store: Path) -> None:
    process = ForkedProcess("train", *DIGITS, *TRACK, code=TELLING_AT_ONCE)
    wanted = random.randrange(3, 20)  # of 50 points
    deadline = time.monotonic() + PATIENCE
    while sum(len(run.history) for run in find_runs()) < wanted:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.communicate()
    (run,) = find_runs()
    assert not run.is_complete, "it was killed before its end"
    output = call("train", "--resume", "latest").stdout
    assert "stopped working" not in output
    client = client_of(store)
    experiment = client.get_experiment_by_name("lenet")
    assert experiment is not None
    (told,) = client.search_runs([experiment.experiment_id])
    assert told.info.status == "FINISHED"
    points = client.get_metric_history(told.info.run_id, "train_loss")
    values = [point.train_loss for point in run.history]
    assert [point.value for point in sorted(points, key=lambda point: point.step)] == values
    events = EventAccumulator(str(run.folder / "tensorboard"), {"scalars": 0}).Reload()
    scalars = events.Scalars("loss/train_loss")
    assert len(scalars) == len(values)
    assert [event.step for event in scalars] == sorted(point.step for point in points)
    assert len({event.step for event in scalars}) == len(values)
