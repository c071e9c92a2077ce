"""Several workers: real processes, some of which are killed."""

import csv
import dataclasses
import json
import os
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
import pytest
from forked_worker import ForkedWorker
from heard import Heard
from kept_trials import kept_study
from optuna.trial import TrialState

from calling import call
from forked_process import ForkedProcess

# What happens between processes and machines can only be brought about inside.
from lenet.core import Compute
from lenet.datasets import Dataset
from lenet.errors import InterruptedTraining, LenetError, SweepError
from lenet.experiments import (
    Sweep,
    SweepOptions,
    SweepWork,
    _job,
    _pool,
    _search,
    resume_sweep,
    sweep,
)

# The worker's side of a sweep, which people do not see.
from lenet.experiments._definition import Definition, define
from lenet.experiments._job import Job, Outcome
from lenet.experiments._search import Search
from lenet.experiments._storage import file_storage, give_up, number_of, open_study
from lenet.training import Trainer

SEARCH = ("--search", "learning_rate=log:0.01..1", "--search", "momentum=0,0.9")
LONG = ("--data", "digits", "--model", "softmax", "--batch-size", "32", "--no-prune")
PATIENCE = 300.0
ON_LINUX = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")


def states() -> Counter[str]:
    """How many trials of each state the storage holds."""
    path = Path("sweeps/s/trials.db")
    if not path.exists():
        return Counter()
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60)) as database:
            return Counter(state for (state,) in database.execute("SELECT state FROM trials"))
    except sqlite3.OperationalError:  # the table is not there yet
        return Counter()


def wait_for(condition: Callable[[], object], process: ForkedProcess | None = None) -> None:
    """Wait for something that a living process brings about."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if process is not None:
            assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def children(parent: int) -> list[int]:
    """The processes that a process has started and that live."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, its_parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:  # it has just ended
            continue
        if int(its_parent) == parent and state != "Z":
            found.append(int(entry.name))
    return found


def is_alive(process: int) -> bool:
    """Whether a process that is not our child lives."""
    try:
        return (Path("/proc") / str(process) / "stat").read_text().rpartition(")")[2][1] != "Z"
    except OSError:
        return False


def without_seconds(made: Sweep) -> list[dict[str, Any]]:
    """All that is known of its trials but how long they took."""
    return [trial.to_dict() | {"seconds": None} for trial in made.trials]


