from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from lenet._version import __version__
from lenet.core import ComputeKeywords, write_atomically
from lenet.datasets import Dataset, DataSource
from lenet.results.evaluation._view_choice import SplitName
from lenet.results.pages._page import Page
from lenet.results.reporting._calibration import calibration_section
from lenet.results.reporting._classes import classes_section
from lenet.results.reporting._confusions import confusions_section
from lenet.results.reporting._curves import curves_section
from lenet.results.reporting._findings import Findings, examine
from lenet.results.reporting._mistakes import mistakes_section, suspects_section
from lenet.results.reporting._network import network_section
from lenet.results.reporting._overview import describe_scoring, headline, overview
from lenet.results.reporting._recipe import again_section, recipe_section
from lenet.results.reporting._robustness import robustness_section
from lenet.runs import Run

if TYPE_CHECKING:
    from typing_extensions import Unpack


def report(
    model: Run | Path | str = "latest",
    dataset: str | Path | DataSource | Dataset | None = None,
    *,
    output: Path | str | None = None,
    split: SplitName | None = None,
    runs_folder: Path | str = "runs",
    **compute: Unpack[ComputeKeywords],
) -> Path:
    """Write a page that shows how good a network is, where it errs and how far to trust it.

    The page is one file that fetches nothing. The same run gives the same page.

    Args:
        model: A run, its folder or name, `latest`, or a model file.
        dataset: A name, the path of a folder or file of one's own, or images in memory; what the
            network was trained on where none is given.
        output: The file to write. Where none is given it is `report.html` in the run folder, or
            `report-DATASET-SPLIT.html` if a dataset or split was asked for that is not the usual
            one; for a model file it lies in the current folder, with the file's name in front.
        split: Which images to score on: `test`, `validation` or `train`. Where none is given it is
            the test images, or the validation images where there are no test images.
        runs_folder: Where names of runs are looked for.
        compute: Fields of `Compute`: `device`, `threads`, `kernels`.

    Returns:
        The page.

    Raises:
        RunError: There is no such run, or it has no model yet.
        ModelError: The network does not fit the data.
        DatasetError: The data can't be had or used, or there are no images to score on.
        SettingError: `native` kernels are wanted, and there are none here.
        StorageError: The page can't be written.

    >>> import tempfile, lenet
    >>> run = lenet.train(dataset="digits", epochs=1, runs_folder=tempfile.mkdtemp(), listeners=[])
    >>> report(run).name
    'report.html'
    """
    findings = examine(model, dataset, split=split, runs_folder=runs_folder, **compute)
    path = _default_path(findings) if output is None else Path(output)
    write_atomically(path, build_report_page(findings).to_html())
    return path


def _default_path(findings: Findings) -> Path:
    """Where a report belongs; one on other images leaves the usual one as it is."""
    answers, source = findings.answers, findings.answers.source
    usual = answers.card.dataset, "validation" if findings.lacks_test else "test"
    name = "report"
    if (answers.dataset.name, answers.split) != usual:
        name = re.sub(r"[^\w.-]+", "-", f"report-{answers.dataset.name}-{answers.split}")
    if isinstance(source, Run):
        return source.folder / f"{name}.html"
    return Path(f"{source.stem}-{name}.html")


def build_report_page(findings: Findings) -> Page:
    """The page that tells what was found out."""
    sections = (
        curves_section(findings),
        confusions_section(findings),
        classes_section(findings),
        calibration_section(findings),
        mistakes_section(findings),
        suspects_section(findings),
        robustness_section(findings),
        network_section(findings),
        recipe_section(findings),
        again_section(findings),
    )
    title, subtitle = headline(findings)
    return Page(
        title,
        subtitle,
        lead=overview(findings),
        sections=tuple(section for section in sections if section is not None),
        footer=(f"Written by lenet {__version__}. {describe_scoring(findings)}",),
    )
