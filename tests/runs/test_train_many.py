"""Many trainings by one call have the run folders that they have one after the other."""

import json
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch

import lenet
from compiled_kernels import needs_kernels
from forked_process import ForkedProcess
from lenet.datasets import Dataset
from lenet.errors import (
    InterruptedTraining,
    NonFiniteLossError,
    SettingError,
    StorageError,
    TrainingError,
)
from lenet.models import SoftmaxConfig, SoftmaxRegression
from lenet.runs import Ending, Run, find_runs, train_many

# What a checkpoint holds, bit by bit.
from lenet.runs._recorder import read_checkpoint
from lenet.training import CurvePoint, Listener, Trainer
from packed_sets import leave_little_room, pack

QUICK: dict[str, Any] = {"epochs": 2, "batch_size": 64, "optimiser": "adam", "learning_rate": 0.003}
SMALL: dict[str, Any] = {"channels": (2, 3), "dense_widths": (12,), "activation": "relu"} | QUICK


class Stopper(Listener):
    """Asks for a stop after some epochs."""

    def __init__(self, epochs: int):
        self.epochs = epochs

    def on_epoch(self, trainer: Trainer, point: CurvePoint) -> None:
        if trainer.epoch == self.epochs:
            trainer.request_stop()


class Began(Listener):
    """Notes from where a training goes on."""

    def __init__(self) -> None:
        self.steps: list[int] = []

    def on_start(self, trainer: Trainer) -> None:
        self.steps.append(trainer.steps_done)


def assert_same_run(together: Run, alone: Run) -> None:
    """Two run folders hold the same training, up to rounding, bar its times."""
    names = {path.name for path in together.folder.iterdir()}
    assert names == {path.name for path in alone.folder.iterdir()}
    ours, theirs = together.config.to_dict(), alone.config.to_dict()
    assert ours == theirs
    assert together.status == alone.status == "complete"
    assert len(together.history) == len(alone.history)
    for point, other in zip(together.history, alone.history, strict=True):
        values, expected = point.to_dict(), other.to_dict()
        assert values.keys() == expected.keys()
        del values["seconds"], expected["seconds"]
        assert values == pytest.approx(expected, rel=1e-4)
    assert together.result.test_accuracy == alone.result.test_accuracy
    assert together.result.validation_accuracy == alone.result.validation_accuracy
    assert together.result.best_epoch == alone.result.best_epoch


@pytest.mark.parametrize("shared", [{}, {"validation": 0.2, "normalisation": "standard"}])
def test_run_folders_are_those_of_one_after_the_other(
    few_digits: Dataset, tmp_path: Path, shared: dict[str, Any]
) -> None:
    lenet_settings = {"model": "lenet"} | SMALL
    trainings = [
        {"seed": 3} | lenet_settings,
        {"seed": 4} | lenet_settings,
        {"seed": 4} | lenet_settings | {"learning_rate": 0.01},
        {"seed": 3, "model": "mlp"} | QUICK,
    ]
    settings = {"device": "cpu"} | shared
    heard: list[tuple[int, Ending]] = []
    endings = train_many(
        trainings,
        few_digits,
        runs_folder=tmp_path / "together",
        on_end=lambda *what: heard.append(what),
        **settings,
    )
    assert sorted(heard, key=lambda what: what[0]) == list(enumerate(endings))
    assert [ending.error for ending in endings] == [None] * 4
    assert [ending.run.environment["together"] for ending in endings] == [3, 3, 3, 1]
    for training, ending in zip(trainings, endings, strict=True):
        alone = lenet.train(
            dataset=few_digits,
            engine="auto" if training["model"] == "mlp" else "torch",
            runs_folder=tmp_path / "alone",
            listeners=[],
            **training,
            **settings,
        )
        assert_same_run(ending.run, alone)


def test_runs_that_are_there_are_taken_and_the_others_made(
    few_digits: Dataset, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"runs_folder": tmp_path, "reuse": True, "device": "cpu"} | SMALL
    first = train_many([{"seed": 0}, {"seed": 1}], few_digits, model="lenet", **options)
    before = first[1].run.model_path.stat().st_mtime_ns
    wider = train_many([{"seed": seed} for seed in range(4)], few_digits, model="lenet", **options)
    assert [ending.run for ending in wider[:2]] == [ending.run for ending in first]
    assert before == first[1].run.model_path.stat().st_mtime_ns
    assert [ending.run.config.seed for ending in wider] == [0, 1, 2, 3]
    assert len(find_runs(tmp_path)) == 4
    # `train` and `compare` know them, too.
    alone = lenet.train("lenet", few_digits, seed=2, listeners=[], **options)
    assert alone == wider[2].run


