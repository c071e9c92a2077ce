"""Trials in a real PostgreSQL server, which several machines share."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from heard import Heard
from kept_trials import kept_study
from optuna.trial import TrialState
from postgres_server import PASSWORD, PostgresServer, running_server

from forked_process import ForkedProcess
from lenet.errors import SweepError

# To play a machine that is gone, and to wait for less than a minute.
from lenet.experiments import _job, _search, _storage, resume_sweep, sweep
from lenet.experiments._storage import WORKER

SEARCH = {"learning_rate": "log:0.01..1"}
OPTIONS: dict[str, Any] = {"dataset": "digits", "model": "softmax", "epochs": 1, "name": "s"}


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server for the tests of this module."""
    with running_server() as server:
        yield server


def written(folder: Path) -> bytes:
    """The contents of all files in a folder."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def database_of(url: str) -> str:
    """The database's name in a URL of the server's."""
    return url.split("@/")[1].split("?")[0]


def test_two_machines_make_the_trials_together(server: PostgresServer, tmp_path: Path) -> None:
    url = server.new_database()
    command = ["sweep", "--data", "digits", "--model", "softmax"]
    command += ["--search", "learning_rate=log:0.01..1", "--epochs", "8", "--trials", "10"]
    command += ["--name", "s", "--storage", url]
    machines = [
        ForkedProcess(*command, "--sweeps-folder", str(tmp_path / machine)) for machine in "ab"
    ]
    said = [machine.communicate(timeout=300) for machine in machines]
    assert [machine.returncode for machine in machines] == [0, 0], said
    with kept_study(url, "s") as study:
        trials = study.trials
    counted = [trial for trial in trials if trial.state.name != "FAIL"]
    assert {trial.state.name for trial in counted} <= {"COMPLETE", "PRUNED"}
    assert len(counted) == 10, "not one too many, though both asked for the last"
    assert sorted(trial.number for trial in trials) == list(range(len(trials)))
    tables = [(tmp_path / machine / "s/trials.csv").read_text() for machine in "ab"]
    assert tables[0] == tables[1]
    for text in [*said[0], *said[1], written(tmp_path).decode(errors="ignore")]:
        assert PASSWORD not in text
        assert "s3cr3t" not in text


def test_numbers_are_given_once_to_many_at_a_time(server: PostgresServer) -> None:
    url = server.new_database()
    sweep(SEARCH, trials=1, storage=url, **OPTIONS)
    numbers: list[int] = []

    def ask() -> None:
        with kept_study(url, "s") as study:
            numbers.extend(study.ask().number for _ in range(10))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 41))


def test_another_machine_goes_on_and_a_silent_one_is_given_up(
    server: PostgresServer, tmp_path: Path
) -> None:
    url = server.new_database()
    first = sweep(SEARCH, trials=2, storage=url, sweeps_folder=tmp_path / "a", **OPTIONS)
    with kept_study(url, "s") as study:
        trial = study.ask()
        trial.set_user_attr(WORKER, "of a machine that lost its power")
    server.execute(
        database_of(url),
        "INSERT INTO trial_heartbeats (trial_id, heartbeat) "
        f"VALUES ({trial._trial_id}, now() - interval '2 minutes')",
    )
    heard = Heard()
    options = OPTIONS | {"sweeps_folder": tmp_path / "b", "progress": heard}
    second = sweep(SEARCH, trials=4, storage=url, **options)
    assert second.trials[:2] == first.trials
    assert [trial.state for trial in second.trials] == ["complete"] * 4
    assert "Going on after 2 of 4 trials." in heard.messages
    with kept_study(url, "s") as study:
        tries = [trial.state for trial in study.trials]
        workers = {trial.user_attrs[WORKER] for trial in study.trials if trial.number != 2}
    assert tries.count(TrialState.FAIL) == 1
    assert len(workers) == 2, "both machines have made some"
    third = resume_sweep("s", storage=url, trials=5, sweeps_folder=tmp_path / "a", workers=2)
    assert third.trials[:4] == second.trials
    assert len(third.trials) == 5
    with pytest.raises(SweepError, match="searches something else"):
        sweep({"momentum": "0,0.9"}, storage=url, sweeps_folder=tmp_path / "c", **OPTIONS)


def test_a_password_is_neither_kept_nor_printed(server: PostgresServer, tmp_path: Path) -> None:
    url = server.new_database()
    sweep(SEARCH, trials=1, storage=url, **OPTIONS)
    assert b"s3cr3t" not in written(tmp_path)
    with pytest.raises(SweepError, match="no password supplied"):
        resume_sweep("s")
    wrong = url.replace("s3cr3t", "wr0ng")
    with pytest.raises(SweepError, match="password authentication failed") as caught:
        resume_sweep("s", storage=wrong)
    assert "wr0ng" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_password_may_come_from_where_postgresql_looks(
    server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    url = server.new_database()
    without = f"postgresql://lenet@{url.rpartition('@')[2]}"
    sweep(SEARCH, trials=1, storage=without, **OPTIONS)
    assert len(resume_sweep("s", trials=2).trials) == 2, "the place is kept"
    assert len(sweep(SEARCH, trials=3, **OPTIONS).trials) == 3


def test_a_database_of_something_else_or_a_lost_sweep_is_an_error(server: PostgresServer) -> None:
    url, other = server.new_database(), server.new_database()
    server.execute(database_of(url), "CREATE TABLE cakes (name TEXT)")
    with pytest.raises(SweepError, match="the database of something else: it has the table"):
        sweep(SEARCH, storage=url, trials=1, **OPTIONS)
    sweep(SEARCH, storage=other, trials=1, **OPTIONS)
    with pytest.raises(SweepError, match="the database of something else"):
        resume_sweep("s", storage=url)
    with pytest.raises(SweepError, match="holds no trials, though the sweep was begun"):
        resume_sweep("s", storage=server.new_database())
    third = server.new_database()
    sweep(SEARCH, storage=third, trials=1, **OPTIONS | {"name": "t"})
    with pytest.raises(SweepError, match=r"holds no sweep `s`\. Was it begun in another storage"):
        resume_sweep("s", storage=third)


def test_a_trial_that_no_machine_has_claimed_is_given_up(
    server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.new_database()
    sweep(SEARCH, trials=1, storage=url, **OPTIONS)
    with kept_study(url, "s") as study:
        study.ask()
    monkeypatch.setattr(_search, "GRACE", 0.1)
    monkeypatch.setattr(_search, "_SELDOM", 0.05)
    made = resume_sweep("s", storage=url, trials=2)
    assert [trial.state for trial in made.trials] == ["complete"] * 2


def test_a_machine_is_heard_while_it_trains(
    server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.new_database()
    heartbeats: set[Any] = set()
    tell = _job._Teller.on_epoch

    def listen(*arguments: Any) -> None:
        engine = sqlalchemy.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        while len(heartbeats) < 3:
            with engine.connect() as connection:
                found = connection.exec_driver_sql("SELECT heartbeat FROM trial_heartbeats")
                heartbeats.update(found.scalars())
            time.sleep(0.05)
        engine.dispose()
        tell(*arguments)

    monkeypatch.setattr(_storage, "_HEARTBEAT", 0.2)
    monkeypatch.setattr(_job._Teller, "on_epoch", listen)
    made = sweep(SEARCH, trials=1, storage=url, **OPTIONS)
    assert [trial.state for trial in made.trials] == ["complete"]
