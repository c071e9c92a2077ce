"""Run folders are found by path, name or `latest`; what is not one is told so."""

import json
import os
import shutil
import threading
from pathlib import Path

import pytest

import lenet
from lenet.datasets import Dataset
from lenet.errors import LenetError, RunError, UnknownNameError
from lenet.runs import Run, find_runs, load, open_run


@pytest.fixture(scope="module")
def made(few_digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A complete run."""
    folder = tmp_path_factory.mktemp("made")
    options = {"epochs": 1, "batch_size": 64, "runs_folder": folder, "listeners": []}
    return lenet.train(dataset=few_digits, **options)  # type: ignore[arg-type]


@pytest.fixture
def run(made: Run) -> Run:
    """A copy of it that a test may damage."""
    return Run(shutil.copytree(made.folder, Path("runs") / made.name))


def test_a_run_is_opened_by_path_name_and_latest(run: Run, few_digits: Dataset) -> None:
    assert open_run(run.folder) == open_run(run.name) == open_run("latest") == open_run() == run
    newer = lenet.train(dataset=few_digits, epochs=1, batch_size=64, listeners=[])
    assert open_run() == newer


def test_what_is_not_a_run_is_told_so(run: Run) -> None:
    Path("empty").mkdir()
    Path("file").touch()
    with pytest.raises(RunError, match=r"not a run folder: it has no `config.json`"):
        open_run("empty")
    with pytest.raises(RunError, match="is a file"):
        open_run("file")
    with pytest.raises(UnknownNameError, match=f"Did you mean `{run.name}`"):
        open_run(run.name[:-2])
    with pytest.raises(RunError, match="There is no run in `elsewhere`"):
        open_run("latest", "elsewhere")


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", "{}", '{"format": 1}', '{"format": 2}', '"text"', "\x00\x01"],
)
def test_a_damaged_config_is_an_error(run: Run, content: str) -> None:
    run.config_path.write_text(content)
    with pytest.raises(RunError, match=r"config\.json"):
        _ = Run(run.folder).config


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sead": 3}, "Did you mean `seed`"),
        ({"recipe": {"lerning_rate": 1}}, "Did you mean `learning_rate`"),
        ({"recipe": {"epochs": "many"}}, "`epochs` must be a whole number"),
        ({"recipe": 5}, "can't be used"),
        ({"model": "lenett"}, "Did you mean `lenet`"),
        ({"settings": {"channels": []}}, "`channels`"),
        ({"normalisation": {"median": 1}}, "can't be used"),
    ],
)
def test_a_config_with_a_wrong_value_names_it(
    run: Run, change: dict[str, object], words: str
) -> None:
    values = json.loads(run.config_path.read_text())
    run.config_path.write_text(json.dumps(values | change))
    with pytest.raises(RunError, match=words):
        _ = Run(run.folder).config


def test_a_config_survives_its_file(run: Run) -> None:
    assert Run(run.folder).config == run.config


def test_a_config_from_before_there_were_engines_is_read(run: Run) -> None:
    values = json.loads(run.config_path.read_text())
    values["kernels"] = values.pop("engine")
    run.config_path.write_text(json.dumps(values))
    assert Run(run.folder).config == run.config


def test_a_history_cut_short_is_read_up_to_the_cut(run: Run) -> None:
    whole = run.history
    text = run.history_path.read_text()
    run.history_path.write_text(text[:-7])
    assert run.history == whole[:-1]
    run.history_path.write_text("no json\n")
    with pytest.raises(RunError, match="history"):
        _ = run.history


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", ["config", "history", "result", "model"])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(run: Run, name: str) -> None:
    path = getattr(run, f"{name}_path")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(LenetError, match=r"but a pipe, which is not read|has no `config\.json`"):
        load(run.folder) if name in ("config", "model") else getattr(Run(run.folder), name)
    assert find_runs() == ([] if name == "config" else [run])


def test_only_one_process_writes_to_a_run(run: Run) -> None:
    run.result_path.unlink()
    assert run.status == "stopped"
    with run.writing():
        statuses: list[str] = []
        other = threading.Thread(target=lambda: statuses.append(Run(run.folder).status))
        other.start()
        other.join()
        assert statuses == ["running"]
    assert run.status == "stopped"


@pytest.mark.parametrize("keep", [0, 7, 100, -100])
def test_a_damaged_checkpoint_is_an_error(run: Run, keep: int, few_digits: Dataset) -> None:
    run.result_path.unlink()
    run.checkpoint_path.write_bytes(run.checkpoint_path.read_bytes()[:keep])
    with pytest.raises(RunError, match="can't be resumed"):
        lenet.resume(run.folder, dataset=few_digits, listeners=[])


def test_half_a_run_is_an_error(run: Run, few_digits: Dataset) -> None:
    run.result_path.unlink()
    run.checkpoint_path.unlink()
    with pytest.raises(RunError, match=r"can't be resumed.*checkpoint\.safetensors"):
        lenet.resume(run.folder, dataset=few_digits, listeners=[])
    run.model_path.unlink()
    with pytest.raises(RunError, match="has no model yet"):
        load(run.folder)


def test_a_checkpoint_of_another_network_is_an_error(run: Run, few_digits: Dataset) -> None:
    other = lenet.train(dataset=few_digits, epochs=1, batch_size=64, channels=(3, 4), listeners=[])
    run.result_path.unlink()
    run.checkpoint_path.write_bytes(other.checkpoint_path.read_bytes())
    with pytest.raises(RunError, match="does not fit the run"):
        lenet.resume(run.folder, dataset=few_digits, listeners=[])


def test_a_model_is_not_a_checkpoint(run: Run, few_digits: Dataset) -> None:
    run.result_path.unlink()
    run.checkpoint_path.write_bytes(run.model_path.read_bytes())
    with pytest.raises(RunError, match="not a checkpoint"):
        lenet.resume(run.folder, dataset=few_digits, listeners=[])


def test_strangers_in_the_runs_folder_are_passed_over(run: Run) -> None:
    Path("runs/notes.txt").touch()
    Path("runs/empty").mkdir()
    assert find_runs() == [run]
    assert find_runs("nowhere") == []


def test_load_takes_a_file_a_folder_and_a_name(run: Run) -> None:
    cards = [load(run.model_path)[1], load(run.folder)[1], load(run.name)[1], load("latest")[1]]
    assert all(card == cards[0] for card in cards)
    Path("text").write_text("hello")
    with pytest.raises(LenetError, match="text"):
        load("text")
