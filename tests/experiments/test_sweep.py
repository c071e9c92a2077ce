"""Sweeps of real trainings on the bundled digits."""

import csv
import dataclasses
import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from heard import Heard
from kept_trials import kept_study

import lenet
from lenet.datasets import Dataset, DataSource
from lenet.errors import LenetError, ModelError, SettingError, SweepError
from lenet.experiments import (
    Sweep,
    draw_history,
    draw_importance,
    resume_sweep,
    sweep,
    trial_seed,
)
from lenet.models import LeNetConfig
from lenet.training import Recipe, read_recipe_file

SPACE = {"learning_rate": "log:0.01..1", "momentum": "0,0.5,0.9", "batch_size": "32..128:32"}
QUICK: dict[str, Any] = {"dataset": "digits", "model": "softmax", "epochs": 2, "prune": False}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the module's sweep lies."""
    return tmp_path_factory.mktemp("sweeps")


@pytest.fixture(scope="module")
def heard() -> Heard:
    """Who was told how it went."""
    return Heard()


@pytest.fixture(scope="module")
def made(folder: Path, heard: Heard) -> Sweep:
    """Six trials of softmax regression."""
    return sweep(SPACE, trials=6, seed=3, sweeps_folder=folder, progress=heard, **QUICK)


def bare(made: Sweep) -> list[dict[str, Any]]:
    """What was tried and reached, without times."""
    return [trial.to_dict() | {"seconds": None} for trial in made.trials]


def test_every_trial_is_of_the_space_and_has_its_own_seed(made: Sweep, heard: Heard) -> None:
    assert [trial.number for trial in made.trials] == list(range(6))
    for trial in made.trials:
        assert list(trial.settings) == list(SPACE)
        assert 0.01 <= trial.settings["learning_rate"] <= 1
        assert trial.settings["momentum"] in (0.0, 0.5, 0.9)
        assert trial.settings["batch_size"] in (32, 64, 96, 128)
        assert trial.seed == trial_seed(3, trial.number)
        assert (trial.state, trial.epochs) == ("complete", 2)
    assert len({trial.seed for trial in made.trials}) == 6
    assert heard.trials == list(made.trials)
    assert heard.counts == [(count, 6) for count in range(1, 7)]


def test_a_score_is_what_train_reaches_with_the_same_settings_on_the_same_images(
    made: Sweep, digits: Dataset, tmp_path: Path
) -> None:
    held_out = digits.with_validation(0.1, seed=3)
    for trial in made.trials[:2]:
        options: dict[str, Any] = {"runs_folder": tmp_path, "threads": 1, "listeners": []}
        recipe = Recipe(epochs=2).replace(**trial.settings)
        run = lenet.train("softmax", held_out, recipe, seed=trial.seed, **options)
        assert run.result.validation_accuracy == trial.validation_accuracy
        assert run.result.best_epoch == trial.best_epoch


def test_a_recipe_without_validation_gets_one_and_it_is_said(made: Sweep, heard: Heard) -> None:
    assert made.definition.recipe.validation == 0
    assert made.best_recipe.validation == made.definition.validation == 0.1
    assert any("holds out no images to choose on" in text for text in heard.messages)
    assert "scored on 143 held-out images; test images are not looked at" in heard.messages[0]


def test_the_best_is_a_file_that_train_takes(made: Sweep, tmp_path: Path) -> None:
    accuracies = [trial.validation_accuracy for trial in made.trials]
    assert made.best is not None
    assert made.best.number == int(np.argmax(np.array(accuracies, dtype=float)))
    assert made.ranked[0] == made.best
    file = read_recipe_file(made.recipe_path)
    assert file.model == "softmax"
    assert Recipe(**{k: v for k, v in file.settings.items() if k != "initialisation"}) == (
        Recipe(epochs=2, validation=0.1).replace(**made.best.settings)
    )
    run = lenet.train(
        dataset="digits", recipe=made.recipe_path, epochs=1, runs_folder=tmp_path, listeners=[]
    )
    assert run.config.recipe == made.best_recipe.replace(epochs=1)
    assert f"trial {made.best.number}, " in made.recipe_path.read_text()
    command = made.training_command.split()
    assert command[:4] == ["lenet", "train", "--data", "digits"]
    assert command[-1] == str(made.recipe_path)


