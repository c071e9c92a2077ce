"""A comparison whose trainings are one computation is the one whose trainings are many."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from heard import HeardTrainings
from typer.testing import CliRunner

from lenet.cli import app
from lenet.errors import SettingError
from lenet.experiments import Comparison, _compare, compare  # `_compare`: to see which way it goes
from lenet.runs import find_runs

QUICK: dict[str, Any] = {"epochs": 2, "batch_size": 64, "optimiser": "adam", "learning_rate": 0.003}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the module's trainings are kept."""
    return tmp_path_factory.mktemp("together")


@pytest.fixture(scope="module")
def compared(folder: Path) -> Comparison:
    """Softmax regression and the MLP, three seeds each, computed together."""
    return compare(
        ["softmax", "mlp"],
        "digits",
        seeds=3,
        together=True,
        device="cpu",
        runs_folder=folder,
        **QUICK,
    )


def test_the_scores_are_those_of_trainings_apart(compared: Comparison, tmp_path: Path) -> None:
    apart = compare(
        ["softmax", "mlp"],
        "digits",
        seeds=2,
        together=False,
        processes=1,
        device="cpu",
        runs_folder=tmp_path,
        **QUICK,
    )
    for ours, theirs in zip(compared.entries, apart.entries, strict=True):
        assert (ours.label, ours.seeds[:2]) == (theirs.label, theirs.seeds)
        assert ours.accuracies[:2] == pytest.approx(theirs.accuracies, abs=1.5 / 359)
        for run, other in zip(ours.runs[:2], theirs.runs, strict=True):
            losses = [point.train_loss for point in run.history]
            expected = [point.train_loss for point in other.history]
            assert losses == pytest.approx(expected, rel=1e-4)
            assert run.environment["together"] == 3
            assert "together" not in other.environment


def test_runs_that_are_there_are_reused(compared: Comparison, folder: Path) -> None:
    before = {run.folder: run.model_path.stat().st_mtime_ns for run in find_runs(folder)}
    heard = HeardTrainings()
    threads = torch.get_num_threads()
    compare(
        ["softmax", "mlp"],
        "digits",
        seeds=4,
        together=True,
        threads=2,
        device="cpu",
        runs_folder=folder,
        progress=heard,
        **QUICK,
    )
    assert torch.get_num_threads() == threads
    after = {run.folder: run.model_path.stat().st_mtime_ns for run in find_runs(folder)}
    assert before.items() <= after.items()
    assert len(after) - len(before) == 2
    assert sorted(heard.ended) == list(range(8))
    assert heard.shares == {3: [0.5, 1.0], 7: [0.5, 1.0]}
    assert heard.stopped == 1


def test_one_that_diverges_is_told_as_such(tmp_path: Path) -> None:
    vary = {"learning_rate": [0.1, 1e20]}
    heard = HeardTrainings()
    compared = compare(
        ["mlp"],
        "digits",
        vary=vary,
        seeds=1,
        together=True,
        device="cpu",
        runs_folder=tmp_path,
        progress=heard,
        epochs=2,
    )
    sane, wild = compared.entries
    assert len(sane.accuracies) == 1
    assert not wild.accuracies
    assert "The loss became" in wild.failures[0]
    assert np.isnan(wild.accuracy)
    assert heard.ended == {0: sane.runs[0].folder, 1: None}


@pytest.mark.parametrize(
    ("device", "options", "expected"),
    [
        ("cuda", {}, "together"),
        ("cuda", {"processes": 1}, "apart"),
        ("cuda", {"together": False}, "apart"),
        ("mps", {}, "apart"),
        ("cpu", {}, "apart"),
        ("cpu", {"together": True}, "together"),
    ],
)
def test_only_a_cuda_gpu_trains_together_unasked(
    device: str, options: dict[str, Any], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reach(way: str) -> Any:
        def train(*arguments: Any) -> Any:
            raise NotImplementedError(way)

        return train

    monkeypatch.setattr(_compare, "pick_device", lambda name: device)
    monkeypatch.setattr(_compare, "work_here", reach("together"))
    monkeypatch.setattr(_compare, "work_in_processes", reach("apart"))
    with pytest.raises(NotImplementedError, match=expected):
        compare(["softmax"], "digits", **options)


def test_processes_are_for_trainings_apart(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="`processes` is for trainings that are not"):
        compare(["mlp"], "digits", together=True, processes=2, runs_folder=tmp_path)


def test_the_command_has_the_choice(compared: Comparison, folder: Path, tmp_path: Path) -> None:
    options = [f"--{name.replace('_', '-')}={value}" for name, value in QUICK.items()]
    command = ["compare", "--models=softmax,mlp", "--data=digits", "--seeds=3", "--device=cpu"]
    command += [f"--runs-folder={folder}", f"--picture={tmp_path / 'all.svg'}", *options]
    result = CliRunner().invoke(app, [*command, "--together"])
    assert result.exit_code == 0, result.output
    assert "Seconds are those of all networks that were computed together." in result.output
    apart = CliRunner().invoke(app, [*command, "--apart", "--json"])
    assert apart.exit_code == 0, apart.output
    labels = [entry["label"] for entry in json.loads(apart.stdout)["entries"]]
    assert labels == ["softmax", "mlp"]
    refused = CliRunner().invoke(
        app, ["compare", str(compared.entries[0].runs[0].folder), "--apart"]
    )
    assert isinstance(refused.exception, SettingError) or refused.exit_code == 2
