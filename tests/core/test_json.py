"""JSON of files: what is no finite number never gets in or out, and each field has its type."""

import json
import math
from dataclasses import dataclass, field, fields
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet.core import json_text, parse_json, read_json_object, read_record
from lenet.errors import RunError, SettingError, UnknownNameError


@dataclass(frozen=True)
class Shelf:
    pots: int
    name: str = ""


@dataclass(frozen=True)
class Kiln:
    """A field of every kind that a file may hold."""

    firings: int
    heat: float
    electric: bool
    potter: str | None
    glaze: Literal["ash", "salt"]
    sizes: tuple[int, ...]
    marks: tuple[str, ...]
    box: tuple[int, int, int]
    shelf: Shelf
    shelves: tuple[Shelf, ...]
    notes: dict[str, str]
    anything: dict[str, Any]
    made: Shelf | None = None
    shares: tuple[float, ...] = field(default=())


SOUND: dict[str, Any] = {
    "firings": 3,
    "heat": 900,
    "electric": False,
    "potter": None,
    "glaze": "ash",
    "sizes": [4, 5],
    "marks": ["x"],
    "box": [1, 2, 3],
    "shelf": {"pots": 4},
    "shelves": [{"pots": 4, "name": "upper"}, {"pots": 5}],
    "notes": {"a": "b"},
    "anything": {"a": [None, {}]},
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)


def test_a_record_is_read_by_the_types_of_its_fields() -> None:
    kiln = read_record(Kiln, SOUND)
    assert kiln.shelf == Shelf(4)
    assert kiln.shelves == (Shelf(4, "upper"), Shelf(5))
    assert (type(kiln.heat), kiln.sizes, kiln.box) == (float, (4, 5), (1, 2, 3))
    assert read_record(Kiln, {**SOUND, "shelf": Shelf(1)}).shelf == Shelf(1)
    assert read_record(Shelf, {"pots": 1, "lid": 2}, passed_over=["lid"]) == Shelf(1)
    assert read_record(Shelf, {"pots": 1, "lid": 2}, passed_over=None) == Shelf(1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"firings": True}, "`firings` must be a whole number, not True"),
        ({"firings": 2**63}, "`firings` must be a whole number, not 9223372036854775808"),
        ({"heat": 10**400}, "`heat` must be a number"),
        ({"heat": math.nan}, "`heat` must be a number, not nan"),
        ({"shares": [0.5, math.inf]}, "`shares` must be a list of numbers"),
        ({"electric": 1}, "`electric` must be true or false, not 1"),
        ({"potter": 3}, "`potter` must be text or none, not 3"),
        ({"glaze": "asch"}, "Did you mean `ash`"),
        ({"glaze": ["ash"]}, "`glaze` must be one of"),
        ({"sizes": [4, "5"]}, r"`sizes` must be a list of whole numbers, not \[4, '5'\]"),
        ({"marks": "xyz"}, "`marks` must be a list of texts, not 'xyz'"),
        ({"box": [1, 2]}, "`box` must be a list of whole numbers"),
        ({"shelf": 3}, "`shelf` must be an object, not 3"),
        ({"shelf": {}}, "`pots` is missing"),
        ({"shelves": [{"pots": "4"}]}, "`pots` must be a whole number, not '4'"),
        ({"shelves": [4]}, "`shelves` must be an object"),
        ({"notes": {"a": 1}}, "`a` must be text, not 1"),
        ({"kilns": 1}, "Unknown key `kilns`"),
        ({"firings": "x" * 5000}, "not 'x{78}…"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingError, match=words) as caught:
        read_record(Kiln, {**SOUND, **changes})
    assert len(str(caught.value)) < 300
    with pytest.raises(UnknownNameError):
        read_record(Shelf, {"pots": 1, "lid": 2})


@given(name=st.sampled_from([one.name for one in fields(Kiln)]), value=json_values)
def test_any_value_is_taken_as_its_type_or_named(name: str, value: Any) -> None:
    try:
        kiln = read_record(Kiln, {**SOUND, name: value})
    except SettingError:
        return
    taken = getattr(kiln, name)
    if isinstance(value, (str, bool, type(None))):
        assert taken is value or taken == value
    elif isinstance(value, list):
        assert len(taken) == len(value)
    else:
        assert not isinstance(taken, (str, bool))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"a": ' * 100_000, "nested too deeply"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "it has `c` twice"),
        ("[1", "Expecting"),
        (b"\xff", "utf-8"),
    ],
)
def test_what_can_not_be_meant_is_refused(text: str | bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_json(text)


def test_what_is_no_finite_number_is_nothing() -> None:
    text = "[NaN, Infinity, -Infinity, 1e400, -1e400, 1e-400, 2]"
    assert parse_json(text) == [None, None, None, None, None, 0.0, 2]
    assert parse_json("\ufeff[0.1]") == [0.1]


@given(values=json_values)
def test_what_is_written_is_json_that_is_read_again(values: Any) -> None:
    text = json_text(values)
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    again = parse_json(text)
    assert json_text(again) == text
    if isinstance(values, float):
        assert again == (values if math.isfinite(values) else None)


def test_a_file_is_named_with_what_is_wrong(tmp_path: Any) -> None:
    path = tmp_path / "one.json"
    for content, words in (
        ("[]", "it holds no object"),
        ("[" * 100_000, "it is nested too deeply"),
        ('{"a": 1, "a": 2}', "it has `a` twice"),
    ):
        path.write_text(content)
        with pytest.raises(RunError) as caught:
            read_json_object(path, RunError)
        assert str(caught.value) == f"`{path}` is damaged: {words}."
