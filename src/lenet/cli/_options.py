"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

from lenet.cli._console import listed
from lenet.kernels import KernelChoice
from lenet.models import MODELS

Device = Annotated[
    str, typer.Option("--device", help="`cpu`, `cuda`, `mps`, …; `auto` takes the best.")
]
Kernels = Annotated[
    KernelChoice,
    typer.Option(
        "--kernels",
        help="What computes on a CPU: lenet's compiled kernels, PyTorch, or the kernels where "
        "they serve.",
    ),
]
Network = Annotated[
    str | None,
    typer.Option(
        "--model", help=f"The network: {listed(MODELS)}. [default: lenet]", show_default=False
    ),
]
RunsFolder = Annotated[
    Path, typer.Option("--runs-folder", help="Where names of runs are looked for.")
]