def test_the_next_command_reads_images_of_ones_own_as_the_sweep_did(made: Sweep) -> None:
    source = DataSource("/a b/c", size=(32, 48), colour=True, prepare="object", test_share=0.1)
    definition = dataclasses.replace(made.definition, source=source)
    command = dataclasses.replace(made, folder=Path("s"), definition=definition).training_command
    assert shlex.split(command) == [
        *("lenet", "train", "--data", "/a b/c", "--size", "32x48", "--colour"),
        *("--prepare", "object", "--test-share", "0.1", "--recipe", "s/best.toml"),
    ]


def test_the_table_has_all_trials(made: Sweep) -> None:
    with made.table_path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6
    for row, trial in zip(rows, made.trials, strict=True):
        assert int(row["trial"]) == trial.number
        assert row["state"] == "complete"
        assert float(row["validation_accuracy"]) == trial.validation_accuracy
        assert float(row["learning_rate"]) == trial.settings["learning_rate"]
        assert int(row["batch_size"]) == trial.settings["batch_size"]
        assert int(row["seed"]) == trial.seed


def test_the_importance_is_optunas(made: Sweep) -> None:
    with kept_study(made.folder, made.name) as study:
        assert study.best_value == made.best.validation_accuracy  # type: ignore[union-attr]
        expected = optuna.importance.get_param_importances(study)
    assert made.importance == pytest.approx(expected)
    assert set(made.importance) == set(SPACE)
    (axes,) = draw_importance(made.importance, 6).axes
    widths = sorted(bar.get_width() for bar in axes.patches)  # type: ignore[attr-defined]
    assert widths == pytest.approx(sorted(expected.values()))


