"""Filled-in sheets become folders of pictures that a network reads, whatever lines they have."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import lenet
from drawn_digits import STROKES
from lenet.datasets import cut_sheets
from lenet.errors import PictureError, SettingError, StorageError, UnknownNameError

ROWS, COLUMNS, CELL, EDGE = 4, 6, 120, 60
EMPTY = (2, 4)


def digit_in(row: int, column: int) -> int:
    return (row + 3 * column) % 10


def write_sheet(
    path: Path, lines: str = "grid", turned: float = 0.0, down: int = 0, tone: int = 60
) -> Path:
    """A sheet whose third row has an empty cell; digits that are moved down touch lines."""
    size = 2 * EDGE + COLUMNS * CELL, 2 * EDGE + ROWS * CELL
    image = Image.new("L", size, 228)
    pen = ImageDraw.Draw(image)
    for row in range(ROWS + 1):
        if lines in ("grid", "ruled"):
            pen.line((EDGE, EDGE + CELL * row, size[0] - EDGE, EDGE + CELL * row), tone, 3)
    for column in range(COLUMNS + 1):
        if lines == "grid":
            pen.line((EDGE + CELL * column, EDGE, EDGE + CELL * column, size[1] - EDGE), tone, 3)
    for row, column in np.ndindex(ROWS, COLUMNS):
        top, left = EDGE + CELL * row, EDGE + CELL * column
        if lines == "boxes":
            pen.rectangle((left + 8, top + 6, left + CELL - 8, top + CELL - 6), None, tone, 3)
        for stroke in STROKES[digit_in(row, column)] if (row, column) != EMPTY else []:
            points = [(left + 33 + 0.9 * x, top + 15 + down + 0.9 * y) for x, y in stroke]
            pen.line(points, 30, 7, "curve")
    turned_image = image.rotate(turned, Image.Resampling.BICUBIC, fillcolor=228)
    noisy = np.asarray(turned_image) + np.random.default_rng(0).normal(0, 3, size[::-1])
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(path)
    return path


def digits_read(folder: Path) -> dict[tuple[int, int], str]:
    """What the network reads in each picture of a folder, by its row and column."""
    files = sorted(folder.rglob("*.png"))
    answers = lenet.predict("digits", files, threshold=0)
    places = [tuple(int(one) - 1 for one in file.stem.split("-")[-2:]) for file in files]
    return {
        (row, column): answer.class_name or ""
        for (row, column), answer in zip(places, answers, strict=True)
    }


EXPECTED = {
    (row, column): str(digit_in(row, column))
    for row, column in np.ndindex(ROWS, COLUMNS)
    if (row, column) != EMPTY
}


@pytest.mark.parametrize(
    ("lines", "turned", "down"),
    [
        ("grid", 0.0, 0),
        ("grid", 2.0, 20),
        ("boxes", 0.0, 0),
        ("boxes", -1.5, 17),
        ("ruled", 1.0, 0),
        ("none", -2.0, 0),
    ],
)
def test_each_cell_becomes_a_picture_of_its_digit(lines: str, turned: float, down: int) -> None:
    (cut,) = cut_sheets([write_sheet(Path("sheet.png"), lines, turned, down)], "cut")
    assert (cut.rows, cut.columns) == (ROWS, COLUMNS)
    assert cut.has_grid == (lines in ("grid", "boxes"))
    assert cut.written == len(EXPECTED)
    assert cut.empty == int(cut.has_grid)
    assert digits_read(Path("cut")) == EXPECTED
    for row in range(ROWS):
        assert len(list(Path("cut", str(row)).iterdir())) == COLUMNS - (row == EMPTY[0])


def test_lines_of_every_tone_and_colours_are_taken_away() -> None:
    dark = np.asarray(Image.open(write_sheet(Path("sheet.png"), tone=170)))
    coloured = np.stack([dark, dark, (dark // 2 + 120).astype(np.uint8)], axis=2)
    for name, page in (("inverted", 255 - dark), ("coloured", coloured)):
        Image.fromarray(page).save(f"{name}.png")
        cut_sheets([f"{name}.png"], name)
        assert digits_read(Path(name)) == EXPECTED
    one = np.asarray(Image.open("coloured/0/coloured-01-01.png"))
    assert one.shape[2] == 3
    band = np.abs(one[:20].astype(int) - np.median(one, axis=(0, 1)))
    assert (band.max(axis=2) < 30).mean() > 0.98  # no line is left at the top


def test_labels_come_from_columns_rows_or_pages_and_names_are_given() -> None:
    sheet, other = write_sheet(Path("one.png")), write_sheet(Path("two.png"))
    (cut,) = cut_sheets([sheet], "columns", labels="column", classes=["a", "b", "", "b", "c", "d"])
    assert cut.written == 4 * 5 - 1
    counts = {folder.name: len(list(folder.iterdir())) for folder in Path("columns").iterdir()}
    assert counts == {"a": 4, "b": 8, "c": 3, "d": 4}
    cut_sheets([sheet, other], "pages", labels="page", empty="nothing")
    counts = {folder.name: len(list(folder.iterdir())) for folder in Path("pages").iterdir()}
    assert counts == {"one": 23, "two": 23, "nothing": 2}
    cut_sheets([sheet, other], "named", labels="page", classes=["x", "y"])
    dataset = lenet.load_dataset("named")
    assert dataset.class_names == ("x", "y")
    assert sum(len(split) for split in dataset.splits.values()) == 46


def test_squares_of_the_paper_are_no_cells_if_they_mean_nothing() -> None:
    page = np.asarray(Image.open(write_sheet(Path("plain.png"), "none"))).copy()
    squares = np.zeros(page.shape, bool)
    squares[10::40] = squares[:, 10::40] = squares[11::40] = squares[:, 11::40] = True
    Image.fromarray(np.where(squares, np.minimum(page, 150), page)).save("squared.png")
    (cut,) = cut_sheets(["squared.png"], "cut", grid=False)
    assert (cut.rows, cut.columns, cut.has_grid) == (ROWS, COLUMNS, False)
    assert digits_read(Path("cut")) == EXPECTED


def test_a_drawing_shows_what_was_cut_and_what_was_not() -> None:
    sheet = write_sheet(Path("sheet.png"))
    (cut,) = cut_sheets([sheet], "cut")
    assert cut.drawing == Path("cut-sheet.png")
    drawn = np.asarray(Image.open(cut.drawing)).astype(int)
    is_red = (drawn[..., 0] - drawn[..., 1] > 60) & (drawn[..., 0] - drawn[..., 2] > 60)
    assert is_red.sum() > 300
    place = (
        slice(EDGE + 2 * CELL - 4, EDGE + 3 * CELL + 4),
        slice(EDGE + 4 * CELL - 4, EDGE + 5 * CELL + 4),
    )
    assert is_red[place].sum() == is_red.sum()


def test_sheets_of_one_name_do_not_overwrite_each_other() -> None:
    paths = []
    for folder in ("a", "b"):
        Path(folder).mkdir()
        paths.append(write_sheet(Path(folder, "sheet.png")))
    told = cut_sheets(paths, "cut")
    assert [cut.drawing.name for cut in told] == ["cut-sheet.png", "cut-sheet-2.png"]
    assert len(list(Path("cut").rglob("*.png"))) == 46


def test_what_can_not_be_cut_is_named_and_nothing_is_left() -> None:
    sheet = write_sheet(Path("sheet.png"))
    Image.new("L", (300, 300), 230).save("blank.png")
    refused = [
        (PictureError, "`blank.png` has nothing on it", ["blank.png"], {}),
        (PictureError, "`none.png`", ["none.png"], {}),
        (SettingError, "has 4 rows, and `classes` has 2 names", [sheet], {"classes": ["a", "b"]}),
        (SettingError, "2 names for 1 sheets", [sheet], {"labels": "page", "classes": ["a", "b"]}),
        (SettingError, "`a/b` can't be the name", [sheet], {"classes": ["a/b"]}),
        (UnknownNameError, "Unknown labels `rows`", [sheet], {"labels": "rows"}),
    ]
    for error, message, sheets, options in refused:
        with pytest.raises(error, match=message):
            cut_sheets(sheets, "cut", **options)
    Path("there").mkdir()
    with pytest.raises(StorageError, match="there already"):
        cut_sheets([sheet], "there")
    left = {"blank.png", "sheet.png", "there"}
    assert {path.name for path in Path().iterdir()} == left


@pytest.mark.parametrize("name", [".hidden", "Thumbs.db", "..", "."])
def test_a_class_that_no_reader_sees_is_refused(name: str) -> None:
    with pytest.raises(SettingError, match="can't be the name of a class"):
        cut_sheets([write_sheet(Path("sheet.png"))], "cut", empty=name)


def test_a_file_that_lies_where_the_drawing_belongs_stays() -> None:
    sheet = write_sheet(Path("sheet.png"))
    Path("cut-sheet.png").write_text("mine")
    with pytest.raises(StorageError, match=r"`cut-sheet\.png`, where the drawing belongs"):
        cut_sheets([sheet], "cut")
    assert Path("cut-sheet.png").read_text() == "mine"
    assert sorted(path.name for path in Path().iterdir()) == ["cut-sheet.png", "sheet.png"]


def test_what_a_kill_left_of_a_cut_is_removed() -> None:
    Path(".cut.0123abcd.partial", "0").mkdir(parents=True)
    cut_sheets([write_sheet(Path("sheet.png"))], "cut")
    names = ["cut", "cut-sheet.png", "sheet.png"]
    assert sorted(path.name for path in Path().iterdir()) == names
