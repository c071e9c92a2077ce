from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lenet.core import ComputeKeywords
from lenet.datasets import Dataset, DataSource
from lenet.results.evaluation._answers import answer
from lenet.results.evaluation._scores import Evaluation
from lenet.results.evaluation._view_choice import SplitName, Views
from lenet.runs import Run

if TYPE_CHECKING:
    from typing_extensions import Unpack


def evaluate(
    model: Run | Path | str = "latest",
    dataset: str | Path | DataSource | Dataset | None = None,
    *,
    split: SplitName = "test",
    views: Views = "single",
    runs_folder: Path | str = "runs",
    **compute: Unpack[ComputeKeywords],
) -> Evaluation:
    """Score a trained network.

    Args:
        model: A run, its folder or name, `latest`, or a model file.
        dataset: A name, the path of a folder or file of one's own, or images in memory; what the
            network was trained on where none is given.
        split: Which images; `validation` gives those that the run held out.
        views: `single` looks once at each image; `mirrored` also at its mirror image, `shifted` at
            it moved by up to one pixel, and the probabilities are averaged.
        runs_folder: Where names of runs are looked for.
        compute: Fields of `Compute`: `device`, `threads`, `kernels`.

    Raises:
        SettingError: `native` kernels are wanted, and there are none here.
        RunError: There is no such run, or it has no model or no validation images.
        ModelError: The network does not fit the data.
        DatasetError: The data can't be had or used.
    """
    return answer(
        model,
        dataset,
        split=split,
        views=views,
        runs_folder=runs_folder,
        **compute,
    ).evaluation
