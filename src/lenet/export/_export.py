from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lenet.core import storage_errors
from lenet.errors import ExportError, SettingError, UnknownNameError
from lenet.export._compare import Comparison, compare_with_pytorch
from lenet.export._format_name import FORMAT_NAMES, FormatName
from lenet.export._formats import FORMATS
from lenet.export._open import open_trained_network
from lenet.export._place import check_place, put_into_place, temporary_folder
from lenet.runs import Run, locate_model, name_of_model

if TYPE_CHECKING:
    from lenet.datasets import Dataset, DataSource


@dataclass(frozen=True)
class Export:
    """A network written down for others to use, which was seen to answer as PyTorch does.

    Attributes:
        path: The file or folder.
        format: What was written: `onnx`, for example.
        dataset: The name of the dataset that it was checked on.
        split: Which of its splits: `test`, where there is one.
        accuracy: Which share of these images PyTorch answers rightly.
        comparisons: How the export's answers differ from PyTorch's, for each batch size.
        facts: What else there is to know: names with values, such as sizes.
    """

    path: Path
    format: FormatName
    dataset: str
    split: str
    accuracy: float
    comparisons: tuple[Comparison, ...]
    facts: tuple[tuple[str, str], ...]


def export_model(
    model: Run | Path | str = "latest",
    to: FormatName = "onnx",
    *,
    output: Path | str | None = None,
    data: str | Path | DataSource | Dataset | None = None,
    int8: bool = False,
    runs_folder: Path | str = "runs",
    on_progress: Callable[[str], None] | None = None,
) -> Export:
    """Write a trained network down for others to use, and see that it answers as PyTorch does.

    The export is run on the test images, ONNX in batches of several sizes, and its probabilities
    are compared with PyTorch's before it comes to its place: within 1e-5, or for a format that
    rounds its weights within 0.3 points of accuracy.

    Args:
        model: A run, its folder or name, `latest`, a model file, or `digits` or `fashion`.
        to: The format.
        output: The file or folder to write. Where none is given, it lies in the run folder and its
            name begins with `model`; for a model file it lies in the current folder and its name
            begins with the model's. A file goes into a folder that is there, or that ends in `/`.
        data: What it is checked on: a name, the path of a folder or file, or images in memory; what
            the network was trained on where none is given.
        int8: Whether weights are rounded to eight bits: `onnx` with this is `onnx-int8`.
        runs_folder: Where names of runs are looked for.
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
    trained = open_trained_network(located, data)
    if output is not None and chosen.is_named_by_output:
        trained = dataclasses.replace(trained, name=place.name)
    if place.exists() and os.path.samefile(place, trained.path):
        message = f"`{place}` is the model itself; choose another `--output`."
        raise ExportError(message)
    with temporary_folder(place) as folder:
        tell(f"writing {name}")
        with storage_errors(place):
            written = chosen.write(trained, folder)
        check_place(place, written.path)
        comparisons = []
        for batch_size in written.batch_sizes:
            tell(f"comparing with PyTorch in batches of {batch_size}")
            comparisons.append(compare_with_pytorch(trained, written, batch_size))
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
    )


def _format_name(to: str, int8: bool) -> FormatName:
    """The format that is meant."""
    wanted = f"{to}-int8" if int8 and not to.endswith("-int8") else to
    for name in FORMAT_NAMES:
        if name == wanted:
            return name
    if to not in FORMAT_NAMES:
        raise UnknownNameError("format", to, FORMAT_NAMES)
    message = f"There is no int8 variant of `{to}`; leave out `--int8` (`int8`)."
    raise SettingError(message)


def _place(located: Run | Path, suffix: str, output: Path | str | None) -> Path:
    """Where to write."""
    name = name_of_model(located)
    if output is None:
        path = (
            located.folder / f"model{suffix}" if isinstance(located, Run) else Path(name + suffix)
        )
    else:
        path = Path(output)
        is_file = bool(Path(f"model{suffix}").suffix)
        if is_file and (path.is_dir() or str(output).endswith(("/", os.sep))):
            path = path / f"{name}{suffix}"
    return path.resolve() if path.is_symlink() else path  # what a link leads to, not the link
