"""The `lenet sweep` command."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lenet.cli._console import listed, p_in_words, print_json, print_line, print_table
from lenet.cli._data_options import (
    Colour,
    LabelColumn,
    Prepare,
    Size,
    SkipBad,
    TestShare,
    choose_data,
    reading_options,
)
from lenet.cli._options import Device, Kernels, Network
from lenet.cli._settings_options import Panel, settings_options, used_settings
from lenet.errors import SettingError
from lenet.models import LeNetConfig
from lenet.training import PRESETS, Recipe

if TYPE_CHECKING:
    from lenet.experiments import Comparison, Sweep

_SHOWN = 10  # trials in the table


@settings_options(
    Panel(Recipe, "Recipe"), Panel(LeNetConfig, "Network", skip=("input_shape", "classes"))
)
def sweep(
    search: Annotated[
        list[str] | None,
        typer.Option(
            "--search",
            metavar="SETTING=VALUES",
            help="A setting with the values to search over: `momentum=0.8,0.9,0.95`, lists parted "
            "by a slash as `channels=6,16/16,32`; or a range: `rotation=0..15`, "
            "`learning_rate=log:0.01..1`, `batch_size=64..512:64`. May be given several times.",
            show_default=False,
        ),
    ] = None,
    space: Annotated[
        Path | None,
        typer.Option(
            "--space",
            metavar="FILE",
            help="A recipe file with a table `[search]`, a setting a line. Options beside it win.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            "--resume",
            metavar="NAME",
            help="Go on with a sweep that was stopped, or add `--trials`.",
            show_default=False,
        ),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option("--trials", help="How many trials in all. [default: 20]", show_default=False),
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", help="How many trials at a time, each a process.")
    ] = 1,
    at_once: Annotated[
        int,
        typer.Option(
            "--at-once",
            metavar="N",
            help="How many trials a worker begins together; those of one form are one computation, "
            "which is for a GPU.",
        ),
    ] = 1,
    confirm: Annotated[
        int,
        typer.Option(
            "--confirm",
            metavar="N",
            help="At the end, train the best and what the search began from with N seeds each, and "
            "compare them on the test images.",
        ),
    ] = 0,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            "--dataset",
            metavar="NAME|PATH",
            help="The dataset, or a folder or file of your own. [default: fashion-mnist]",
            show_default=False,
        ),
    ] = None,
    model: Network = None,
    preset: Annotated[
        str | None,
        typer.Option(
            "--preset",
            help=f"Where the search begins: {listed(PRESETS)}. "
            "[default: the one that suits network and data]",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            help="What the sweep is called. [default: follows from what is searched]",
            show_default=False,
        ),
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(
            "--storage",
            metavar="URL",
            help="A PostgreSQL database that several machines share: "
            "`postgresql://user@host/database`. [default: a SQLite file in the sweep's folder]",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            help="Decides the held-out images and the trials' seeds. [default: 0]",
            show_default=False,
        ),
    ] = None,
    sampler: Annotated[
        str | None,
        typer.Option(
            "--sampler",
            help="What chooses values: `tpe` learns from earlier trials, `random` does not. "
            "[default: tpe]",
            show_default=False,
        ),
    ] = None,
    prune: Annotated[
        bool | None,
        typer.Option(
            "--prune/--no-prune",
            help="Whether trials below the others' median are stopped. [default: prune]",
            show_default=False,
        ),
    ] = None,
    warm_up: Annotated[
        int | None,
        typer.Option(
            "--warm-up",
            metavar="N",
            help="First epochs that no trial is stopped in. [default: 2]",
            show_default=False,
        ),
    ] = None,
    device: Device = "auto",
    threads: Annotated[int, typer.Option("--threads", help="CPU threads of each worker.")] = 1,
    kernels: Kernels = "auto",
    sweeps_folder: Annotated[
        Path, typer.Option("--sweeps-folder", help="Where the sweep's folder is made.")
    ] = Path("sweeps"),
    size: Size = None,
    colour: Colour = None,
    prepare: Prepare = None,
    skip_bad: SkipBad = None,
    test_share: TestShare = None,
    label_column: LabelColumn = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    **settings: Any,
) -> None:
    """Search for the recipe with the best validation accuracy.

    Keeps every trial in a folder under `sweeps/`, so that the same command goes on after a stop or
    a kill; leaves a table, pictures, and the best recipe as a file for `lenet train --recipe`. The
    test images are not looked at, but once at the end by `--confirm`.
    """
    from lenet import experiments

    changed = used_settings((Recipe, LeNetConfig), settings)
    reading = reading_options(size, colour, prepare, skip_bad, test_share, label_column)
    decisive: dict[str, Any] = {
        "search": search,
        "space": space,
        "data": data,
        "model": model,
        "preset": preset,
    }
    decisive |= {"name": name, "seed": seed, "sampler": sampler, "prune": prune}
    decisive |= {"warm_up": warm_up} | reading | changed
    manner: dict[str, Any] = {
        "workers": workers,
        "at_once": at_once,
        "confirm": confirm,
        "storage": storage,
        "device": device,
        "threads": threads,
        "kernels": kernels,
        "sweeps_folder": sweeps_folder,
        "progress": experiments.SweepConsoleProgress(),
        "confirm_progress": experiments.ConsoleProgress(),
    }
    if resume is not None:
        for option, value in decisive.items():
            if value is not None:
                flag = f"--{option.replace('_', '-')}"
                message = f"`--resume` goes on with the sweep as it is; leave out `{flag}`."
                raise SettingError(message)
        made = experiments.resume_sweep(resume, trials=trials, **manner)
    else:
        given: dict[str, Any] = {"trials": trials, "seed": seed, "sampler": sampler}
        given |= {"prune": prune, "warm_up": warm_up}
        made = experiments.sweep(
            _parse_search(search or ()),
            choose_data(data, reading) or data or "fashion-mnist",
            space=space,
            model=model,
            preset=preset,
            name=name,
            **{option: value for option, value in given.items() if value is not None},
            **manner,
            **changed,
        )
    if as_json:
        print_json(made.to_dict())
        return
    _print_trials(made)
    if made.confirmation:
        _print_confirmation(made.confirmation)
    print_line(f"\nAll of it is in {made.folder}. Next: `{made.training_command}`")


def _parse_search(texts: Iterable[str]) -> dict[str, str]:
    """Settings with their values, as typed.

    Raises:
        SettingError: There is no `=`, or a setting stands twice.
    """
    search: dict[str, str] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        name = name.strip().lstrip("-").replace("-", "_")
        if not equals:
            message = (
                f"`{text}` should be a setting with its values, such as "
                "`--search learning_rate=log:0.01..1`."
            )
            raise SettingError(message)
        if name in search:
            message = f"`--search` has `{name}` twice."
            raise SettingError(message)
        search[name] = values.strip()
    return search


def _print_trials(made: "Sweep") -> None:
    """The best trials, and how many there were of each kind."""
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
    if made.importance:
        shares = [
            f"{name.replace('_', ' ')} {share:.2f}" for name, share in made.importance.items()
        ]
        print_line(f"Importance: {', '.join(shares)}")


def _print_confirmation(compared: "Comparison") -> None:
    """What the best and the preset reach on the test images, and whether they differ."""
    print_line(f"\nOn the test images of {compared.dataset}:")
    for entry in compared.entries:
        reached = f"{entry.accuracy:.4f}" if entry.accuracies else "diverged"
        spread = "" if entry.deviation is None else f" ± {entry.deviation:.4f}"
        print_line(f"  {entry.label}: {reached}{spread} (n = {len(entry.seeds)})")
    for pair in compared.pairs:
        if pair.adjusted_p is None:
            verdict = "one seed can't tell"
        else:
            judged = "the difference counts" if pair.is_better else "within the noise"
            verdict = f"{judged} ({p_in_words(pair.adjusted_p)})"
        print_line(f"  {pair.higher} − {pair.lower}: {pair.difference:+.4f}, {verdict}")
