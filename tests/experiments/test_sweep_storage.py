"""What a sweep keeps: a damaged or foreign one is one clear error, and no password is in it."""

import json
import shutil
import sqlite3
import sys
from pathlib import Path
from typing import Any

import filelock
import optuna
import pytest

from lenet.errors import LenetError, MissingExtraError, SettingError, SweepError
from lenet.experiments import Sweep, resume_sweep, sweep

# What goes wrong with a database in words; a sweep shows few of these.
from lenet.experiments._storage import Storage, database_errors, server_storage

OPTIONS: dict[str, Any] = {"dataset": "digits", "model": "softmax", "epochs": 1, "trials": 1}
SEARCH = {"learning_rate": "0.1..0.5"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """A sweep of one trial."""
    return sweep(SEARCH, name="s", sweeps_folder=tmp_path_factory.mktemp("kept"), **OPTIONS)


@pytest.fixture
def folder(made: Sweep, tmp_path: Path) -> Path:
    """A copy of it, to be spoilt."""
    shutil.copytree(made.folder, tmp_path / "sweeps" / "s")
    return tmp_path / "sweeps" / "s"


def write_table(path: Path) -> None:
    """A database of something else."""
    path.unlink()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE cakes (name TEXT)")
    database.close()


def write_study(path: Path) -> None:
    """Trials of another program under the same name."""
    path.unlink()
    storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
    optuna.create_study(storage=storage, study_name="s").add_trial(optuna.create_trial(value=1.0))
    storage.remove_session()
    storage.engine.dispose()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.write_bytes(b"no database" * 1000), "file is not a database"),
        (lambda path: path.write_bytes(path.read_bytes()[:9000]), "can't be used"),
        (lambda path: path.write_bytes(b""), "holds no trials, though the sweep was begun"),
        (lambda path: path.unlink(), "holds no trials, though the sweep was begun"),
        (lambda path: (path.unlink(), path.mkdir()), "unable to open database file"),
        (write_table, "the database of something else: it has the table `cakes`"),
        (write_study, "was not begun by `lenet sweep`"),
    ],
)
def test_a_damaged_or_foreign_storage_is_one_clear_error(
    spoil: Any, words: str, folder: Path
) -> None:
    path = folder / "trials.db"
    spoil(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(SweepError) as caught:
        resume_sweep("s", trials=2)
    assert words in str(caught.value)
    assert "trials.db" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 11
    with pytest.raises(SweepError):
        sweep(SEARCH, name="s", **OPTIONS)
    if before is not None:
        assert path.read_bytes() == before


def test_a_definition_that_is_no_longer_read_is_told(folder: Path) -> None:
    with sqlite3.connect(folder / "trials.db") as database:
        database.execute("UPDATE study_user_attributes SET value_json = '{\"model\": 3}'")
    database.close()
    with pytest.raises(SweepError, match="of another version of lenet, or damaged"):
        resume_sweep("s")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 2}, "it is not of format 1"),
        ({"trials": "many"}, "`trials` must be a whole number"),
        ({"model": "lenett"}, "Did you mean `lenet`?"),
        ({"recipe": {"epoch": 3}}, "Did you mean `epochs`?"),
        ({"search": {"learning_rate": "fast"}}, "must be a number"),
        ({"search": 3}, "can't be used"),
        ({"source": {"path": 3}}, "`path` must be text"),
        ({"seed": None}, "`seed` is missing"),
        ({"seed": 4}, "searches something else: its `seed` is `0`, not `4`"),
    ],
)
def test_a_damaged_folder_is_one_clear_error(
    change: dict[str, Any], words: str, folder: Path
) -> None:
    path = folder / "sweep.json"
    values = json.loads(path.read_text()) | change
    missing = [name for name, value in change.items() if value is None]
    path.write_text(json.dumps({n: value for n, value in values.items() if n not in missing}))
    with pytest.raises(SweepError) as caught:
        resume_sweep("s")
    assert words in str(caught.value)


def test_no_json_and_no_such_sweep_are_errors(folder: Path) -> None:
    with pytest.raises(SweepError, match=r"Unknown sweep `t`. Known: `s`"):
        resume_sweep("t")
    (folder / "sweep.json").write_text("{")
    with pytest.raises(SweepError, match="is damaged"):
        resume_sweep("s")
    with pytest.raises(SweepError, match=r"There is no sweep `s`; `lenet sweep"):
        resume_sweep("s", sweeps_folder="elsewhere")


