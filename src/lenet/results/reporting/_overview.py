import re
from datetime import datetime, timezone

from lenet.results.evaluation._reliability import expected_calibration_error
from lenet.results.pages._element import Node
from lenet.results.pages._parts import note, tiles
from lenet.results.reporting._findings import Findings
from lenet.results.reporting._wording import counted, percent
from lenet.runs import Run

_STAMP = re.compile(r"(\d{8}-\d{6})-")


def headline(findings: Findings) -> tuple[str, str]:
    """The page's title and the line below it."""
    card, run = findings.answers.card, findings.run
    title = f"{card.model} on {card.dataset or 'images'}"
    if run is None:
        return title, f"Model file {findings.answers.source}, written by lenet {card.version}"
    started = _started(run)
    date = f"{started.day} {started:%B %Y, %H:%M}"
    return title, f"Run {run.name}, started on {date}, with lenet {card.version}"


def overview(findings: Findings) -> tuple[Node, ...]:
    """What must be known first, and the figures that matter most."""
    evaluation, run = findings.evaluation, findings.run
    low, high = evaluation.interval
    weights = sum(parameter.numel() for parameter in findings.answers.network.parameters())
    seen = [score for score in evaluation.classes if score.images]
    weakest = min(seen, key=lambda score: score.f1)
    error = expected_calibration_error(findings.probabilities, findings.answers.examples.labels)
    values: list[tuple[str, Node, str]] = [
        (
            f"{evaluation.split} accuracy",
            percent(evaluation.accuracy, 2),
            f"95 % interval {percent(low)} to {percent(high)}",
        ),
        ("images scored", f"{evaluation.images:,}", f"{evaluation.split}, {evaluation.dataset}"),
        ("weakest class", weakest.name, f"F1 {percent(weakest.f1)}"),
        ("calibration error", percent(error), "mean gap of confidence and accuracy"),
        ("parameters", f"{weights:,}", "numbers that it has learnt"),
    ]
    if run is not None and run.is_complete:
        result = run.result
        took = f"{counted(result.epochs, 'epoch')} in {result.seconds:,.1f}\N{NO-BREAK SPACE}s"
        speed = f"{result.examples_per_second:,.0f}"
        values.append(("training", speed, f"examples/s; {took}"))
    return (*map(note, _warnings(findings)), tiles(values))


def describe_scoring(findings: Findings) -> str:
    """Which images the scores are of."""
    evaluation = findings.evaluation
    return (
        f"Scores are of the {evaluation.images:,} {evaluation.split} images of "
        f"{evaluation.dataset}; intervals are Wilson's, at 95 %."
    )


def _warnings(findings: Findings) -> list[str]:
    """What keeps the scores from meaning what they seem to."""
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
    return warnings


def _how_far(run: Run) -> str:
    """How far a training is that is not complete."""
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
