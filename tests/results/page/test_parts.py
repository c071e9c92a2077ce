import base64
import math
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from lenet.results import Axis, Column, Element, Series, draw_chart, element, picture, render, table
from lenet.results.page._chart import round_ticks, series_colours  # more than a page has


def elements(node: Element | str) -> list[Element]:
    """An element and all that stand in it."""
    if isinstance(node, str):
        return []
    return [node, *(inner for child in node.children for inner in elements(child))]


def attribute(node: Element, name: str) -> str:
    return dict(node.attributes)[name]


@pytest.mark.parametrize("shape", [(28, 28), (1, 28, 28), (3, 32, 32), (3, 20, 40), (1, 1)])
def test_pillow_reads_the_pixels_of_a_picture_back(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    source = attribute(picture(pixels, "noise"), "src")
    image = Image.open(BytesIO(base64.b64decode(source.partition(",")[2])))
    found = np.asarray(image)
    expected = pixels.reshape(shape[-2:]) if len(shape) == 2 or shape[0] == 1 else None
    np.testing.assert_array_equal(
        found, pixels.transpose(1, 2, 0) if expected is None else expected
    )


@pytest.mark.parametrize(
    ("height", "width", "size"), [(28, 28, (56, 56)), (64, 64, (64, 64)), (100, 200, (64, 32))]
)
def test_pictures_fit(height: int, width: int, size: tuple[int, int]) -> None:
    drawn = picture(np.zeros((height, width), np.uint8), "nothing", size=64)
    assert (int(attribute(drawn, "width")), int(attribute(drawn, "height"))) == size


def test_pictures_of_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"not of shape \(2, 8, 8\)"):
        picture(np.zeros((2, 8, 8), np.uint8), "two channels")


def test_tables_name_their_rows_and_columns() -> None:
    drawn = table([Column("a"), Column("b", True)], [["x", "1"]], "What it shows")
    cells = [(cell.tag, dict(cell.attributes).get("scope")) for cell in elements(drawn)]
    assert [cell for cell in cells if cell[0] in ("th", "td")] == [
        ("th", "col"),
        ("th", "col"),
        ("th", "row"),
        ("td", None),
    ]
    with pytest.raises(ValueError, match="zip"):
        table([Column("a")], [["x", "1"]], "One too many")


def test_lines_lie_where_their_values_are() -> None:
    line = Series("rising", ((0, 0), (5, 0.5), (10, 1)))
    x, y = Axis("n", 0, 10), Axis("share", 0, 1, is_share=True)
    drawn = draw_chart([line], x, y, "It rises.", width=400, height=260)
    path = next(attribute(part, "points") for part in elements(drawn) if part.tag == "polyline")
    places = [tuple(map(float, point.split(","))) for point in path.split()]
    assert places[1] == tuple(np.mean([places[0], places[2]], axis=0))
    assert places[0][0] < places[2][0]
    assert places[0][1] > places[2][1]  # up is less in SVG
    texts = [part.children[0] for part in elements(drawn) if part.tag == "text"]
    assert "100 %" in texts
    assert "10" in texts


@pytest.mark.parametrize("kind", ["line", "marks", "marked-line", "bars"])
def test_every_kind_of_series_is_drawn_and_values_that_are_none_are_left_out(kind: str) -> None:
    points = ((0.0, 0.5), (1.0, math.nan), (2.0, 0.7), (3.0, math.inf))
    reach = ((0.4, 0.6), (math.nan, 1.0), (0.6, 0.8), (0.0, math.inf))
    shown = [
        Series(name, points, kind, colour, reach) for colour, name in enumerate("abcdefghijk", 1)
    ]  # type: ignore[arg-type]
    text = render(draw_chart(shown, Axis("x", 0, 3), Axis("y", 0, 1), "All"))
    assert "nan" not in text
    assert "inf" not in text
    # the first and the eleventh, drawn and in the legend
    assert text.count('class="series-1"') == 4


def test_values_are_written_as_people_read_them() -> None:
    plain, share = Axis("n", 0, 1), Axis("n", 0, 1, is_share=True)
    written = [plain.write(value) for value in (0, 0.25, 999, 12345, -120)]
    assert written == ["0", "0.25", "999", "12,345", "-120"]
    assert [share.write(value) for value in (0, 0.125, 1)] == ["0 %", "12.5 %", "100 %"]


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (0, 2.31), (0, 10), (-180, 180), (0.1, 0.9), (0, 1e-4), (0, 123456)]
)
def test_ticks_are_round_and_inside(low: float, high: float) -> None:
    ticks = round_ticks(low, high)
    assert 3 <= len(ticks) <= 8
    assert min(ticks) >= low - 1e-9
    assert max(ticks) <= high + 1e-9
    assert len(set(np.round(np.diff(ticks), 9))) == 1


def test_the_same_chart_has_the_same_bytes() -> None:
    def draw() -> str:
        line = Series("a", ((0, 1 / 3), (1, 2 / 3)), "marked-line", ranges=((0, 1), (0.5, 0.9)))
        return render(element("div", draw_chart([line], Axis("x", 0, 1), Axis("y", 0, 1), "a")))

    assert draw() == draw()


def test_series_of_one_colour_have_marks_of_different_shapes_that_tell_what_they_are() -> None:
    first = Series("a", ((0, 0),), "marks", 1, notes=("the first",))
    later = Series("k", ((1, 1),), "marks", 31, notes=("the later",), mark_size=8)
    text = render(draw_chart([first, later], Axis("x", 0, 1), Axis("y", 0, 1), "All"))
    drawing = text[text.index("</ul>") :]
    assert "<circle" in drawing
    assert "<title>the first</title>" in drawing
    assert drawing.index("<rect") < drawing.index("<title>the later</title>")
    assert 'width="15.2"' in drawing


def test_a_picture_may_have_opacity() -> None:
    pixels = np.zeros((4, 3, 5), np.uint8)
    pixels[0], pixels[3, 1, 2] = 200, 255
    address = dict(picture(pixels, "a dot").attributes)["src"]
    with Image.open(BytesIO(base64.b64decode(address.partition(",")[2]))) as shown:
        assert shown.mode == "RGBA"
        np.testing.assert_array_equal(np.asarray(shown).transpose(2, 0, 1), pixels)


def test_a_chart_counts_on_through_the_colours_that_the_stylesheet_has() -> None:
    colours = series_colours()
    assert len(set(colours)) == len(colours) > 5
    styles = [Series("a", (), colour=number).style for number in range(1, len(colours) + 2)]
    assert styles == [*range(len(colours)), 0]
