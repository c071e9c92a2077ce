"""Text that others wrote is shown without what moves a terminal or forges a line; other words."""

import json
import shlex
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet import errors
from lenet.core import escape_name, escape_text, install_command, nearest_name

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


def test_of_equally_near_names_the_first_is_offered() -> None:
    for choices in (["step_factor", "step_epochs"], ["step_epochs", "step_factor"]):
        assert nearest_name("step", choices) == choices[0]


def test_the_command_installs_into_the_environment_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("own", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pip").touch(0o755)
    python = tmp_path / "own" / "python"
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setenv("PATH", str(tmp_path / "own"))
    assert install_command("x") == "pip install x"
    for path in (tmp_path / "other", tmp_path / "none"):
        monkeypatch.setenv("PATH", str(path))
        assert install_command("x") == f"{python} -m pip install x"
    monkeypatch.setattr(sys, "executable", "/my venv/python")
    assert install_command("x") == "'/my venv/python' -m pip install x"


def test_pip_takes_an_extras_packages_from_what_is_installed() -> None:
    command = shlex.split(install_command("--no-index --dry-run 'lenet[parquet]'"))
    process = subprocess.run(command, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    assert "Requirement already satisfied: lenet[parquet]" in process.stdout
