"""Settings: what is refused where it is made, and what the command line reads from text."""

import dataclasses
import json
import math
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lenet.core import (
    Compute,
    Settings,
    field_help,
    field_types,
    parse_setting,
    take_settings,
)
from lenet.errors import LenetError, SettingError, UnknownNameError
from lenet.models import LeNetConfig
from lenet.training import Recipe


@dataclass(frozen=True)
class Kiln(Settings):
    """A kiln, with a field of every type.

    Attributes:
        firings: How often it was fired.
        heat: How hot it is,
            in °C.
        electric: Whether it needs no wood.
        shelves: Pots on each shelf.
        glaze: What makes the pots shine.
        potter: Whose it is.
        limit: Most firings, if there is a limit.
    """

    firings: int = 3
    heat: float = 900.0
    electric: bool = False
    shelves: tuple[int, ...] = (4, 5)
    glaze: Literal["ash", "salt", "tin-white"] = "ash"
    potter: str = "Lucie"
    limit: int | None = None


ALL = [Kiln, LeNetConfig, Recipe]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)


def is_of_type(value: Any, annotation: Any) -> bool:
    """Whether a value is exactly of a field's type."""
    if get_origin(annotation) is Literal:
        return value in get_args(annotation)
    if get_origin(annotation) is tuple:
        return type(value) is tuple and all(type(item) is int for item in value)
    if annotation == int | None:
        return value is None or type(value) is int
    return type(value) is annotation


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("firings", "3", "a whole number, not '3'"),
        ("firings", 3.0, "a whole number, not 3.0"),
        ("firings", True, "a whole number, not True"),
        ("firings", None, "a whole number, not None"),
        ("heat", "900", "a number, not '900'"),
        ("heat", False, "a number, not False"),
        ("heat", None, "a number, not None"),
        ("electric", 1, "true or false, not 1"),
        ("electric", "true", "true or false, not 'true'"),
        ("shelves", 4, "whole numbers such as 6,16, not 4"),
        ("shelves", (4, 5.0), "whole numbers such as 6,16, not (4, 5.0)"),
        ("shelves", [True], "whole numbers such as 6,16, not [True]"),
        ("shelves", "45", "whole numbers such as 6,16, not '45'"),
        ("glaze", 1, "one of `ash`, `salt`, `tin-white`, not 1"),
        ("potter", 7, "text, not 7"),
        ("limit", 1.5, "a whole number or none, not 1.5"),
        ("limit", False, "a whole number or none, not False"),
    ],
)
def test_a_value_of_another_type_is_refused_with_the_field_and_the_value(
    name: str, value: object, words: str
) -> None:
    for make in (lambda: Kiln(**{name: value}), lambda: Kiln.from_dict({name: value})):
        with pytest.raises(SettingError) as caught:
            make()
        assert str(caught.value) == f"`{name}` must be {words}."


def test_a_whole_number_stands_for_a_float_and_a_list_for_a_tuple() -> None:
    kiln = Kiln(heat=1200, shelves=[1, 2, 3])
    assert (kiln.heat, type(kiln.heat)) == (1200.0, float)
    assert kiln.shelves == (1, 2, 3)
    assert kiln == Kiln(heat=1200.0, shelves=(1, 2, 3))


def test_none_is_taken_where_the_field_says_so() -> None:
    assert Kiln(limit=None).limit is None
    assert Kiln(limit=8).limit == 8


def test_a_whole_number_too_large_for_a_float_is_refused() -> None:
    with pytest.raises(SettingError, match="`heat`"):
        Kiln(heat=10**400)


def test_an_unknown_choice_is_an_error_with_the_nearest_one() -> None:
    with pytest.raises(UnknownNameError) as caught:
        Kiln(glaze="tin")
    assert str(caught.value) == (
        "Unknown glaze `tin`. Did you mean `tin-white`? Known: `ash`, `salt`, `tin-white`."
    )


def test_an_unknown_setting_is_an_error_with_the_nearest_one() -> None:
    with pytest.raises(UnknownNameError) as caught:
        Recipe.from_dict({"epochs": 3, "learning_rat": 0.1})
    assert "Unknown setting `learning_rat`. Did you mean `learning_rate`?" in str(caught.value)
    assert caught.value.choices == [field.name for field in dataclasses.fields(Recipe)]


def test_replacing_gives_a_checked_copy_and_leaves_the_original() -> None:
    kiln = Kiln(firings=9)
    changed = kiln.replace(shelves=[7], glaze="salt")
    assert changed == Kiln(firings=9, shelves=(7,), glaze="salt")
    assert type(changed) is Kiln
    assert kiln == Kiln(firings=9)
    with pytest.raises(SettingError, match="`firings` must be a whole number"):
        kiln.replace(firings="many")
    with pytest.raises(UnknownNameError, match="Did you mean `shelves`"):
        kiln.replace(shelfs=(1,))


