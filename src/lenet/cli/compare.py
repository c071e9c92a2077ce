"""The `lenet compare` command."""

from io import BytesIO
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
from lenet.cli._options import Device
from lenet.cli._settings_options import Panel, parse_variation, settings_options, used_settings
from lenet.errors import SettingError
from lenet.experiments import ScoredSplit
from lenet.models import MODELS, LeNetConfig
from lenet.results import Views
from lenet.training import PRESETS, Recipe

if TYPE_CHECKING:
    from lenet.experiments import Comparison, Entry, Pair

_PICTURES = (".png", ".svg")


@settings_options(
    Panel(Recipe, "Recipe"), Panel(LeNetConfig, "Network", skip=("input_shape", "classes"))
)
def compare(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN]...",
            help="Finished runs to compare, their folders or names; nothing is trained then.",
            show_default=False,
        ),
    ] = None,
    models: Annotated[
        str | None,
        typer.Option(
            "--models",
            "--model",
            metavar="NAME,…",
            help=f"What to compare: presets ({listed(PRESETS)}) or networks ({listed(MODELS)}). "
            "[default: the preset that suits the data]",
            show_default=False,
        ),
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            "--vary",
            metavar="SETTING=VALUE,…",
            help="A setting with the values to try, such as `activation=sigmoid,relu`; lists are "
            "parted by a slash: `channels=6,16/16,32`. May be given several times, for every "
            "combination.",
            show_default=False,
        ),
    ] = None,
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
    size: Size = None,
    colour: Colour = None,
    prepare: Prepare = None,
    skip_bad: SkipBad = None,
    test_share: TestShare = None,
    label_column: LabelColumn = None,
    seeds: Annotated[int, typer.Option("--seeds", help="How many seeds each, from 0 on.")] = 5,
    split: Annotated[
        ScoredSplit,
        typer.Option(
            "--split",
            help="Which images to score on: validation to choose a recipe, test to say what a "
            "chosen one reaches.",
        ),
    ] = "test",
    views: Annotated[
        Views,
        typer.Option(
            "--views",
            help="Also score with several views of each image averaged: its mirror image too, or "
            "it moved by up to one pixel.",
        ),
    ] = "single",
    device: Device = "auto",
    processes: Annotated[
        int | None,
        typer.Option(
            "--processes",
            help="How many trainings at a time. [default: one a core, one on a GPU]",
            show_default=False,
        ),
    ] = None,
    together: Annotated[
        bool | None,
        typer.Option(
            "--together/--apart",
            help="Train networks of one form as one computation, or each in a process of its own. "
            "[default: together on an NVIDIA GPU]",
            show_default=False,
        ),
    ] = None,
    threads: Annotated[int, typer.Option("--threads", help="CPU threads of each training.")] = 1,
    runs_folder: Annotated[
        Path | None,
        typer.Option(
            "--runs-folder",
            help="Where the trainings are kept, and taken from if they are there already; with "
            "finished runs, where their names are looked for. [default: runs/compare; runs]",
            show_default=False,
        ),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            "--picture",
            help="Where the curves are drawn, as PNG or SVG. [default: comparison.png in the runs "
            "folder]",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    **settings: Any,
) -> None:
    """Compare networks, recipes or settings over several seeds.

    Prints parameters, multiply-accumulates an image, training time, and test accuracy as mean ±
    standard deviation; a difference between neighbours counts if neither other seeds nor other test
    images would turn it round. Draws all curves.
    """
    from lenet import experiments

    if picture is not None and picture.suffix.lower() not in _PICTURES:
        message = f"`{picture}` must end in {listed(_PICTURES)}."
        raise SettingError(message)
    changed = used_settings((Recipe, LeNetConfig), settings)
    reading = reading_options(size, colour, prepare, skip_bad, test_share, label_column)
    if runs:
        chosen = {"models": models, "vary": vary, "processes": processes, "together": together}
        chosen |= {"data": data} | reading | changed
        for name, value in chosen.items():
            if value is not None:
                flag = f"--{name.replace('_', '-')}"
                message = f"Finished runs are as they are; leave out `{flag}`."
                raise SettingError(message)
        folder = runs_folder or Path("runs")
        compared = experiments.compare_runs(
            runs, split=split, views=views, device=device, runs_folder=folder
        )
    else:
        folder = runs_folder or Path("runs") / "compare"
        data = data or "fashion-mnist"
        compared = experiments.compare(
            [name.strip() for name in (models or "").split(",") if name.strip()],
            choose_data(data, reading) or data,
            vary=dict(parse_variation((Recipe, LeNetConfig), text) for text in vary or ()),
            seeds=seeds,
            split=split,
            views=views,
            device=device,
            processes=processes,
            together=together,
            threads=threads,
            runs_folder=folder,
            progress=experiments.ConsoleProgress(split),
            **changed,
        )
    path = picture or folder / "comparison.png"
    if as_json:
        print_json(compared.to_dict())
        _save_picture(compared, path)
        return
    _print_entries(compared, views)
    _print_pairs(compared)
    print_line(f"\n{_describe_environment(compared)}")
    _save_picture(compared, path)
    print_line(f"Curves drawn in {path}")


