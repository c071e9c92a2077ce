import math

from lenet.results.pages._chart import draw_chart
from lenet.results.pages._chart_frame import Axis
from lenet.results.pages._chart_series import Series
from lenet.results.pages._element import Element
from lenet.results.pages._page import Section
from lenet.results.pages._parts import figure, paragraph, row
from lenet.results.reporting._findings import Findings
from lenet.results.reporting._wording import counted, percent
from lenet.training import CurvePoint


def curves_section(findings: Findings) -> Section | None:
    """How the training went; a model file alone does not know."""
    run = findings.run
    history = run.history if run else []
    if run is None or not history:
        return None
    ends = [point for point in history if point.ends_epoch]
    epochs = run.config.recipe.epochs
    ticks = tuple(float(tick) for tick in range(0, epochs + 1, math.ceil(epochs / 10)))
    epoch = Axis("epoch", 0, epochs, ticks if epochs > 1 else ())
    charts = row(
        [
            figure(_draw_losses(history, ends, epoch), title="Loss"),
            figure(_draw_accuracies(history, ends, epoch), title="Accuracy"),
        ]
    )
    return Section("How it learnt", "curves", (paragraph(_in_words(findings, history)), charts))


def _draw_losses(history: list[CurvePoint], ends: list[CurvePoint], epoch: Axis) -> Element:
    """Train loss, and the loss on held-out images."""
    training = tuple((point.epoch, point.train_loss) for point in history)
    losses = (
        (point.epoch, point.test_loss if point.validation_loss is None else point.validation_loss)
        for point in ends
    )
    held_out = tuple((epoch, loss) for epoch, loss in losses if loss is not None)
    series = [Series("train", training, "line", 1)]
    if held_out:
        series.append(Series(ends[-1].held_out_name, held_out, "marked-line", 2))
    values = [value for one in series for _, value in one.points if math.isfinite(value)]
    loss = Axis("mean loss, nats", 0, 1.05 * max(values, default=0.0) or 1.0)
    return draw_chart(series, epoch, loss, f"Loss by epoch; at the end {training[-1][1]:.3f}.")


def _draw_accuracies(history: list[CurvePoint], ends: list[CurvePoint], epoch: Axis) -> Element:
    """Train accuracy, and the accuracy on held-out images."""
    training = tuple((point.epoch, point.train_accuracy) for point in history)
    held_out = tuple((point.epoch, point.held_out_accuracy or 0.0) for point in ends)
    series = [Series("train", training, "line", 1)]
    if held_out:
        series.append(Series(ends[-1].held_out_name, held_out, "marked-line", 2))
    lowest = min(value for one in series for _, value in one.points)
    share = Axis("accuracy", int(lowest * 0.98 * 10) / 10, 1, is_share=True)
    alt = f"Accuracy by epoch; at the end {percent(training[-1][1])} while training."
    return draw_chart(series, epoch, share, alt)


def _in_words(findings: Findings, history: list[CurvePoint]) -> str:
    """What the curves say."""
    last = history[-1]
    is_whole = last.epoch == int(last.epoch)
    passed = counted(int(last.epoch), "epoch") if is_whole else f"{last.epoch:.3g} epochs"
    text = (
        f"After {passed} the network was right on {percent(last.train_accuracy)} of the training "
        "images, counted while its weights were still changing"
    )
    ends = [point for point in history if point.ends_epoch]
    if not ends:
        return f"{text}."
    name = ends[-1].held_out_name
    text += f", and on {percent(ends[-1].held_out_accuracy or 0)} of the {name} images."
    run = findings.run
    if run is not None and run.is_complete and name == "validation" and len(ends) > 1:
        text += f" The weights of epoch {run.result.best_epoch} were kept, the best on these."
    return text