def test_replacing_checks_the_rules_between_fields_too() -> None:
    recipe = Recipe(momentum=0.9, nesterov=True)
    with pytest.raises(SettingError, match="`nesterov` needs a `momentum`"):
        recipe.replace(momentum=0.0)


def test_settings_can_not_be_changed_in_place() -> None:
    kiln = Kiln()
    with pytest.raises(dataclasses.FrozenInstanceError):
        kiln.firings = 4  # type: ignore[misc]


@pytest.mark.parametrize("cls", ALL)
def test_settings_come_back_from_json_as_they_were(cls: type[Settings]) -> None:
    original = cls()
    assert cls.from_dict(json.loads(json.dumps(original.to_dict()))) == original


@settings(max_examples=120, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("cls", ALL)
def test_whatever_a_file_holds_the_answer_is_settings_of_the_right_types_or_our_error(
    cls: type[Settings], data: st.DataObject
) -> None:
    types = field_types(cls)
    names = st.sampled_from(list(types)) | st.text(max_size=6)
    values = data.draw(st.dictionaries(names, json_values, max_size=3))
    try:
        made = cls.from_dict(values)
    except LenetError:
        return
    assert set(values) <= set(types)
    for name, annotation in types.items():
        assert is_of_type(getattr(made, name), annotation)
        if name in values and isinstance(values[name], (int, float)):
            assert getattr(made, name) == values[name] or math.isnan(values[name])
    json.dumps(made.to_dict())


@pytest.mark.parametrize("cls", ALL)
def test_every_field_is_explained(cls: type[Settings]) -> None:
    explanations = field_help(cls)
    assert list(explanations) == [field.name for field in dataclasses.fields(cls)]
    for text in explanations.values():
        assert len(text) > 10
        assert text.endswith(".")
        assert "\n" not in text
        assert "  " not in text


def test_an_explanation_over_several_lines_becomes_one() -> None:
    assert field_help(Kiln)["heat"] == "How hot it is, in °C."
    assert field_help(Kiln)["limit"] == "Most firings, if there is a limit."


@settings(max_examples=120, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("cls", ALL)
def test_a_value_written_as_text_is_read_back_as_it_was(
    cls: type[Settings], data: st.DataObject
) -> None:
    typed = {name: kind for name, kind in field_types(cls).items() if kind is not bool}
    name = data.draw(st.sampled_from(list(typed)))
    annotation = typed[name]
    if get_origin(annotation) is Literal:
        value: Any = data.draw(st.sampled_from(get_args(annotation)))
        text = value
    elif get_origin(annotation) is tuple:
        value = tuple(data.draw(st.lists(st.integers(-9, 10**6), max_size=5)))
        text = data.draw(st.sampled_from([",", ", "])).join(str(item) for item in value)
    elif annotation is float:
        value = data.draw(st.floats(allow_nan=False))
        text = repr(value)
    elif annotation is str:
        value = text = data.draw(st.text())
    else:
        value = data.draw(st.integers())
        text = str(value)
    read = parse_setting(cls, name, text)
    assert read == value
    assert type(read) is type(value)


@settings(max_examples=120, deadline=None)
@given(text=st.text(max_size=12) | st.text("0123456789,.-+e _", max_size=8), data=st.data())
@pytest.mark.parametrize("cls", ALL)
def test_whatever_is_typed_the_answer_is_a_value_of_the_right_type_or_our_error(
    cls: type[Settings], text: str, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(list(field_types(cls))))
    try:
        value = parse_setting(cls, name, text)
    except SettingError:
        return
    assert is_of_type(value, field_types(cls)[name])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("firings", "three", "`firings` must be a whole number, not `three`."),
        ("firings", "3.5", "`firings` must be a whole number, not `3.5`."),
        ("firings", "", "`firings` must be a whole number, not ``."),
        ("heat", "hot", "`heat` must be a number, not `hot`."),
        ("shelves", "4;5", "`shelves` must be whole numbers such as 6,16, not `4;5`."),
        ("shelves", "4,,5", "`shelves` must be whole numbers such as 6,16, not `4,,5`."),
        ("shelves", "4,5.5", "`shelves` must be whole numbers such as 6,16, not `4,5.5`."),
    ],
)
def test_text_of_another_type_is_refused_as_it_was_typed(
    name: str, text: str, message: str
) -> None:
    with pytest.raises(SettingError) as caught:
        parse_setting(Kiln, name, text)
    assert str(caught.value) == message


def test_a_mistyped_choice_gets_a_suggestion() -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown optimiser `adm`. Did you mean `adam`"):
        parse_setting(Recipe, "optimiser", "adm")


def test_the_old_word_for_the_engine_is_understood() -> None:
    assert Compute.from_dict({"kernels": "torch"}).engine == "torch"
    options, others = take_settings(Compute, {"kernels": "numpy", "epochs": 1})
    assert (options.engine, others) == ("numpy", {"epochs": 1})
