"""How it learnt, what it mixes up, and how well each class is recognised."""

import math
from collections.abc import Callable

from lenet.results._wording import counted, percent
from lenet.results.measure._scores import frequent_confusions, wilson_interval
from lenet.results.page._chart import Axis, Series, draw_chart
from lenet.results.page._page import Element, Node, Section, element
from lenet.results.page._parts import (
    Column,
    beside,
    bullets,
    figure,
    paragraph,
    picture,
    row,
    scroll_box,
    table,
)
from lenet.results.reporting._findings import Findings
from lenet.training import CurvePoint

_NARROW = 20  # with more classes than this the cells are small
_SHORT = 2  # names up to this length lie above their column as they are
_MOST = 8
_WIDTH, _HEIGHT = 170, 16


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
    losses = _train_and_held_out(
        history,
        ends,
        lambda point: point.train_loss,
        lambda point: point.test_loss if point.validation_loss is None else point.validation_loss,
    )
    accuracies = _train_and_held_out(
        history,
        ends,
        lambda point: point.train_accuracy,
        lambda point: point.held_out_accuracy or 0.0,
    )
    values = [value for one in losses for _, value in one.points if math.isfinite(value)]
    loss = Axis("mean loss, nats", 0, 1.05 * max(values, default=0.0) or 1.0)
    lowest = min(value for one in accuracies for _, value in one.points)
    share = Axis("accuracy", int(lowest * 0.98 * 10) / 10, 1, is_share=True)
    loss_alt = f"Loss by epoch; at the end {history[-1].train_loss:.3f}."
    share_alt = (
        f"Accuracy by epoch; at the end {percent(history[-1].train_accuracy)} while training."
    )
    charts = row(
        [
            figure(draw_chart(losses, epoch, loss, loss_alt), title="Loss"),
            figure(draw_chart(accuracies, epoch, share, share_alt), title="Accuracy"),
        ]
    )
    return Section("How it learnt", "curves", (paragraph(_in_words(findings, history)), charts))


def _train_and_held_out(
    history: list[CurvePoint],
    ends: list[CurvePoint],
    train: Callable[[CurvePoint], float],
    held_out: Callable[[CurvePoint], float | None],
) -> list[Series]:
    """The curve of the training images, and that of the others where there is one."""
    series = [Series("train", tuple((point.epoch, train(point)) for point in history), "line", 1)]
    others = ((point.epoch, held_out(point)) for point in ends)
    if points := tuple((at, value) for at, value in others if value is not None):
        series.append(Series(ends[-1].held_out_name, points, "marked-line", 2))
    return series


def _in_words(findings: Findings, history: list[CurvePoint]) -> str:
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


def confusions_section(findings: Findings) -> Section:
    """What is taken for what."""
    evaluation = findings.evaluation
    confusions = frequent_confusions(evaluation, _MOST)
    title, anchor = "What it mixes up", "confusions"
    matrix = _matrix(findings)
    if not confusions:
        said = paragraph("Not one image was taken for anything but what it is.")
        return Section(title, anchor, (said, matrix))
    right = sum(counts[index] for index, counts in enumerate(evaluation.confusion))
    wrong = evaluation.images - right
    said = paragraph(
        f"{wrong:,} of {counted(evaluation.images, 'image')} {'was' if wrong == 1 else 'were'} "
        "taken for something else. A row of the table holds the images of one class, a column what "
        "they were taken for. Framed on the diagonal is what was right; the stronger a cell's "
        "colour, the larger its share of the row."
    )
    listed = bullets(
        element(
            "span",
            element("strong", one.true),
            " taken for ",
            element("strong", one.given),
            f": {one.count:,}\N{NO-BREAK SPACE}of\N{NO-BREAK SPACE}{one.images:,}",
        )
        for one in confusions
    )
    often = element("div", element("h3", "Most often"), listed)
    if len(findings.class_names) > _NARROW:
        return Section(title, anchor, (said, matrix, often))
    return Section(title, anchor, (said, beside(matrix, often)))


