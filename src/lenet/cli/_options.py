"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

from lenet.kernels import KernelChoice

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
RunsFolder = Annotated[
    Path, typer.Option("--runs-folder", help="Where names of runs are looked for.")
]