def _print_entries(compared: "Comparison", views: str) -> None:
    """The contenders' table."""
    headings = [
        "",
        "parameters",
        "multiply-adds",
        "seconds",
        "seeds",
        f"{compared.split} acc",
        "± sd",
    ]
    rows = [headings + ([f"{views}, averaged"] if views != "single" else [])]
    for entry in compared.entries:
        rows.append(_row(entry, views != "single"))
    print_line(f"{compared.dataset}, {compared.split} split")
    print_table(rows)
    for entry in compared.entries:
        for seed, reason in entry.failures.items():
            print_line(f"{entry.label}, seed {seed}: {reason}")
    runs = [run for entry in compared.entries for run in entry.runs]
    if any(run.environment.get("together", 1) > 1 for run in runs):
        print_line("Seconds are those of all networks that were computed together.")


def _row(entry: "Entry", averaged: bool) -> list[str]:
    """One contender's cells."""
    if not entry.accuracies:
        return [entry.label, "", "", "", "0", "diverged", "", *[""] * averaged]
    deviation = "" if entry.deviation is None else f"{entry.deviation:.4f}"
    row = [
        entry.label,
        f"{entry.parameters:,}",
        f"{entry.multiply_accumulates:,}",
        f"{entry.mean_seconds:.1f}",
        str(len(entry.seeds)),
        f"{entry.accuracy:.4f}",
        deviation,
    ]
    if averaged:
        row.append(f"{entry.averaged_accuracy:.4f}")
    return row


def _print_pairs(compared: "Comparison") -> None:
    """What can be said of neighbours."""
    pairs = compared.pairs
    if pairs:
        print_line("\nNeighbours, from the lowest up:")
    for pair in pairs:
        print_line(f"  {pair.higher} − {pair.lower}: {pair.difference:+.4f}, {_verdict(pair)}")


def _verdict(pair: "Pair") -> str:
    """Whether a difference is more than noise."""
    if pair.adjusted_p is None:
        return "one seed can't tell"
    return f"{'better' if pair.is_better else 'within the noise'} ({p_in_words(pair.adjusted_p)})"


def _describe_environment(compared: "Comparison") -> str:
    """What the trainings ran on."""
    environment = compared.environment
    threads = sorted({entry.threads for entry in compared.entries if entry.threads})
    words = [
        f"lenet {environment.get('lenet')}",
        f"PyTorch {environment.get('torch')}",
        str(environment.get("processor")),
        f"{'/'.join(map(str, threads))} thread{'s' * (threads != [1])} each",
    ]
    return ", ".join(words)


def _save_picture(compared: "Comparison", path: Path) -> None:
    """Draw the curves."""
    from lenet.core import storage_errors, write_atomically
    from lenet.experiments import draw_comparison

    image = BytesIO()
    kind = path.suffix.lower().lstrip(".")
    draw_comparison(compared, compared.dataset).savefig(image, format=kind, dpi=150)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, image.getvalue())