def _matrix(findings: Findings) -> Element:
    names, confusion = findings.class_names, findings.evaluation.confusion
    headings = (element("th", element("span", name), scope="col", title=name) for name in names)
    rows = (
        element(
            "tr",
            element("th", element("span", name), scope="row", title=name),
            *(_cell(names, row, column, counts) for column in range(len(names))),
        )
        for row, (name, counts) in enumerate(zip(names, confusion, strict=True))
    )
    title = "Confusion matrix"
    narrow = " narrow" if len(names) > _NARROW else ""
    upright = " upright" if max(map(len, names)) <= _SHORT else ""
    table = element(
        "table",
        element("caption", title),
        element("thead", element("tr", element("td", "true ↓  given →"), *headings)),
        element("tbody", *rows),
        class_=f"confusion{narrow}{upright}",
    )
    return scroll_box(table, title)


def _cell(names: tuple[str, ...], row: int, column: int, counts: tuple[int, ...]) -> Element:
    count, images = counts[column], sum(counts)
    if row != column and not count:
        return element("td")
    share = count / images if images else 0.0
    # The root, so that a hundredth can be seen beside the diagonal.
    depth = share if row == column else min(1.0, (2 * share) ** 0.5)
    said = f"{names[row]} taken for {names[column]}: {count:,} of {images:,}"
    return element(
        "td",
        f"{count}",
        class_="right" if row == column else "wrong",
        style=f"--depth: {100 * depth:.0f}%",
        title=said,
    )


def classes_section(findings: Findings) -> Section:
    """How well each class is recognised."""
    evaluation = findings.evaluation
    confusion = evaluation.confusion
    called = [sum(column) for column in zip(*confusion, strict=True)]
    intervals = [
        [
            wilson_interval(confusion[index][index], count) if count else None
            for count in (called[index], score.images)
        ]
        for index, score in enumerate(evaluation.classes)
    ]
    bounds = [pair[0] for two in intervals for pair in two if pair is not None]
    low = math.floor(10 * min(bounds, default=0.0)) / 10
    rows: list[list[Node]] = [
        [
            _named(findings, index, score.name),
            _with_bar(score.precision, precise, low),
            _with_bar(score.recall, recalled, low),
            "–" if score.f1 is None else percent(score.f1),
            f"{score.images:,}",
        ]
        for index, (score, (precise, recalled)) in enumerate(
            zip(evaluation.classes, intervals, strict=True)
        )
    ]
    columns = [*map(Column, ("class", "precision", "recall"))]
    columns += [Column(name, is_number=True) for name in ("F1", "images")]
    said = paragraph(
        element("strong", "Precision"),
        ": of the images that were called so, how many are. ",
        element("strong", "Recall"),
        ": of the images that are so, how many were called so. ",
        element("strong", "F1"),
        " is the harmonic mean of both.",
    )
    caption = (
        f"Bars reach over the 95 % intervals (Wilson), on a scale from {percent(low, 0)} to 100 %; "
        "the stroke is the value."
    )
    return Section("Class by class", "classes", (said, table(columns, rows, caption)))


def _named(findings: Findings, index: int, name: str) -> Element:
    examples = findings.answers.examples
    members = (examples.labels == index).nonzero()[0]
    if not len(members):
        return element("span", name, class_="named")
    image = picture(examples.images[members[0]], f"An image of {name}", size=28)
    return element("span", image, element("span", name), class_="named")


def _with_bar(
    value: float | None, interval: tuple[float, float] | None, low: float
) -> Element | str:
    if value is None or interval is None:
        return "–"
    start, end, at = (
        _WIDTH * (bound - low) / (1 - low) for bound in (*interval, max(value, interval[0]))
    )
    middle, width = _HEIGHT / 2, round(max(end - start, 1.0), 2)
    said = f"95 % interval {percent(interval[0])} to {percent(interval[1])}"
    bar = element(
        "svg",
        element("title", said),
        element("line", x1=0, x2=_WIDTH, y1=middle, y2=middle, class_="grid"),
        element(
            "rect",
            x=round(start, 2),
            width=width,
            y=middle - 4.5,
            height=9,
            rx=2,
            class_="series-1 interval",
        ),
        element("rect", x=round(at - 1, 2), width=2, y=0, height=_HEIGHT, class_="at"),
        viewBox=f"-2 0 {_WIDTH + 4} {_HEIGHT}",
        preserveAspectRatio="none",  # on phones it is made narrower, not lower
        width=_WIDTH + 4,
        height=_HEIGHT,
        role="img",
        aria_label=said,
    )
    return element("span", element("span", percent(value)), bar, class_="share")
