"""What is searched over, as it is typed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet.errors import LenetError, SettingError
from lenet.experiments import Dimension, parse_dimension
from lenet.models import LeNetConfig
from lenet.training import Recipe

CLASSES = [Recipe, LeNetConfig]


@pytest.mark.parametrize(
    ("name", "typed", "choices"),
    [
        ("momentum", "0.8,0.9, 0.95", (0.8, 0.9, 0.95)),
        ("epochs", "1,2", (1, 2)),
        ("flip", "yes,no", (True, False)),
        ("optimiser", "sgd,adam", ("sgd", "adam")),
        ("channels", "6,16/16,32/8", ((6, 16), (16, 32), (8,))),
        ("momentum", [0, 0.9], (0.0, 0.9)),
        ("channels", [[6, 16], (8,)], ((6, 16), (8,))),
        ("flip", [True, False], (True, False)),
    ],
)
def test_values_are_listed(name: str, typed: Any, choices: tuple[Any, ...]) -> None:
    dimension = parse_dimension(CLASSES, name, typed)
    assert dimension.choices == dimension.ends == choices
    assert list(map(type, dimension.choices)) == list(map(type, choices))
    assert parse_dimension(CLASSES, name, dimension.text) == dimension


@pytest.mark.parametrize(
    ("name", "typed", "expected"),
    [
        ("learning_rate", "log:0.01..1", Dimension("", low=0.01, high=1.0, log=True)),
        ("learning_rate", "1e-4..1e-1", Dimension("", low=1e-4, high=1e-1)),
        ("rotation", "0..15:2.5", Dimension("", low=0.0, high=15.0, step=2.5)),
        ("momentum", "0..0.9:0.1", Dimension("", low=0.0, high=0.9, step=0.1)),
        ("batch_size", "64..512", Dimension("", low=64, high=512, step=1)),
        ("batch_size", "int:64..512", Dimension("", low=64, high=512, step=1)),
        ("batch_size", "64..512:64", Dimension("", low=64, high=512, step=64)),
        ("batch_size", "log:16..512", Dimension("", low=16, high=512, step=1, log=True)),
        ("kernel_size", "log:int:1..5", Dimension("", low=1, high=5, step=1, log=True)),
    ],
)
def test_ranges_are_typed(name: str, typed: str, expected: Dimension) -> None:
    dimension = parse_dimension(CLASSES, name, typed)
    for field in ("choices", "low", "high", "step", "log"):
        value = getattr(dimension, field)
        assert value == getattr(expected, field)
        assert type(value) is type(getattr(expected, field)) or field == "step"
    assert parse_dimension(CLASSES, name, dimension.text) == dimension


@pytest.mark.parametrize(
    ("name", "typed", "words"),
    [
        ("lerning_rate", "1,2", "Did you mean `learning_rate`?"),
        ("learning_rate", "1", "at least two values"),
        ("learning_rate", "", "at least two values"),
        ("learning_rate", [], "at least two values"),
        ("learning_rate", "1,1.0", "over `1.0` twice"),
        ("channels", "6,16", "at least two values"),
        ("learning_rate", "fast,slow", "must be a number, not `fast`"),
        ("learning_rate", ["0.1", "0.2"], "must be a number, not '0.1'"),
        ("learning_rate", 0.1, "searched over values or a range"),
        ("learning_rate", {"low": 1}, "searched over values or a range"),
        ("learning_rate", "1..0.1", "begins at or above its end"),
        ("learning_rate", "1..1", "begins at or above its end"),
        ("learning_rate", "log:0..1", "begins at or below 0"),
        ("learning_rate", "lgo:0.1..1", "Did you mean `log`?"),
        ("learning_rate", "int:1..2", "`learning_rate` is not a whole number"),
        ("learning_rate", "0..inf", "`inf` is not a number"),
        ("learning_rate", "0..1e999", "`1e999` is not a number"),
        ("learning_rate", "0..", "`` is not a number"),
        ("learning_rate", "0..1:0", "in steps of 0"),
        ("learning_rate", "0..1:0.3", "in steps of 0.3"),
        ("learning_rate", "0..1:1e-300", "more than 1,000,000,000 steps of 1e-300"),
        ("learning_rate", "0..1e308:1", "more than 1,000,000,000 steps of 1"),
        ("learning_rate", "log:0.1..1:0.1", "can't have steps"),
        ("batch_size", "64..500:64", "in steps of 64"),
        ("batch_size", "0.5..2", "`0.5` is not a whole number"),
        ("optimiser", "sgd..adam", "`optimiser` is no number"),
        ("channels", "6..16", "`channels` is no number"),
    ],
)
def test_a_mistake_is_one_clear_error(name: str, typed: Any, words: str) -> None:
    with pytest.raises(LenetError) as caught:
        parse_dimension(CLASSES, name, typed)
    assert words in str(caught.value)


@given(
    st.sampled_from(["learning_rate", "batch_size", "flip", "optimiser", "channels"]),
    st.text(st.sampled_from("0123456789.,:/-+elogint ynsadm\u0663_"), max_size=20)
    | st.text(max_size=20),
)
def test_any_text_is_a_dimension_or_one_error(name: str, text: str) -> None:
    try:
        dimension = parse_dimension(CLASSES, name, text)
    except SettingError:
        return
    assert parse_dimension(CLASSES, name, dimension.text) == dimension


@given(low=st.floats(1e-300, 1e300), factor=st.floats(1.001, 1e5), log=st.booleans())
def test_the_ends_of_a_range_keep_their_last_bit(low: float, factor: float, log: bool) -> None:
    typed = f"{'log:' * log}{low!r}..{low * factor!r}"
    dimension = parse_dimension(CLASSES, "learning_rate", typed)
    assert dimension.ends == (low, low * factor)
    assert dimension.text == typed