def test_what_was_stopped_goes_on_together_or_by_resume(
    few_digits: Dataset, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"model": "lenet", "device": "cpu", **SMALL, "epochs": 4}
    again = {"reuse": True, "runs_folder": tmp_path / "many", **options}
    trainings = [{"seed": 0}, {"seed": 1}, {"seed": 2}]
    stopped = train_many(trainings, few_digits, listeners=[[Stopper(2)], [Stopper(2)], []], **again)
    assert [type(ending.error) for ending in stopped] == [InterruptedTraining] * 2 + [type(None)]
    assert [ending.run.status for ending in stopped] == ["stopped", "stopped", "complete"]
    assert f"Go on with `lenet train --resume {stopped[0].run.folder}`" in str(stopped[0].error)
    shutil.copytree(tmp_path / "many", tmp_path / "copies")

    began = [Began() for _ in trainings]
    together = train_many(trainings, few_digits, listeners=[[one] for one in began], **again)
    assert [one.steps for one in began] == [[5], [5], []], "a step beyond the second epoch"
    assert [ending.run for ending in together] == [ending.run for ending in stopped]
    copies = [Run(tmp_path / "copies" / ending.run.name) for ending in stopped]
    for copy in copies[:2]:
        lenet.resume(copy, dataset=few_digits, listeners=[])
    for seed, (copy, ending) in enumerate(zip(copies, stopped, strict=True)):
        whole = lenet.train(
            dataset=few_digits,
            seed=seed,
            engine="torch",
            listeners=[],
            runs_folder=tmp_path / "alone",
            **options,
        )
        assert_same_run(Run(ending.run.folder), whole)
        assert_same_run(copy, whole)


@needs_kernels
def test_what_the_kernels_began_goes_on_with_them(few_digits: Dataset, tmp_path: Path) -> None:
    options: dict[str, Any] = {"model": "lenet", "device": "cpu"} | SMALL | {"epochs": 3}
    with pytest.raises(InterruptedTraining):
        lenet.train(
            dataset=few_digits,
            seed=1,
            listeners=[Stopper(1)],
            runs_folder=tmp_path / "many",
            **options,
        )
    endings = train_many(
        [{"seed": seed} for seed in range(3)],
        few_digits,
        runs_folder=tmp_path / "many",
        reuse=True,
        **options,
    )
    assert [ending.run.config.engine for ending in endings] == ["torch", "native", "torch"]
    whole = lenet.train(
        dataset=few_digits, seed=1, listeners=[], runs_folder=tmp_path / "alone", **options
    )
    assert endings[1].run.model_path.read_bytes() == whole.model_path.read_bytes()


@pytest.mark.real_curves
def test_one_that_diverges_is_told_and_spoils_no_other(few_digits: Dataset, tmp_path: Path) -> None:
    options: dict[str, Any] = {"model": "mlp", "device": "cpu", "epochs": 2, "batch_size": 16}
    endings = train_many(
        [{"learning_rate": 0.1}, {"learning_rate": 1e20}],
        few_digits,
        runs_folder=tmp_path,
        **options,
    )
    assert endings[0].error is None
    wild = endings[1]
    assert isinstance(wild.error, NonFiniteLossError)
    assert wild.error.checkpoint == wild.run.checkpoint_path
    assert wild.run.checkpoint_path.exists()
    assert (wild.run.folder / "curves.png").exists()
    assert wild.run.status == "stopped"


@pytest.mark.real_curves
def test_weights_that_are_not_finite_end_one_alone(few_digits: Dataset, tmp_path: Path) -> None:
    class Spoiler(Listener):
        """Makes a weight infinite that no loss is to be computed with before a checkpoint is."""

        def on_epoch(self, trainer: Trainer, point: CurvePoint) -> None:
            next(iter(trainer.model.parameters())).data[0] = float("inf")
            trainer.state()

    endings = train_many(
        [{"seed": 0}, {"seed": 1}],
        few_digits,
        model="softmax",
        runs_folder=tmp_path,
        listeners=[[], [Spoiler()]],
        **QUICK,
    )
    assert [ending.run.status for ending in endings] == ["complete", "stopped"]
    assert type(endings[1].error) is TrainingError
    assert (endings[1].run.folder / "curves.png").exists()


