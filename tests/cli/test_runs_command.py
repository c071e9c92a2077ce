"""`lenet runs` finds, sorts and deletes runs, and asks before it does."""

import io
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

import lenet
from calling import call
from lenet.datasets import Dataset
from lenet.runs import Run

STARTS = ("2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04")


@pytest.fixture(scope="module")
def made(few_digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("made")
    options: dict[str, Any] = {"epochs": 1, "runs_folder": folder, "listeners": []}
    return lenet.train("softmax", few_digits, batch_size=64, **options)


@pytest.fixture(autouse=True)
def runs(made: Run) -> list[Run]:
    """Four of them, oldest first: b-lenet, a-lenet, c-mlp, which is stopped, and d-lenet."""
    found = []
    for name, start, accuracy in zip(("b-lenet", "a-lenet", "c-mlp", "d-lenet"), STARTS,
                                     (0.9, 0.7, None, 0.8), strict=True):  # fmt: skip
        run = Run(shutil.copytree(made.folder, Path("runs", name)))
        model = {"model": "mlp", "settings": {}} if name == "c-mlp" else {}
        change(run.config_path, {"dataset": name[0], **model})
        change(run.environment_path, {"started": f"{start}T00:00:00+00:00"})
        if accuracy is None:
            run.result_path.unlink()
        else:
            change(run.result_path, {"test_accuracy": accuracy})
        found.append(run)
    return found


def change(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def listed(*arguments: str) -> str:
    """The first letters of the runs that are listed."""
    return "".join(row["run"][0] for row in json.loads(call("runs", "--json", *arguments).stdout))


@pytest.mark.parametrize(
    ("arguments", "letters"),
    [
        ([], "bacd"),
        (["--sort", "name"], "abcd"),
        (["--sort", "test"], "bdac"),
        (["--limit", "2"], "cd"),
        (["--sort", "test", "--limit", "2"], "bd"),
        (["--status", "stopped"], "c"),
        (["--model", "mlp"], "c"),
        (["--data", "a"], "a"),
        (["--preset", "mlp"], ""),
        (["latest"], "d"),
        (["*-lenet"], "bad"),
        (["runs/a-lenet", "c-*"], "ac"),
        (["*-none"], ""),
    ],
)
def test_runs_are_chosen_and_sorted(arguments: list[str], letters: str) -> None:
    assert listed(*arguments) == letters


def test_what_no_run_is_called_is_told_with_the_nearest() -> None:
    assert "Did you mean `a-lenet`" in call("runs", "a-lenett", code=2).stderr
    assert "No run in `runs` is like that." in call("runs", "x*").stdout
    assert "`limit` must be at least 1" in call("runs", "--limit", "0", code=2).stderr


@pytest.mark.parametrize(("typed", "left"), [("y\n", "bac"), ("n\n", "bacd"), ("\n", "bacd")])
def test_runs_are_deleted_after_a_question(
    typed: str, left: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    answer = call("runs", "latest", "--delete")
    assert "d-lenet  complete" in answer.stdout
    assert "Delete 1 run of 0." in answer.stderr
    assert listed() == left


def test_what_is_not_asked_is_not_deleted() -> None:
    assert "say `--yes`" in call("runs", "*", "--delete", code=2).stderr
    assert "wants to know which" in call("runs", "--delete", "--yes", code=2).stderr
    answer = call("runs", "b-*", "c-*", "--delete", "--yes", "--json")
    assert [row["run"] for row in json.loads(answer.stdout)] == ["b-lenet", "c-mlp"]
    assert listed() == "ad"
    assert "There is nothing to delete" in call("runs", "x*", "--delete", "--yes").stdout


@pytest.mark.parametrize("name", ["../*", "elsewhere/d-lenet", "/*"])
def test_runs_of_another_folder_are_not_deleted_here(name: str) -> None:
    assert "Unknown run" in call("runs", name, "--delete", "--yes", code=2).stderr
    assert listed() == "bacd"


def test_a_run_called_like_a_pattern_is_not_another(runs: list[Run]) -> None:
    shutil.copytree(runs[0].folder, Path("runs", "[d]-lenet"))
    answer = call("runs", "[d]-lenet", "--delete", "--yes", "--json")
    assert [row["run"] for row in json.loads(answer.stdout)] == ["[d]-lenet"]
    assert listed() == "bacd"


def test_a_run_that_is_trained_stays(runs: list[Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Run, "status", property(lambda run: "running" if run == runs[2] else "x"))
    answer = call("runs", "c-*", "d-*", "--delete", "--yes")
    assert answer.stderr == "`c-mlp` is being trained, and stays.\n"
    assert answer.stdout.startswith("Deleted 1 run of ")
    assert runs[2].folder.is_dir()


def test_of_a_link_neither_the_run_nor_the_link_is_deleted(runs: list[Run]) -> None:
    kept = runs[3].folder.rename("kept")
    runs[3].folder.symlink_to(kept.absolute())
    assert "is a link to" in call("runs", "d-*", "--delete", "--yes", code=5).stderr
    assert runs[3].result_path.is_file()


def test_a_run_of_a_newer_lenet_is_listed_as_such(runs: list[Run]) -> None:
    change(runs[0].config_path, {"version": "999.0", "vision": 1})
    rows = json.loads(call("runs", "b-*", "--json").stdout)
    assert rows[0]["status"] == "newer"
    assert "a run of lenet 999.0, which is newer" in rows[0]["error"]