@pytest.mark.real_curves
def test_the_pictures_show_what_was_reached(made: Sweep) -> None:
    made.write()
    (axes,) = draw_history(made.trials).axes
    dots, best = axes.lines
    accuracies = [trial.validation_accuracy for trial in made.trials]
    assert list(dots.get_ydata()) == accuracies
    assert dots.get_linestyle() == "None", "trials are no curve"
    assert list(best.get_ydata()) == list(np.maximum.accumulate(np.array(accuracies)))
    for name in ("history", "importance"):
        assert (made.folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert b"</svg>" in (made.folder / f"{name}.svg").read_bytes()
    assert draw_history([]).axes
    assert "too few trials" in draw_importance({}, 0).axes[0].get_title()


def test_the_same_call_finds_the_same_and_goes_on_as_if_it_had_not_stopped(
    made: Sweep, tmp_path: Path
) -> None:
    heard = Heard()
    options = {"seed": 3, "sweeps_folder": tmp_path} | QUICK
    first = sweep(SPACE, trials=2, **options)
    assert first.name == made.name
    again = sweep(SPACE, trials=6, progress=heard, **options)
    assert bare(again) == bare(made)
    assert [trial.number for trial in heard.trials] == [2, 3, 4, 5]
    assert "Going on after 2 of 6 trials." in heard.messages
    complete = again.folder / "best.toml"
    before = complete.read_bytes()
    assert bare(resume_sweep(again.name, sweeps_folder=tmp_path)) == bare(made)
    assert complete.read_bytes() == before
    assert len(resume_sweep(again.folder, trials=7).trials) == 7


def test_the_test_images_decide_nothing(digits: Dataset, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    found = []
    for name, images in (
        ("a", digits.test.images),  # type: ignore[union-attr]
        ("b", rng.integers(0, 256, (50, 1, 28, 28), dtype=np.uint8)),
    ):
        np.savez(
            tmp_path / f"{name}.npz",
            x_train=digits.train.images[:600, 0],
            y_train=digits.train.labels[:600],
            x_test=images[:, 0],
            y_test=np.arange(len(images)) % 10,
        )
        options = QUICK | {"dataset": tmp_path / f"{name}.npz", "model": "mlp"}
        found.append(sweep({"learning_rate": "0.01..0.5"}, trials=3, name=name, **options))
    assert bare(found[0]) == bare(found[1])
    assert found[0].definition.hold_out(digits).test is None
    assert found[0].definition.source is not None
    again = resume_sweep("a", trials=4)
    assert bare(again)[:3] == bare(found[0])
    (tmp_path / "a.npz").write_bytes((tmp_path / "b.npz").read_bytes())
    with pytest.raises(SweepError, match="is not the data"):
        resume_sweep("a")


def test_a_trial_below_the_median_of_the_others_is_stopped() -> None:
    space = {"learning_rate": "log:0.001..0.5"}
    options: dict[str, Any] = QUICK | {"epochs": 5, "prune": True, "sampler": "random"}
    made = sweep(space, trials=12, **options)
    with kept_study(made.folder, made.name) as study:
        curves = [trial.intermediate_values for trial in study.trials]
    complete: list[int] = []  # so far
    for trial, curve in zip(made.trials, curves, strict=True):
        stops_after = 5
        for epoch in (3, 4) if len(complete) >= 5 else ():  # the first two are never pruned in
            median = np.median([curves[number][epoch] for number in complete])
            if max(curve[e] for e in range(1, epoch + 1)) < median:
                stops_after = epoch
                break
        assert list(curve) == list(range(1, stops_after + 1))
        assert trial.state == ("complete" if stops_after == 5 else "pruned")
        assert trial.reason == (
            "" if stops_after == 5 else (f"Below the others' median after epoch {stops_after}.")
        )
        complete += [trial.number] * (trial.state == "complete")
    pruned = [trial.number for trial in made.trials if trial.state == "pruned"]
    assert pruned
    assert list(draw_history(made.trials).axes[0].lines[2].get_xdata()) == pruned
    whole = sweep(space, trials=12, **options | {"prune": False})
    assert {trial.state for trial in whole.trials} == {"complete"}
    assert [trial.settings for trial in whole.trials] == [trial.settings for trial in made.trials]


def test_a_trial_that_diverges_or_does_not_fit_counts_and_ends_nothing() -> None:
    space = {"learning_rate": [0.1, 1e30], "channels": [[2], [2, 3]], "kernel_size": [3, 15]}
    heard = Heard()
    options: dict[str, Any] = {"dense_widths": (8,), "activation": "relu", "epochs": 2}
    made = sweep(space, "digits", model="lenet", trials=8, progress=heard, seed=1, **options)
    states = {trial.state for trial in made.trials}
    assert states == {"complete", "diverged", "refused"}
    for trial in made.trials:
        wild = trial.settings["learning_rate"] == 1e30
        at_odds = trial.settings["kernel_size"] == 15 and len(trial.settings["channels"]) == 2
        assert trial.state == ("refused" if at_odds else "diverged" if wild else "complete")
        words = {
            "refused": "Layer `3` (convolution): its 15×15 window",
            "diverged": "The loss became",
        }
        assert trial.reason.startswith(words.get(trial.state, ""))
        assert bool(trial.reason) == (trial.state != "complete")
    assert heard.counts[-1] == (8, 8)
    with made.table_path.open(newline="") as file:
        assert [row["reason"] for row in csv.DictReader(file)] == [t.reason for t in made.trials]
    json.dumps(made.to_dict(), allow_nan=False)
    with pytest.raises(SweepError, match=r"None of 2 trials came to its end; `.*trials.csv`"):
        sweep({"learning_rate": [1e30, 1e31]}, "digits", model="mlp", epochs=1, trials=2)


def test_a_setting_that_does_not_apply_is_not_asked_for() -> None:
    space = {"nesterov": "no,yes", "momentum": "0,0.9", "optimiser": "sgd,adam"}
    made = sweep(space, trials=12, sampler="random", **QUICK | {"epochs": 1})
    assert {trial.state for trial in made.trials} == {"complete"}
    asked = {
        (trial.settings["optimiser"], trial.settings.get("momentum"), "nesterov" in trial.settings)
        for trial in made.trials
    }
    assert asked == {("sgd", 0.9, True), ("sgd", 0.0, False), ("adam", None, False)}
    assert all(
        list(t.settings) == [name for name in space if name in t.settings] for t in made.trials
    )
    with made.table_path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(row["momentum"] == "" for row in rows if row["optimiser"] == "adam")
    adam = next(trial for trial in made.trials if trial.settings["optimiser"] == "adam")
    assert made.definition.recipe_with(adam.settings).momentum == 0
    assert bare(resume_sweep(made.folder)) == bare(made)


def test_a_setting_that_never_applies_is_refused() -> None:
    with pytest.raises(SettingError, match="`momentum` belongs to the `optimiser` sgd"):
        sweep({"optimiser": "adam,adamw", "momentum": "0.5,0.9"}, trials=1, **QUICK)


def test_a_trial_leaves_out_what_the_preset_brings_and_not_what_a_person_fixed() -> None:
    options: dict[str, Any] = {"dataset": "digits", "preset": "modern", "epochs": 1, "trials": 3}
    made = sweep({"optimiser": "sgd,adam"}, sampler="random", **options)
    assert {trial.settings["optimiser"] for trial in made.trials} == {"sgd", "adam"}
    assert {trial.state for trial in made.trials} == {"complete"}
    with pytest.raises(SettingError, match="`momentum` belongs to the `optimiser` sgd"):
        sweep({"optimiser": "sgd,adam"}, momentum=0.8, **options)


def test_settings_of_the_network_are_searched_too(tmp_path: Path) -> None:
    space = {"channels": [[2], [2, 4]], "activation": "relu,tanh", "dense_widths": "8/16,8"}
    fixed = {"epochs": 1, "batch_size": 256, "pooling": "max", "initialisation": "kaiming"}
    made = sweep(space, "digits", trials=3, validation=0.5, **fixed)
    assert made.best is not None
    config = LeNetConfig(**made.best_settings)
    for name, value in made.best.settings.items():
        assert getattr(config, name) == value
    assert config.pooling == "max"
    assert made.best.settings["channels"] in ((2,), (2, 4))
    assert made.best_recipe.validation == 0.5
    assert read_recipe_file(made.recipe_path).settings["dense_widths"] == config.dense_widths


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"search": {}}, SettingError, "nothing to search over"),
        ({"search": {"lerning_rate": "1,2"}}, SettingError, "Did you mean `learning_rate`"),
        ({"search": {"channels": "6/8"}}, SettingError, "a setting of `lenet`; `softmax`"),
        ({"search": {"classes": "6,8"}}, SettingError, "`classes` comes from the data"),
        ({"search": {"validation": "0.1,0.2"}}, SettingError, "scored on the same images"),
        ({"search": {"epochs": "1,2"}}, SettingError, "both searched over and fixed"),
        ({"validation": 0}, SettingError, "`validation` must be above 0"),
        ({"search": {"momentum": "0..1"}}, SettingError, "`momentum` must be at least 0 and below"),
        (
            {"search": {"momentum": "0.5,0.9"}, "optimiser": "adam"},
            SettingError,
            "to the `optimiser` sgd",
        ),
        ({"nesterov": True, "search": {"momentum": "0,0"}}, SettingError, "over `0.0` twice"),
        ({"nesterov": True}, SettingError, "`nesterov` needs a `momentum`"),
        ({"search": {"kernel_size": "3..40"}, "model": "lenet"}, ModelError, "does not fit"),
        ({"batch_size": 1296}, SettingError, "`batch_size` must be at most 1295, the training"),
        ({"epoch": 3}, SettingError, "Did you mean `epochs`"),
        ({"model": "sofmax"}, SettingError, "Did you mean `softmax`"),
        ({"preset": "sofmax"}, SettingError, "Did you mean `softmax`"),
        ({"dataset": "digit"}, SettingError, "Did you mean `digits`"),
        ({"sampler": "tpee"}, SettingError, "Did you mean `tpe`"),
        ({"trials": 0}, SettingError, "`trials` must be at least 1"),
        ({"workers": 0}, SettingError, "`workers` must be at least 1"),
        ({"warm_up": -1}, SettingError, "`warm_up` must be at least 0"),
        ({"confirm": -1}, SettingError, "`confirm` must be at least 0"),
        ({"seed": -1}, SettingError, "`seed` must be at least 0"),
        ({"name": "a/b"}, SettingError, "`a/b` can't be one"),
        ({"name": ".."}, SettingError, "`..` can't be one"),
        ({"device": "meta"}, SettingError, "no device `meta`"),
        ({"space": "nowhere.toml"}, SettingError, "no such file"),
    ],
)
def test_what_can_not_be_searched_is_one_error_before_anything_is_trained(
    arguments: dict[str, Any], error: type[LenetError], words: str
) -> None:
    options = {"search": {"learning_rate": "0.1..1"}, "trials": 2} | QUICK
    with pytest.raises(error) as caught:
        sweep(**options | arguments)
    assert words in str(caught.value)
    assert not Path("sweeps").exists()


