"""Values that nobody would write, put into what JSON can hold."""

import json
import math
from collections.abc import Iterator
from random import Random
from typing import Any

_RAW = "@raw:"  # before what stands in a file as it is, though it is no value of Python's

_TWICE = "@twice:"  # before a name that an object has a second time

_ODD: tuple[object, ...] = (
    *(None, True, False, "", "x", "\ud800", "10", "NaN", "\0", "ä" * 1200),
    *(0, -1, 1, 3, 2**31, 2**63, 10**400, -0.0, 0.5, -1.5, 1e26, 1e300),
    *(float("nan"), float("inf"), -float("inf")),
    *([], {}, [1], [[]], ["x"], [None], {"x": 1}, {"": None}, f"{_RAW}1e400", f"{_RAW}-1e-400"),
    *(f"{_RAW}{'[' * 50_000}{']' * 50_000}", f"{_RAW}{chr(123)}", f"{_RAW}{'9' * 5000}"),
)  # fmt: skip


def type_of(value: Any) -> str:
    """What JSON calls it."""
    if isinstance(value, str) and value.startswith(_RAW):
        text = value.removeprefix(_RAW)
        return "nothing" if text == "1e400" else "number" if text == "-1e-400" else "odd"
    if isinstance(value, float) and not math.isfinite(value):
        return "nothing"
    known = {bool: "truth", str: "text", list: "list", dict: "object", type(None): "nothing"}
    return known.get(type(value), "number")


def with_odd(value: Any, random: Random) -> tuple[Any, str, tuple[Any, ...], tuple[str, str]]:
    """What JSON can hold, with one change somewhere.

    Returns:
        It, the change in words, where it is, and which type has become which.
    """
    places = list(places_in(value))
    place = random.choice(places)
    within = value
    for step in place:
        within = within[step]
    kind = random.choice(["replace"] * 6 + ["remove", "add", "twice"])
    odd = random.choice(_ODD)
    shown, same = repr(odd)[:30], ("", "")
    if kind == "remove" and place:
        return _put(value, place, _REMOVED), f"without {place}", place, same
    if kind == "add" and isinstance(within, dict):
        return (
            _put(value, (*place, random.choice(["x", "kind", ""])), odd),
            f"{place} has more: {shown}",
            place,
            same,
        )
    if kind == "add" and isinstance(within, list):
        return _put(value, place, [*within, odd]), f"{place} is longer: {shown}", place, same
    if kind == "twice" and isinstance(within, dict) and within:
        name = random.choice(list(within))
        return (
            _put(value, (*place, _TWICE + name), odd),
            f"{place} has `{name}` twice: {shown}",
            place,
            same,
        )
    types = type_of(within), type_of(odd)
    return _put(value, place, odd), f"{place} is {shown}", place, types


_REMOVED, ALL = object(), ("*",)


def places_in(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where values lie in what JSON can hold, itself among them; of long lists some."""
    yield above
    items: Any = value.items() if isinstance(value, dict) else ()
    items = list(enumerate(value))[:3] if isinstance(value, list) else items
    for key, inner in items:
        yield from places_in(inner, (*above, key))


def _put(value: Any, place: tuple[Any, ...], odd: object) -> Any:
    if not place:
        return odd
    first, rest = place[0], place[1:]
    inner = odd if not rest else _put(value[first], rest, odd)
    if isinstance(value, list):
        return [inner if at == first else one for at, one in enumerate(value)
                if at != first or inner is not _REMOVED]  # fmt: skip
    changed = {**value, first: inner}
    return {name: one for name, one in changed.items() if one is not _REMOVED}


def text_of(value: Any) -> str:
    """The JSON of a value, raw parts and doubled names as they are meant."""
    text = json.dumps(value)
    text = text.replace(f'"{_TWICE}', '"')
    while (start := text.find(f'"{_RAW}')) >= 0:
        end = text.index('"', start + 1)
        text = text[:start] + text[start + 1 + len(_RAW) : end] + text[end + 1 :]
    return text
