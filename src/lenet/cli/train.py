"""The `lenet train` command."""

from pathlib import Path
from typing import Annotated, Any

import typer

from lenet.cli._console import listed
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
from lenet.cli._options import Network
from lenet.cli._settings_options import Panel, settings_options, used_settings
from lenet.errors import SettingError
from lenet.kernels import KernelChoice
from lenet.models import LeNetConfig
from lenet.training import PRESETS, Recipe


@settings_options(
    Panel(Recipe, "Recipe"), Panel(LeNetConfig, "Network", skip=("input_shape", "classes"))
)
def train(
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            "--dataset",
            metavar="NAME|PATH",
            help="The dataset: `fashion-mnist`, `mnist`, `kmnist`, `emnist-letters`, `digits`, …, "
            "or your own: a folder of pictures, a CSV, NPZ or Parquet file, IDX files. "
            "[default: fashion-mnist, or the bundled digits where that can't be had]",
            show_default=False,
        ),
    ] = None,
    model: Network = None,
    preset: Annotated[
        str | None,
        typer.Option(
            "--preset",
            help=f"A network and recipe that work together: {listed(PRESETS)}. "
            "[default: the one that suits network and data]",
            show_default=False,
        ),
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(
            "--recipe",
            metavar="FILE",
            help="A recipe file: `model`, `preset` and settings in TOML, as `lenet sweep` leaves "
            "one. Options beside it win.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            help="Decides weights, order, augmentation and split. [default: 0]",
            show_default=False,
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            "--device",
            help="`cpu`, `cuda`, `mps`, …; `auto` takes the best. [default: auto]",
            show_default=False,
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads", help="CPU threads. [default: PyTorch's own choice]", show_default=False
        ),
    ] = None,
    kernels: Annotated[
        KernelChoice | None,
        typer.Option(
            "--kernels",
            help="What computes on a CPU: lenet's compiled kernels, PyTorch, or the kernels where "
            "they serve. [default: auto]",
            show_default=False,
        ),
    ] = None,
    runs_folder: Annotated[
        Path, typer.Option("--runs-folder", help="Where the run folder is made.")
    ] = Path("runs"),
    size: Size = None,
    colour: Colour = None,
    prepare: Prepare = None,
    skip_bad: SkipBad = None,
    test_share: TestShare = None,
    label_column: LabelColumn = None,
    track: Annotated[
        list[str] | None,
        typer.Option(
            "--track",
            metavar="NAME",
            help="Tell a tracker too: `tensorboard` or `mlflow`. May be given twice; may stand "
            "beside `--resume`.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            "--resume",
            metavar="RUN",
            help="Go on with a run that was stopped: its folder, its name or `latest`. `--data` "
            "beside it says where your own images lie now, if they were moved.",
            show_default=False,
        ),
    ] = None,
    **settings: Any,
) -> None:
    """Train a network; without options, the tutorial's LeNet on Fashion-MNIST.

    Everything about the training is kept in a new folder under `runs/`: the settings, the curves,
    the model in one file, and a checkpoint from which `--resume` goes on to the same bits.

    Data is read from the folder that `LENET_DATA` names, else from the platform's cache folder, and
    downloaded once where it is missing; `LENET_OFFLINE=1` forbids that.

    `torchrun --nproc-per-node 2 -m lenet train` trains on two processes, with the same result.
    """
    from lenet import runs
    from lenet.training import join_group

    changed = used_settings((Recipe, LeNetConfig), settings)
    reading = reading_options(size, colour, prepare, skip_bad, test_share, label_column)
    if resume is not None:
        chosen = {**reading, "model": model, "preset": preset, "seed": seed}
        chosen |= {"recipe": recipe}
        chosen |= {"device": device, "threads": threads, "kernels": kernels}
        chosen |= changed
        for name, value in chosen.items():
            if value is not None:
                flag = f"--{name.replace('_', '-')}"
                message = f"`--resume` goes on with the run's own settings; leave out `{flag}`."
                raise SettingError(message)
        runs.resume(resume, dataset=data, runs_folder=runs_folder, track=track or ())
        return
    with join_group().together():  # what is missing on one machine ends the training on all
        source = choose_data(data, reading)
    runs.train(
        model,
        source,
        recipe,
        preset=preset,
        device=device or "auto",
        seed=seed or 0,
        threads=threads,
        kernels=kernels or "auto",
        runs_folder=runs_folder,
        track=track or (),
        **changed,
    )
