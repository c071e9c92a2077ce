"""`lenet predict`, as a person has it."""

import csv
import io
import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import lenet
from calling import call, call_alone


def draw_one(size: tuple[int, int] = (90, 90)) -> Image.Image:
    """The digit 1: a stroke on white paper."""
    image = Image.new("L", size, 255)
    ImageDraw.Draw(image).rectangle((42, 15, 47, 74), fill=0)
    return image


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """A folder with three pictures, a hidden one and something else."""
    folder = tmp_path / "scans"
    (folder / "more").mkdir(parents=True)
    draw_one().save(folder / "10.png")
    draw_one().save(folder / "2.jpg")
    draw_one().save(folder / "more" / "a.bmp")
    draw_one().save(folder / ".hidden.png")
    (folder / "notes.txt").write_text("no picture")
    return folder


@contextmanager
def piped_into_this_process(content: bytes) -> Iterator[None]:
    """Let a pipe be standard input; it holds less than a pipe takes at once."""
    before, (reading, writing) = os.dup(0), os.pipe()
    os.write(writing, content)
    os.close(writing)
    os.dup2(reading, 0)
    os.close(reading)
    try:
        with open(0, closefd=False) as stream, pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdin", stream)
            yield
    finally:
        os.dup2(before, 0)
        os.close(before)


def test_a_picture_gets_a_line() -> None:
    draw_one().save("one.png")
    assert call("predict", "one.png").stdout.startswith("one.png  1              1 ")


def test_a_folder_is_read_in_natural_order(scans: Path) -> None:
    lines = call("predict", "scans").stdout.splitlines()
    assert [line.split()[0] for line in lines] == [
        "scans/2.jpg",
        "scans/10.png",
        "scans/more/a.bmp",
    ]
    assert [line.split()[1] for line in lines] == ["1", "1", "1"]


