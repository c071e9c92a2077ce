from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lenet.core import check_ending, storage_errors
from lenet.errors import ExportError, SettingError, UnknownNameError
from lenet.export._c import write_c, write_c_int8
from lenet.export._format_name import FORMAT_NAMES, FormatName
from lenet.export._html import write_html
from lenet.export._hub import keep_licence, write_hub
from lenet.export._onnx import write_onnx, write_onnx_int8
from lenet.export._place import check_place, put_into_place, unfinished_folder
from lenet.export._trained_network import (
    Comparison,
    TrainedNetwork,
    Written,
    compare_with_reference,
    open_trained_network,
    require_layers,
)
from lenet.models import read_card
from lenet.runs import Run, locate_model, name_of_model

if TYPE_CHECKING:
    from torch import nn

    from lenet.datasets import DataSource, ImageHolder


@dataclass(frozen=True)
class Format:
    """A way to write a network down for others to use.

    Attributes:
        write: Writes into a folder, which is empty, and says how to run it.
        suffix: What the output's name ends in where none is given; it follows the network's name.
        is_named_by_output: Whether the network is called as the output is, if a person chose that.
        needs_layers: Whether it can have lists of layers alone that lenet knows.
        keep: Takes over what a person wrote into an earlier export at the place to the new one.
    """

    write: Callable[[TrainedNetwork, Path], Written]
    suffix: str
    is_named_by_output: bool = False
    needs_layers: bool = False
    keep: Callable[[Path, Path], None] = lambda place, made: None


FORMATS: dict[FormatName, Format] = {
    "onnx": Format(write_onnx, ".onnx"),
    "onnx-int8": Format(write_onnx_int8, "-int8.onnx"),
    "c": Format(write_c, "-c", is_named_by_output=True, needs_layers=True),
    "c-int8": Format(write_c_int8, "-c-int8", is_named_by_output=True, needs_layers=True),
    "html": Format(write_html, ".html", needs_layers=True),
    "hub": Format(write_hub, "-hub", keep=keep_licence),
}


@dataclass(frozen=True)
class Export:
    """A network written down for others to use, which was seen to answer as it does.

    Attributes:
        path: The file or folder.
        format: What was written: `onnx`, for example.
        dataset: The name of the dataset that it was checked on.
        split: Which of its splits: `test`, where there is one.
        accuracy: Which share of these images `reference` answers rightly.
        comparisons: How the export's answers differ from the reference's, for each batch size.
        facts: What else there is to know: names with values, such as sizes.
        reference: Whose answers it was compared with: `PyTorch`, or `NumPy` where that is not
            installed.
    """

    path: Path
    format: FormatName
    dataset: str
    split: str
    accuracy: float
    comparisons: tuple[Comparison, ...]
    facts: tuple[tuple[str, str], ...]
    reference: str = "PyTorch"


def export_model(
    model: Run | Path | str = "latest",
    to: FormatName = "onnx",
    *,
    output: Path | str | None = None,
    data: str | Path | DataSource | ImageHolder | None = None,
    int8: bool = False,
    runs_folder: Path | str = "runs",
    network: nn.Module | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> Export:
    """Write a trained network down for others to use, and see that it answers as PyTorch does.

    The export is run on the test images, ONNX in batches of several sizes, and its probabilities
    are compared with PyTorch's before it comes to its place: within 1e-5, or for a format that
    rounds its weights within 0.3 points of accuracy. Where PyTorch is not installed, NumPy computes
    what it is compared with; `onnx` and `hub` need PyTorch.

    Args:
        model: A run, its folder or name, `latest`, a model file, or `digits` or `fashion`.
        to: The format.
        output: The file or folder to write. Where none is given, it lies in the run folder and its
            name begins with `model`; for a model file it lies in the current folder and its name
            begins with the model's. A file goes into a folder that is there, or that ends in `/`.
        data: What it is checked on: a name, a path, or what `lenet.as_dataset` takes; what
            the network was trained on where none is given.
        int8: Whether weights are rounded to eight bits: `onnx` with this is `onnx-int8`.
        runs_folder: Where names of runs are looked for.
        network: The network, built by its own code, where it is no list of layers that lenet knows:
            its weights become the model's.
        on_progress: Is told what is done next, in a few words.

    Raises:
        ExportError: The export differs from PyTorch by more than it may, or its place is taken.
        SettingError: There is no such format, or none of it that rounds.
        RunError, ModelError: The model can't be had or used, or does not fit the data.
        DatasetError: The data can't be had or used, or nobody knows where it is.
        StorageError: It can't be written; what was there before is as it was.
        MissingExtraError: A package is not installed.
    """
    name = _format_name(to, int8)
    chosen = FORMATS[name]
    tell = on_progress or (lambda words: None)
    located = locate_model(model, runs_folder)
    place = _place(located, chosen.suffix, output)
    tell("loading the network and its test images")
    if chosen.needs_layers:
        require_layers(read_card(located.require_model() if isinstance(located, Run) else located))
    trained = open_trained_network(located, data, network=network)
    if output is not None and chosen.is_named_by_output:
        trained = dataclasses.replace(trained, name=place.name)
    if place.exists() and os.path.samefile(place, trained.path):
        message = f"`{place}` is the model itself; choose another `--output`."
        raise ExportError(message)
    with unfinished_folder(place) as folder:
        tell(f"writing {name}")
        with storage_errors(place):
            written = chosen.write(trained, folder)
        check_place(place, written.path)
        comparisons = []
        for batch_size in written.batch_sizes:
            tell(f"comparing with {trained.reference} in batches of {batch_size}")
            comparisons.append(compare_with_reference(trained, written, batch_size))
        with storage_errors(place):
            chosen.keep(place, written.path)
        put_into_place(written.path, place)
    return Export(
        path=place,
        format=name,
        dataset=trained.dataset,
        split=trained.split,
        accuracy=trained.accuracy,
        comparisons=tuple(comparisons),
        facts=written.facts,
        reference=trained.reference,
    )


def _format_name(to: str, int8: bool) -> FormatName:
    wanted = f"{to}-int8" if int8 and not to.endswith("-int8") else to
    for name in FORMAT_NAMES:
        if name == wanted:
            return name
    if to not in FORMAT_NAMES:
        raise UnknownNameError("format", to, FORMAT_NAMES)
    message = f"There is no int8 variant of `{to}`; leave out `--int8` (`int8`)."
    raise SettingError(message)


def _place(located: Run | Path, suffix: str, output: Path | str | None) -> Path:
    name = name_of_model(located)
    if output is None:
        path = (
            located.folder / f"model{suffix}" if isinstance(located, Run) else Path(name + suffix)
        )
    else:
        path = Path(output)
        ending = Path(f"model{suffix}").suffix
        is_file = bool(ending)
        if is_file and (path.is_dir() or str(output).endswith(("/", os.sep))):
            path = path / f"{name}{suffix}"
        else:
            check_ending(path, "This export", *([ending] if is_file else []))
    return Path(os.path.realpath(path)) if path.is_symlink() else path  # what a link leads to
