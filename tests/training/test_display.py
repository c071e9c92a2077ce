"""What a person sees of a training: lines in a pipe, curves in a terminal, pictures in files."""

import io
import re

import IPython
import pytest
from rich.console import Console

from lenet.core import Series
from lenet.datasets import Dataset
from lenet.models import LeNetConfig, build_model
from lenet.training import (
    CurvePoint,
    Listener,
    PlainDisplay,
    Recipe,
    TerminalDisplay,
    Trainer,
    draw_curves,
    draw_terminal_curves,
    in_notebook,
    learning_curves,
    pick_display,
)


def train_with(display: Listener, data: Dataset, recipe: Recipe) -> None:
    """Train from seed 0 before a display."""
    if recipe.validation:
        data = data.with_validation(recipe.validation, 0)
    Trainer(build_model(LeNetConfig(), seed=0), data, recipe, listeners=[display]).run()


def test_a_pipe_gets_one_plain_line_an_epoch_and_the_tutorials_lines(few_digits: Dataset) -> None:
    output = io.StringIO()
    train_with(PlainDisplay(Console(file=output)), few_digits, Recipe(epochs=2, batch_size=64))
    lines = output.getvalue().splitlines()
    assert "\x1b" not in output.getvalue()
    epochs = [line for line in lines if line.startswith("epoch")]
    assert len(epochs) == 2
    assert re.fullmatch(
        r"epoch  1/2  loss \d\.\d{3}  train acc \d\.\d{3}  test acc \d\.\d{3}"
        r"  [\d,]+ examples/s  \d+ s left",
        epochs[0],
    )
    assert re.fullmatch(r"loss \d\.\d{3}, train acc \d\.\d{3}, test acc \d\.\d{3}", lines[-3])
    assert re.fullmatch(r"\d+\.\d examples/sec on cpu \(wall clock over whole epochs\)", lines[-2])
    assert re.fullmatch(
        r"\d+\.\d examples/sec on cpu \(as the tutorial counts: steps only\)", lines[-1]
    )


def test_a_validation_split_is_called_by_its_name(few_digits: Dataset) -> None:
    output = io.StringIO()
    recipe = Recipe(epochs=1, batch_size=64, validation=0.2)
    train_with(PlainDisplay(Console(file=output)), few_digits, recipe)
    assert "validation acc" in output.getvalue().splitlines()[0]
    assert re.search(r"validation acc \d\.\d{3} \(epoch 1\), test acc", output.getvalue())


def test_a_terminal_gets_curves_and_a_bar(few_digits: Dataset) -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=80, height=40, legacy_windows=False)
    console._environ["TERM"] = "xterm"
    train_with(TerminalDisplay(console), few_digits, Recipe(epochs=2, batch_size=64))
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", output.getvalue())
    assert re.search("[\u2801-\u28ff]", text), "dots are drawn"
    for name in ("train loss", "train acc", "test acc", "epoch 2/2", "examples/s"):
        assert name in text
    assert text.rstrip().endswith("steps only)")


def test_output_that_is_no_terminal_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    assert type(pick_display()) is PlainDisplay


@pytest.mark.parametrize(
    ("kinds", "is_notebook"),
    [(["ZMQInteractiveShell"], True), (["Shell", "ZMQInteractiveShell"], True), (["Shell"], False)],
)
def test_a_shell_derived_from_jupyters_is_a_notebook(
    monkeypatch: pytest.MonkeyPatch, kinds: list[str], is_notebook: bool
) -> None:
    kind: type = object
    for name in reversed(kinds):  # Colab's shell is called `Shell`, as others are that are none
        kind = type(name, (kind,), {})
    monkeypatch.setattr(IPython, "get_ipython", kind)
    assert in_notebook() == is_notebook


