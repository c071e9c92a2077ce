"""How good a network is: `lenet evaluate` and `lenet report`."""

import csv
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lenet.cli._command import (
    READING_TO_SCORE,
    Given,
    Panel,
    Printed,
    Trained,
    command,
    print_written,
)
from lenet.cli._console import print_json, print_line, print_notice, print_table, save_figure
from lenet.core import Compute, check_ending, escape_name, option, write_atomically
from lenet.errors import MissingExtraError, SettingError, StorageError
from lenet.results import SplitName, Views

if TYPE_CHECKING:
    from lenet.results import Answers, Evaluation

_COLUMNS = ("file", "true", "answer", "probability")


@dataclass(frozen=True)
class _Scoring(Trained):
    """How a network is scored.

    Attributes:
        split: Which images.
        views: How each image is looked at: once, also mirrored, or also moved by up to one pixel.
            The probabilities of several views are averaged.
        picture: Where the confusion matrix is drawn.
        csv: A table that is made: each image's file, its class, the answer, its probability.
        strangers: Pictures of none of the classes: a folder, a file, a pattern. How many pass for
            one is counted, and so it is for noise, garments and the like.
    """

    split: SplitName = "test"
    views: Views = "single"
    picture: Path | None = option(None, usual="in the run folder")
    csv: Path | None = option(None, metavar="FILE")
    strangers: str | None = option(None, metavar="FOLDER|FILE")


@command(_Scoring, Panel(Compute, skip=("threads",)), Printed, READING_TO_SCORE)
def evaluate(given: Given) -> None:
    """Score a trained network: accuracy, loss, each class, the confusion matrix."""
    from lenet import results
    from lenet.runs import locate_model

    wanted, picture = given.of(_Scoring), given.of(_Scoring).picture
    if picture is not None:
        check_ending(picture, "The confusion matrix", ".png")
    if wanted.csv is not None:
        check_ending(wanted.csv, "The table of answers", ".csv")
    source = locate_model(wanted.model, wanted.runs_folder)
    answers = results.answer(
        source,
        given.dataset(),
        split=wanted.split,
        views=wanted.views,
        strangers=wanted.strangers,
        **given.typed_of(Compute),
    )
    scored = answers.evaluation
    for note in answers.dataset.origin.notes if answers.dataset.origin else ():
        if results.TRAINED_ON in note:
            print_notice(note)
    if wanted.csv is not None:
        _check_not_read(wanted.csv, answers)
        _write_answers(wanted.csv, answers)
    title = f"{scored.dataset}, {scored.split}: accuracy {scored.accuracy:.3f}"
    as_json = given.of(Printed).json
    if picture is not None:
        save_figure(results.draw_confusion(scored, title), picture)
    elif not isinstance(source, Path) and not as_json:
        picture = source.folder / f"confusion-{scored.dataset}-{scored.split}.png"
        try:
            save_figure(results.draw_confusion(scored, title), picture)
        except (MissingExtraError, StorageError) as error:
            print_notice(f"The confusion matrix is not drawn. {error}")
            picture = None
    if as_json:
        run, model = (
            (None, source) if isinstance(source, Path) else (source.name, source.model_path)
        )
        print_json({"run": run, "model": str(model), **scored.to_dict()})
        return
    _print_scores(scored)
    if picture is not None:
        print_line(f"\nConfusion matrix drawn in {picture}")
    if wanted.csv is not None:
        print_line(f"Answers written to {wanted.csv}")


def _check_not_read(path: Path, answers: "Answers") -> None:
    """Raise the `SettingError` for a table of the data itself; one of earlier answers is none."""
    origin = answers.dataset.origin
    if origin is None or not path.is_file():
        return
    source, target = (Path(os.path.realpath(one)) for one in (origin.source.path, path))
    if source != target and source not in target.parents:
        return
    with path.open("rb") as file:
        is_ours = file.readline(100).strip() == ",".join(_COLUMNS).encode()
    if not is_ours or source == target:
        message = f"`{path}` belongs to what is read; name another table for `--csv` to write."
        raise SettingError(message)


def _write_answers(path: Path, answers: "Answers") -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for name, true, given, probability in answers.rows():
        writer.writerow([*map(escape_name, (name, true, given)), f"{probability:.6f}"])
    write_atomically(path, text.getvalue())


def _print_scores(scored: "Evaluation") -> None:
    from lenet.results import confusion_text, describe_strangers

    low, high = scored.interval
    print_line(f"{scored.dataset}, {scored.split} split, {scored.images:,} images")
    print_line(f"accuracy {scored.accuracy:.4f} (95 % interval {low:.4f} to {high:.4f})")
    print_line(f"loss {scored.loss:.4f}")
    means = f"macro F1 {scored.macro_f1:.4f}, balanced accuracy {scored.balanced_accuracy:.4f}"
    tops = (scored.top_k or {}).items()
    print_line("".join([means, *(f", top {k} {share:.4f}" for k, share in tops)]))
    if scored.calibration_error is not None:
        at = f"calibration error {scored.calibration_error:.4f}"
        print_line(f"{at} at temperature {scored.temperature:.4f}")
    if answered := scored.answered:
        counts = (
            f"{answered.right:,} right, {answered.wrong:,} wrong, {answered.none:,} none of these"
        )
        print_line(f"`lenet predict` answers, by its threshold {answered.threshold:.3f}: {counts}")
    if others := scored.counter_examples:
        print_line(f"counter-examples: {others.none:,} of {others.images:,} none of these")
    for sentence in describe_strangers(scored.strangers) if scored.strangers else ():
        print_line(sentence)
    print_line("")
    if scored.warning:
        print_line(f"{scored.warning}\n")
    rows = [["class", "precision", "recall", "f1", "images"]]
    for score in scored.classes:
        known = score.precision, score.recall, score.f1
        shares = ["–" if share is None else f"{share:.3f}" for share in known]
        rows.append([score.name, *shares, str(score.images)])
    print_table(rows)
    print_line(f"\n{confusion_text(scored)}")


@dataclass(frozen=True)
class _Report(Trained):
    """What is reported, and where.

    Attributes:
        output: The file to write.
        split: Which images are scored.
        strangers: Pictures of none of the classes, a folder, a file or a pattern, to be shown to
            the network besides noise, garments and the like.
    """

    output: Path | None = option(
        None,
        flags=("--output", "-o"),
        usual="`report.html` in the run folder, or `report-DATA-SPLIT.html` with `--data` or "
        "`--split`; for a model file `NAME-report.html` here",
    )
    split: SplitName | None = option(None, usual="test, or validation without test images")
    strangers: str | None = option(None, metavar="FOLDER|FILE")


@command(_Report, Panel(Compute, skip=("threads",)), Printed, READING_TO_SCORE)
def report(given: Given) -> None:
    """Write one HTML page about a trained network: scores, trust, strangers, mistakes, recipe."""
    from lenet import results

    wanted = given.of(_Report)
    if wanted.output is not None:
        check_ending(wanted.output, "A report", ".html", ".htm")
    findings = results.examine(
        wanted.model,
        given.dataset(),
        split=wanted.split,
        strangers=wanted.strangers,
        runs_folder=wanted.runs_folder,
        **given.typed_of(Compute),
    )
    path = results.write_report(findings, wanted.output)
    strangers = findings.evaluation.strangers
    facts = {
        "findings": results.describe_strangers(strangers) if strangers else [],
        "strangers": strangers and strangers.to_dict(),
    }
    print_written([path], f"Report written to {path}", given, **facts)
