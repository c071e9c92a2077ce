"""What TensorBoard's own reader finds in the event files."""

import io
import itertools
import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing import plugin_event_accumulator
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.summary.writer import event_file_writer
from tracked_training import Crash, CrashAt, StopAt, track, track_until

import lenet
from lenet.datasets import Dataset, natural_key
from lenet.errors import MissingExtraError
from lenet.training import Listener

STEPS = 16  # an epoch


def read(run: lenet.Run) -> EventAccumulator:
    """All that TensorBoard's reader finds in a run's folder."""
    events = EventAccumulator(str(run.folder / "tensorboard"), size_guidance={"scalars": 0})
    return events.Reload()


def scalars(events: EventAccumulator, tag: str) -> list[tuple[int, float]]:
    """A curve's steps and values."""
    return [(event.step, event.value) for event in events.Scalars(tag)]


def expected(run: lenet.Run, name: str) -> list[tuple[int, float]]:
    """The same from the run folder; event files hold float32."""
    return [
        (round(point.epoch * STEPS), float(torch.tensor(point.to_dict()[name])))
        for point in run.history
        if name in point.to_dict()
    ]


def test_every_point_of_the_curve_is_written_at_its_step(few_digits: Dataset) -> None:
    run = track(few_digits, "tensorboard")
    events = read(run)
    for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy", "learning_rate"):
        group = name.rpartition("_")[2] if name != "learning_rate" else "training"
        assert scalars(events, f"{group}/{name}") == expected(run, name)
    speeds = scalars(events, "training/examples_per_second")
    last = run.history[-1]
    assert speeds[-1] == (2 * STEPS, pytest.approx(2 * 128 / last.seconds))
    assert len(speeds) == len(run.history)


@pytest.mark.real_curves
def test_settings_scores_and_picture_are_written(few_digits: Dataset) -> None:
    run = track(few_digits, "tensorboard", seed=3)
    events = read(run)
    (config,) = events.Tensors("config/text_summary")
    assert json.loads(config.tensor_proto.string_val[0])["seed"] == 3
    (result,) = events.Tensors("result/text_summary")
    assert json.loads(result.tensor_proto.string_val[0]) == run.result.to_dict()
    (picture,) = events.Images("curves")
    with (
        Image.open(io.BytesIO(picture.encoded_image_string)) as found,
        Image.open(run.folder / "curves.png") as drawn,
    ):
        assert found.tobytes() == drawn.convert("RGB").tobytes()


def test_where_no_curves_are_drawn_the_rest_is_written(
    few_digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Told(Listener):
        messages: ClassVar[list[str]] = []

        def on_message(self, text: str) -> None:
            self.messages.append(text)

    monkeypatch.setattr("lenet.core.write_figure", fail, raising=False)
    events = read(track(few_digits, "tensorboard", listeners=[Told()]))
    assert "curves" not in events.Tags()["images"]
    assert events.Tensors("result/text_summary")
    assert any("not drawn" in text for text in Told.messages)
    assert not any("tensorboard" in text for text in Told.messages)


def fail(*arguments: object) -> None:
    """What drawing does where matplotlib is missing."""
    raise MissingExtraError("Drawing a picture", package="matplotlib")


def test_the_settings_stand_in_the_table_of_runs(few_digits: Dataset) -> None:
    events = read(track(few_digits, "tensorboard", flip=True))
    content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    values = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
    assert values["batch_size"].number_value == 8
    assert values["optimiser"].string_value == "sgd"
    assert values["flip"].string_value == "true"
    assert values["channels"].string_value == "[6, 16]"
    assert values["dataset"].string_value == "few-digits"


def test_with_validation_the_test_score_comes_once_at_the_end(few_digits: Dataset) -> None:
    run = track(few_digits, "tensorboard", validation=0.25)
    steps = 12
    events = read(run)
    assert [step for step, _ in scalars(events, "loss/validation_loss")] == [steps, 2 * steps]
    accuracy = pytest.approx(run.result.test_accuracy)
    assert scalars(events, "accuracy/test_accuracy") == [(2 * steps, accuracy)]


@pytest.mark.parametrize("end", [CrashAt(1.6), StopAt(1.6), CrashAt(0.4)])
def test_a_resumed_run_has_every_point_once(end: CrashAt, few_digits: Dataset) -> None:
    run = track_until(end, few_digits, "tensorboard")
    before = read(run)
    if isinstance(end, StopAt):
        assert scalars(before, "loss/train_loss")[-1] == expected(run, "train_loss")[-1]
    assert lenet.resume(run, dataset=few_digits, listeners=[]).status == "complete"
    events = read(run)
    for tag, name in [("loss/train_loss", "train_loss"), ("loss/test_loss", "test_loss")]:
        assert scalars(events, tag) == expected(run, name)
    times = [event.wall_time for event in events.Scalars("loss/train_loss")]
    assert times == sorted(times)
    # Their names end in the numbers of writers, which may be 9 and 10.
    files = sorted((run.folder / "tensorboard").iterdir(), key=lambda path: natural_key(path.name))
    sizes = [path.stat().st_size for path in files]
    assert len(sizes) == 2
    assert sizes[0] == 0 < sizes[1]


def test_a_tensorboard_that_is_open_forgets_the_points_that_were_taken_back(
    few_digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    # TensorBoard takes the files by their names, which begin with the second.
    seconds = itertools.count(round(time.time()))
    clock = SimpleNamespace(time=lambda: next(seconds))
    monkeypatch.setattr(event_file_writer, "time", clock)
    run = track_until(CrashAt(1.6), few_digits, "tensorboard")
    folder = str(run.folder / "tensorboard")
    old, new = EventAccumulator(folder), plugin_event_accumulator.EventAccumulator(folder)

    def steps() -> list[list[int]]:
        """Of the points that each of TensorBoard's two readers shows."""
        old.Reload()
        new.Reload()
        found = (old.Scalars("loss/train_loss"), new.Tensors("loss/train_loss"))
        return [[event.step for event in events] for events in found]

    assert all(shown[-1] > STEPS for shown in steps()), "beyond the checkpoint"
    with pytest.raises(Crash):
        lenet.resume(run, dataset=few_digits, listeners=[CrashAt(1.2)])
    told = [step for step, _ in expected(run, "train_loss")]
    assert steps() == [told, told]
    lenet.resume(run, dataset=few_digits, listeners=[])
    told = [step for step, _ in expected(run, "train_loss")]
    assert steps() == [told, told]


def test_what_others_wrote_into_the_folder_stays(few_digits: Dataset) -> None:
    run = track_until(StopAt(1.2), few_digits, "tensorboard")
    profile = run.folder / "tensorboard" / "events.out.tfevents.1.profile"
    profile.write_bytes(b"")
    lenet.resume(run, dataset=few_digits, listeners=[])
    assert profile.exists()


def test_all_runs_are_found_from_the_runs_folder(few_digits: Dataset) -> None:
    from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer

    runs = [track(few_digits, "tensorboard", seed=seed, epochs=1) for seed in (0, 1)]
    multiplexer = EventMultiplexer().AddRunsFromDirectory("runs")
    multiplexer.Reload()
    assert set(multiplexer.Runs()) == {str(Path(run.name, "tensorboard")) for run in runs}