@ON_LINUX
def test_a_kill_costs_the_time_of_a_running_trial_alone() -> None:
    options = (*LONG, *SEARCH, "--sampler", "random", "--epochs", "30", "--trials", "6")
    process = ForkedProcess("sweep", "--name", "s", *options, "--workers", "2")
    wait_for(lambda: len(children(process.pid)) == 2 and states()["RUNNING"] == 2, process)
    one = children(process.pid)[0]
    os.kill(one, signal.SIGSTOP)  # so that its trial is sure to be under way until it is killed
    wait_for(lambda: states()["COMPLETE"] >= 1, process)
    os.kill(one, signal.SIGKILL)
    wait_for(lambda: states()["FAIL"] == 1, process)
    wait_for(lambda: states()["COMPLETE"] >= 2 and states()["RUNNING"], process)
    workers = children(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    errors = process.communicate()[1]
    assert "A worker ended by itself (exit code -9); its trial is made anew." in errors
    assert "Traceback" not in errors
    wait_for(lambda: not any(map(is_alive, workers)))
    with kept_study(Path("sweeps/s"), "s") as study:
        tries = len(study.trials)
        kept = [trial for trial in study.trials if trial.state == TrialState.COMPLETE]
    assert 2 <= len(kept) < 6
    assert tries - len(kept) <= 3, "one for the worker, two for the parent's workers"
    made = resume_sweep("s")
    with kept_study(Path("sweeps/s"), "s") as study:
        assert len(study.trials) == tries + 6 - len(kept), "what is complete is not made again"
    call("sweep", "--name", "unbroken", *options)
    assert without_seconds(made) == without_seconds(resume_sweep("unbroken"))
    assert [trial.state for trial in made.trials] == ["complete"] * 6


# Ends as by a kill at the call of a method, counted from 1.
KILLED = """
import importlib, os, signal, sys
from lenet.cli import main
module, owner, name, left = sys.argv[1:5]
owner, left = getattr(importlib.import_module(module), owner), int(left)
real = getattr(owner, name)
def method(*arguments, **options):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments, **options)
setattr(owner, name, method)
del sys.argv[1:5]
main()
"""


@pytest.mark.parametrize("together", [False, True])
def test_a_search_that_learns_ends_as_if_it_had_not_been_killed(together: bool) -> None:
    options = ["--data", "digits", "--model", "softmax", *SEARCH, "--epochs", "2", "--trials", "14"]
    if together:
        options += ["--at-once", "4", "--device", "cpu"]
    suggest = "lenet.experiments._space", "Dimension", "suggest"
    on_epoch = "lenet.experiments._search", "Search", "on_epoch"
    on_end = "lenet.experiments._search", "Search", "on_end"
    for *where, calls in ((*on_epoch, 4), (*suggest, 6), (*on_end, 8), (*on_epoch, 3)):
        arguments = (*where, str(calls), "sweep", "--name", "s", *options)
        process = ForkedProcess(*arguments, code=KILLED)
        _, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == -signal.SIGKILL, errors
    made = resume_sweep("s")
    assert states()["FAIL"] == (12 if together else 4)
    call("sweep", "--name", "unbroken", *options)
    assert without_seconds(made) == without_seconds(resume_sweep("unbroken"))
    assert [trial.number for trial in made.trials] == list(range(14))


def test_a_sweep_whose_worker_is_at_a_trial_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(search: Search, epoch: int, **reached: Any) -> bool:
        if epoch == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return True

    monkeypatch.setattr(Search, "on_epoch", stop)
    options = (*LONG, *SEARCH, "--epochs", "2000", "--trials", "1", "--workers", "2")
    answer = call("sweep", "--name", "s", *options, code=130)
    last = answer.stderr.strip().splitlines()[-1]
    assert last == "Stopped after 0 of 1 trials. Go on with `lenet sweep --resume s`."
    assert not answer.stdout
    assert_all_are_lost(1)


def assert_all_are_lost(count: int, tries: int = 1) -> None:
    """So many trials were stopped, each as often as it was tried, and there are no others."""
    assert states() == Counter({"FAIL": count * tries})
    with Path("sweeps/s/trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["state"] for row in rows] == ["lost"] * count
    assert all(row["reason"].startswith("Stopped in epoch ") for row in rows)


def test_ctrl_c_stops_a_sweep_in_this_process_in_the_middle_of_a_trial(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(teller: _job._Teller, trainer: Trainer) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(_job._Teller, "on_start", interrupt)
    options: dict[str, Any] = {"model": "softmax", "epochs": 500, "trials": 3, "name": "s"}
    for _ in range(2):
        with pytest.raises(InterruptedTraining, match="Stopped after 0 of 3 trials"):
            sweep({"learning_rate": "0.1..0.5"}, "digits", **options)
    assert_all_are_lost(1, tries=2)
    options["sweeps_folder"] = "elsewhere"
    with pytest.raises(InterruptedTraining, match="--resume s --sweeps-folder elsewhere`"):
        sweep({"learning_rate": "0.1..0.5"}, "digits", **options)


def make(folder: Path, digits: Dataset) -> Definition:
    """A sweep over learning rates, with its storage."""
    definition = define(
        {"learning_rate": "0.1..0.5"},
        digits,
        SweepOptions(model="softmax"),
        {"epochs": 1},
    )
    with open_study(file_storage(folder), definition, "s", create=True):
        return definition


@pytest.fixture
def search(digits: Dataset, tmp_path: Path) -> Iterator[Search]:
    """What makes two trials."""
    definition = make(tmp_path, digits)
    storage = file_storage(tmp_path)
    with open_study(storage, definition, "s", create=False) as study:
        yield Search(study, storage, definition, definition.hold_out(digits), SweepWork(trials=2))


def test_workers_of_their_own_find_what_one_finds_here(tmp_path: Path) -> None:
    options: dict[str, Any] = {"dataset": "digits", "model": "softmax", "epochs": 2, "trials": 5}
    options |= {"search": {"learning_rate": "log:0.01..1"}, "sampler": "random", "name": "s"}
    alone = sweep(sweeps_folder=tmp_path / "1", **options)
    heard = Heard()
    several = sweep(sweeps_folder=tmp_path / "2", workers=2, progress=heard, **options)
    assert without_seconds(several) == without_seconds(alone)
    assert [made for made, _ in heard.counts] == [1, 2, 3, 4, 5]


def test_a_trial_that_another_machine_begins_at_the_same_instant_is_given_back(
    search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = _search.begin_trial
    others: list[optuna.Trial] = []

    def begin_second(study: optuna.Study, number: int, *arguments: Any) -> optuna.Trial | None:
        if not others and (first := real(study, number, "another machine")):
            others.append(first)
        return real(study, number, *arguments)

    monkeypatch.setattr(_search, "begin_trial", begin_second)
    assert [list(job.trainings) for job in iter(search.next_job, None)] == [[1]]
    found = [(number_of(trial), trial.state) for trial in search._study.trials]
    running = TrialState.RUNNING
    assert found == [(0, running), (0, TrialState.FAIL), (1, running)]
    assert [(trial.number, trial.state) for trial in search.trials()] == [
        (0, "running"),
        (1, "running"),
    ]


@pytest.mark.parametrize("reports", [True, False])
def test_a_worker_that_was_taken_for_dead_makes_its_trial_anew(
    reports: bool, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_epoch, on_end = search.on_epoch, search.on_end

    ended: list[tuple[int, str]] = []

    def reach(number: int, *reached: Any) -> bool:
        if number == 0 and reports:
            give_up(search._study, 0)
        return on_epoch(number, *reached)

    def end(number: int, outcome: Outcome) -> None:
        ended.append((number, outcome.state))
        give_up(search._study, 0)
        on_end(number, outcome)

    monkeypatch.setattr(search, "on_epoch", reach)
    monkeypatch.setattr(search, "on_end", end)
    search.run()
    first = "pruned" if reports else "complete"
    assert ended == [(0, first), (0, "complete"), (1, "complete")]
    states = [trial.state for trial in search._study.trials]
    assert states == [TrialState.FAIL] + [TrialState.COMPLETE] * 2
    assert [trial.state for trial in search.trials()] == ["complete"] * 2
    give_up(search._study, 1)
    assert search._study.trials[1].state == TrialState.COMPLETE, "what has ended stays as it is"


def test_the_trial_of_a_worker_that_died_is_given_up_at_once(search: Search) -> None:
    assert search.next_job() is not None
    search.on_death([0], -9)
    assert [trial.state for trial in search._study.trials] == [TrialState.FAIL]
    assert [list(job.trainings) for job in iter(search.next_job, None)] == [[0], [1]]


def test_an_error_of_our_own_making_is_not_hidden(
    search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*arguments: object, **options: object) -> float:
        raise ValueError

    monkeypatch.setattr(_job, "build_trainer", wrong)
    with pytest.raises(ValueError):  # noqa: PT011
        search.run()
    assert [trial.state for trial in search._study.trials] == [TrialState.FAIL]


def test_workers_that_end_again_and_again_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pool.sys, "executable", "/bin/false")
    heard = Heard()
    with pytest.raises(SweepError, match="again and again, the last with exit code 1"):
        sweep({"epochs": "1,2"}, "digits", model="softmax", workers=2, trials=3, progress=heard)
    assert len(heard.messages) < 10


def test_an_error_that_a_worker_tells_is_raised(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "worker"
    program.write_text('#!/bin/sh\nread job\necho \'{"error": "No more disk.", "exit_code": 7}\'\n')
    program.chmod(0o755)
    monkeypatch.setattr(_pool.sys, "executable", str(program))
    with pytest.raises(LenetError, match="No more disk") as caught:
        sweep({"epochs": "1,2"}, "digits", model="softmax", workers=2, trials=3)
    assert caught.value.exit_code == 7


OPTIONS = {"model": "softmax", "preset": None, "seed": 0, "epochs": 3, "batch_size": 64}


def talk(lines: str, count: int) -> list[dict[str, Any]]:
    """What a worker's process tells of such lines, which end after so many events."""
    process = ForkedWorker()
    with process.stdin:
        process.stdin.write(lines)
        process.stdin.flush()
        events = [json.loads(process.stdout.readline()) for _ in range(count)]
    rest, errors = process.communicate()
    assert (errors, process.returncode) == ("", 0)
    return events + [json.loads(line) for line in rest.splitlines()]


def test_a_worker_tells_its_error_and_does_the_next_job() -> None:
    job = Job({7: OPTIONS}, "digits", Compute("cpu", 1), held_out=(0.1, 0))
    assert Job.from_line(job.to_line()) == job
    missing = dataclasses.replace(job, dataset="digit")
    lines = missing.to_line() + job.to_line() + "go on\n" * 3
    error, first, second, third, end, done = talk(lines, 6)
    assert error["exit_code"] == 2
    assert "Did you mean `digits`" in error["error"]
    assert [event["epoch"] for event in (first, second, third)] == [1, 2, 3]
    assert end["number"] == 7
    assert end["outcome"]["state"] == "complete"
    assert end["outcome"]["accuracy"] == max(e["accuracy"] for e in (first, second, third))
    assert done == {"done": True}


def test_a_worker_asks_whether_a_training_goes_on() -> None:
    job = Job({7: OPTIONS}, "digits", Compute("cpu", 1), held_out=(0.1, 0))
    first, second, end, done = talk(job.to_line() + "go on\nstop\n", 2)
    assert done == {"done": True}
    assert (first["epoch"], second["epoch"]) == (1, 2)
    assert end["outcome"]["state"] == "pruned"
    assert end["outcome"]["reason"] == "Below the others' median after epoch 2."


# From 3.13 on, Python tells at the end of what can't be closed without an error.
TELL_NOBODY = """
import gc, io, sys
from lenet.experiments import _job
parent = _job._Parent()
parent.read()
for _ in range(2):
    parent.tell(number=7)
for one in gc.get_objects():
    if type(one) is io.TextIOWrapper and one not in (sys.stdout, sys.stderr):
        one.close()
"""


def test_a_worker_whose_events_nobody_reads_ends_without_a_word() -> None:
    process = ForkedProcess(code=TELL_NOBODY, stdin=True)
    process.stdout.close()
    with process.stdin, process.stderr:
        process.stdin.write("go on\n")
        process.stdin.flush()
        assert process.stderr.read() == ""


@ON_LINUX
def test_a_worker_does_not_outlive_who_started_it_whatever_it_is_at() -> None:
    code = (
        "import os, subprocess, sys, time\n"
        "busy = 'from lenet.experiments import _job; import time; parent = _job._Parent(); '\n"
        "busy += 'parent.tell(ready=True); _job.signal.signal(15, 1); time.sleep(600)'\n"
        "worker = subprocess.Popen([sys.executable, '-c', busy], stdin=subprocess.PIPE,\n"
        "                          stdout=subprocess.PIPE)\n"
        "worker.stdout.readline(); print(worker.pid, flush=True); time.sleep(600)\n"
    )
    process = ForkedProcess(code=code)
    worker = int(process.stdout.readline())
    assert is_alive(worker)
    process.kill()
    process.communicate()
    wait_for(lambda: not is_alive(worker))


def test_the_end_of_its_input_stops_a_worker_in_the_middle_of_a_training() -> None:
    job = Job({7: OPTIONS | {"epochs": 2000}}, "digits", Compute("cpu", 1), held_out=(0.1, 0))
    events = talk(job.to_line() + "go on\n" * 2, 3)
    assert [event["epoch"] for event in events[:3]] == [1, 2, 3]
    assert events[-2]["outcome"]["state"] == "lost"
    assert events[-2]["outcome"]["reason"].startswith("Stopped in epoch ")
    assert events[-1] == {"done": True}
