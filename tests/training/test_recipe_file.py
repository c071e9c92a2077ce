"""Recipe files: what is written is read, and a mistake is named."""

import dataclasses
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lenet
from lenet.core import field_types
from lenet.datasets import Dataset
from lenet.errors import LenetError, SettingError
from lenet.models import MODELS, LeNetConfig
from lenet.training import PRESETS, Recipe, RecipeFile, read_recipe_file, recipe_text


def written(folder: Path, text: str) -> Path:
    """A file with a content."""
    path = folder / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", PRESETS)
def test_a_recipe_that_is_written_is_read_again(name: str, tmp_path: Path) -> None:
    preset = PRESETS[name]()
    settings = MODELS[preset.model].from_dict(preset.settings).to_dict()
    path = written(tmp_path, recipe_text(preset.model, preset.recipe, settings, "One.\nTwo."))
    assert path.read_text().startswith("# One.\n# Two.\nmodel = ")
    file = read_recipe_file(path)
    of_data = ("input_shape", "classes")
    of_model = {key: value for key, value in settings.items() if key not in of_data}
    assert file == RecipeFile(preset.model, None, preset.recipe.to_dict() | of_model)


@given(
    learning_rate=st.floats(1e-30, 1e30),
    epochs=st.integers(1, 10**6),
    channels=st.lists(st.integers(1, 65536), min_size=1, max_size=2),
)
def test_numbers_keep_their_last_bit(
    learning_rate: float, epochs: int, channels: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    recipe = Recipe(learning_rate=learning_rate, epochs=epochs)
    path = written(
        tmp_path_factory.getbasetemp(), recipe_text("lenet", recipe, {"channels": channels})
    )
    read = read_recipe_file(path).settings
    assert (read["learning_rate"], read["epochs"]) == (learning_rate, epochs)
    assert read["channels"] == tuple(channels)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lerning_rate = 1", "Did you mean `learning_rate`?"),
        ("learning-rate = 1", "Did you mean `learning_rate`?"),
        ("learning_rate = 'fast'", "`learning_rate` must be a number, not 'fast'"),
        ("learning_rate = true", "`learning_rate` must be a number"),
        ("epochs = 1.5", "`epochs` must be a whole number"),
        ("flip = 1", "`flip` must be true or false"),
        ("activation = 'sigmod'", "Did you mean `sigmoid`?"),
        ("channels = 6", "`channels` must be whole numbers"),
        ("model = 'mlp'\nchannels = [6]", "a setting of `lenet`; `mlp` does not have it"),
        ("model = 3", "`model` must be text"),
        ("classes = 3", "`classes` comes from the data"),
        ("optimiser = 2026-01-01", "`optimiser` must be one of"),
        ("[search]\nmomentum = [0, 1]", "`[search]` is for `lenet sweep --space`"),
        ("[recipe]\nepochs = 1", "Unknown setting `recipe`"),
        ("epochs = ", "is no TOML"),
        ("epochs = 1\nepochs = 2", "is no TOML"),
        ("[" * 9999, "is no TOML"),
    ],
)
def test_a_mistake_is_named_with_its_file(text: str, words: str, tmp_path: Path) -> None:
    path = written(tmp_path, text)
    with pytest.raises(SettingError) as caught:
        read_recipe_file(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epochs = 100000000000000000000000000", "`epochs` must be at most 1000000"),
        ("learning_rate = nan", "`learning_rate` must be above 0 and finite"),
        ("nesterov = true", "`nesterov` needs a `momentum`"),
        ("channels = [2147483648]", "`channels` must be numbers from 1 to"),
        ("model = 'lenett'", "Unknown model `lenett`"),
        ("kernel_size = 99", "window does not fit"),
    ],
)
def test_what_shows_when_the_settings_are_used_names_the_file_too(
    text: str, words: str, tmp_path: Path, few_digits: Dataset
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(LenetError) as caught:
        lenet.train(dataset=few_digits, recipe=path, batch_size=64, listeners=[])
    assert str(caught.value).startswith(f"In `{path}`: ")
    assert words in str(caught.value)


def test_what_somebody_typed_is_not_said_of_the_file(tmp_path: Path, few_digits: Dataset) -> None:
    path = written(tmp_path, "epochs = 3\nkernel_size = 3")
    with pytest.raises(SettingError) as caught:
        lenet.train(dataset=few_digits, recipe=path, epochs=-1, listeners=[])
    assert str(caught.value) == "`epochs` must be at least 1, not -1."


def test_a_byte_order_mark_is_no_part_of_a_recipe(tmp_path: Path) -> None:
    text = "epochs = 1\n[search]\nmomentum = [0, 0.9]\n"
    (tmp_path / "recipe.toml").write_text(text, encoding="utf-8-sig")
    file = read_recipe_file(tmp_path / "recipe.toml", with_search=True)
    assert file == RecipeFile(settings={"epochs": 1}, search={"momentum": [0, 0.9]})


def test_a_file_that_is_not_there_or_no_text_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="no such file"):
        read_recipe_file(tmp_path / "nothing.toml")
    with pytest.raises(SettingError, match="is a directory"):
        read_recipe_file(tmp_path)
    (tmp_path / "model.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingError, match="is no TOML"):
        read_recipe_file(tmp_path / "model.toml")


@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_recipe_or_one_error(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(content)
    try:
        assert isinstance(read_recipe_file(path), RecipeFile)
    except SettingError:
        return


@pytest.mark.parametrize("field", [*field_types(Recipe), *field_types(LeNetConfig)])
def test_every_setting_may_stand_in_a_file(field: str, tmp_path: Path) -> None:
    if field in ("input_shape", "classes"):
        return
    cls = Recipe if field in field_types(Recipe) else LeNetConfig
    value = {item.name: item.default for item in dataclasses.fields(cls)}[field]
    if get_origin(field_types(cls)[field]) is Literal:
        value = get_args(field_types(cls)[field])[-1]
    line = recipe_text("lenet", Recipe(), {}).splitlines()[0] + "\n"
    shown = f'"{value}"' if isinstance(value, str) else str(value).lower().replace("(", "[")
    path = written(tmp_path, f"{line}{field} = {shown.replace(')', ']')}\n")
    assert read_recipe_file(path).settings == {field: value}


def test_train_takes_a_file_and_what_is_said_beside_it_wins(
    few_digits: Dataset, tmp_path: Path
) -> None:
    path = written(tmp_path, 'model = "mlp"\nepochs = 2\nbatch_size = 32\ndense_widths = [9]\n')
    options: dict[str, Any] = {"dataset": few_digits, "runs_folder": tmp_path, "listeners": []}
    run = lenet.train(recipe=path, epochs=1, **options)
    by_hand = lenet.train("mlp", batch_size=32, dense_widths=(9,), epochs=1, **options)
    assert run.config == by_hand.config
    assert run.model_path.read_bytes() == by_hand.model_path.read_bytes()
    path.write_text('preset = "softmax"\nbatch_size = 32\n')
    assert lenet.train(recipe=str(path), epochs=1, **options).config.preset == "softmax"
    other = lenet.train(recipe=path, preset="mlp", epochs=1, **options).config
    assert (other.preset, other.model, other.recipe.batch_size) == ("mlp", "mlp", 32)
    with pytest.raises(LenetError, match="Did you mean `epochs`"):
        lenet.train(recipe=path, epoch=1, **options)
