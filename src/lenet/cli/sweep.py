"""The `lenet sweep` command."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lenet.cli._command import TRAINING, Data, Given, Printed, Quiet, command
from lenet.cli._console import print_json, print_line, print_table
from lenet.cli.compare import print_pair, print_untaught, split_setting
from lenet.core import field_types, option
from lenet.errors import SettingError
from lenet.experiments import SweepOptions, SweepWork
from lenet.models import LeNetConfig
from lenet.training import Recipe

if TYPE_CHECKING:
    from lenet.experiments import Comparison, Sweep

_SHOWN = 10  # trials in the table


@dataclass(frozen=True)
class _Searched(Data):
    """What is searched.

    Attributes:
        search: A setting with the values to search over: `momentum=0.8,0.9,0.95`, lists parted by a
            slash as `channels=6,16/16,32`; or a range: `rotation=0..15`,
            `learning_rate=log:0.01..1`, `batch_size=64..512:64`. May be given several times.
        resume: Go on with a sweep that was stopped, or add `--trials`.
    """

    search: tuple[str, ...] = option((), metavar="SETTING=VALUES")
    resume: str | None = option(None, metavar="NAME")


@command(_Searched, SweepOptions, Printed, Quiet, *TRAINING)
def sweep(given: Given) -> None:
    """Search for the recipe with the best validation accuracy.

    Keeps every trial in a folder under `sweeps/`, so that the same command goes on after a stop or
    a kill; leaves a table, pictures, and the best recipe as a file for `lenet train --recipe`. The
    test images are not looked at, but once at the end by `--confirm`.
    """
    from lenet import experiments

    what, options = given.of(_Searched), given.typed_of(SweepOptions)
    quiet = given.of(Quiet).quiet
    progress = None if quiet else experiments.SweepConsoleProgress()
    confirming = None if quiet else experiments.ConsoleProgress()
    if what.resume is not None:
        given.refuse_others(
            ("resume", "json", "quiet", *field_types(SweepWork)),
            "`--resume` goes on with the sweep as it is",
        )
        made = experiments.resume_sweep(
            what.resume, progress=progress, confirm_progress=confirming, **options
        )
    else:
        made = experiments.sweep(
            _parse_search(what.search),
            given.dataset() or "fashion-mnist",
            progress=progress,
            confirm_progress=confirming,
            **options,
            **given.typed_of(Recipe, LeNetConfig),
        )
    if given.of(Printed).json:
        print_json(made.to_dict())
        return
    _print_trials(made)
    if made.confirmation:
        _print_confirmation(made.confirmation)
    print_line(f"\nAll of it is in {made.folder}. Next: `{made.training_command}`")


def _parse_search(texts: tuple[str, ...]) -> dict[str, str]:
    search: dict[str, str] = {}
    for text in texts:
        name, values = split_setting(text, "--search learning_rate=log:0.01..1")
        if name in search:
            message = f"`--search` has `{name}` twice."
            raise SettingError(message)
        search[name] = values
    return search


def _print_trials(made: "Sweep") -> None:
    from lenet.experiments import format_value

    names = list(made.definition.search)
    rows = [["trial", "validation acc", "epochs", *(name.replace("_", " ") for name in names)]]
    for trial in [trial for trial in made.ranked if trial.state == "complete"][:_SHOWN]:
        chosen = trial.settings
        values = [format_value(chosen[name]) if name in chosen else "–" for name in names]
        rows.append(
            [str(trial.number), f"{trial.validation_accuracy:.4f}", str(trial.epochs), *values]
        )
    print_table(rows)
    states = [trial.state for trial in made.trials]
    counts = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
    print_line(f"\n{', '.join(counts)}")
    if made.untaught:
        print_line(
            "No trial has learnt, as always naming the most frequent class is as good as the best: "
            "search over other values, or longer `--epochs`."
        )
    if made.importance:
        shares = [
            f"{name.replace('_', ' ')} {share:.2f}" for name, share in made.importance.items()
        ]
        print_line(f"Importance: {', '.join(shares)}")


def _print_confirmation(compared: "Comparison") -> None:
    print_line(f"\nOn the test images of {compared.dataset}:")
    for entry in compared.entries:
        reached = f"{entry.accuracy:.4f}" if entry.accuracies else "diverged"
        spread = "" if entry.deviation is None else f" ± {entry.deviation:.4f}"
        print_line(f"  {entry.label}: {reached}{spread} (n = {len(entry.seeds)})")
    for pair in compared.pairs:
        print_pair(pair, "the difference counts")
    print_untaught(compared)