def test_the_terminals_dots_lie_where_the_points_are() -> None:
    curve = Series("line", ((0.0, 0.0), (1.0, 1.0)))
    lines = draw_terminal_curves([curve], 1.0, 27, 5).plain.split("\n")
    assert lines[0][-1] != "\u2800", "ends in the upper right corner"
    assert lines[4][7] != "\u2800", "begins in the lower left corner"
    assert lines[0][7] == "\u2800"
    assert lines[4][-1] == "\u2800"
    assert all(len(line) == 27 for line in lines[:5])
    assert "line 1.000" in lines[-1]


@pytest.mark.parametrize(
    ("end", "width", "numbers"),
    [
        (1.0, 40, "0 1"),
        (10.0, 80, "0 1 2 3 4 5 6 7 8 9 10"),
        (10.0, 40, "0 2 4 6 8 10"),
        (300.0, 50, "0 50 100 150 200 250 300"),
        (7.0, 20, "0 5"),
        (0.5, 50, "0 0.1 0.2 0.3 0.4 0.5"),
    ],
)
def test_the_terminals_axis_has_epochs(end: float, width: int, numbers: str) -> None:
    curve = Series("line", ((0.0, 1.0), (end, 1.0)))
    axis, below = draw_terminal_curves([curve], end, width, 3).plain.split("\n")[3:5]
    assert below.split() == ["epoch", *numbers.split()]
    assert axis.count("┬") == len(numbers.split())
    assert len(axis) == width
    assert len(below) <= width
    assert (
        axis[7]
        == "┬"
        == axis[7 + min(round((width - 7) * float(below.split()[-1]) / end), width - 8)]
    )


def test_curves_can_be_told_apart_without_colours() -> None:
    flat = [Series(f"at {height}", ((0.0, height), (1.0, height))) for height in range(4)]
    *lines, _, _, legend = draw_terminal_curves(flat, 1.0, 60, 7).plain.split("\n")
    rows = [line[7:].replace("\u2800", " ").split() for line in lines]
    assert len({tuple(map(len, row)) for row in rows if row}) == 4
    assert len(set(re.findall("[\u2800-\u28ff]+", legend))) == 4


def test_the_terminal_bears_an_empty_curve_and_one_that_is_not_finite() -> None:
    nan = float("nan")
    curves = [Series("none", ()), Series("some", ((0, nan), (1, 0.5)))]
    assert "0.500" in draw_terminal_curves(curves, 3, 40, 5).plain


def test_the_picture_holds_the_three_curves() -> None:
    history = [
        CurvePoint(0.5, 2.0, 0.2, 0.9, 1.0),
        CurvePoint(1.0, 1.5, 0.4, 0.9, 2.0, test_loss=1.4, test_accuracy=0.5),
        CurvePoint(1.5, 1.0, 0.6, 0.9, 3.0),
        CurvePoint(2.0, 0.9, 0.7, 0.9, 4.0, test_loss=0.8, test_accuracy=0.75),
    ]
    axes = draw_curves(history, 2, "title").axes[0]
    lines = {str(line.get_label()): line for line in axes.get_lines()}
    assert list(lines) == ["train loss 0.900", "train acc 0.700", "test acc 0.750"]
    assert list(lines["test acc 0.750"].get_xdata()) == [1.0, 2.0]
    assert list(lines["train loss 0.900"].get_ydata()) == [2.0, 1.5, 1.0, 0.9]
    assert axes.get_title() == "title"


def test_the_picture_of_nothing_is_a_picture() -> None:
    assert draw_curves([], 10).axes[0].get_xlim() == (0, 10)


def test_without_held_out_images_the_picture_has_two_curves() -> None:
    history = [CurvePoint(0.5, 2.0, 0.2, 0.9, 1.0), CurvePoint(1.0, 1.5, 0.4, 0.9, 2.0)]
    axes = draw_curves(history, 1).axes[0]
    labels = [str(line.get_label()) for line in axes.get_lines()]
    assert labels == ["train loss 1.500", "train acc 0.400"]
    assert [curve.name for curve in learning_curves(history)] == ["train loss", "train acc"]
    assert len(learning_curves(history[:1])) == 3, "what is held out is not known yet"
