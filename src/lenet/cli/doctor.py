"""The `lenet doctor` command."""

import dataclasses
import shutil
import textwrap

import typer

from lenet.cli._command import Given, command
from lenet.cli._console import print_json, print_line
from lenet.cli._shared import Printed

_MARKS = {"ok": "ok", "note": "note", "wrong": "WRONG"}
_INDENT = " " * 17
_LEAST_WIDTH = 20  # of the text, however narrow a terminal is


@command(Printed)
def doctor(given: Given) -> None:
    """Say what this installation has, whether it works, and what to do where it does not.

    Leaves with exit code 1 if something is wrong. Nothing is fetched or sent.
    """
    from lenet.doctor import examine

    findings = examine()
    states = [finding.state for finding in findings]
    wrong, notes = states.count("wrong"), states.count("note")
    if given.of(Printed).json:
        print_json([dataclasses.asdict(finding) for finding in findings])
    else:
        for finding in findings:
            _print_text(f"{_MARKS[finding.state]:<6} {finding.name:<9} ", finding.text)
            for line in finding.advice.splitlines():
                _print_text(_INDENT, line)
        if wrong:
            print_line("\n1 thing is wrong." if wrong == 1 else f"\n{wrong} things are wrong.")
        else:
            mark = f", with {notes} note{'s' if notes > 1 else ''} above" if notes else ""
            print_line(f"\nEverything works{mark}.")
    if wrong:
        raise typer.Exit(1)


def _print_text(before: str, text: str) -> None:
    """Write a line, in a terminal broken to its width; an indented one is to be copied as it is."""
    columns = shutil.get_terminal_size((0, 0)).columns  # 0 in a pipe
    if not columns or text.startswith(" "):
        print_line(before + text)
        return
    width = max(columns, len(_INDENT) + _LEAST_WIDTH)
    for line in textwrap.wrap(
        before + text,
        width,
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    ):
        print_line(line)
