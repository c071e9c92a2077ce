"""Names that would do something to a terminal, in every command that prints them."""

import json
from pathlib import Path

import pytest
from PIL import Image

import lenet
from calling import call
from lenet.datasets import Dataset
from lenet.results import confusion_text, draw_confusion

HOSTILE = ("a\x1b[2J", "b\nError: c", "d\u202ee", "[bold]f", "猫🐈", "g\udcff")


@pytest.fixture
def hostile(few_digits: Dataset, tmp_path: Path) -> Path:
    """Pictures in folders whose names would move a terminal, and files beside them."""
    images = iter(few_digits.train.images[:, 0])
    folder = tmp_path / "hostile"
    for name in HOSTILE:
        try:
            (folder / name).mkdir(parents=True)
        except OSError:
            pytest.skip("such names can't be given here")
        for number in range(4):
            Image.fromarray(next(images)).save(folder / name / f"{number}\x1b.png")
    (folder / HOSTILE[0] / "notes\x07\n.txt").write_text("about")
    return folder


def assert_harmless(text: str, *names: str) -> None:
    """A text can be shown and has these names in it, escaped."""
    assert text.replace("\n", "").isprintable()
    for name in names or (r"a\x1b[2J", r"b\nError: c", r"d\u202ee", "[bold]f", "猫🐈", r"g\udcff"):
        assert name in text


@pytest.mark.filterwarnings("ignore:Glyph")  # 🐈 may be in no font
def test_control_characters_in_names_are_shown_escaped(hostile: Path) -> None:
    text = call("data", "info", str(hostile)).stdout
    assert_harmless(text)
    assert_harmless(text, r"`a\x1b[2J/notes\x07\n.txt`")
    assert len({line.rindex("1") for line in text.splitlines()[4:10]}) == 1, "columns stand aligned"
    values = json.loads(call("data", "info", str(hostile), "--json").stdout)
    assert set(values["class_names"]) == {*HOSTILE[:-1], r"g\udcff"}  # which is no text
    call("data", "show", str(hostile))
    assert_harmless(call("train", "--data", str(hostile), "--epochs", "1").stdout)
    (run,) = lenet.find_runs()
    scored = lenet.evaluate(run)
    assert_harmless(confusion_text(scored))
    labels = draw_confusion(scored).axes[0].get_yticklabels()
    assert_harmless("\n".join(label.get_text() for label in labels))
    assert_harmless(call("evaluate").stdout)
    inspected = call("inspect", "--parts", "activations").stdout
    assert_harmless(inspected, "is taken for")
    assert "\nError: c" not in inspected
    call("evaluate", "--split", "train", "--csv", "answers.csv")
    with open("answers.csv", newline="") as file:
        assert_harmless(file.read(), r"b\nError: c/0\x1b.png")
    listed = call("data", "info", str(hostile), "--list").stdout
    assert_harmless(listed)
    picture = str(hostile / HOSTILE[2] / "0\x1b.png")
    for form in ((), ("--csv", "-"), ("--json",)):
        answer = call("predict", "--model", "latest", "--top", "9", picture, *form)
        assert_harmless(answer.stdout, r"d\u202ee/0")
    line = json.loads(call("predict", "--model", "latest", picture, "--json").stdout)
    assert line["source"] == picture
    run.folder.rename(run.folder.with_name("run\x1b[2J"))
    assert_harmless(call("runs").stdout, r"run\x1b[2J")
    (hostile / HOSTILE[1] / "bad\x1b\n.png").write_text("no picture")
    error = call("data", "info", str(hostile), code=3).stderr
    assert_harmless(error, r"b\nError: c/bad\x1b\n.png`")
    assert_harmless(call("predict", "no\x1bfile.png", code=3).stderr, r"`no\x1bfile.png`")


def test_names_are_no_markup_to_a_progress_bar(
    few_digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        Image.fromarray(few_digits.train.images[number, 0]).save(tmp_path / f"{number}.png")
    lines = [f"{number % 2}.png,{number % 2}" for number in range(2000)]
    (tmp_path / "[bold]x\x1b.csv").write_text("path,label\n" + "\n".join(lines))
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    answer = call("data", "info", str(tmp_path / "[bold]x\x1b.csv"))
    assert r"reading [bold]x\x1b.csv" in answer.stderr
