from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from lenet._version import __version__
from lenet.core import ComputeKeywords, check_ending, write_atomically
from lenet.datasets import DataSource, ImageHolder, PictureHolder
from lenet.models import ModelCard, count_weights
from lenet.results._choices import SplitName
from lenet.results._networks import AnyNetwork
from lenet.results._wording import counted, percent
from lenet.results.measure._scores import Answered, Refused
from lenet.results.page._page import Node, Page
from lenet.results.page._parts import note, tiles
from lenet.results.reporting._findings import Findings, examine
from lenet.results.reporting._notices import notices
from lenet.results.reporting._recipe import again_section, network_section, recipe_section
from lenet.results.reporting._scores import classes_section, confusions_section, curves_section
from lenet.results.reporting._strangers import (
    stranger_warning,
    strangers_section,
    strangers_tile,
)
from lenet.results.reporting._trust import (
    calibration_section,
    mistakes_section,
    robustness_section,
    suspects_section,
)
from lenet.runs import Run

if TYPE_CHECKING:
    from torch import nn
    from typing_extensions import Unpack

_STAMP = re.compile(r"(\d{8}-\d{6})-")


def report(
    model: Run | Path | str | tuple[AnyNetwork, ModelCard] = "latest",
    dataset: str | Path | DataSource | ImageHolder | None = None,
    *,
    output: Path | str | None = None,
    split: SplitName | None = None,
    strangers: PictureHolder | Iterable[PictureHolder] | None = None,
    network: nn.Module | None = None,
    runs_folder: Path | str = "runs",
    **compute: Unpack[ComputeKeywords],
) -> Path:
    """Write a page that shows how good a network is, where it errs and how far to trust it.

    The page is one file that fetches nothing. The same run gives the same page.

    Args:
        model: A run, its folder or name, `latest`, a model file, or what `lenet.load` gave.
        dataset: A name, a path, or what `lenet.as_dataset` takes, such as `(X, y)`; what the
            network was trained on where none is given.
        output: The file to write. Where none is given it is `report.html` in the run folder, or
            `report-DATASET-SPLIT.html` if a dataset or split was asked for that is not the usual
            one; for a model file it lies in the current folder, with the file's name in front.
        split: Which images to score on: `test`, `validation` or `train`. Where none is given it is
            the test images, or the validation images where there are no test images.
        strangers: Pictures of none of the classes, such as the path of a folder, to be shown to the
            network besides those that are always shown: noise, garments, digits, drawn signs.
        network: The network as its own code builds it, where it is no `nn.Sequential` of layers
            that lenet knows.
        runs_folder: Where names of runs are looked for.
        compute: Fields of `Compute`: `device`, `threads`, `engine`.

    Returns:
        The page.

    Raises:
        RunError: There is no such run, or it has no model yet.
        ModelError: The network does not fit the data.
        DatasetError: The data can't be had or used, there are no images to score on, or a stranger
            can't be read.
        SettingError: `native` kernels are wanted, and there are none here; or `output` is a name
            for another kind of file.
        StorageError: The page can't be written.

    >>> import tempfile, lenet
    >>> run = lenet.train(dataset="digits", epochs=1, runs_folder=tempfile.mkdtemp(), listeners=[])
    >>> report(run).name
    'report.html'
    """
    if output is not None:
        check_ending(Path(output), "A report", ".html", ".htm")
    findings = examine(
        model,
        dataset,
        split=split,
        strangers=strangers,
        network=network,
        runs_folder=runs_folder,
        **compute,
    )
    return write_report(findings, output)


def write_report(findings: Findings, output: Path | str | None = None) -> Path:
    """Write the page that tells what was found out, where `report` would."""
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
        strangers_section(findings),
        mistakes_section(findings),
        suspects_section(findings),
        robustness_section(findings),
        network_section(findings),
        recipe_section(findings),
        again_section(findings),
    )
    title, subtitle = _headline(findings)
    scored = findings.evaluation
    footer = (
        f"Written by lenet {__version__}. Scores are of the {scored.images:,} {scored.split} "
        f"images of {scored.dataset}; intervals are Wilson's, at 95 %."
    )
    return Page(
        title,
        subtitle,
        lead=_overview(findings),
        sections=tuple(section for section in sections if section is not None),
        footer=(footer,),
    )


