"""Recipes refuse what makes no sense, and presets couple what works together."""

import pytest

from lenet.errors import SettingError, UnknownNameError
from lenet.training import PRESETS, Recipe, preset_for


@pytest.mark.parametrize(
    "settings",
    [
        {"epochs": 0},
        {"epochs": 2.5},
        {"epochs": 1e26},
        {"epochs": 10**26},
        {"epochs": 10**400},
        {"step_epochs": 2**40},
        {"batch_size": 2**31},
        {"shift": 10**9},
        {"batch_size": 0},
        {"batch_size": True},
        {"learning_rate": -0.1},
        {"learning_rate": 0},
        {"learning_rate": float("nan")},
        {"learning_rate": float("inf")},
        {"momentum": 1.0},
        {"label_smoothing": -0.1},
        {"validation": 1.0},
        {"gradient_clipping": -1.0},
        {"shift": -1},
        {"optimiser": "sdg"},
        {"schedule": 3},
        {"optimiser": "adam", "momentum": 0.9},
        {"nesterov": True},
        {"early_stopping": 3},
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(SettingError) as caught:
        Recipe.from_dict(settings)
    assert any(f"`{name}`" in str(caught.value) or name in str(caught.value) for name in settings)


def test_an_unknown_setting_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean `learning_rate`"):
        Recipe.from_dict({"lerning_rate": 0.1})
    with pytest.raises(UnknownNameError, match="Did you mean `adam`"):
        Recipe.from_dict({"optimiser": "adamv"})


def test_the_default_recipe_is_the_tutorials() -> None:
    recipe = preset_for("fashion-mnist").recipe
    assert recipe == Recipe()
    assert (recipe.epochs, recipe.batch_size, recipe.learning_rate) == (10, 256, 0.9)
    assert (recipe.optimiser, recipe.momentum, recipe.validation) == ("sgd", 0.0, 0.0)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_goes_by_the_name_it_is_found_under(name: str) -> None:
    assert preset_for("mnist", name).name == name


def test_an_unknown_preset_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean `tutorial`"):
        preset_for("mnist", "tutorail")