def test_no_more_than_so_many_at_once(few_digits: Dataset, tmp_path: Path) -> None:
    trainings = [{"seed": seed} for seed in range(5)]
    endings = train_many(
        trainings, few_digits, model="softmax", at_once=2, runs_folder=tmp_path, **QUICK
    )
    assert [ending.run.environment["together"] for ending in endings] == [2, 2, 2, 2, 1]


def test_a_full_disk_keeps_what_can_be_kept(few_digits: Dataset, tmp_path: Path) -> None:
    class Full(Listener):
        def on_step(self, trainer: Trainer) -> None:
            if (trainer.epoch, trainer.step) == (1, 1):
                message = "The disk is full."
                raise StorageError(message)

    with pytest.raises(StorageError, match="full"):
        train_many(
            [{"seed": 0}, {"seed": 1}],
            few_digits,
            model="softmax",
            runs_folder=tmp_path,
            listeners=[[], [Full()]],
            **QUICK,
        )
    assert [run.status for run in find_runs(tmp_path)] == ["stopped", "stopped"]
    for run in find_runs(tmp_path):
        values = read_checkpoint(run.checkpoint_path).values
        assert (values["epoch"], values["step"]) == (1, 1)
        lenet.resume(run, dataset=few_digits, listeners=[])


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ({"epoch": 3}, "Did you mean `epochs`"),
        ({"seed": -1}, "`seed` must be at least 0, not -1"),
        ({"model": "lenett"}, "Did you mean `lenet`"),
    ],
)
def test_what_can_not_be_trained_is_told_before_anything_is(
    training: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingError, match=message):
        train_many([{"seed": 0}, training], "digits", runs_folder=tmp_path)
    with pytest.raises(SettingError, match="`at_once` must be at least 1"):
        train_many([{"seed": 0}], "digits", runs_folder=tmp_path, at_once=0)
    assert not find_runs(tmp_path)


def test_a_signal_stops_all_with_a_checkpoint_each(tmp_path: Path) -> None:
    code = (
        "import lenet, sys\n"
        "try:\n"
        "    lenet.train_many([{'seed': 0}, {'seed': 1}], 'digits', model='softmax',\n"
        "        epochs=500, batch_size=16, threads=1, reuse=True, device='cpu',\n"
        f"        runs_folder={str(tmp_path)!r})\n"
        "except lenet.errors.InterruptedTraining as error:\n"
        "    print(error)\n"
        "    sys.exit(error.exit_code)\n"
    )
    process = ForkedProcess(code=code)
    deadline = time.monotonic() + 60
    while sum(bool(run.history) for run in find_runs(tmp_path)) < 2:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert output == "Stopped. The same call goes on from here.\n"
    runs = find_runs(tmp_path)
    assert [run.status for run in runs] == ["stopped", "stopped"]
    lengths = [len(run.history_path.read_text().splitlines()) for run in runs]
    assert lengths[0] == lengths[1]
    assert json.loads((runs[0].folder / "config.json").read_text())["engine"] == "torch"


def test_images_too_large_for_memory_are_read_by_one_after_the_other(
    few_digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = pack(few_digits, tmp_path / "packed")
    leave_little_room(monkeypatch)
    options: dict[str, Any] = {"model": "softmax", "device": "cpu"} | QUICK
    endings = train_many(
        [{"seed": 0}, {"seed": 1}], packed, runs_folder=tmp_path / "many", **options
    )
    assert [ending.run.environment["together"] for ending in endings] == [1, 1]
    alone = lenet.train(
        dataset=packed, seed=1, listeners=[], runs_folder=tmp_path / "alone", **options
    )
    assert endings[1].run.model_path.read_bytes() == alone.model_path.read_bytes()


def test_a_network_that_is_built_already_begins_with_its_weights(
    few_digits: Dataset, tmp_path: Path
) -> None:
    def network() -> SoftmaxRegression:
        torch.manual_seed(7)
        return SoftmaxRegression(SoftmaxConfig(input_shape=few_digits.image_shape))

    options: dict[str, Any] = {"epochs": 1, "batch_size": 16, "device": "cpu"}
    (ending,) = train_many([{"model": network()}], few_digits, runs_folder=tmp_path, **options)
    alone = lenet.train(network(), few_digits, runs_folder=tmp_path, listeners=[], **options)
    assert [p.train_loss for p in ending.run.history] == [p.train_loss for p in alone.history]
