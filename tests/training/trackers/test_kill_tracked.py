"""A tracked training that is killed, as a real process, goes on in the same trackers."""

import random
import subprocess
import sys
import time
from pathlib import Path

from mlflow import MlflowClient
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from lenet.runs import Run, find_runs

TRAIN = (sys.executable, "-m", "lenet", "train")
DIGITS = ("--data", "digits", "--epochs", "20", "--batch-size", "2", "--threads", "1")
TRACK = ("--track", "tensorboard", "--track", "mlflow")
PATIENCE = 120.0  # seconds after which a process is taken to hang


def kill_while_it_trains(*arguments: str) -> Run:
    """Kill a training at a random instant after its first points."""
    process = subprocess.Popen([*TRAIN, *arguments], stdout=subprocess.DEVNULL)
    before = sum(len(run.history) for run in find_runs())
    deadline = time.monotonic() + PATIENCE
    while sum(len(run.history) for run in find_runs()) <= before + 3:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(random.uniform(0, 0.3))
    process.kill()
    process.wait()
    (run,) = find_runs()
    assert not run.is_complete, "it was killed before its end"
    return run


def test_killed_twice_it_ends_with_every_point_once(tmp_path: Path) -> None:
    run = kill_while_it_trains(*DIGITS, *TRACK)
    kill_while_it_trains("--resume", "latest")
    finished = subprocess.run(
        [*TRAIN, "--resume", "latest"], capture_output=True, text=True, check=True
    )
    assert "stopped working" not in finished.stdout
    assert finished.stderr == ""
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/runs/mlflow.db")
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
