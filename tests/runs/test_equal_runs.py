"""Runs that are there already: left as they are, taken, or gone on with."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from quick_runs import Messages, quick

import lenet
from lenet.datasets import Dataset
from lenet.errors import (
    InterruptedTraining,
    RunError,
    SettingError,
)
from lenet.models import LeNet
from lenet.runs import find_runs
from lenet.training import CurvePoint, Listener, Trainer


def test_images_of_ones_own_are_asked_for_again(few_digits: Dataset) -> None:
    class Stop(Listener):
        """Stops after the first step."""

        def on_step(self, trainer: lenet.training.Trainer) -> None:
            trainer.request_stop()

    with pytest.raises(lenet.errors.InterruptedTraining):
        lenet.train(dataset=few_digits, batch_size=32, epochs=1, listeners=[Stop()])
    with pytest.raises(RunError, match="images of one's own"):
        lenet.resume(listeners=[])
    other = Dataset(few_digits.name, few_digits.class_names, few_digits.test, few_digits.test)
    with pytest.raises(RunError, match="not the data"):
        lenet.resume(dataset=other, listeners=[])
    assert lenet.resume(dataset=few_digits, listeners=[]).status == "complete"


def test_a_complete_run_is_left_as_it_is(few_digits: Dataset) -> None:
    run = quick(few_digits)
    before = {path.name: path.read_bytes() for path in run.folder.iterdir()}
    messages = Messages()
    assert lenet.resume(run.folder, dataset=few_digits, listeners=[messages]) == run
    assert "is complete" in messages.texts[0]
    assert {path.name: path.read_bytes() for path in run.folder.iterdir()} == before


def test_a_status_asked_for_all_the_time_keeps_no_training_from_starting(
    few_digits: Dataset,
) -> None:
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            for run in lenet.find_runs():
                _ = run.status

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for _ in range(3):
            quick(few_digits, batch_size=64)
    finally:
        done.set()
        asking.join()


def test_an_equal_run_is_taken_as_it_is(few_digits: Dataset, tmp_path: Path) -> None:
    def train(**changes: Any) -> lenet.Run:
        options = {"epochs": 1, "batch_size": 32, "runs_folder": tmp_path, "listeners": []}
        return lenet.train("softmax", few_digits, reuse=True, **options | changes)

    first = train()
    assert train() == train(preset="mlp", recipe=first.config.recipe, threads=1) == first
    others = [train(seed=1), train(learning_rate=0.2), train(initialisation="xavier")]
    assert len({run.folder for run in [first, *others]}) == 4
    elsewhere = train(runs_folder=tmp_path / "elsewhere")
    assert elsewhere.folder != first.folder


def test_an_equal_run_of_another_version_is_not_taken(few_digits: Dataset, tmp_path: Path) -> None:
    options = {"epochs": 1, "batch_size": 32, "runs_folder": tmp_path, "listeners": []}
    first = lenet.train("softmax", few_digits, **options)
    environment = first.environment | {"lenet": "0.0.1"}
    first.environment_path.write_text(json.dumps(environment))
    assert lenet.train("softmax", few_digits, reuse=True, **options) != first


def test_an_equal_run_that_was_stopped_is_gone_on_with(few_digits: Dataset, tmp_path: Path) -> None:
    class Stopper(Listener):
        def on_epoch(self, trainer: Trainer, point: CurvePoint) -> None:
            trainer.request_stop()

    options = {"epochs": 3, "batch_size": 32, "runs_folder": tmp_path}
    with pytest.raises(InterruptedTraining):
        lenet.train("softmax", few_digits, listeners=[Stopper()], **options)
    run = lenet.train("softmax", few_digits, reuse=True, listeners=[], **options)
    assert len(find_runs(tmp_path)) == 1
    assert run.status == "complete"


def test_a_network_that_is_built_already_is_not_looked_for(few_digits: Dataset) -> None:
    with pytest.raises(SettingError, match="has weights of its own"):
        lenet.train(LeNet(), few_digits, reuse=True, listeners=[])
