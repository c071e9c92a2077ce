"""What MLflow's own client finds in its store."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from mlflow_client import client_of
from tracked_training import CrashAt, Messages, StopAt, track, track_until

import lenet
from lenet.datasets import Dataset
from lenet.errors import NonFiniteLossError, TrackerError
from lenet.training import MlflowTracker

STEPS = 16  # an epoch

pytestmark = pytest.mark.usefixtures("store")


def only_run(store: Path, experiment: str = "lenet") -> Any:
    """The one run in an experiment."""
    client = client_of(store)
    found = client.get_experiment_by_name(experiment)
    assert found is not None
    (run,) = client.search_runs([found.experiment_id])
    return run


def curve(store: Path, name: str) -> list[tuple[int, float]]:
    """A metric's steps and values in the order of the steps."""
    points = client_of(store).get_metric_history(only_run(store).info.run_id, name)
    return sorted((point.step, point.value) for point in points)


def expected(run: lenet.Run, name: str) -> list[tuple[int, float]]:
    """The same from the run folder."""
    return [
        (round(point.epoch * STEPS), point.to_dict()[name])
        for point in run.history
        if name in point.to_dict()
    ]


def test_every_point_of_the_curve_is_told_at_its_step(few_digits: Dataset, store: Path) -> None:
    run = track(few_digits, "mlflow")
    for name in ("train_loss", "train_accuracy", "test_loss", "test_accuracy", "learning_rate"):
        assert curve(store, name) == expected(run, name)
    assert len(curve(store, "examples_per_second")) == len(run.history)
    assert curve(store, "best_epoch") == [(2 * STEPS, 2)]
    metrics = only_run(store).data.metrics
    assert metrics["test_accuracy"] == run.result.test_accuracy
    assert metrics["tutorial_examples_per_second"] == run.result.tutorial_examples_per_second


def test_settings_tags_and_status_are_told(few_digits: Dataset, store: Path) -> None:
    run = track(few_digits, "mlflow", seed=3, momentum=0.5)
    told = only_run(store)
    assert told.info.run_name == run.name
    assert told.info.status == "FINISHED"
    recipe, network = run.config.recipe.to_dict(), run.config.settings.to_dict()
    assert told.data.params.keys() == {*recipe, *network}
    assert told.data.params["momentum"] == "0.5"
    assert told.data.params["channels"] == "[6, 16]"
    assert told.data.params["activation"] == "sigmoid"
    assert told.data.tags["version"] == lenet.__version__
    assert told.data.tags["dataset"] == "few-digits"
    assert told.data.tags["seed"] == "3"
    assert told.data.tags["run_folder"] == str(run.folder.resolve())


@pytest.mark.real_curves
def test_the_files_are_handed_over(few_digits: Dataset, store: Path, tmp_path: Path) -> None:
    run = track(few_digits, "mlflow")
    told = only_run(store)
    client = client_of(store)
    names = {file.path for file in client.list_artifacts(told.info.run_id)}
    assert names == {"model.safetensors", "curves.png", "config.json", "environment.json"}
    folder = Path(client.download_artifacts(told.info.run_id, "", str(tmp_path)))
    for name in names:
        assert (folder / name).read_bytes() == (run.folder / name).read_bytes()
    assert store.parent / "mlflow-artifacts" in Path(told.info.artifact_uri[7:]).parents


def test_with_validation_the_test_score_comes_once_at_the_end(
    few_digits: Dataset, store: Path
) -> None:
    run = track(few_digits, "mlflow", validation=0.25)
    assert [step for step, _ in curve(store, "validation_loss")] == [12, 24]
    assert curve(store, "test_accuracy") == [(24, run.result.test_accuracy)]


