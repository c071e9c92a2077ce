"""Comparisons of real trainings on the bundled digits."""

import dataclasses
import json
import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from forked_worker import ForkedWorker
from heard import HeardTrainings

import lenet
from calling import call
from forked_process import ForkedProcess
from lenet.datasets import Dataset
from lenet.errors import LenetError, RunError, SettingError, TrainingError
from lenet.experiments import Comparison, Entry, compare, compare_runs, draw_comparison
from lenet.runs import find_runs

QUICK = {"epochs": 2, "batch_size": 64, "optimiser": "adam", "learning_rate": 0.003}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the module's trainings are kept."""
    return tmp_path_factory.mktemp("compare")


@pytest.fixture(scope="module")
def compared(folder: Path) -> Comparison:
    """Softmax regression and the MLP, three seeds each."""
    return compare(["softmax", "mlp"], "digits", seeds=3, runs_folder=folder, **QUICK)


def test_every_seed_is_trained_with_the_settings_that_all_have(compared: Comparison) -> None:
    assert [entry.label for entry in compared.entries] == ["softmax", "mlp"]
    for entry in compared.entries:
        assert entry.seeds == (0, 1, 2)
        assert [run.config.seed for run in entry.runs] == [0, 1, 2]
        assert {run.config.model for run in entry.runs} == {entry.label}
        for name, value in QUICK.items():
            assert {getattr(run.config.recipe, name) for run in entry.runs} == {value}
        assert {run.config.threads for run in entry.runs} == {1}
    assert [entry.parameters for entry in compared.entries] == [7_850, 203_530]


def test_the_scores_are_those_of_evaluate(compared: Comparison) -> None:
    for entry in compared.entries:
        scores = [lenet.evaluate(run).accuracy for run in entry.runs]
        assert list(entry.accuracies) == pytest.approx(scores)
        assert entry.accuracy == pytest.approx(np.mean(scores))
        assert entry.deviation == pytest.approx(np.std(scores, ddof=1))
        assert [right.mean() for right in entry.right.values()] == pytest.approx(scores)
        assert list(entry.accuracies) == [run.result.test_accuracy for run in entry.runs]


def test_a_training_in_a_comparison_is_the_one_that_train_makes(
    compared: Comparison, tmp_path: Path
) -> None:
    options = {"dataset": "digits", "threads": 1, "runs_folder": tmp_path, "listeners": []}
    alone = lenet.train("mlp", seed=1, **options, **QUICK)
    assert alone.model_path.read_bytes() == compared.entries[1].runs[1].model_path.read_bytes()


def test_runs_that_are_there_are_reused_and_new_seeds_added(
    compared: Comparison, folder: Path
) -> None:
    before = {run.folder: run.model_path.stat().st_mtime_ns for run in find_runs(folder)}
    heard = HeardTrainings()
    wider = compare(["mlp"], "digits", seeds=4, runs_folder=folder, progress=heard, **QUICK)
    after = {run.folder: run.model_path.stat().st_mtime_ns for run in find_runs(folder)}
    assert len(after.items() - before.items()) == 1
    assert before.items() <= after.items()
    assert wider.entries[0].accuracies[:3] == compared.entries[1].accuracies
    assert heard.titles == [f"mlp, seed {seed}" for seed in range(4)]
    assert sorted(heard.ended) == [0, 1, 2, 3]
    assert heard.stopped == 1


