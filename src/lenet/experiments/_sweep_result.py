"""What came out of a sweep, and its files."""

from __future__ import annotations

import csv
import io
import shlex
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lenet.core import json_text, write_atomically
from lenet.errors import MissingExtraError
from lenet.experiments._comparison import Comparison
from lenet.experiments._definition import Definition, SweepTrial
from lenet.experiments._progress import format_value
from lenet.training import Recipe, recipe_text

_COLUMNS = ("trial", "state", "validation_accuracy", "best_epoch", "epochs", "seconds", "seed")


@dataclass(frozen=True)
class Sweep:
    """A sweep with its trials.

    Attributes:
        folder: Where its files lie.
        definition: What was searched.
        trials: All trials, by their numbers, lost ones too.
        importance: How much of the differences between complete trials each setting explains,
            together 1 (PED-ANOVA, Watanabe et al. 2023); empty for too few trials.
        confirmation: What the best and the preset reach on the test images over several seeds,
            if that was wanted.
        untaught: Whether even the best trial is no better than always naming the most frequent
            class of the validation images.
    """

    folder: Path
    definition: Definition
    trials: tuple[SweepTrial, ...]
    importance: dict[str, float]
    confirmation: Comparison | None = None
    untaught: bool = False

    @property
    def name(self) -> str:
        """What it is called: as its folder."""
        return self.folder.name

    @property
    def best(self) -> SweepTrial | None:
        """The complete trial with the best validation accuracy, the first of equals."""
        return next((trial for trial in self.ranked if trial.state == "complete"), None)

    @property
    def ranked(self) -> list[SweepTrial]:
        """Complete trials, the best first, then those that were stopped, by their numbers."""

        def rank(trial: SweepTrial) -> tuple[float, int]:
            is_complete = trial.state == "complete"
            return -(trial.validation_accuracy or 0.0) if is_complete else 1.0, trial.number

        return sorted((trial for trial in self.trials if trial.counts), key=rank)

    @property
    def best_recipe(self) -> Recipe:
        """How the best trial was trained; the search's starting point while there is none."""
        return self.definition.recipe_with(self.best.settings if self.best else {})

    @property
    def best_settings(self) -> dict[str, Any]:
        """The best trial's network, all but what comes from the data."""
        return self.definition.network_with(self.best.settings if self.best else {})

    @property
    def table_path(self) -> Path:
        """All trials, as CSV."""
        return self.folder / "trials.csv"

    @property
    def recipe_path(self) -> Path:
        """The best trial as a file for `lenet train --recipe`; there once a trial is complete."""
        return self.folder / "best.toml"

    @property
    def training_command(self) -> str:
        """The command that trains with the best recipe."""
        source = self.definition.source
        data = [self.definition.dataset] if source is None else source.as_options()
        return shlex.join(["lenet", "train", "--data", *data, "--recipe", str(self.recipe_path)])

    def to_dict(self) -> dict[str, Any]:
        """The values as JSON can hold them."""
        return {
            "name": self.name,
            "folder": str(self.folder),
            "definition": self.definition.to_dict(),
            "trials": [trial.to_dict() for trial in self.trials],
            "best": None if self.best is None else self.best.number,
            "importance": self.importance,
            "untaught": self.untaught,
            "confirmation": None if self.confirmation is None else self.confirmation.to_dict(),
        }

    def write(self) -> None:
        """Write the table, the best recipe, and where matplotlib is installed the pictures.

        Raises:
            StorageError: The folder can't be written to.
        """
        write_atomically(self.table_path, self._table())
        if self.best is not None:
            write_atomically(self.recipe_path, self._recipe())
        if self.confirmation is not None:
            content = json_text(self.confirmation.to_dict(), indent=2)
            write_atomically(self.folder / "confirmation.json", content)
        with suppress(MissingExtraError):
            self._draw()

    def _draw(self) -> None:
        from lenet.core import write_figure
        from lenet.experiments._pictures import draw_history, draw_importance

        title = f"{self.definition.model} on {self.definition.dataset}"
        complete = sum(trial.state == "complete" for trial in self.trials)
        write_figure(draw_history(self.trials, title), self.folder, "history")
        importance = draw_importance(self.importance, complete, title)
        write_figure(importance, self.folder, "importance")

    def _table(self) -> str:
        """All trials, a line each."""
        names = list(self.definition.search)
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow([*_COLUMNS, *names, "reason"])
        for trial in self.trials:
            values = trial.to_dict() | {"trial": trial.number}
            chosen = [trial.settings.get(name) for name in names]
            typed = [format_value(v) if isinstance(v, (tuple, bool)) else v for v in chosen]
            table.writerow([*(values[column] for column in _COLUMNS), *typed, trial.reason])
        return text.getvalue()

    def _recipe(self) -> str:
        """The best recipe, with where it comes from above it."""
        assert self.best is not None
        made = sum(trial.counts for trial in self.trials)
        comment = (
            f"The best of {made} trials of the sweep `{self.name}`: trial {self.best.number}, "
            f"validation accuracy\n{self.best.validation_accuracy:.4f} on "
            f"`{self.definition.dataset}`, seed {self.best.seed}."
        )
        return recipe_text(self.definition.model, self.best_recipe, self.best_settings, comment)
