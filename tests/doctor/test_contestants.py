"""All contestants do the same work; how fast they are is no test's business."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from compiled_kernels import needs_kernels
from forked_process import ForkedProcess
from lenet.cli import main
from lenet.datasets import Dataset

# Single contestants and tasks, which `run_benchmark` measures together, and in another process.
from lenet.doctor import (
    Contestant,
    Outcome,
    Report,
    _benchmarks,
    default_threads,
    find_contestants,
    run_benchmark,
    take_turns,
)

# Who competes; people see the report of it alone.
from lenet.doctor._peers import train_with_torch
from lenet.doctor._session import CONTESTANTS, Session
from lenet.doctor._tasks import (
    NORMALISED,
    TRAINED,
    TUTORIAL,
    Task,
    train_with_lenet,
    train_with_sklearn,
)
from lenet.doctor._turns import Pace
from lenet.errors import InterruptedBenchmark, LenetError, SettingError, StorageError

# How long is measured and rested, on which no result that is tested depends.
QUICK = {"_turns._REST": 0.0, "_turns._SECONDS": 0.01, "_benchmarks._SINGLE_IMAGES": 20}


def ignore(text: str) -> None:
    """Take what is told."""


def test_contestants_take_turns_and_their_rounds_are_kept_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lenet.doctor._turns._REST", 0.0)
    turns: list[str] = []

    def player(name: str) -> Callable[[], Outcome]:
        def play() -> Outcome:
            turns.append(name)
            return Outcome(float(len(turns)), train_loss=0.1 * len(turns))

        return play

    contestants = [Contestant(name, player(name)) for name in "AB"]
    one, other = take_turns(contestants, 3, ignore)
    assert "".join(turns) == "ABABAB"
    assert one.rounds == (1, 3, 5)
    assert other.rounds == (2, 4, 6)
    assert one.train_loss == pytest.approx(0.5)


def test_a_contestant_that_fails_is_named_and_the_others_go_on() -> None:
    def not_installed() -> Contestant:
        raise ModuleNotFoundError("No module named 'jax'", name="jax")

    def breaks() -> Outcome:
        raise RuntimeError("no compiler\nand a long story")

    makers = {
        "JAX": not_installed,
        "PyTorch compiled": lambda: Contestant("PyTorch compiled", breaks),
        "lenet": lambda: Contestant("lenet", lambda: Outcome(1.0)),
    }
    contestants, absent = find_contestants(makers, ignore)
    assert [contestant.name for contestant in contestants] == ["lenet"]
    assert absent == {"JAX": "`jax` is not installed.", "PyTorch compiled": "no compiler"}


def test_no_round_is_begun_that_would_not_end_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lenet.doctor._turns._REST", 0.0)
    told: list[tuple[str, list[str], float]] = []
    contestants = [Contestant(name, lambda: Outcome(1.0)) for name in "AB"]
    measured = take_turns(
        contestants,
        3,
        ignore,
        pace=Pace(0.0),
        hear=lambda name, so_far, left: told.append((name, [one.name for one in so_far], left)),
    )
    assert [each.rounds for each in measured] == [(1.0,), (1.0,)]
    assert told == [("A", ["A"], 0.0), ("B", ["A", "B"], 0.0)]


def test_two_take_part_however_little_time_there_is() -> None:
    makers = {name: lambda: Contestant("", lambda: Outcome(1.0)) for name in "ABC"}
    contestants, absent = find_contestants(makers, ignore, pace=Pace(0.0))
    assert len(contestants) == 2
    assert list(absent) == ["C"]


def session(benchmark: str, **more: Any) -> Session:
    """One round on a thread."""
    return Session(benchmark, 1, 1, {}, **more)


def test_what_came_out_is_told_and_kept_after_each_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lenet.doctor._turns._REST", 0.0)
    told, kept = [], []
    makers = {
        title: lambda title=title: Contestant(title, lambda: Outcome(1234.0))
        for title in CONTESTANTS["predict"].values()
    }
    report = session(
        "predict",
        tell=told.append,
        keep=lambda reports: kept.append([Report.from_dict(one.to_dict()) for one in reports]),
        only=("lenet", "eager"),
    ).compare("a task", "images/s", makers)
    assert "".join(told).splitlines() == [
        "predict, 1 thread, warm-up: lenet … ready",
        "predict, 1 thread, warm-up: PyTorch eager … ready",
        "predict, 1 thread, round 1 of 1: lenet … 1,234 images/s, at most 0:00 left",
        "predict, 1 thread, round 1 of 1: PyTorch eager … 1,234 images/s, about 0:00 left",
    ]
    (first,), (last,) = kept
    assert [each.name for each in first.measurements] == ["lenet"]
    assert list(first.absent) == ["PyTorch eager"]
    assert first.rows(), "it can be shown without the one that ratios refer to"
    assert last == report
    assert last.absent == {}


def test_the_slow_are_left_out_with_a_word_unless_they_are_asked_for() -> None:
    makers = {
        title: lambda title=title: Contestant(title, lambda: Outcome(1.0))
        for title in CONTESTANTS["predict"].values()
    }
    assert "--only lenet,numpy" in session("predict").compare("", "", makers).absent["lenet, NumPy"]
    for asked in ({"all": True}, {"only": ("numpy",)}):
        report = session("predict", **asked).compare("", "", makers)
        assert "lenet, NumPy" in [each.name for each in report.measurements]
        assert report.absent == {}


@needs_kernels
@pytest.mark.parametrize("task", TRAINED, ids=["tutorial", "modern", "normalised"])
def test_all_train_the_same_network_to_about_the_same_loss(task: Task, digits: Dataset) -> None:
    torch.manual_seed(0)  # of the peer's orders; one in hundreds is out of the room
    room = 0.3 if task is NORMALISED else 0.1  # each has an order of its own, and it learns fast
    losses = [train_with_lenet(task, digits).train_loss]
    for channels_last in (False, True):
        contestant = train_with_torch("PyTorch", task, digits, channels_last=channels_last)
        first, second = contestant.play(), contestant.play()
        assert first.train_loss == pytest.approx(second.train_loss, rel=room), "it began anew"
        losses.append(first.train_loss)
    assert max(map(float, losses)) < (1 + room) * min(map(float, losses))


def test_another_network_says_so(digits: Dataset) -> None:
    contestant = train_with_sklearn("scikit-learn MLP", digits)
    assert contestant.other_network
    assert contestant.play().figure > 0


def test_predictions_are_checked_before_they_are_timed(
    digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(network: nn.Module, **settings: object) -> nn.Module:
        return nn.Sequential(network, nn.Threshold(0, 0))  # in place of a compiler: wrong scores

    monkeypatch.setattr(torch, "compile", half)
    for name, value in QUICK.items():
        monkeypatch.setattr(f"lenet.doctor.{name}", value)
    monkeypatch.setitem(sys.modules, "jax", None)  # it warns of every process forked after it
    reports = _benchmarks.benchmark_prediction(digits, session("predict"))
    names = {measurement.name for report in reports for measurement in report.measurements}
    assert {"PyTorch eager", "PyTorch channels_last", "scikit-learn MLP"} <= names
    assert [report.unit for report in reports] == ["images/s", "µs"]
    for report in reports:
        assert report.absent.pop("JAX") == "`jax` is not installed."
        assert report.absent.pop("PyTorch compiled").startswith("Its scores are not those")
        assert report.absent.pop("lenet, NumPy").startswith("It takes long")
        assert set(report.absent) <= {"onnxruntime"}, report.absent  # where it is not installed


def test_the_work_is_counted_as_in_the_textbook() -> None:
    # 416,520 multiply-accumulates forward, twice that backward but for the first layer's input.
    assert TUTORIAL.flop_to_predict() == 2 * 416_520
    assert TUTORIAL.flop_to_train() == 2 * (3 * 416_520 - 117_600)


def test_startup_is_taken_apart(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    real, warmed_up = _benchmarks._output_of, []

    def output_of(program: str, *arguments: str) -> str:
        if len(warmed_up) < 2:  # what is not counted need not be run
            warmed_up.append(program)
            return '[["start Python", 0]]'
        return real(program, *arguments)

    monkeypatch.setattr(_benchmarks, "_output_of", output_of)
    (report,) = _benchmarks.benchmark_startup(digits, session("startup"))
    parts = {measurement.name: measurement.median for measurement in report.measurements}
    whole = parts.pop("lenet train, up to the first step")
    parts.pop("plain PyTorch, up to the first step")
    assert len(parts) == 6
    assert sum(parts.values()) == pytest.approx(whole)


def test_startup_says_where_there_is_no_pytorch(
    digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in ("_benchmarks", "_session"):
        monkeypatch.setattr(f"lenet.doctor.{file}.has_torch", lambda: False)
    monkeypatch.setattr("lenet.doctor._turns._REST", 0.0)
    monkeypatch.setattr(_benchmarks, "_output_of", lambda *program: '[["start Python", 0]]')
    (report,) = _benchmarks.benchmark_startup(digits, session("startup"))
    assert [each.name for each in report.measurements] == [
        "start Python",
        "lenet train, up to the first step",
    ]
    missing = {"plain PyTorch, up to the first step": "`torch` is not installed."}
    assert report.absent == missing


MEASURE = """
import os, runpy, signal, time, torch
from lenet.doctor import Measurement, Report, _benchmarks

signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it

def measure(dataset, session):
    figures = Measurement("figures", (float(torch.get_num_threads()), float(session.rounds)))
    machine = session.machine
    report = Report("startup", dataset.name, session.threads, "ms", machine, (figures,))
    session.keep([report])
    if session.all and session.threads == 2:
        os.kill(int(os.environ["STARTED_BY"]), signal.SIGINT)  # as Ctrl-C
        while True:  # it may come before a pause would begin, which then would have no end
            time.sleep(0.05)
    return [report]

_benchmarks.benchmark_startup = measure
runpy.run_module("lenet.doctor.speed", run_name="__main__")
"""


class MeasuringProcess(ForkedProcess):
    """One that does not take long.

    Attributes:
        started: The number of threads of each.
        said: What all of them wrote.
    """

    started: ClassVar[list[str]] = []
    said: ClassVar[list[str]] = []

    def __init__(self, command: list[str], *, env: dict[str, str], start_new_session: bool):
        assert command[:3] == [sys.executable, "-m", "lenet.doctor.speed"]
        self.started.append(env["OMP_NUM_THREADS"])
        variables = env | {"STARTED_BY": str(os.getpid())}
        super().__init__(*command[3:], code=MEASURE, environment=variables)

    def wait(self, timeout: float | None = None) -> int:
        self.said.extend(file.read() for file in (self.stdout, self.stderr))
        self.stdout.close()
        self.stderr.close()
        return super().wait(timeout)


@pytest.fixture
def measuring(monkeypatch: pytest.MonkeyPatch) -> type[MeasuringProcess]:
    """Takes the place of `subprocess.Popen`."""
    MeasuringProcess.started.clear()
    MeasuringProcess.said.clear()
    monkeypatch.setattr(subprocess, "Popen", MeasuringProcess)
    return MeasuringProcess


def exit_code_of(command: str, monkeypatch: pytest.MonkeyPatch) -> object:
    """What a command that fails leaves with."""
    monkeypatch.setattr(sys, "argv", command.split())
    with pytest.raises((SystemExit, KeyboardInterrupt)) as left:
        main()
    return left.value.code if isinstance(left.value, SystemExit) else InterruptedBenchmark.exit_code


def test_ctrl_c_keeps_what_was_measured(
    measuring: type[MeasuringProcess],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command = "lenet bench startup --data digits --threads 1,2,3 --all --json --save kept.json"
    assert exit_code_of(command, monkeypatch) == InterruptedBenchmark.exit_code
    assert measuring.started == ["1", "2"]
    assert "".join(measuring.said) == "stopped\n"
    output, errors = capsys.readouterr()
    assert errors == "Interrupted.\n"
    kept = json.loads(Path("kept.json").read_text())
    assert [report["threads"] for report in kept] == [1, 2]
    assert json.loads(output) == kept


def test_figures_that_can_not_be_kept_are_shown_all_the_same(
    measuring: type[MeasuringProcess],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command = "lenet bench startup --data digits --threads 1 --json --save nowhere/kept.json"
    assert exit_code_of(command, monkeypatch) == StorageError.exit_code
    output, errors = capsys.readouterr()
    assert "Could not write" in errors
    assert [report["threads"] for report in json.loads(output)] == [1]


def test_every_number_of_threads_has_a_process_of_its_own(
    measuring: type[MeasuringProcess],
) -> None:
    reports = run_benchmark("startup", dataset="digits", threads=[1, 2], rounds=3)
    assert measuring.started == ["1", "2"]
    assert "".join(measuring.said) == ""
    assert [report.task for report in reports] == ["digits", "digits"]
    assert [report.measurements[0].rounds for report in reports] == [(1, 3), (2, 3)]
    assert reports[0].machine["torch"].partition("+")[0] == torch.__version__.partition("+")[0]


def test_wrong_numbers_and_names_are_refused() -> None:
    with pytest.raises(SettingError, match="at least 1"):
        run_benchmark("train", dataset="digits", threads=[0])
    with pytest.raises(SettingError, match="`threads` must be at most 1024, not 100000"):
        run_benchmark("train", dataset="digits", threads=[1, 100000])
    with pytest.raises(SettingError, match="startup"):
        run_benchmark("start", dataset="digits")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="digits"):
        run_benchmark("train", dataset="digit")


def test_somebody_unknown_is_refused_with_the_known_names() -> None:
    with pytest.raises(
        SettingError, match=r"`eagre`\. Did you mean `eager`\? Known: `lenet`, `eager`"
    ):
        run_benchmark("startup", dataset="digits", only=["lenet", "eagre"])


def test_a_measuring_process_that_fails_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(LenetError, match="stopped"):
        run_benchmark("startup", dataset="digits", threads=[1], rounds=1)


def test_threads_go_from_one_to_the_cores() -> None:
    threads = default_threads()
    assert threads[0] == 1
    assert list(threads) == sorted(set(threads))
    assert np.isfinite(statistics.mean(threads))