def test_finished_runs_fall_into_groups(
    compared: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [run for entry in compared.entries for run in entry.runs]
    grouped = compare_runs([run.folder for run in runs[::-1]])
    assert [entry.seeds for entry in grouped.entries] == [(2, 1, 0), (2, 1, 0)]
    assert grouped.entries[0].label.startswith("mlp, model mlp")
    assert sorted(entry.accuracy for entry in grouped.entries) == sorted(
        entry.accuracy for entry in compared.entries
    )
    first, other = grouped.pairs[0], compared.pairs[0]
    assert first.p_over_seeds == pytest.approx(other.p_over_seeds)
    monkeypatch.setattr("lenet.experiments._compare._entry", lambda *_: pytest.fail("scored"))
    with pytest.raises(RunError, match="Two of the runs are the same training"):
        compare_runs([runs[-1], runs[0], runs[0]])  # before any is scored
    with pytest.raises(RunError, match="no runs to compare"):
        compare_runs([])


def test_only_a_difference_beyond_the_noise_is_one(compared: Comparison) -> None:
    (entry, _) = compared.entries

    def contender(label: str, wins: list[int], count: int = 1000) -> Entry:
        """So many of the images right for each seed."""
        right = {seed: np.arange(count) < won for seed, won in enumerate(wins)}
        return dataclasses.replace(entry, label=label, right=right)

    low, same, high = (
        contender("low", [700, 705, 695]),
        contender("same", [700, 698, 704]),
        contender("high", [800, 806, 799]),
    )
    pairs = Comparison("digits", "test", (high, low, same), {}).pairs
    assert [(pair.lower, pair.higher) for pair in pairs] == [("low", "same"), ("same", "high")]
    assert [pair.is_better for pair in pairs] == [False, True]
    assert pairs[1].difference == pytest.approx(0.101)
    assert pairs[1].seeds == 3
    few_images = contender("low", [7, 7, 7], 10), contender("high", [9, 9, 10], 10)
    (pair,) = Comparison("digits", "test", few_images, {}).pairs
    assert pair.p_over_seeds is not None
    assert pair.p_over_images is not None
    assert pair.p_over_seeds < 0.05 < pair.p_over_images
    assert not pair.is_better
    one_seed = contender("low", [700]), contender("high", [900])
    (pair,) = Comparison("digits", "test", one_seed, {}).pairs
    assert pair.adjusted_p is None
    assert not pair.is_better


def test_on_validation_images_each_seed_has_its_own(folder: Path, digits: Dataset) -> None:
    settings = QUICK | {"validation": 0.2}
    held_out = compare(
        ["softmax", "mlp"], "digits", seeds=2, split="validation", runs_folder=folder, **settings
    )
    for entry in held_out.entries:
        scores = [lenet.evaluate(run, split="validation").accuracy for run in entry.runs]
        assert list(entry.accuracies) == pytest.approx(scores)
        assert [run.result.validation_accuracy for run in entry.runs] == pytest.approx(scores)
    assert 0 <= held_out.pairs[0].p_over_images <= 1  # type: ignore[operator]
    with pytest.raises(RunError, match="was trained without a validation split"):
        compare(["mlp"], "digits", seeds=1, split="validation", runs_folder=folder, **QUICK)


def test_a_training_that_diverges_is_told_and_spoils_nothing_else(tmp_path: Path) -> None:
    vary = {"learning_rate": [0.1, 1e20]}
    compared = compare(["mlp"], "digits", vary=vary, seeds=1, epochs=2, runs_folder=tmp_path)
    sane, wild = compared.entries
    assert len(sane.accuracies) == 1
    assert not wild.accuracies
    assert "The loss became" in wild.failures[0]
    assert np.isnan(wild.accuracy)
    json.dumps(compared.to_dict(), allow_nan=False)
    labels = [text.get_text() for text in draw_comparison(compared).axes[2].get_yticklabels()]
    assert labels[1].endswith("diverged")


def test_optimisers_are_compared_on_a_preset_with_momentum(tmp_path: Path) -> None:
    vary = {"optimiser": ["sgd", "adam"]}
    options = {"seeds": 1, "epochs": 1, "runs_folder": tmp_path}
    compared = compare(["modern"], "digits", vary=vary, **options)  # type: ignore[arg-type]
    recipes = [entry.runs[0].config.recipe for entry in compared.entries]
    assert {(recipe.optimiser, recipe.momentum) for recipe in recipes} == {
        ("sgd", 0.9),
        ("adam", 0.0),
    }


def test_several_views_are_scored_beside_the_single_one(compared: Comparison, folder: Path) -> None:
    shifted = compare(
        ["softmax", "mlp"], "digits", seeds=3, views="shifted", runs_folder=folder, **QUICK
    )
    for entry, single in zip(shifted.entries, compared.entries, strict=True):
        assert entry.accuracies == single.accuracies
        scores = [lenet.evaluate(run, views="shifted").accuracy for run in entry.runs]
        assert list(entry.averaged_accuracies) == pytest.approx(scores)


def test_the_picture_has_all_curves(compared: Comparison) -> None:
    losses, accuracies, finals = draw_comparison(compared, "title").axes
    assert len(losses.lines) == len(accuracies.lines) == 2
    assert len(losses.collections) == 2, "a band over the seeds each"
    means = np.mean([run.history[-1].train_loss for run in compared.entries[1].runs])
    assert losses.lines[1].get_ydata()[-1] == pytest.approx(means)
    labels = [text.get_text() for text in finals.get_yticklabels()]
    assert labels == [f"{entry.label}  {entry.accuracy:.4f}" for entry in compared.entries]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"models": ["lenet5"], "batch_size": 2000}, LenetError, "`batch_size` is 2000, but"),
        (
            {"models": ["mlp"], "kernel_size": 3},
            LenetError,
            "a setting of `lenet`",
        ),
        ({"models": ["mlp"], "epoch": 3}, LenetError, "Did you mean `epochs`"),
        ({"seeds": 0}, SettingError, "`seeds` must be at least 1, not 0"),
        ({"dataset": "digit"}, SettingError, "Did you mean `digits`"),
    ],
)
def test_what_can_not_be_trained_is_one_error(
    arguments: dict[str, object], error: type[LenetError], message: str, tmp_path: Path
) -> None:
    options = {"models": ["mlp"], "dataset": "digits", "seeds": 2, "runs_folder": tmp_path}
    with pytest.raises(error, match=message):
        compare(**options | arguments)  # type: ignore[arg-type]
    assert not find_runs(tmp_path)