def test_another_search_under_the_same_name_is_refused(folder: Path) -> None:
    with pytest.raises(SweepError, match=r"its `search` is .*0.1..0.5.* not .*0.1..0.9"):
        sweep({"learning_rate": "0.1..0.9"}, name="s", **OPTIONS)
    with pytest.raises(SweepError, match="its `recipe` is"):
        sweep(SEARCH, name="s", **OPTIONS | {"epochs": 2})
    made = sweep(SEARCH, name="s", **OPTIONS)
    assert len(made.trials) == 1
    assert made.name != sweep(SEARCH, **OPTIONS).name != sweep(SEARCH, seed=1, **OPTIONS).name


def test_two_sweeps_in_one_folder_are_refused(folder: Path) -> None:
    with (
        filelock.FileLock(folder / ".lock"),
        pytest.raises(SweepError, match="is being worked on by another process"),
    ):
        resume_sweep("s")


def test_a_folder_with_odd_marks_in_its_name_is_one(tmp_path: Path) -> None:
    place = tmp_path / "odd {x} %41 ?a=b"
    made = sweep(SEARCH, name="na{m}e %s", sweeps_folder=place, **OPTIONS)
    assert [path.name for path in place.iterdir()] == ["na{m}e %s"]
    assert (made.folder / "trials.db").is_file()


@pytest.mark.parametrize("package", ["optuna", "sqlalchemy"])
def test_a_missing_package_is_the_command_that_installs_it(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'lenet\[sweep\]'"):
        sweep(SEARCH, **OPTIONS)
    with pytest.raises(MissingExtraError):
        resume_sweep("s")


def test_postgresqls_package_is_asked_for_where_it_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(SweepError, match=r"pip install 'psycopg\[binary\]'"):
        sweep(SEARCH, storage="postgresql://user@host/database", **OPTIONS)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://user@host/base", "postgresql://user@host/base"),
        ("postgres://user:pa%2Fss@host:99/base", "postgresql://user@host:99/base"),
        ("postgresql+psycopg://user:pa/ss@host/base", None),
        ("postgresql://u:x@/b?host=/tmp/a", "postgresql://u@/b?host=%2Ftmp%2Fa"),
        (
            "postgresql://u@h/b?password=pa/ss&sslmode=require&sslpassword=pa/ss",
            "postgresql://u@h/b?sslmode=require",
        ),
    ],
)
def test_no_password_is_shown(url: str, shown: str | None) -> None:
    pytest.importorskip("psycopg")
    storage = server_storage(url)
    assert shown is None or storage.shown == shown
    for text in (storage.shown, repr(storage)):
        assert "pa/ss" not in text
        assert "pa%2Fss" not in text
        assert ":x@" not in text
    assert storage.url.startswith("postgresql+psycopg://")
    assert storage.is_shared


@pytest.mark.parametrize(
    "url", ["sqlite:///x.db", "mysql://u:secret@h/b", "base", "", "postgresql://u:secret@h:port/b"]
)
def test_what_is_no_url_of_postgresql_is_an_error(url: str) -> None:
    with pytest.raises(SettingError, match="must be the URL of a PostgreSQL database") as caught:
        sweep(SEARCH, storage=url, **OPTIONS)
    assert "secret" not in str(caught.value)


def test_a_password_in_what_a_database_says_is_starred() -> None:
    import sqlalchemy

    storage = Storage("postgresql://u:pa/ss@h/b", "postgresql://u@h/b", ("pa/ss",), True)
    with pytest.raises(SweepError) as caught, database_errors(storage):
        raise sqlalchemy.exc.SQLAlchemyError("no pa/ss, no\n pa%2Fss")
    assert str(caught.value).endswith("can't be used: no ***, no ***.")
    assert caught.value.__cause__ is None


def test_an_unreachable_server_is_one_clear_error() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(LenetError, match=r"can't be used: .*connection") as caught:
        sweep(SEARCH, storage="postgresql://u:secret@127.0.0.1:1/b", **OPTIONS)
    assert "secret" not in str(caught.value)
    assert caught.value.exit_code == 11