def _headline(findings: Findings) -> tuple[str, str]:
    """The page's title and the line below it."""
    card, run = findings.answers.card, findings.run
    title = f"{card.model} on {card.dataset or 'images'}"
    if run is None:
        return title, f"Model file {findings.answers.source}, written by lenet {card.version}"
    started = _started(run)
    date = f"{started.day} {started:%B %Y, %H:%M}"
    return title, f"Run {run.name}, started on {date}, with lenet {card.version}"


def _overview(findings: Findings) -> tuple[Node, ...]:
    """What must be known first, and the figures that matter most."""
    evaluation, run = findings.evaluation, findings.run
    low, high = evaluation.interval
    weights = count_weights(findings.answers.network)
    f1s = [(one.f1, one.name) for one in evaluation.classes if one.f1 is not None]
    lowest, weakest = min(f1s, key=lambda one: one[0])
    answered, error = evaluation.answered, evaluation.calibration_error or 0.0
    values: list[tuple[str, Node, str]] = [
        (
            f"{evaluation.split} accuracy",
            percent(evaluation.accuracy, 2),
            f"95 % interval {percent(low)} to {percent(high)}",
        ),
        *([_as_answered(answered, findings)] if answered else []),
        *([_as_refused(refused)] if (refused := evaluation.counter_examples) else []),
        ("images scored", f"{evaluation.images:,}", f"{evaluation.split}, {evaluation.dataset}"),
        ("weakest class", weakest, f"F1 {percent(lowest)}"),
        ("calibration error", percent(error), "mean gap of confidence and accuracy"),
        *([strangers_tile(evaluation.strangers)] if evaluation.strangers else []),
        ("parameters", f"{weights:,}", "numbers that it has learnt"),
    ]
    if run is not None and run.is_complete:
        result = run.result
        took = f"{counted(result.epochs, 'epoch')} in {result.seconds:,.1f}\N{NO-BREAK SPACE}s"
        speed = f"{result.examples_per_second:,.0f}"
        values.append(("training", speed, f"examples/s; {took}"))
    return (*map(note, _warnings(findings)), notices(findings), tiles(values))


def _as_answered(answered: Answered, findings: Findings) -> tuple[str, Node, str]:
    """What `predict` makes of the images, which leaves out what is unlikely."""
    images = findings.evaluation.images
    right, wrong, none = (
        percent(count / images) for count in (answered.right, answered.wrong, answered.none)
    )
    why = f"as below {percent(answered.threshold)}"
    if findings.answers.card.calibration.means:
        why += " or too far"
    return "right at the threshold", right, f"{wrong} wrong, {none} none, {why}"


def _as_refused(refused: Refused) -> tuple[str, Node, str]:
    """What `predict` makes of counter-examples."""
    share, count = percent(refused.none / refused.images), f"{refused.images:,}"
    return "counter-examples refused", share, f"{refused.none:,} of {count} are answered none"


def _warnings(findings: Findings) -> list[str]:
    warnings = []
    if findings.run is not None and not findings.run.is_complete:
        warnings.append(_how_far(findings.run))
    scored, known = findings.evaluation.dataset, findings.answers.card.dataset
    if known not in ("", scored):
        warnings.append(f"The network was trained on {known}, and is scored on {scored} here.")
    if findings.answers.split == "train":
        warnings.append(
            "The scored images are those that the network learnt from. How it does on images that "
            "it has never seen, these figures do not tell."
        )
    elif findings.answers.split == "validation":
        reason = "There are no test images, so these" if findings.lacks_test else "These"
        warnings.append(
            f"{reason} are scores on the validation images. The epoch was chosen by them, and the "
            "temperature too, so they are a little better than on images never looked at."
        )
    if many_pass := stranger_warning(findings.evaluation.strangers):
        warnings.append(many_pass)
    if nothing_learnt := findings.evaluation.warning:
        warnings.append(nothing_learnt.replace("`", ""))
    return warnings


def _how_far(run: Run) -> str:
    history = run.history
    done = f"{history[-1].epoch if history else 0:.3g} of {run.config.recipe.epochs} epochs"
    how = "still goes on" if run.status == "running" else "was stopped on the way"
    return (
        f"The training {how}, after {done}. The network is the one at the end of the last whole "
        "epoch, and its probabilities have not been calibrated yet."
    )


def _started(run: Run) -> datetime:
    """When a run was started: the time in its folder's name, or else of its first file."""
    if match := _STAMP.match(run.name):
        try:
            return datetime.strptime(match[1], "%Y%m%d-%H%M%S")
        except ValueError:  # digits, but no date
            pass
    return datetime.fromtimestamp(run.config_path.stat().st_mtime, timezone.utc)
