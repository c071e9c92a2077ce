"""Run folders are found by path, name or `latest`; what is not one is told so."""

import ctypes
import json
import math
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

import lenet
from calling import call
from lenet.datasets import Dataset
from lenet.errors import InterruptedTraining, LenetError, ModelError, RunError, UnknownNameError
from lenet.models import ArrayNetwork, SoftmaxConfig
from lenet.runs import Run, _train, find_runs, load, open_run  # `_train`: to come too late
from lenet.training import CurvePoint, Listener, Trainer


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


class Stop(Listener):
    """Stops after the first epoch."""

    def on_epoch(self, trainer: Trainer, point: CurvePoint) -> None:
        trainer.request_stop()


def train_and_stop(data: Dataset, **settings: Any) -> Run:
    """A run that was stopped in its second epoch."""
    with suppress(InterruptedTraining):
        lenet.train(dataset=data, epochs=3, batch_size=64, listeners=[Stop()], **settings)
    return open_run()


@pytest.fixture(scope="module")
def made_and_stopped(few_digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A stopped run."""
    folder = tmp_path_factory.mktemp("stopped")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return Run(train_and_stop(few_digits).folder.resolve())


@pytest.fixture
def stopped(made_and_stopped: Run) -> Run:
    """A copy of it that a test may damage."""
    return Run(shutil.copytree(made_and_stopped.folder, Path("runs") / made_and_stopped.name))


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
def test_a_damaged_checkpoint_is_an_error(stopped: Run, keep: int, few_digits: Dataset) -> None:
    stopped.checkpoint_path.write_bytes(stopped.checkpoint_path.read_bytes()[:keep])
    with pytest.raises(RunError, match="can't be resumed"):
        lenet.resume(stopped.folder, dataset=few_digits, listeners=[])


def test_half_a_run_is_an_error(stopped: Run, few_digits: Dataset) -> None:
    stopped.checkpoint_path.unlink()
    with pytest.raises(RunError, match=r"can't be resumed.*checkpoint\.safetensors"):
        lenet.resume(stopped.folder, dataset=few_digits, listeners=[])
    stopped.model_path.unlink()
    with pytest.raises(RunError, match="has no model yet"):
        load(stopped.folder)


def test_a_checkpoint_of_another_network_is_an_error(stopped: Run, few_digits: Dataset) -> None:
    other = train_and_stop(few_digits, channels=(3, 4))
    stopped.checkpoint_path.write_bytes(other.checkpoint_path.read_bytes())
    with pytest.raises(RunError, match="does not fit the run"):
        lenet.resume(stopped.folder, dataset=few_digits, listeners=[])


def test_a_model_is_not_a_checkpoint(stopped: Run, few_digits: Dataset) -> None:
    stopped.checkpoint_path.write_bytes(stopped.model_path.read_bytes())
    with pytest.raises(RunError, match="not a checkpoint"):
        lenet.resume(stopped.folder, dataset=few_digits, listeners=[])


def test_a_complete_run_without_its_model_says_what_helps(run: Run, few_digits: Dataset) -> None:
    run.model_path.unlink()
    for use in (load, lambda folder: lenet.resume(folder, dataset=few_digits, listeners=[])):
        with pytest.raises(RunError, match=r"its model is gone\. Put `model\.safetensors` back"):
            use(run.folder)


def test_a_model_is_made_again_from_a_checkpoint_that_was_kept(
    made: Run, run: Run, few_digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run.model_path.read_bytes()
    with monkeypatch.context() as patch:  # as lenet was before it removed the checkpoint
        patch.setattr(Path, "unlink", lambda path, missing_ok=False: None)
        options = {"epochs": 1, "batch_size": 64, "listeners": []}
        old = lenet.train(dataset=few_digits, runs_folder="old", **options)  # type: ignore[arg-type]
    assert old.model_path.read_bytes() == whole
    old.model_path.unlink()
    with pytest.raises(RunError, match=rf"Make it again: `lenet train --resume {old.folder}`"):
        load(old.folder)
    again = lenet.resume(old, dataset=few_digits, listeners=[])
    assert again.is_complete
    assert again.model_path.read_bytes() == whole
    assert not again.checkpoint_path.exists()


def test_the_latest_is_told_by_the_start_and_not_by_the_files(
    few_digits: Dataset, run: Run
) -> None:
    newer = lenet.train(dataset=few_digits, epochs=1, batch_size=64, listeners=[])
    before = newer.started
    assert before > run.started
    for each, instant in ((newer, 1e9), (run, 2e9)):  # a copy that was made the other way round
        for path in each.folder.iterdir():
            os.utime(path, (instant, instant))
    assert newer.started == before
    assert open_run() == newer
    # Runs of the first lenets have their start in their names alone.
    for each, name in ((newer, "20250102-030405-b-lenet"), (run, "20250102-030404-z-lenet")):
        each.environment_path.write_text("{}")
        each.folder.rename(each.folder.with_name(name))
    assert [one.name for one in find_runs()] == [
        "20250102-030404-z-lenet",
        "20250102-030405-b-lenet",
    ]


@pytest.mark.parametrize("kept", ["config", "result", "history"])
def test_a_run_of_a_newer_lenet_is_told_so(run: Run, kept: str) -> None:
    values = json.loads(run.config_path.read_text()) | {"version": "999.0"}
    run.config_path.write_text(json.dumps(values))
    assert Run(run.folder).config == run.config, "what is understood is read"
    path = getattr(run, f"{kept}_path")
    values = json.loads(path.read_text().splitlines()[0] if kept == "history" else path.read_text())
    path.write_text(json.dumps(values | {"vision": 1}) + "\n")
    with pytest.raises(RunError, match=r"a run of lenet 999\.0, which is newer than this one"):
        getattr(Run(run.folder), kept)


def test_a_run_is_deleted_whole_unless_it_is_being_trained(run: Run) -> None:
    size = run.size
    assert size > run.model_path.stat().st_size
    with run.writing():
        deleting = threading.Thread(target=lambda: refused.append(refuse(run)))
        refused: list[str] = []
        deleting.start()
        deleting.join()
    assert "is being trained by another process" in refused[0]
    assert run.size == size
    run.delete()
    assert os.listdir("runs") == []


def test_what_a_kill_left_of_a_run_goes_with_the_next(run: Run, few_digits: Dataset) -> None:
    left = Path("runs") / ".20260101-120000-digits-lenet.0123abcd.partial"
    for command in (
        lambda: lenet.train("softmax", few_digits, epochs=1, batch_size=64, listeners=[]),
        lambda: call("runs", "none*", "--delete", "--yes"),
    ):
        left.mkdir()
        (left / "config.json").touch()
        command()
        assert not left.exists()


def test_a_run_that_another_process_has_completed_meanwhile_is_told_so(
    made_and_stopped: Run, few_digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(Path(shutil.copytree(made_and_stopped.folder, "runs/stopped")))
    real = _train._build_again

    def build_late(run: Run, *arguments: Any) -> Trainer:
        run.result_path.write_text("{}")
        run.checkpoint_path.unlink()
        return real(run, *arguments)

    monkeypatch.setattr(_train, "_build_again", build_late)
    with pytest.raises(RunError, match=r"`runs/stopped` was completed by another process"):
        lenet.resume(run, dataset=few_digits, listeners=[])


def refuse(run: Run) -> str:
    """What is said of a run that can't be deleted."""
    with pytest.raises(RunError) as refused:
        run.delete()
    return str(refused.value)


def test_a_new_run_begins_with_the_network_of_another(run: Run, few_digits: Dataset) -> None:
    further = lenet.train(run, few_digits, epochs=1, learning_rate=1e-9, listeners=[])
    assert further.config.recipe == run.config.recipe.replace(learning_rate=1e-9)
    before, after = (load_file(each.model_path) for each in (run, further))
    learnt = [name for name in before if name.endswith((".weight", ".bias"))]
    assert all(np.allclose(before[name], after[name], atol=1e-6) for name in learnt)
    fresh = lenet.train(dataset=few_digits, epochs=1, batch_size=64, learning_rate=1e-9, reuse=True,
                        listeners=[])  # fmt: skip
    assert fresh.folder != further.folder, "it began with other weights"


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


def test_a_network_in_memory_that_is_not_finite_is_refused(run: Run, few_digits: Dataset) -> None:
    network, card = load(run)
    lenet.evaluate((network, card), few_digits)
    network.state_dict()["0.weight"].view(-1)[0] = math.nan
    with pytest.raises(LenetError, match=r"`0\.weight` holds numbers that are not finite"):
        lenet.evaluate((network, card), few_digits)


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_finite_weights_that_are_too_large_to_compute_with_are_told(few_digits: Dataset) -> None:
    network = ArrayNetwork.build(SoftmaxConfig(), seed=0)
    for array in network.arrays.values():
        array[...] = 3e38
    lenet.models.save_model("huge.safetensors", network, class_names=few_digits.class_names,
                            preparation=few_digits.preparation)  # fmt: skip
    images = few_digits.test.images[:2]  # type: ignore[union-attr]
    for use in (
        lambda: lenet.predict("huge.safetensors", list(images[:, 0])),
        lambda: lenet.evaluate("huge.safetensors", few_digits),
        lambda: lenet.report("huge.safetensors", few_digits, output="report.html"),
        lambda: lenet.LeNetClassifier.load("huge.safetensors").predict(images),
    ):
        with pytest.raises(ModelError, match="gives numbers that are not finite"):
            use()
    assert not Path("report.html").exists()


def test_a_recipe_in_a_model_file_that_is_none_is_told_with_the_file(
    run: Run, few_digits: Dataset
) -> None:
    network, card = load(run)
    lenet.models.save_model("odd.safetensors", network, class_names=card.class_names,
                            recipe={**card.recipe, "epochs": "many"})  # fmt: skip
    for use in (
        lambda: lenet.train("odd.safetensors", few_digits, listeners=[]),
        lambda: lenet.LeNetClassifier.load("odd.safetensors"),
    ):
        with pytest.raises(LenetError, match=r"`odd.safetensors` .*: `epochs` must be a whole"):
            use()


@pytest.mark.parametrize(
    ("key", "value"),
    [("processes", "2"), ("command", "lenet"), ("started", 3), ("own_weights", None), ("lenet", 1)],
)
def test_an_environment_of_other_types_is_told(run: Run, key: str, value: object) -> None:
    assert run.environment["processes"] == 1
    kept = json.loads(run.environment_path.read_text())
    run.environment_path.write_text(json.dumps(kept | {key: value}))
    with pytest.raises(RunError, match=rf"environment\.json` is damaged: `{key}` must be"):
        _ = run.environment
    assert find_runs() == [run], "when it was begun, its name says too"


ODD = (None, True, "x", -1, 10**400, math.nan, [], {}, 3.5)


def places_in(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where values lie in what a JSON file holds."""
    yield above
    items = value.items() if isinstance(value, dict) else ()
    for key, inner in items:
        yield from places_in(inner, (*above, key))


@pytest.mark.skipif(sys.platform != "linux", reason="setfsuid is Linux's")
def test_a_run_that_somebody_else_has_closed_is_passed_over(run: Run) -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own are closed to others
        Path(name).chmod(0o755)
        shutil.copytree(run.folder, Path(name, "open"))
        closed = Path(name, "closed")
        shutil.copytree(run.folder, closed)
        closed.chmod(0)
        libc = ctypes.CDLL(None)
        user = libc.setfsuid(65534)  # root would see it all the same
        try:
            found = find_runs(name)
        finally:
            libc.setfsuid(user)
            closed.chmod(0o755)
    assert [one.name for one in found] == ["open"]


def with_odd(value: Any, place: tuple[Any, ...], odd: object) -> Any:
    if not place:
        return odd
    return {**value, place[0]: with_odd(value[place[0]], place[1:], odd)}


@pytest.mark.parametrize("name", ["config.json", "result.json", "history.jsonl"])
def test_a_value_of_another_type_in_a_file_is_read_or_named(run: Run, name: str) -> None:
    path = run.folder / name
    first, *others = (
        path.read_text().splitlines() if name == "history.jsonl" else [path.read_text()]
    )
    known = json.loads(first)
    refused = []
    for place in places_in(known):
        for odd in ODD:
            path.write_text("\n".join([json.dumps(with_odd(known, place, odd)), *others, ""]))
            opened = Run(run.folder)
            try:
                _ = opened.config, opened.result, opened.history
            except RunError as error:
                refused.append((place[-1:], str(error)))
    assert len(refused) > 4 * len(known)
    for named, message in refused:
        assert str(path) in message
        assert "\n" not in message
        is_named = all(key in message for key in named)
        assert is_named or "Unknown" in message or "is missing" in message, message
