"""The book's lines and rows of images."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from lenet import d2l

LINE, SQUARE = [0.0, 1.0, 2.0], [0.0, 1.0, 4.0]


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    d2l.plt.close("all")


@pytest.mark.parametrize(
    ("X", "Y", "expected"),
    [
        (SQUARE, None, [(LINE, SQUARE)]),
        ([LINE, SQUARE], None, [(LINE, LINE), (LINE, SQUARE)]),
        (np.array(LINE), np.array(SQUARE), [(LINE, SQUARE)]),
        (range(3), SQUARE, [(LINE, SQUARE)]),
        (torch.tensor(LINE), [torch.tensor(LINE), SQUARE], [(LINE, LINE), (LINE, SQUARE)]),
        (LINE, torch.tensor([LINE, SQUARE]), [(LINE, LINE), (LINE, SQUARE)]),
        ([LINE, SQUARE], [SQUARE, LINE], [(LINE, SQUARE), (SQUARE, LINE)]),
        (torch.tensor(LINE, requires_grad=True), SQUARE, [(LINE, SQUARE)]),
        (LINE, list(torch.tensor(SQUARE, requires_grad=True)), [(LINE, SQUARE)]),
        ([], [], [([], [])]),
    ],
)
def test_lines_go_through_the_points(X: Any, Y: Any, expected: Any) -> None:
    d2l.plot(X, Y)
    lines = d2l.plt.gca().get_lines()
    assert [(list(line.get_xdata()), list(line.get_ydata())) for line in lines] == expected


def test_labels_scales_and_a_style_for_every_line() -> None:
    lines = [[value] * 3 for value in range(1, 7)]
    d2l.plot(LINE, lines, "x", "f(x)", ["a", "b"], [1, 2], [1, 9], "linear", "log", figsize=(5, 4))
    axes = d2l.plt.gca()
    assert len(axes.get_lines()) == 6
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_yscale()) == ("x", "f(x)", "log")
    assert (axes.get_xlim(), axes.get_ylim()) == ((1, 2), (1, 9))
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b"]
    assert tuple(d2l.plt.gcf().get_size_inches()) == (5, 4)


def test_given_axes_are_drawn_anew() -> None:
    _, (left, right) = d2l.plt.subplots(1, 2)
    d2l.plot(LINE, SQUARE, axes=left)
    d2l.plot(LINE, axes=left)
    assert (len(left.get_lines()), len(right.get_lines())) == (1, 0)


def test_images_stand_in_rows_under_their_titles() -> None:
    pixels = torch.rand(3, 4, 5)
    colour = Image.new("RGB", (5, 4), (10, 20, 30))
    axes = d2l.show_images([*pixels, pixels[:1], colour], 2, 3, titles=list("abcde"), scale=2)
    assert axes.shape == (6,)
    assert tuple(d2l.plt.gcf().get_size_inches()) == (6, 4)
    assert [axis.get_title() for axis in axes] == [*"abcde", ""]
    for axis, expected in zip(axes, [*pixels, pixels[0], np.asarray(colour)], strict=False):
        np.testing.assert_array_equal(axis.images[0].get_array(), expected)
    assert not axes[0].xaxis.get_visible()
    assert d2l.show_images(pixels, 1, 1).shape == (1,)
