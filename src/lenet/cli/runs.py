"""Runs are listed and deleted: `lenet runs`."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from lenet.cli._command import Given, Printed, command
from lenet.cli._console import print_json, print_line, print_notice, print_table
from lenet.core import check_range, option, remove_partial_files
from lenet.errors import LenetError, SettingError, UnknownNameError

if TYPE_CHECKING:
    from lenet.runs import Run

_SCORES = ("train_loss", "train_accuracy", "validation_accuracy", "test_accuracy")
_KEYS = {  # the value of a row, and whether the largest comes first
    "started": ("started", False),
    "name": ("run", False),
    "loss": ("train_loss", False),
    "train": ("train_accuracy", True),
    "validation": ("validation_accuracy", True),
    "test": ("test_accuracy", True),
    "seconds": ("seconds", True),
    "size": ("bytes", True),
}


@dataclass(frozen=True)
class _Runs(Printed):
    """Which runs are listed.

    Attributes:
        names: Names of runs, `latest`, or patterns such as `'*-digits-*'`.
        status: Only those of this status.
        data: Only those that were trained on this dataset.
        model: Only those of this network.
        preset: Only those of this preset.
        sort: What they are sorted by: the start or the name; a score, the best first; the time or
            the size, the largest first.
        limit: So many at most: the newest, or the first of another order.
        delete: Delete those that are listed, after a question.
        yes: Delete them without asking.
        runs_folder: Where the run folders lie.
    """

    names: tuple[str, ...] = option((), argument=True, metavar="[NAME|PATTERN]…", usual="all")
    status: Literal["complete", "running", "stopped", "damaged", "newer"] | None = None
    data: str | None = option(None, flags=("--data", "--dataset"), metavar="NAME")
    model: str | None = option(None, metavar="NAME")
    preset: str | None = option(None, metavar="NAME")
    sort: Literal["started", "name", "loss", "train", "validation", "test", "seconds", "size"] = (
        "started"
    )
    limit: int | None = option(None, metavar="N", usual="all")
    delete: bool = False
    yes: bool = False
    runs_folder: Path = Path("runs")


@command(_Runs)
def runs(given: Given) -> None:
    """List the runs with their scores, oldest first, or delete some of them."""
    from lenet.runs import find_runs

    wanted = given.of(_Runs)
    if wanted.limit is not None:
        check_range("limit", wanted.limit, 1, 10**9)
    found = find_runs(wanted.runs_folder)
    if found or not wanted.names:
        found = _named(found, wanted.names, wanted.runs_folder)
    rows = _sorted([row for row in map(_describe, found) if _is_meant(row, wanted)], wanted)
    if wanted.delete:
        by_name = {run.name: run for run in found}
        rows = _delete([by_name[row["run"]] for row in rows], rows, wanted, set(given.typed))
    if wanted.json:
        print_json(rows)
    elif not wanted.delete:
        _print_rows(rows, wanted, is_empty=not found)


def _named(found: Sequence["Run"], patterns: Sequence[str], folder: Path) -> list["Run"]:
    """The runs that are named, or that match a pattern; all where nothing is said."""
    if not patterns:
        return list(found)
    known = [run.name for run in found]
    wanted: set[str] = set()
    for pattern in patterns:
        name = found[-1].name if pattern == "latest" and found else Path(pattern).name
        # A name as it stands comes first: as a pattern, `a[12]` is `a1`.
        matching = {name} & set(known) or {one for one in known if fnmatchcase(one, name)}
        above = Path(pattern).parent
        is_elsewhere = above != Path() and os.path.realpath(above) != os.path.realpath(folder)
        if is_elsewhere or (not matching and not set(pattern) & set("*?[")):
            raise UnknownNameError("run", pattern, known)
        wanted |= matching
    return [run for run in found if run.name in wanted]


def _is_meant(row: dict[str, Any], wanted: _Runs) -> bool:
    asked = (
        ("status", wanted.status),
        ("dataset", wanted.data),
        ("model", wanted.model),
        ("preset", wanted.preset),
    )
    return all(value is None or row.get(name) == value for name, value in asked)


def _sorted(rows: list[dict[str, Any]], wanted: _Runs) -> list[dict[str, Any]]:
    """The rows in the order that is wanted, those without the value last; the first so many."""
    name, largest_first = _KEYS[wanted.sort]
    there = [row for row in rows if row.get(name) is not None]
    there.sort(key=lambda row: row[name], reverse=largest_first)
    rows = there + [row for row in rows if row.get(name) is None]
    if wanted.limit is None:
        return rows
    return rows[-wanted.limit :] if wanted.sort == "started" else rows[: wanted.limit]


def _delete(
    runs: Sequence["Run"], rows: list[dict[str, Any]], wanted: _Runs, typed: set[str]
) -> list[dict[str, Any]]:
    """Delete runs, after a question; gives the rows of those that are gone."""
    if not typed & {"names", "status", "data", "model", "preset", "limit"}:
        message = (
            "`--delete` wants to know which runs: names, a pattern (`'*'` for all), `--status …`."
        )
        raise SettingError(message)
    busy = {run.name for run in runs if run.status == "running"}
    for name in sorted(busy):
        print_notice(f"`{name}` is being trained, and stays.")
    runs = [run for run in runs if run.name not in busy]
    rows = [row for row in rows if row["run"] not in busy]
    size = sum(run.size for run in runs) / 1e6
    what = f"{len(runs)} run{'s' * (len(runs) != 1)} of {size:.1f} MB"
    if runs and not wanted.yes:
        if wanted.json or not sys.stdin.isatty():
            message = f"`--delete` would delete {what}; say `--yes` where nobody can be asked."
            raise SettingError(message)
        _print_rows(rows, wanted, is_empty=False)
        if not typer.confirm(f"\nDelete {what}?", err=True):
            print_notice("Nothing is deleted.")
            return []
    for run in runs:
        run.delete()
    remove_partial_files(wanted.runs_folder)  # a command that was killed may have left one
    if not wanted.json:
        print_line(f"Deleted {what}." if runs else "There is nothing to delete.")
    return rows


def _print_rows(rows: Sequence[dict[str, Any]], wanted: _Runs, *, is_empty: bool) -> None:
    if is_empty and not wanted.names:
        print_line(f"There is no run in `{wanted.runs_folder}` yet; `lenet train` makes one.")
        return
    if not rows:
        print_line(f"No run in `{wanted.runs_folder}` is like that.")
        return
    table = [["run", "status", "epochs", "loss", "train acc", "validation acc", "test acc"]]
    for row in rows:
        epochs = f"{row.get('epoch', 0):g}/{row['epochs']}" if "epochs" in row else ""
        scores = (row.get(name) for name in _SCORES)
        cells = ("" if score is None else f"{score:.3f}" for score in scores)
        table.append([row["run"], row["status"], epochs, *cells])
    print_table(table, left_columns=2)


def _describe(run: "Run") -> dict[str, Any]:
    """A run's row; a damaged run has one too."""
    always = {"started": run.started.isoformat(), "bytes": run.size}
    try:
        row: dict[str, Any] = {"run": run.name, "status": run.status, **always}
        row |= {"dataset": run.config.dataset, "model": run.config.model}
        row |= {"preset": run.config.preset, "seed": run.config.seed}
        row["epochs"] = run.config.recipe.epochs
        if run.is_complete:
            result = run.result
            return row | {"epoch": result.epochs} | result.to_dict() | {"epochs": row["epochs"]}
        history = run.history
        return row | (history[-1].to_dict() if history else {})
    except LenetError as error:
        status = "newer" if run.newer_version else "damaged"
        return {"run": run.name, "status": status, **always, "error": str(error)}