def test_runs_of_different_data_are_not_compared(
    compared: Comparison, few_digits: Dataset, tmp_path: Path
) -> None:
    other = lenet.train(
        "softmax", few_digits, epochs=1, batch_size=16, runs_folder=tmp_path, listeners=[]
    )
    with pytest.raises(RunError, match="trained on different data: `digits`, `few-digits`"):
        compare_runs([compared.entries[0].runs[0], other])
    alone = compare_runs([other], few_digits)
    assert alone.entries[0].accuracies == (other.result.test_accuracy,)
    with pytest.raises(LenetError, match="images of one's own"):
        compare_runs([other])


def test_a_comparison_that_is_killed_or_stopped_goes_on(tmp_path: Path) -> None:
    command = ["compare", "--models", "softmax,mlp", "--data", "digits", "--seeds", "1"]
    command += ["--epochs", "10000", "--batch-size", "8", "--runs-folder", str(tmp_path)]

    def start(processes: int) -> ForkedProcess:
        """Begin, or go on; until so many are at it."""
        before = {run.folder: len(run.history) for run in find_runs(tmp_path)}
        process = ForkedProcess(*command, "--processes", str(processes))

        def at_it() -> int:
            return sum(len(one.history) > before.get(one.folder, 0) for one in find_runs(tmp_path))

        while at_it() < processes:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return process

    deadline = time.monotonic() + 120
    process = start(1)
    process.kill()
    with process.stdout, process.stderr:  # which its worker may hold open
        process.wait()
    (run,) = find_runs(tmp_path)
    while run.status == "running":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (run.status, run.checkpoint_path.exists()) == ("stopped", True)
    process = start(2)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert errors.strip().endswith("Stopped. The same command goes on from here.")
    assert not output
    stopped = find_runs(tmp_path)
    assert len(stopped) == 2
    assert {(run.status, run.checkpoint_path.exists()) for run in stopped} == {("stopped", True)}
    assert all(run.history[-1].epoch < 10_000 for run in stopped)


def test_a_training_process_that_is_killed_ends_the_comparison_with_one_error(
    workers: list[ForkedWorker], tmp_path: Path
) -> None:
    class Kill(HeardTrainings):
        def on_share(self, job: int, share: float) -> None:
            workers[-1].kill()

    with pytest.raises(TrainingError, match=r"ended without a result \(exit code -9\)") as caught:
        compare(["mlp"], "digits", seeds=2, processes=1, progress=Kill(), runs_folder=tmp_path)
    assert caught.value.exit_code == 6


@pytest.mark.real_curves
def test_the_command_prints_a_table_and_verdicts(compared: Comparison, folder: Path) -> None:
    options = [f"--{name.replace('_', '-')}={value}" for name, value in QUICK.items()]
    command = ["compare", "--models", "softmax,mlp", "--data", "digits", "--seeds", "2"]
    command += ["--runs-folder", str(folder), *options]
    output, errors = call(*command, "--picture", str(folder / "all.svg"))
    lines = output.splitlines()
    assert lines[0] == "digits, test split"
    assert lines[1].split() == "parameters multiply-adds seconds seeds test acc ± sd".split()
    assert lines[2].split()[:3] == ["softmax", "7,850", "7,840"]
    assert lines[3].split()[0] == "mlp"
    assert lines[3].split()[4] == "2"
    assert lines[5] == "Neighbours, from the lowest up:"
    assert re.fullmatch(r"  (mlp − softmax|softmax − mlp): \+0\.\d{4}, .*\(p .*\)", lines[6])
    assert (folder / "all.svg").read_text().startswith("<?xml")
    assert "4/4  " in errors
    values = json.loads(call(*command, "--json").stdout)
    expected = compared.entries[1].accuracies[:2]
    assert tuple(values["entries"][1]["accuracies"]) == pytest.approx(expected)
    assert (folder / "comparison.png").read_bytes().startswith(b"\x89PNG")


def test_finished_runs_take_no_settings(compared: Comparison, folder: Path) -> None:
    answer = call("compare", str(compared.entries[0].runs[0].folder), "--epochs", "3", code=2)
    assert answer.stderr == "Error: Finished runs are as they are; leave out `--epochs`.\n"
