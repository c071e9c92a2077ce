"""What a preset, a recipe or a file brings gives way to what a person says himself."""

import shlex
from pathlib import Path
from typing import Any, get_args

import pytest

import lenet
from lenet.cli import app
from lenet.core import field_types
from lenet.datasets import Dataset, convert_dataset
from lenet.errors import SettingError
from lenet.runs import make_plan
from lenet.training import PRESETS, Recipe

_NUMBERS = {int: (0, 1, 3), float: (0.0, 0.5), bool: (False, True)}


def choices() -> list[tuple[str, Any]]:
    """Every setting of a recipe with values at both ends of what it may be."""
    return [
        (name, value)
        for name, kind in field_types(Recipe).items()
        for value in (get_args(kind) or _NUMBERS[kind])
    ]


@pytest.mark.parametrize("preset", PRESETS)
def test_no_preset_is_at_odds_with_a_single_choice(preset: str) -> None:
    for name, value in choices():
        refusal = None
        try:
            recipe = make_plan("digits", None, None, preset, {name: value}).recipe
            assert getattr(recipe, name) == value
        except SettingError as error:
            refusal = str(error)
        assert refusal is None or refusal.startswith(f"`{name}` "), (preset, value)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("optimiser", ["sgd", "adam", "adamw"])
def test_every_preset_goes_with_every_optimiser(preset: str, optimiser: str) -> None:
    usual = PRESETS[preset]().recipe
    recipe = make_plan("mnist", None, None, preset, {"optimiser": optimiser}).recipe
    assert recipe.optimiser == optimiser
    kept = usual.momentum if optimiser == "sgd" else 0.0
    assert (recipe.momentum, recipe.nesterov) == (kept, usual.nesterov and kept > 0)
    assert recipe.learning_rate == usual.learning_rate


RECIPE = Recipe(
    schedule="step",
    step_epochs=2,
    step_factor=0.5,
    label_smoothing=0.1,
    validation=0.1,
    early_stopping=3,
    momentum=0.9,
    nesterov=True,
)


@pytest.mark.parametrize(
    ("chosen", "left_out"),
    [
        ({"optimiser": "adamw"}, {"momentum": 0.0, "nesterov": False}),
        ({"momentum": 0.0}, {"nesterov": False}),
        ({"schedule": "cosine"}, {"step_epochs": 5, "step_factor": 0.1}),
        ({"loss": "map"}, {"label_smoothing": 0.0}),
        ({"validation": 0.0}, {"early_stopping": 0}),
        ({"optimiser": "sgd", "schedule": "step", "validation": 0.2, "momentum": 0.5}, {}),
    ],
)
def test_what_does_not_apply_is_left_out_and_nothing_else(
    chosen: dict[str, Any], left_out: dict[str, Any]
) -> None:
    recipe = make_plan("digits", None, RECIPE, None, chosen).recipe
    assert recipe.to_dict() == RECIPE.to_dict() | chosen | left_out


@pytest.mark.parametrize(
    ("preset", "chosen", "refused"),
    [
        ("modern", {"optimiser": "adam", "momentum": 0.5}, "momentum"),
        ("modern", {"optimiser": "adam", "nesterov": True}, "nesterov"),
        ("modern", {"momentum": 0.0, "nesterov": True}, "nesterov"),
        ("digits", {"momentum": 0.9}, "momentum"),
        ("lenet5", {"label_smoothing": 0.1}, "label_smoothing"),
        ("modern", {"early_stopping": 2, "validation": 0.0}, "early_stopping"),
        ("tutorial", {"early_stopping": 2}, "early_stopping"),
    ],
)
def test_what_a_person_chose_and_does_not_apply_is_refused(
    preset: str, chosen: dict[str, Any], refused: str
) -> None:
    with pytest.raises(SettingError, match=rf"^`{refused}` "):
        make_plan("mnist", None, None, preset, chosen)


def test_images_of_ones_own_are_trained_with_another_optimiser(
    few_digits: Dataset, tmp_path: Path
) -> None:
    path = convert_dataset(few_digits, tmp_path / "few.npz", "npz")
    app(shlex.split(f"train --data {path} --optimiser adam --epochs 1"), standalone_mode=False)
    (run,) = lenet.runs.find_runs(tmp_path / "runs")
    recipe = run.config.recipe
    assert (recipe.optimiser, recipe.momentum, recipe.nesterov) == ("adam", 0.0, False)
    with pytest.raises(SettingError, match="`momentum` belongs to the `optimiser` sgd"):
        app(
            shlex.split(f"train --data {path} --optimiser adam --momentum 0.5"),
            standalone_mode=False,
        )


def test_an_option_wins_over_a_recipe_file_with_what_goes_with_it(
    few_digits: Dataset, tmp_path: Path
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('preset = "modern"\nmomentum = 0.8\nbatch_size = 64\nepochs = 1\n')
    run = lenet.train(None, few_digits, file, optimiser="adam", listeners=[])
    assert (run.config.recipe.optimiser, run.config.recipe.momentum) == ("adam", 0.0)
    assert run.config.recipe.batch_size == 64
    file.write_text('momentum = 0.8\noptimiser = "adam"\n')
    with pytest.raises(SettingError, match="`momentum` belongs to the `optimiser` sgd"):
        lenet.train(None, few_digits, file, epochs=1, listeners=[])
