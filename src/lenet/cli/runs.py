"""The `lenet runs` command."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lenet.cli._command import Given, command
from lenet.cli._console import print_json, print_line, print_table
from lenet.cli._shared import Printed
from lenet.errors import LenetError

if TYPE_CHECKING:
    from lenet.runs import Run

_SCORES = ("train_loss", "train_accuracy", "validation_accuracy", "test_accuracy")


@dataclass(frozen=True)
class _Runs(Printed):
    """Which runs are listed.

    Attributes:
        runs_folder: Where the run folders lie.
    """

    runs_folder: Path = Path("runs")


@command(_Runs)
def runs(given: Given) -> None:
    """List the runs with their scores, oldest first."""
    from lenet.runs import find_runs

    wanted = given.of(_Runs)
    rows = [_describe(run) for run in find_runs(wanted.runs_folder)]
    if wanted.json:
        print_json(rows)
        return
    if not rows:
        print_line(f"There is no run in `{wanted.runs_folder}` yet; `lenet train` makes one.")
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
    try:
        row: dict[str, Any] = {"run": run.name, "status": run.status}
        row |= {"dataset": run.config.dataset, "model": run.config.model}
        row |= {"preset": run.config.preset, "seed": run.config.seed}
        row["epochs"] = run.config.recipe.epochs
        if run.is_complete:
            result = run.result
            return row | {"epoch": result.epochs} | result.to_dict() | {"epochs": row["epochs"]}
        history = run.history
        return row | (history[-1].to_dict() if history else {})
    except LenetError as error:
        return {"run": run.name, "status": "damaged", "error": str(error)}
