"""The `lenet compare` command."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lenet.cli._command import TRAINING, Data, Given, Panel, Printed, Quiet, command
from lenet.cli._console import (
    listed,
    print_json,
    print_line,
    print_notice,
    print_table,
    save_figure,
)
from lenet.core import field_types, option, parse_values, storage_errors
from lenet.errors import MissingExtraError, SettingError, UnknownNameError
from lenet.experiments import CompareOptions
from lenet.models import MODELS, LeNetConfig
from lenet.training import PRESETS, Recipe

if TYPE_CHECKING:
    from lenet.experiments import Comparison, Entry, Pair

_PICTURES = (".png", ".svg")
_OF_FINISHED_RUNS = ("runs", "split", "views", "device", "runs_folder", "picture", "json", "quiet")


@dataclass(frozen=True)
class _Compared(Data):
    """What is compared.

    Attributes:
        runs: Finished runs to compare, their folders or names; nothing is trained then.
        models: What to compare, presets or networks.
        vary: A setting with the values to try, such as `activation=sigmoid,relu`; lists are parted
            by a slash: `channels=6,16/16,32`. May be given several times, for every combination.
        runs_folder: Where the trainings are kept, and taken from if they are there already; with
            finished runs, where their names are looked for.
        picture: Where the curves are drawn, as PNG or SVG.
    """

    runs: tuple[str, ...] = option((), argument=True, metavar="[RUN]...")
    models: str | None = option(
        None,
        flags=("--models", "--model"),
        metavar="NAME,…",
        names=dict.fromkeys([*PRESETS, *MODELS]),
        usual="the preset that suits the data",
    )
    vary: tuple[str, ...] = option((), metavar="SETTING=VALUE,…")
    runs_folder: Path | None = option(None, usual="runs/compare; runs")
    picture: Path | None = option(None, usual="comparison.png in the runs folder")


@command(
    _Compared, Panel(CompareOptions, skip=("first_seed", "runs_folder")), Printed, Quiet, *TRAINING
)
def compare(given: Given) -> None:
    """Compare networks, recipes or settings over several seeds.

    Prints parameters, multiply-accumulates an image, training time, and test accuracy as mean ±
    standard deviation; a difference between neighbours counts if neither other seeds nor other test
    images would turn it round. Draws all curves.
    """
    from lenet import experiments

    what, options, quiet = given.of(_Compared), given.of(CompareOptions), given.of(Quiet).quiet
    picture = what.picture
    if picture is not None and picture.suffix.lower() not in _PICTURES:
        message = f"`{picture}` must end in {listed(_PICTURES)}."
        raise SettingError(message)
    if what.runs:
        given.refuse_others(_OF_FINISHED_RUNS, "Finished runs are as they are")
        folder = what.runs_folder or Path("runs")
        asked = given.typed_of(CompareOptions) | {"runs_folder": folder}
        compared = experiments.compare_runs(what.runs, **asked)
    else:
        folder = what.runs_folder or Path("runs") / "compare"
        compared = experiments.compare(
            [name.strip() for name in (what.models or "").split(",") if name.strip()],
            given.dataset() or "fashion-mnist",
            vary=dict(map(parse_variation, what.vary)),
            progress=None if quiet else experiments.ConsoleProgress(options.split),
            **given.typed_of(CompareOptions, Recipe, LeNetConfig) | {"runs_folder": folder},
        )
    is_asked, picture = picture is not None, picture or folder / "comparison.png"
    as_json = given.of(Printed).json
    if as_json:
        print_json(compared.to_dict())
    else:
        _print_entries(compared, options.views)
        if compared.pairs:
            print_line("\nNeighbours, from the lowest up:")
        for pair in compared.pairs:
            print_pair(pair, "better")
        print_line(f"\n{_describe_environment(compared)}")
    with storage_errors(picture):
        picture.parent.mkdir(parents=True, exist_ok=True)
    try:
        figure = experiments.draw_comparison(compared, compared.dataset)
    except MissingExtraError as error:
        if is_asked:
            raise
        print_notice(f"The curves are not drawn. {error}")
        return
    save_figure(figure, picture, picture.suffix.lower().lstrip("."))
    if not as_json:
        print_line(f"Curves drawn in {picture}")


def parse_variation(text: str) -> tuple[str, list[Any]]:
    """A setting with several values, as typed: `activation=sigmoid,relu`, `channels=6,16/16,32`."""
    name, values = split_setting(text, "activation=sigmoid,relu")
    for cls in (Recipe, LeNetConfig):
        if name in field_types(cls):
            return name, parse_values(cls, name, values)
    raise UnknownNameError("setting", name, [*field_types(Recipe), *field_types(LeNetConfig)])


def split_setting(text: str, example: str) -> tuple[str, str]:
    """The name of a setting and its values, as typed: `activation=sigmoid,relu`."""
    name, equals, values = text.partition("=")
    if not equals:
        message = f"`{text}` should be a setting with its values, such as `{example}`."
        raise SettingError(message)
    return name.strip().lstrip("-").replace("-", "_"), values.strip()


def _print_entries(compared: "Comparison", views: str) -> None:
    headings = ["", "parameters", "multiply-adds", "seconds", "seeds", f"{compared.split} acc"]
    rows = [[*headings, "± sd", *([f"{views}, averaged"] if views != "single" else [])]]
    rows += [_row(entry, views != "single") for entry in compared.entries]
    print_line(f"{compared.dataset}, {compared.split} split")
    print_table(rows)
    for entry in compared.entries:
        for seed, reason in entry.failures.items():
            print_line(f"{entry.label}, seed {seed}: {reason}")
    print_untaught(compared)
    runs = [run for entry in compared.entries for run in entry.runs]
    if any(run.environment.get("together", 1) > 1 for run in runs):
        print_line("Seconds are those of all networks that were computed together.")


def print_untaught(compared: "Comparison") -> None:
    """Write which networks have learnt nothing, so that nobody takes their scores for a finding."""
    for entry in compared.entries:
        if entry.untaught:
            seeds = f"seed{'s' * (len(entry.untaught) > 1)} {', '.join(map(str, entry.untaught))}"
            print_line(
                f"{entry.label}, {seeds}: not learnt, as always naming the most frequent class is "
                "as good."
            )
    if all(entry.untaught == entry.seeds for entry in compared.entries):
        print_line("None of the networks has learnt; which is better, this does not say.")


def _row(entry: "Entry", averaged: bool) -> list[str]:
    if not entry.accuracies:
        return [entry.label, "", "", "", "0", "diverged", "", *[""] * averaged]
    deviation = "" if entry.deviation is None else f"{entry.deviation:.4f}"
    size = f"{entry.parameters:,}", f"{entry.multiply_accumulates:,}"
    row = [entry.label, *size, f"{entry.mean_seconds:.1f}", str(len(entry.seeds))]
    row += [f"{entry.accuracy:.4f}", deviation]
    return [*row, f"{entry.averaged_accuracy:.4f}"] if averaged else row


def print_pair(pair: "Pair", better: str) -> None:
    """A difference and whether it is more than noise; `better` is said if it is."""
    verdict, p = "one seed can't tell", pair.adjusted_p
    if p is not None:
        judged = better if pair.is_better else "within the noise"
        verdict = f"{judged} ({f'p {p:.3f}' if p >= 0.001 else 'p below 0.001'})"
    print_line(f"  {pair.higher} − {pair.lower}: {pair.difference:+.4f}, {verdict}")


def _describe_environment(compared: "Comparison") -> str:
    environment = compared.environment
    threads = sorted({entry.threads for entry in compared.entries if entry.threads})
    versions = f"lenet {environment.get('lenet')}"
    if torch := environment.get("torch"):
        versions += f", PyTorch {torch}"
    each = f"{'/'.join(map(str, threads))} thread{'s' * (threads != [1])} each"
    return f"{versions}, {environment.get('processor')}, {each}"