@pytest.mark.parametrize(
    ("end", "status"), [(CrashAt(1.6), "FAILED"), (StopAt(1.6), "KILLED"), (CrashAt(0.4), "FAILED")]
)
def test_a_resumed_run_is_the_same_run_and_has_every_point_once(
    end: CrashAt, status: str, few_digits: Dataset, store: Path
) -> None:
    run = track_until(end, few_digits, "mlflow")
    before = only_run(store)
    assert before.info.status == status
    assert curve(store, "train_loss")[-1][0] >= end.epoch * STEPS

    lenet.resume(run, dataset=few_digits, listeners=[])
    after = only_run(store)
    assert after.info.run_id == before.info.run_id
    assert after.info.status == "FINISHED"
    for name in ("train_loss", "test_loss"):
        assert curve(store, name) == expected(run, name)
    assert len(curve(store, "examples_per_second")) == len(run.history)
    names = {file.path for file in client_of(store).list_artifacts(after.info.run_id)}
    assert "curves.png" in names


def test_while_it_trains_the_run_is_running(few_digits: Dataset, store: Path) -> None:
    seen = []

    class Look(CrashAt):
        """Looks at the store at every point."""

        def on_point(self, *_: Any) -> None:
            seen.append(only_run(store).info.status)

    track(few_digits, "mlflow", listeners=[Look(0)], epochs=1)
    assert set(seen) == {"RUNNING"}


def test_a_loss_that_is_not_finite_is_a_failure(few_digits: Dataset, store: Path) -> None:
    with pytest.raises(NonFiniteLossError):
        track(few_digits, "mlflow", activation="relu", learning_rate=1e30)
    assert only_run(store).info.status == "FAILED"


def test_a_long_history_is_told_in_several_requests(few_digits: Dataset, store: Path) -> None:
    run = track_until(StopAt(21.6), few_digits, epochs=22, batch_size=24, model="softmax")
    lenet.resume(run, dataset=few_digits, track="mlflow", listeners=[])
    assert len(curve(store, "train_loss")) == len(run.history) > 100, "and 50 go into a request"


def test_the_server_and_the_experiment_are_those_of_the_environment(
    few_digits: Dataset, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = store.rename(tmp_path / "elsewhere.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{elsewhere}")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "lesson")
    track(few_digits, "mlflow", epochs=1)
    assert only_run(elsewhere, "lesson").info.status == "FINISHED"
    assert not store.exists()


def test_on_another_server_a_resumed_run_is_told_from_its_start(
    few_digits: Dataset, store: Path, empty_store: Path
) -> None:
    run = track_until(StopAt(1.6), few_digits, "mlflow")
    first = json.loads((run.folder / "tracking.json").read_text())["mlflow"]["run_id"]
    store.write_bytes(empty_store.read_bytes())
    lenet.resume(run, dataset=few_digits, listeners=[])
    assert curve(store, "train_loss") == expected(run, "train_loss")
    kept = json.loads((run.folder / "tracking.json").read_text())["mlflow"]["run_id"]
    assert kept == only_run(store).info.run_id != first


def test_a_server_that_does_not_answer_is_an_error_before_the_training(
    few_digits: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(TrackerError, match=r"`mlflow` can't be used: .*127\.0\.0\.1"):
        track(few_digits, "mlflow", runs_folder=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_server_that_is_gone_does_not_keep_a_run_from_going_on(
    few_digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = track_until(StopAt(1.6), few_digits, "mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    messages = Messages()
    assert lenet.resume(run, dataset=few_digits, listeners=[messages]).status == "complete"
    told = [text for text in messages.texts if "`mlflow` stopped working" in text]
    assert len(told) == 1
    other = track_until(StopAt(1.6), few_digits)
    with pytest.raises(TrackerError):
        lenet.resume(other, dataset=few_digits, track="mlflow", listeners=[])


def test_a_damaged_database_is_an_error_before_the_training(
    few_digits: Dataset, store: Path
) -> None:
    store.write_text("not a database")
    with pytest.raises(TrackerError, match="file is not a database"):
        track(few_digits, "mlflow")
    assert lenet.find_runs() == []


def test_usage_figures_are_off_unless_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_DISABLE_TELEMETRY", raising=False)
    MlflowTracker()
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    MlflowTracker()
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "false"
