"""The colours of numbers, against matplotlib's."""

import matplotlib
import numpy as np
import pytest

from lenet.results.inside._gallery import ColourScale  # a picture holds too few of the colours


@pytest.mark.parametrize(("name", "is_signed"), [("RdBu_r", True), ("inferno", False)])
def test_colours_are_those_of_matplotlib(name: str, is_signed: bool) -> None:
    scale = ColourScale(-1.0, 1.0, is_signed)
    numbers = np.linspace(-1, 1, 256, dtype=np.float32).reshape(16, 16)
    colours = scale.colour(numbers).reshape(4, -1).T
    expected = matplotlib.colormaps[name](np.arange(256), bytes=True)
    assert np.abs(colours.astype(int) - expected).max() <= 1
    assert scale.colour(np.array([[-9.0, 9.0]])).T.squeeze().tolist() == [
        colours[0].tolist(),
        colours[-1].tolist(),
    ]


def test_what_is_no_number_is_transparent() -> None:
    colours = ColourScale(0.0, 1.0, False).colour(np.array([[np.nan, 0.5]]))
    assert colours[3].tolist() == [[0, 255]]
    assert not colours[:, 0, 0].any()
