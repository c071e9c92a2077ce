"""Trials that are one computation reach what they reach one after the other."""

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from heard import Heard

from lenet.errors import InterruptedTraining, SettingError
from lenet.experiments import (
    Sweep,
    _job,  # to count how many are one computation, and to break it
    sweep,
)
from lenet.training import CurvePoint, Trainer, train_in_lockstep

SPACE = {"learning_rate": "0.003,0.01,1e20", "momentum": "0,0.9", "optimiser": "sgd,adam"}
QUICK: dict[str, Any] = {
    "dataset": "digits",
    "model": "mlp",
    "dense_widths": (16,),
    "epochs": 2,
    "batch_size": 32,
    "sampler": "random",
    "prune": False,
    "device": "cpu",
    "engine": "torch",
}


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many were computed together, each time."""
    sizes: list[int] = []

    def count(trainers: list[Trainer], **options: Any) -> Any:
        sizes.append(len(trainers))
        return train_in_lockstep(trainers, **options)

    monkeypatch.setattr(_job, "train_in_lockstep", count)
    return sizes


def test_each_trial_ends_as_it_does_alone(tmp_path: Path, groups: list[int]) -> None:
    heard = Heard()
    options = QUICK | {"trials": 12, "seed": 5}
    made = sweep(SPACE, at_once=8, sweeps_folder=tmp_path / "a", progress=heard, **options)
    alone = sweep(SPACE, sweeps_folder=tmp_path / "b", **options)
    assert [trial.number for trial in made.trials] == list(range(12))
    assert {trial.state for trial in made.trials} == {"complete", "diverged"}
    for ours, theirs in zip(made.trials, alone.trials, strict=True):
        assert (ours.settings, ours.seed) == (theirs.settings, theirs.seed)
        assert (ours.state, ours.epochs, ours.reason) == (
            theirs.state,
            theirs.epochs,
            theirs.reason,
        )
        assert ours.validation_accuracy == pytest.approx(theirs.validation_accuracy, abs=1.5 / 143)
    assert made.best is not None
    assert alone.best is not None
    assert made.best.validation_accuracy == pytest.approx(
        alone.best.validation_accuracy, abs=1.5 / 143
    )
    assert 2 <= min(groups)
    assert 6 < sum(groups) <= 12
    assert heard.counts == [(count, 12) for count in range(1, 13)]


def test_one_that_is_refused_ends_and_the_others_are_made(tmp_path: Path) -> None:
    space = {"channels": [[2], [2, 3]], "kernel_size": "3,15"}  # 15 does not fit twice
    options = QUICK | {"model": "lenet", "epochs": 1, "trials": 6, "at_once": 3}
    made = sweep(space, sweeps_folder=tmp_path, **options)
    assert {trial.state for trial in made.trials} == {"complete", "refused"}
    for trial in made.trials:
        at_odds = trial.settings == {"channels": (2, 3), "kernel_size": 15}
        assert trial.state == ("refused" if at_odds else "complete")


def test_one_that_falls_behind_is_stopped_and_the_others_go_on(
    tmp_path: Path, groups: list[int]
) -> None:
    made = sweep(
        {"learning_rate": "1e-9,0.1,0.3"},
        at_once=6,
        trials=12,
        warm_up=0,
        sweeps_folder=tmp_path,
        **QUICK | {"epochs": 3, "prune": True},
    )
    assert groups == [6, 6]
    states = [trial.state for trial in made.trials]
    assert set(states) == {"complete", "pruned"}
    for trial in made.trials:
        pruned = trial.state == "pruned"
        assert trial.epochs < 3 if pruned else trial.epochs == 3
        assert pruned <= (trial.settings["learning_rate"] < 0.3)
        assert trial.validation_accuracy is not None


def test_a_stop_loses_what_is_under_way_and_the_sweep_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = _job._Teller.on_epoch
    calls: list[int] = []

    def report_and_stop(self: _job._Teller, trainer: Trainer, point: CurvePoint) -> None:
        report(self, trainer, point)
        calls.append(trainer.epoch)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    options = QUICK | {"trials": 6, "at_once": 3, "sweeps_folder": tmp_path}
    monkeypatch.setattr(_job._Teller, "on_epoch", report_and_stop)
    with pytest.raises(InterruptedTraining, match="Stopped after 0 of 6 trials"):
        sweep({"learning_rate": "0.1,0.3"}, **options)
    made: Sweep = sweep({"learning_rate": "0.1,0.3"}, **options)
    assert [trial.state for trial in made.trials] == ["complete"] * 6


def test_an_error_gives_its_trials_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(trainers: list[Trainer], **options: Any) -> Any:
        raise MemoryError

    options = QUICK | {"trials": 4, "at_once": 2, "sweeps_folder": tmp_path}
    monkeypatch.setattr(_job, "train_in_lockstep", fail)
    with pytest.raises(MemoryError):
        sweep({"learning_rate": "0.1,0.3"}, **options)
    monkeypatch.undo()
    (database,) = tmp_path.glob("*/trials.db")
    with closing(sqlite3.connect(database)) as kept:
        assert kept.execute("SELECT state FROM trials").fetchall() == [("FAIL",)] * 2
    made = sweep({"learning_rate": "0.1,0.3"}, **options)
    assert [trial.state for trial in made.trials] == ["complete"] * 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"at_once": 0}, "`at_once` must be at least 1"),
        ({"at_once": 2, "engine": "native"}, "leave out `at_once` or `engine`"),
    ],
)
def test_what_does_not_go_together_is_refused(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingError, match=message):
        sweep({"learning_rate": "0.1,0.3"}, sweeps_folder=tmp_path, **QUICK | changes)


def test_several_machines_make_one_trial_at_a_time_each(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(SettingError, match="leave out `at_once` or `storage`"):
        sweep(
            {"learning_rate": "0.1,0.3"},
            at_once=2,
            storage="postgresql://nobody@localhost/nothing",
            sweeps_folder=tmp_path,
            **QUICK,
        )
