"""A tracker that is asked for by name must be there; later it may break."""

import sys
from typing import Any

import pytest
import torch
from tracked_training import Messages, StopAt, track, track_until

import lenet
from lenet.cli import app
from lenet.datasets import Dataset
from lenet.errors import MissingExtraError, RunError, UnknownNameError
from lenet.models import load_model
from lenet.training import TRACKERS, CurvePoint, Trainer, make_trackers

MODULES = {"tensorboard": "torch.utils.tensorboard", "mlflow": "mlflow.tracking"}


def test_an_unknown_tracker_offers_the_nearest(few_digits: Dataset) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean `tensorboard`"):
        track(few_digits, "tensorbord")
    stopped = track_until(StopAt(1), few_digits)
    with pytest.raises(UnknownNameError, match="Unknown tracker ``"):
        lenet.resume(stopped, dataset=few_digits, track="")
    with pytest.raises(UnknownNameError, match="Did you mean `mlflow`"):
        make_trackers(["tensorboard", "mlfow"])


def test_a_name_or_several_are_taken() -> None:
    assert [tracker.name for tracker in make_trackers("mlflow")] == ["mlflow"]
    names = ["mlflow", "tensorboard", "mlflow"]
    assert [tracker.name for tracker in make_trackers(names)] == ["mlflow", "tensorboard"]


@pytest.mark.parametrize("name", TRACKERS)
def test_a_missing_package_is_told_before_the_training(
    name: str, few_digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, MODULES[name], None)
    with pytest.raises(MissingExtraError) as caught:
        track(few_digits, name)
    assert str(caught.value).startswith(f"The tracker `{name}` needs more packages: `")
    assert str(caught.value).endswith("pip install 'lenet[track]'`.")
    assert lenet.find_runs() == []


def test_a_server_needs_no_database_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "alembic", None)
    with pytest.raises(MissingExtraError):
        make_trackers("mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    make_trackers("mlflow")


def test_a_run_goes_on_where_its_tracker_is_not_installed(
    few_digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = track_until(StopAt(1.6), few_digits, "tensorboard")
    monkeypatch.setitem(sys.modules, MODULES["tensorboard"], None)
    messages = Messages()
    assert lenet.resume(run, dataset=few_digits, listeners=[messages]).status == "complete"
    (text,) = [text for text in messages.texts if "tracker" in text]
    assert text.startswith("The run goes on without the tracker `tensorboard`. ")
    assert "pip install 'lenet[track]'`" in text


@pytest.fixture(scope="module")
def untracked(few_digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> lenet.Run:
    return track(few_digits, epochs=1, runs_folder=tmp_path_factory.mktemp("untracked"))


@pytest.mark.parametrize("event", ["begin", "on_start", "on_point", "on_finish", "on_stop"])
@pytest.mark.parametrize("name", TRACKERS)
@pytest.mark.usefixtures("store")
def test_a_tracker_that_breaks_costs_a_message_and_not_the_training(
    name: str,
    event: str,
    few_digits: Dataset,
    untracked: lenet.Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = []

    def fail(*_: Any) -> None:
        calls.append(event)
        message = "no room left at https://me:pass-word@host\nand more about it"
        raise OSError(message)

    monkeypatch.setattr(TRACKERS[name], event, fail)
    messages = Messages()
    run = track(few_digits, name, epochs=1, listeners=[messages])
    assert calls == [event]
    told = [text for text in messages.texts if "stopped working" in text]
    assert told == [
        f"The tracker `{name}` stopped working, and the training goes on without it: "
        "no room left at https://me:***@host"
    ]
    assert run.status == "complete"
    assert run.model_path.read_bytes() == untracked.model_path.read_bytes()


def test_event_files_that_can_not_be_written_cost_a_message(few_digits: Dataset) -> None:
    run = track_until(StopAt(1.6), few_digits)
    (run.folder / "tensorboard").write_text("in the way")
    messages = Messages()
    lenet.resume(run, dataset=few_digits, track="tensorboard", listeners=[messages])
    assert run.status == "complete"
    assert sum("`tensorboard` stopped working" in text for text in messages.texts) == 1


@pytest.mark.usefixtures("store")
def test_trackers_do_not_change_a_bit(few_digits: Dataset) -> None:
    runs = [track(few_digits), track(few_digits, "tensorboard", "mlflow")]
    states = [load_model(run.model_path)[0].state_dict() for run in runs]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    curves = [[{**p.to_dict(), "seconds": 0} for p in run.history] for run in runs]
    assert curves[0] == curves[1]
    assert not (runs[0].folder / "tracking.json").exists()


def test_a_tracker_can_be_added_when_a_run_goes_on(few_digits: Dataset) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = track_until(StopAt(1.2), few_digits)
    track_again = {"dataset": few_digits, "track": "tensorboard", "listeners": [StopAt(1.6)]}
    with pytest.raises(lenet.errors.InterruptedTraining):
        lenet.resume(run, **track_again)  # type: ignore[arg-type]
    lenet.resume(run, dataset=few_digits, listeners=[])
    events = EventAccumulator(str(run.folder / "tensorboard")).Reload()
    assert len(events.Scalars("loss/train_loss")) == len(run.history)


@pytest.mark.parametrize("content", ["{", "[]", '{"mlflow": 3}'])
def test_a_damaged_list_of_trackers_is_an_error(content: str, few_digits: Dataset) -> None:
    run = track_until(StopAt(1.6), few_digits, "tensorboard")
    (run.folder / "tracking.json").write_text(content)
    with pytest.raises(RunError, match=r"tracking\.json` is damaged"):
        lenet.resume(run, dataset=few_digits, listeners=[])


def test_a_tracker_of_a_later_version_is_left_out(few_digits: Dataset) -> None:
    run = track_until(StopAt(1.6), few_digits)
    (run.folder / "tracking.json").write_text('{"slate": {}}')
    messages = Messages()
    assert lenet.resume(run, dataset=few_digits, listeners=[messages]).status == "complete"
    assert any("without the tracker `slate`. Unknown tracker" in text for text in messages.texts)


def test_every_event_reaches_the_tracker(
    few_digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = []
    for event in ("on_start", "on_step", "on_epoch", "on_diagnosis"):
        monkeypatch.setattr(
            TRACKERS["tensorboard"], event, lambda *_, event=event: events.append(event)
        )
    track(few_digits, "tensorboard", epochs=20, learning_rate=1e-6)
    assert events.count("on_start") == 1
    assert events.count("on_step") == 20 * 16
    assert events.count("on_epoch") == 20
    assert events.count("on_diagnosis") == 1


@pytest.mark.usefixtures("store")
def test_the_option_may_be_given_twice_and_beside_resume() -> None:
    class StopEarly(StopAt):
        """Asks for a stop at the first point."""

        def on_point(self, trainer: Trainer, point: CurvePoint) -> None:
            trainer.request_stop()

    with pytest.raises(lenet.errors.InterruptedTraining):
        lenet.train(dataset="digits", epochs=2, listeners=[StopEarly(0)])
    arguments = ["train", "--resume", "latest", "--track", "tensorboard", "--track", "mlflow"]
    app(arguments, standalone_mode=False)
    run = lenet.open_run()
    assert run.status == "complete"
    assert (run.folder / "tensorboard").is_dir()
    assert "run_id" in (run.folder / "tracking.json").read_text()
