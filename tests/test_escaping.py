"""Text that others wrote is shown without what moves a terminal or forges a line."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet import errors
from lenet.core import escape_name, escape_text

KEPT = "cat 猫 الحصان नमस्ते 👩\u200d🔬 café\u0301 [bold] \\n `x`"
CONTROLS = [
    *map(chr, range(32)),
    *map(chr, range(0x7F, 0xA0)),
    *map(chr, range(0x202A, 0x202F)),
    *map(chr, range(0x2066, 0x206A)),
    "\u2028",
    "\u2029",
    "\udcff",
]


@pytest.mark.parametrize("character", CONTROLS, ids=ascii)
def test_every_control_character_is_shown_escaped(character: str) -> None:
    shown = escape_name(f"a{character}b")
    assert shown.isascii()
    assert shown.isprintable()
    assert shown.startswith("a\\")
    assert escape_text(f"a `{character}`") == f"a `{shown[1:-1]}`"


def test_scripts_and_emoji_stay_and_what_is_escaped_is_not_escaped_again() -> None:
    assert escape_name(KEPT) == KEPT
    assert escape_text(KEPT) == KEPT
    assert escape_name(escape_name("\x1b\n")) == r"\x1b\n"


@given(name=st.text(st.characters(), max_size=30))
def test_a_name_becomes_one_line_that_can_be_encoded(name: str) -> None:
    shown = escape_name(name)
    assert len(shown.splitlines()) <= 1
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cs", "Zl", "Zp"}
    shown.encode()


@given(name=st.text(st.characters(), max_size=30))
def test_json_keeps_its_meaning(name: str) -> None:
    assert json.loads(escape_text(json.dumps({"name": name}, ensure_ascii=False)))["name"] == name


def test_line_ends_of_a_text_stay_and_those_of_a_name_do_not() -> None:
    text = "Two can't be read:\n  `a\nError: b.png`: no\n  `c`"
    assert escape_text(text) == "Two can't be read:\n  `a\\nError: b.png`: no\n  `c`"


def test_no_error_has_control_characters() -> None:
    for error in (
        errors.RunError("There is no `\x1b[31m\nrun`."),
        errors.UnknownNameError("run", "\x1b[31m\nrun", ["\u202erun"]),
        errors.MissingExtraError("\x1b", "serve"),
    ):
        assert str(error).isprintable()
