"""`lenet data`, as a person has it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lenet
from calling import call
from drawn_digits import photo
from lenet.datasets import Dataset


def test_the_list_names_what_is_here_and_what_was_read(pictures: Path) -> None:
    call("data", "info", str(pictures))
    text = call("data", "list").stdout
    assert re.search(r"^digits +bundled$", text, re.MULTILINE)
    assert re.search(r"^kmnist +", text, re.MULTILINE)
    assert re.search(rf"^pictures +{pictures} +192 +10 +\d", text, re.MULTILINE)
    listed = json.loads(call("data", "list", "--json").stdout)
    assert {"name": "digits", "here": True} in listed["named"]
    assert listed["own"][0]["path"] == str(pictures)


def test_get_says_where_a_dataset_is() -> None:
    assert call("data", "get", "digits").stdout == (
        "digits is bundled: 1,797 images in 10 classes\n"
    )
    assert "Did you mean `digits`" in call("data", "get", "digit", code=2).stderr


def test_info_tells_what_was_found(few_digits: Dataset, pictures: Path) -> None:
    text = call("data", "info", str(pictures)).stdout
    assert f"pictures: a folder of pictures, {pictures}" in text
    assert "128 train, 64 test; 28×28 grey, light on dark" in text
    values = json.loads(call("data", "info", str(pictures), "--json").stdout)
    assert values["counts"]["test"] == np.bincount(few_digits.test.labels).tolist()
    assert values["origin"]["format"] == "a folder of pictures"
    assert json.loads(call("data", "info", "digits", "--json").stdout)["origin"] is None


def test_info_lists_the_files_that_it_finds_fault_with(pictures: Path) -> None:
    blank = sorted((pictures / "train" / "0").iterdir())[:6]
    for path in blank:
        Image.fromarray(np.zeros((28, 28), np.uint8)).save(path)
    names = [str(path.relative_to(pictures)) for path in blank]
    text = call("data", "info", str(pictures)).stdout
    assert f"6 images are blank: `{names[0]}`, `{names[1]}`, `{names[2]}` and 3 more." in text
    listed = call("data", "info", str(pictures), "--list").stdout
    assert all(f"\n  {name} (train, 0)\n" in f"{listed}\n" for name in names)
    values = json.loads(call("data", "info", str(pictures), "--json").stdout)
    (first, *_) = values["examples"]["blank"]
    assert first == [{"split": "train", "name": names[0], "class_name": "0"}]


def test_info_prints_nothing_but_json_and_names_bad_pictures(pictures: Path) -> None:
    (pictures / "train" / "0" / "bad.png").write_text("no picture")
    error = call("data", "info", str(pictures), code=3).stderr
    assert "1 picture can't be read" in error
    assert "bad.png" in error
    text = call("data", "info", str(pictures), "--skip-bad").stdout
    assert "Can't be read and passed over, 1 in all:" in text


def test_show_draws_a_sheet(pictures: Path) -> None:
    assert call("data", "show", str(pictures)).stdout == "Drawn in pictures.png\n"
    call("data", "show", "digits", "--output", "sheet.png", "--per-class", "3")
    for name in ("pictures.png", "sheet.png"):
        with Image.open(name) as picture:
            assert picture.format == "PNG"


def test_convert_writes_and_does_not_overwrite(few_digits: Dataset, pictures: Path) -> None:
    answer = call("data", "convert", str(pictures), "digits.npz", "--to", "npz")
    assert answer.stdout == "Written to digits.npz: 128 train, 64 test images of pictures\n"
    assert lenet.load_dataset("./digits.npz").fingerprint() == few_digits.fingerprint()
    error = call("data", "convert", "digits", "digits.npz", "--to", "npz", code=7).stderr
    assert "nothing is overwritten" in error
    call("data", "convert", str(pictures), "large", "--to", "idx", "--size", "32", "--colour")
    large = lenet.load_dataset("./large", size=32, colour=True)
    assert large.image_shape == (3, 32, 32)


@pytest.mark.parametrize("data", ["mnist", None])
def test_options_for_reading_belong_to_own_data(data: str | None) -> None:
    chosen = ("--data", data) if data else ()
    error = call("train", *chosen, "--size", "32", code=2).stderr
    assert "`--size`" in error or "`size`" in error
    assert "Traceback" not in error


def test_a_size_that_is_none_is_refused(pictures: Path) -> None:
    error = call("data", "info", str(pictures), "--size", "big", code=2).stderr
    assert "`--size` must be a number of pixels, or two as in `32x48`, not `big`" in error
    assert (
        "`height` must be from 1 to 1024"
        in call("data", "info", str(pictures), "--size", "5000", code=2).stderr
    )


def test_white_is_typed_and_told(tmp_path: Path) -> None:
    values = np.linspace(0, 4095, 36, dtype=np.uint16).reshape(6, 6)
    for number in range(8):
        path = tmp_path / "deep" / str(number % 2) / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values // (1 + number)).save(path)
    deep = str(tmp_path / "deep")
    for typed, told in (("8191", "0 to 8191"), ("-40,5000", "-40 to 5000"), (None, "0 to 4095")):
        flags = ["--white", typed] if typed else []
        assert f"values from {told} became 0 to 255" in call("data", "info", deep, *flags).stdout
    for wrong in ("0", "5,4", "white", "1,2,3", ""):
        refused = call("data", "info", deep, "--white", wrong, code=2).stderr
        assert "`--white` must be a number above 0, or" in refused
    for path in (tmp_path / "deep").glob("*/*.png"):
        Image.fromarray((values / 17).astype(np.uint8)).save(path)
    text = call("data", "info", deep, "--white", "4095").stdout
    assert "All pictures have 8 bits and were taken as they are, without `--white`" in text
    assert "became 0 to 255" not in text


def test_sheets_are_cut_into_a_folder_that_is_data() -> None:
    sheet = np.full((460, 700), 225, np.uint8)
    for row, column in np.ndindex(2, 3):
        place = sheet[30 + 200 * row : 230 + 200 * row, 50 + 200 * column : 230 + 200 * column]
        place[:] = photo(3 * row + 4)
    for down in (30, 230, 430):
        sheet[down : down + 3, 40:643] = 50
    for across in (40, 240, 440, 640):
        sheet[30:433, across : across + 3] = 50
    Image.fromarray(sheet).save("sheet.png")
    said = call("data", "cut", "sheet.png", "-o", "cut", "--classes", "four,seven").stdout
    assert "sheet.png: 2 rows of up to 3 cells in a grid; 6 cut out\n" in said
    assert "Look at cut-sheet.png\n" in said
    assert "Written to cut: 6 pictures; `lenet data info cut`" in said
    answers = call("predict", "cut", "--threshold", "0").stdout.splitlines()
    assert [line.split()[1] for line in answers] == ["4"] * 3 + ["7"] * 3
    assert "  0  four" in call("data", "info", "cut").stdout
    error = call("data", "cut", "sheet.png", "-o", "other", "--classes", "a", code=2).stderr
    assert "has 2 rows, and `classes` has 1 names" in error
    assert "there already" in call("data", "cut", "sheet.png", "-o", "cut", code=7).stderr
    told = json.loads(call("data", "cut", "sheet.png", "-o", "other", "--json").stdout)
    assert told["written"] == ["other"]
    assert (told["sheets"][0]["path"], told["sheets"][0]["written"]) == ("sheet.png", 6)


def test_draw_writes_digits_and_strangers_that_are_read_again() -> None:
    line = "data draw drawn --count 60 --seed 3 --strangers 9 --kinds strokes,dots"
    told = "Written to drawn: 60 digits, 9 strangers in the class `_none`\n"
    assert call(*line.split()).stdout == told
    files = sorted(Path("drawn/train/_none").iterdir())
    assert [path.name for path in files] == [f"{number}.png" for number in range(60, 69)]
    written = lenet.load_dataset("./drawn")
    assert written.class_names == (*"0123456789", "_none")
    drawn = lenet.datasets.draw_digits(60, 3, kinds=("strokes", "dots"))
    with Image.open("drawn/train/7/07.png") as picture:
        assert np.array_equal(np.asarray(picture), drawn.images[7, 0])
    told = call("data", "draw", "large", "--count", "10", "--pictures", "--part", "held-out")
    assert "`--data large --prepare symbol`" in told.stderr
    with Image.open(Path("large/train/3/03.png")) as picture:
        assert picture.size == (96, 96)
    error = call("data", "draw", "other", "--kinds", "strokes,dotz", code=2).stderr
    assert "Did you mean `dots`" in error
    assert not Path("other").exists()
