"""The `lenet doctor` command."""

import dataclasses
import json
import textwrap
from typing import Annotated

import typer

from lenet.cli._console import print_line

_WIDTH = 100
_MARKS = {"ok": "ok", "note": "note", "wrong": "WRONG"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what this installation has, whether it works, and what to do where it does not.

    Leaves with exit code 1 if something is wrong. Nothing is fetched or sent.
    """
    from lenet.doctor import examine

    findings = examine()
    wrong = sum(finding.state == "wrong" for finding in findings)
    if as_json:
        print_line(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            print_line(f"{_MARKS[finding.state]:<6} {finding.name:<9} {finding.text}")
            for line in textwrap.wrap(finding.advice, _WIDTH - 17):
                print_line(f"{'':<17}{line}")
        number = "One thing is" if wrong == 1 else f"{wrong} things are"
        print_line(f"\n{number} wrong." if wrong else "\nEverything works.")
    if wrong:
        raise typer.Exit(1)