def test_patterns_urls_of_files_and_standard_input(
    scans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(call("predict", "scans/*.png").stdout.splitlines()) == 1
    assert "No file goes by `scans/*.tiff`" in call("predict", "scans/*.tiff", code=3).stderr
    assert call("predict", (scans / "10.png").as_uri()).stdout.split()[1] == "1"
    content = (scans / "10.png").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert call("predict", "-").stdout.startswith("standard input  1 ")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_read_where_it_is_named_and_not_waited_for_in_a_folder(scans: Path) -> None:
    os.mkfifo(scans / "1.png")
    answer = call("predict", "scans", code=3)
    assert "`scans/1.png` is neither a folder nor a file but a pipe" in answer.stderr
    assert len(answer.stdout.splitlines()) == 3
    for name in ("/dev/stdin", "-"):
        with piped_into_this_process((scans / "10.png").read_bytes()):
            answer = call("predict", name, "--picture", "drawn.png")  # which looks at it again
            assert answer.stdout.split()[-6] == "1"
            assert Path("drawn.png").exists()
    content = (scans / "10.png").read_bytes()
    writing = threading.Thread(target=(scans / "1.png").write_bytes, args=(content,), daemon=True)
    writing.start()
    assert call("predict", "scans/1.png").stdout.split()[-6] == "1"
    writing.join()


def test_a_url_is_fetched_unless_that_is_forbidden(
    scans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = (scans / "2.jpg").read_bytes()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/2.jpg"
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(content if found else b"")

        def log_message(self, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        assert "LENET_OFFLINE" in call("predict", f"{address}/2.jpg", code=3).stderr
        monkeypatch.delenv("LENET_OFFLINE")
        assert call("predict", f"{address}/2.jpg").stdout.split()[1] == "1"
        assert "404" in call("predict", f"{address}/3.jpg", code=3).stderr
        both = call("predict", f"{address}/3.jpg", f"{address}/2.jpg", "--picture", "x.png", code=3)
        assert both.stdout.split()[1] == "1"
        assert Path("x.png").is_file()
        server.shutdown()
    assert "Could not fetch" in call("predict", f"{address}/2.jpg", code=3).stderr


def test_json_and_csv_are_for_programs(scans: Path) -> None:
    values = [json.loads(line) for line in call("predict", "scans", "--json").stdout.splitlines()]
    assert [value["class_name"] for value in values] == ["1"] * 3
    assert values[0]["top"][0] == {"class_name": "1", "probability": values[0]["probability"]}
    assert set(values[0]["box"]) == {"top", "left", "bottom", "right"}
    rows = list(csv.DictReader(io.StringIO(call("predict", "scans", "--csv", "-").stdout)))
    assert [row["class_name"] for row in rows] == ["1"] * 3
    assert float(rows[0]["probability"]) == pytest.approx(values[0]["probability"], abs=1e-6)
    for both in (("--csv", "-", "--json"), ("--json", "--show")):
        assert "only one can be had" in call("predict", "scans", *both, code=2).stderr


def test_blank_and_unsure_are_none_of_these(tmp_path: Path) -> None:
    Image.new("L", (50, 50), 180).save("blank.png")
    draw_one().save("one.png")
    assert "none of these  nothing to be seen" in call("predict", "blank.png").stdout
    unsure = json.loads(call("predict", "one.png", "--threshold", "1", "--json").stdout)
    assert (unsure["class_name"], unsure["doubt"]) == (None, "unsure")
    assert unsure["threshold"] == 1
    assert 0 < unsure["none_probability"] < 0.01
    said = call("predict", "one.png", "--threshold", "1").stdout
    share = unsure["probability"]
    shown = f"{share:.1%}" if share < 0.9995 else f"{math.floor(1000 * share) / 10}%"
    assert f"; not sure enough: {shown}, 100.0% needed" in said
    assert "needed" not in call("predict", "one.png").stdout


def test_what_is_unlike_all_that_a_network_learnt_is_none_of_these(
    distant_run: lenet.Run,
) -> None:
    random = np.random.default_rng(3)
    names = [f"{number}.png" for number in range(60)]
    for name in names:  # squares of eight pixels
        squares = random.integers(0, 256, (5, 5), np.uint8).repeat(8, axis=0).repeat(8, axis=1)
        Image.fromarray(squares).save(name)
    model = str(distant_run.model_path)
    told = map(json.loads, call("predict", model, *names, "--json").stdout.splitlines())
    far = next(one for one in told if one["doubt"] == "far")
    assert far["class_name"] is None
    assert far["probability"] >= far["threshold"]
    assert far["distance"] > far["reach"] > 0
    said = call("predict", model, far["source"]).stdout
    distance, reach = math.ceil(10 * far["distance"]) / 10, math.floor(10 * far["reach"]) / 10
    assert f"; unlike anything it learnt: distance {distance}, at most {reach}" in said
    (row,) = csv.DictReader(call("predict", model, far["source"], "--csv", "-").stdout.splitlines())
    assert (row["class_name"], row["doubt"]) == ("", "far")
    assert float(row["distance"]) == pytest.approx(far["distance"], abs=1e-6)
    assert float(row["reach"]) == pytest.approx(far["reach"], abs=1e-6)
    always = json.loads(call("predict", model, far["source"], "--threshold", "0", "--json").stdout)
    assert (always["class_name"], always["doubt"]) == (far["top"][0]["class_name"], None)


def test_a_network_that_learnt_counter_examples_says_what_speaks_against_a_class(
    doubtful_run: lenet.Run,
) -> None:
    Image.fromarray(np.random.default_rng(3).integers(0, 256, (28, 28), np.uint8)).save("noise.png")
    model = str(doubtful_run.model_path)
    told = json.loads(call("predict", model, "noise.png", "--json", "--top", "20").stdout)
    assert (told["class_name"], told["doubt"]) == (None, "unsure")
    names = [one["class_name"] for one in told["top"]]
    assert sorted(names) == list("0123456789")
    assert told["probability"] == told["top"][0]["probability"]
    total = sum(one["probability"] for one in told["top"])
    assert total + told["none_probability"] == pytest.approx(1)
    low = str(told["probability"] / 2)
    share = f"{told['none_probability']:.1%}"
    text = call("predict", model, "noise.png", "--threshold", low).stdout
    assert f"; rather none of these: {share}" in text
    assert "_none" not in text
    rows = call("predict", model, "noise.png", "--threshold", low, "--csv", "-").stdout
    (row,) = csv.DictReader(io.StringIO(rows))
    assert float(row["none_probability"]) == pytest.approx(told["none_probability"], abs=1e-6)
    assert float(row["threshold"]) == pytest.approx(float(low), abs=1e-6)
    always = json.loads(call("predict", model, "noise.png", "--threshold", "0", "--json").stdout)
    assert (always["class_name"], always["doubt"]) == (names[0], None)


def test_bad_pictures_are_named_and_the_others_answered(scans: Path) -> None:
    (scans / "5.png").write_text("no picture")
    answer = call("predict", "scans", code=3)
    assert len(answer.stdout.splitlines()) == 3
    first, last = answer.stderr.splitlines()
    assert "`scans/5.png` is not a picture that lenet reads" in first
    assert "1 of 4 pictures can't be read" in last
    assert len(call("predict", "scans/5.png", code=3).stderr.splitlines()) == 1


def test_what_the_network_saw_is_shown_and_drawn(scans: Path) -> None:
    shown = call("predict", "scans/2.jpg", "--show").stdout.splitlines()
    assert len(shown) == 15
    assert any("@" in line for line in shown[1:])
    answer = call("predict", "scans", "--picture", "seen.png")
    assert "Drawn in seen.png" in answer.stderr
    with Image.open("seen.png") as drawn:
        assert drawn.width > 600
    for path in ("no/seen.png", ".", ""):
        answer = call("predict", "scans", "--picture", path, code=7)
        assert "Could not write" in answer.stderr


def test_many_symbols_get_a_line_each() -> None:
    page = np.hstack([np.asarray(draw_one())] * 4)
    Image.fromarray(page).save("page.png")
    assert len(call("predict", "--many", "page.png").stdout.splitlines()) == 4
    for options in ((), ("--threshold", "1"), ("--threshold", "0")):
        one = call("predict", "page.png", *options).stdout
        assert "several symbols? `--many` reads them one by one" in one
    assert json.loads(call("predict", "page.png", "--json").stdout)["several"] is True
    assert "page.png: several symbols?" in call("predict", "page.png", "--csv", "-").stderr
    draw_one().save("one.png")
    assert "several" not in call("predict", "one.png").stdout
    assert json.loads(call("predict", "one.png", "--json").stdout)["several"] is False
    Image.new("L", (60, 60), 255).save("empty.png")
    said = call("predict", "--many", "page.png", "empty.png")
    assert len(said.stdout.splitlines()) == 4
    assert said.stderr == "empty.png: nothing to be seen\n"
    error = call("predict", "fashion", "--many", "page.png", code=2).stderr
    assert "Only drawn symbols" in error


def test_the_model_stands_before_the_pictures_or_behind_its_option(few_digits: object) -> None:
    draw_one().save("one.png")
    call("train", "--data", "digits", "--epochs", "1")
    (run,) = Path("runs").iterdir()
    for model in ("latest", run.name, str(run), str(run / "model.safetensors"), "digits"):
        expected = call("predict", model, "one.png").stdout
        assert call("predict", "--model", model, "one.png").stdout == expected
    assert "lenet predict latest photo.png" in call("predict", "latest", code=2).stderr
    assert "no such file" in call("predict", "nobody.png", code=3).stderr
    mistyped = call("predict", "lates", "one.png", code=3)
    assert "`lates`: no such file" in mistyped.stderr
    assert not mistyped.stdout  # another model than was meant would have answered
    assert "Unknown run `nobody`" in call("predict", "--model", "nobody", "one.png", code=2).stderr


def test_a_file_called_as_a_bundled_model_is_a_picture() -> None:
    draw_one().save("digits.png")
    Path("digits.png").rename("digits")
    assert call("predict", "./digits").stdout.split()[:2] == ["./digits", "1"]
    assert "Say which pictures `digits`" in call("predict", "digits", code=2).stderr


def test_an_answer_starts_without_pytorch(scans: Path) -> None:
    code = (
        "import sys, lenet.cli\n"
        "sys.argv = ['lenet', 'predict', 'scans']\n"
        "try: lenet.cli.main()\n"
        "except SystemExit as leave: assert not leave.code\n"
        "heavy = {'torch', 'matplotlib', 'sklearn', 'requests'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_a_reader_that_goes_away_is_no_error(scans: Path) -> None:
    assert call_alone("predict", "scans").stdout.count("\n") == 3


def test_white_says_the_scale_of_pictures_of_16_bits() -> None:
    Image.fromarray(np.asarray(draw_one()).astype(np.uint16) * 16).save("deep.png")
    refused = call("predict", "deep.png", code=3).stderr
    assert "`deep.png` holds values from 0 to 4080, and 16 bits are white at 65535" in refused
    assert "`--white 4095`" in refused
    answer = call("predict", "deep.png", "--white", "4095", "--picture", "seen.png").stdout
    assert answer.split()[1] == "1"
    assert Path("seen.png").is_file()


def test_a_mistyped_path_does_not_silence_the_other_pictures(scans: Path) -> None:
    answer = call("predict", "scans/2.jpg", "scans/3.jpg", "nowhere/*.png", "scans/more", code=3)
    assert [line.split()[:2] for line in answer.stdout.splitlines()] == [
        ["scans/2.jpg", "1"],
        ["scans/more/a.bmp", "1"],
    ]
    first, second, last = answer.stderr.splitlines()
    assert "Could not read `scans/3.jpg`: no such file" in first
    assert "No file goes by `nowhere/*.png`" in second
    assert "2 of 4 pictures can't be read" in last
    alone = call("predict", "digits", "x.png", "y.png", code=3)
    assert "2 of 2 pictures can't be read" in alone.stderr
    assert not alone.stdout


def test_a_picture_without_an_ending_is_one_in_a_folder_too(scans: Path) -> None:
    (scans / "2.jpg").rename(scans / "two")
    (scans / "README").write_text("no picture")
    names = [line.split()[0] for line in call("predict", "scans").stdout.splitlines()]
    assert names == ["scans/10.png", "scans/two", "scans/more/a.bmp"]


STROKES = np.stack([np.asarray(draw_one((84, 84)).resize((28, 28)))] * 3)


def kaggle_table(path: Path) -> None:
    header = ",".join(f"pixel{number}" for number in range(784))
    rows = 255 - STROKES.reshape(3, -1).astype(int)
    np.savetxt(path, rows, "%d", delimiter=",", header=header, comments="")


def test_a_table_without_labels_is_answered_into_a_table(tmp_path: Path) -> None:
    kaggle_table(Path("test.csv"))
    told = call("predict", "test.csv", "--csv", "answers.csv", "--columns", "ImageId,Label")
    assert told.stdout == "Written to answers.csv: 3 answers, 0 of them none of the classes\n"
    assert Path("answers.csv").read_text() == "ImageId,Label\n1,1\n2,1\n3,1\n"
    rows = [line.split()[:3] for line in call("predict", "digits", "test.csv").stdout.splitlines()]
    assert rows == [["test.csv", str(number), "1"] for number in (1, 2, 3)]
    told = call("predict", "test.csv", "--csv", "x.csv", "--threshold", "1", "--columns", "a,b")
    assert "3 of them none of the classes" in told.stdout
    assert "Their cells are empty; `--threshold 0` answers" in told.stderr
    assert Path("x.csv").read_text() == "a,b\n1,\n2,\n3,\n"
    draw_one().save("17.png")
    told = call("predict", "17.png", "test.csv", "--csv", "-", "--columns", "name,class")
    assert told.stdout.splitlines() == ["name,class", "17.png,1", "1,1", "2,1", "3,1"]
    values = [
        json.loads(line) for line in call("predict", "test.csv", "--json").stdout.splitlines()
    ]
    assert [(one["source"], one["row"]) for one in values] == [("test.csv", n) for n in "123"]
    before = Path("test.csv").read_bytes()
    refused = call("predict", "digits", "./test.csv", "--csv", "test.csv", code=2).stderr
    assert "`test.csv` is what is read; name another table" in refused
    assert Path("test.csv").read_bytes() == before
    call("predict", "test.csv", "--picture", "seen.png")
    assert Path("seen.png").is_file()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--columns", "a,b"], "names the two columns of the table that `--csv` writes"),
        (["--csv", "-", "--columns", "a"], "not `a`"),
        (["--csv", "-", "--columns", "a,b,c"], "not `a,b,c`"),
        (["--csv", "one.png"], "`--csv` wants the name of the table to write"),
    ],
)
def test_a_table_of_answers_that_is_none_is_refused(flags: list[str], message: str) -> None:
    draw_one().save("one.png")
    assert message in call("predict", "one.png", *flags, code=2).stderr
    with Image.open("one.png") as picture:
        assert picture.size == (90, 90)


def test_a_picture_that_is_read_is_not_drawn_over() -> None:
    draw_one().save("one.png")
    refused = call("predict", "digits", "./one.png", "--picture", "one.png", code=2).stderr
    assert "`one.png` is what is read; name another file" in refused
    with Image.open("one.png") as picture:
        assert picture.size == (90, 90)


def test_where_nothing_can_be_read_the_table_stays() -> None:
    Path("answers.csv").write_text("mine")
    names = ",".join(f"pixel{number}" for number in range(9))
    Path("test.csv").write_text(f"{names}\n0,0,nan,0,0,0,0,0,0\n")
    failed = call("predict", "digits", "test.csv", "--csv", "answers.csv", code=3)
    assert "not finite" in failed.stderr
    assert not failed.stdout
    assert Path("answers.csv").read_text() == "mine"
