"""The tool that tries lenet in fresh environments, as far as it goes without one, and its page."""

import runpy
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
TOOL = runpy.run_path(str(ROOT / "tools" / "support.py"))


def row(python: str, packages: str, works: str = "yes") -> list[str]:
    return [python, packages, "2.6.0", "1.26.0", works, "a machine", "2026-11-30"]


@pytest.mark.parametrize(
    ("versions", "torch", "expected"),
    [
        ("newest", None, ["torch>=2.6", "numpy<3,>=1.26", "wheel"]),
        ("lowest", None, ["torch==2.6", "numpy==1.26", "wheel"]),
        ("lowest", "newest", ["torch>=2.6", "numpy==1.26", "wheel"]),
        ("newest", "2.7.0", ["torch==2.7.0", "numpy<3,>=1.26", "wheel"]),
        ("newest", "none", ["numpy<3,>=1.26", "wheel"]),
    ],
)
def test_pip_installs_what_the_row_says(
    versions: str, torch: str | None, expected: list[str]
) -> None:
    needed = [Requirement(text) for text in ("torch>=2.6", "numpy>=1.26,<3", "wheel")]
    assert TOOL["pins"](needed, versions, torch) == expected


def test_a_row_takes_the_place_of_its_own_and_others_stay() -> None:
    page = f"before\n{TOOL['BEGIN']}{TOOL['END']}after\n"
    page = TOOL["with_rows"](
        page, [row("3.11.7", "newest", "✗ train: no"), row("3.10.1", "lowest")]
    )
    page = TOOL["with_rows"](page, [row("3.11.9", "newest"), row("3.11.9", "lowest")])
    lines = page.splitlines()
    assert (lines[0], lines[-1]) == ("before", "after")
    assert [line.split(" | ")[:2] for line in lines[4:-2]] == [
        ["| 3.10.1", "lowest"],
        ["| 3.11.9", "lowest"],
        ["| 3.11.9", "newest"],
    ]
    assert "✗" not in page


def test_an_error_is_told_in_a_cell_without_folders() -> None:
    told = "Traceback\nError: `/tmp/abc/python -m pip` and a|b; see https://example.org/a\n"
    expected = "Error: `python -m pip` and a/b; see https://example.org/a"
    assert TOOL["in_a_line"](told) == expected


def test_a_warning_is_a_failure() -> None:
    TOOL["refuse_warnings"]("Reading pictures\n")
    with pytest.raises(TOOL["StepError"], match=r"^x[.]py:1: FutureWarning: old$"):
        TOOL["refuse_warnings"]("/a/x.py:1: FutureWarning: old\n  code\n")


def test_a_python_is_found_by_its_path_and_others_are_not(tmp_path: Path) -> None:
    deaf = tmp_path / "python3.12"
    deaf.write_text("#!/bin/sh\nexit 1\n")
    deaf.chmod(0o755)
    assert list(TOOL["find_pythons"]([sys.executable, str(deaf), "3.99"])) == [sys.executable]


def test_the_page_has_what_the_tool_writes() -> None:
    page = (ROOT / "docs" / "reference" / "support.md").read_text(encoding="utf-8")
    assert TOOL["with_rows"](page, []) == page
    assert TOOL["as_line"](TOOL["HEADINGS"]) in page
