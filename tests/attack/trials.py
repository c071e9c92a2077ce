"""The trials of a sweep, a SQLite file of Optuna's, with an odd value in some cell."""

import json
import sqlite3
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

from counting import Attack, Counts
from odd_values import text_of, with_odd
from records import Hang, at_most, quietly

import lenet
from lenet.datasets import Dataset, Split
from lenet.errors import LenetError
from lenet.experiments import Sweep, SweepProgress, resume_sweep

_CELLS = (None, "x", "", -1, 0, 10**6, 2**62, 1e300, float("inf"), float("nan"), b"\0")


def run(random: Random, times: int, folder: Path, counts: Counts) -> None:
    # Its files are looked at elsewhere, and pictures take long to paint.
    with quietly(folder), mock.patch.object(Sweep, "write"):
        _make(folder / "sweeps")
        path = folder / "sweeps" / "s" / "trials.db"
        whole, cells = path.read_bytes(), _cells(path)
        for _ in range(times):
            said = _change(path, random, cells)
            counts.tried += 1
            try:
                with at_most(60):
                    json.dumps(resume_sweep("s").to_dict(), allow_nan=False)
            except LenetError as error:
                if "sweeps/s" not in str(error) or "\n" in str(error):
                    counts.breaks("wrong answer", f"{said}: {error}")
            except Hang:
                counts.breaks("hang", said)
            except Exception as error:
                counts.breaks("traceback", f"{said}: {type(error).__name__}: {str(error)[:200]}")
            for beside in path.parent.glob("trials.db?*"):
                beside.unlink()
            path.write_bytes(whole)


def _make(sweeps: Path) -> None:
    """A sweep of two trials."""
    digits = lenet.load_dataset("digits")
    train = Split(digits.train.images[:40], digits.train.labels[:40])
    data = Dataset("few", digits.class_names, train, preparation=digits.preparation)
    lenet.sweep(
        {"learning_rate": "log:0.01..1", "momentum": "0,0.9"},
        data,
        model="softmax",
        trials=2,
        epochs=2,
        batch_size=16,
        engine="numpy",
        name="s",
        sweeps_folder=sweeps,
        progress=SweepProgress(),
    )


def _cells(path: Path) -> list[tuple[str, int, str, Any]]:
    """Each cell of all tables: table, row, column and what is in it."""
    cells = []
    base = sqlite3.connect(path)
    for (table,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        names = [row[1] for row in base.execute(f"PRAGMA table_info({table})")]
        for row, *values in base.execute(f"SELECT rowid, * FROM {table}").fetchall():
            cells += [(table, row, name, value) for name, value in zip(names, values, strict=True)]
    base.close()
    return cells


def _change(path: Path, random: Random, cells: list[tuple[str, int, str, Any]]) -> str:
    """Put another value into a cell; gives what was done."""
    table, row, name, value = random.choice(cells)
    odd: Any = random.choice(_CELLS)
    said = repr(odd)
    if name.endswith("_json"):
        changed, said, *_ = with_odd(json.loads(value), random)
        odd = text_of(changed)
    base = sqlite3.connect(path)
    try:
        base.execute(f"UPDATE {table} SET {name} = ? WHERE rowid = ?", (odd, row))
        base.commit()
    except sqlite3.Error:  # it refuses that itself
        base.rollback()
    base.close()
    return f"{table}.{name} in row {row}: {said}"


TRIALS = Attack(
    name="odd values in trials",
    unit="files",
    promise="Whatever stands in a cell of a sweep's trials, it is read, or refused in one line.",
    run=run,
    few=3,
    many=1_000,
)