def test_what_is_fixed_may_need_what_is_searched_over() -> None:
    made = sweep({"momentum": "0.5..0.9"}, trials=2, nesterov=True, **QUICK)
    assert made.best is not None
    assert made.best_recipe.nesterov
    assert made.definition.recipe.momentum == 0.5


def test_a_space_may_come_from_a_file_and_what_is_said_beside_it_wins(tmp_path: Path) -> None:
    path = tmp_path / "space.toml"
    path.write_text(
        'model = "softmax"\nepochs = 3\nbatch_size = 64\n\n[search]\nmomentum = [0, 0.9]\n'
        'learning_rate = "log:0.01..1"\n'
    )
    made = sweep(
        {"batch_size": "32,64"}, "digits", space=path, trials=1, epochs=1, learning_rate=0.1
    )
    definition = made.definition
    assert definition.search == {"momentum": "0.0,0.9", "batch_size": "32,64"}
    assert (definition.recipe.epochs, definition.recipe.learning_rate) == (1, 0.1)
    path.write_text("[search]\nlerning_rate = [0, 1]\n")
    with pytest.raises(SettingError, match="Did you mean `learning_rate`"):
        sweep(dataset="digits", space=path)
    path.write_text("search = 3\n")
    with pytest.raises(SettingError, match="`search` must be a table"):
        sweep(dataset="digits", space=path)


def test_the_best_and_the_preset_are_confirmed_on_the_test_images(
    made: Sweep, folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(made.folder, tmp_path / made.name)
    confirmed = resume_sweep(tmp_path / made.name, confirm=2)
    compared = confirmed.confirmation
    assert compared is not None
    assert compared.split == "test"
    options: dict[str, Any] = {"dataset": "digits", "runs_folder": tmp_path / "r", "listeners": []}
    options |= {"threads": 1}
    preset = [lenet.train("softmax", seed=seed, epochs=2, **options) for seed in range(2)]
    found = [lenet.train(recipe=made.recipe_path, seed=seed, **options) for seed in range(2)]
    for entry, runs in zip(compared.entries, (preset, found), strict=True):
        assert entry.accuracies == tuple(run.result.test_accuracy for run in runs)
    assert [entry.label for entry in compared.entries] == ["preset softmax", "found by the sweep"]
    (pair,) = compared.pairs
    assert pair.adjusted_p is not None
    content = json.loads((confirmed.folder / "confirmation.json").read_text())
    assert content == json.loads(json.dumps(compared.to_dict()))
    assert dataclasses.replace(confirmed, confirmation=None, folder=made.folder) == made
