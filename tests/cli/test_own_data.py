"""Own data trained on, scored and compared on, as a person has them."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lenet
from calling import call, call_alone
from kept_checkpoint import keep_checkpoints
from lenet.datasets import Dataset
from lenet.errors import RunError


def test_every_answer_is_written_with_its_file(pictures: Path) -> None:
    call("train", "--data", str(pictures), "--epochs", "1")
    answer = call("evaluate", "--csv", "answers.csv")
    assert answer.stdout.endswith("Answers written to answers.csv\n")
    with open("answers.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 64
    (run,) = lenet.find_runs()
    scored = lenet.evaluate(run)
    assert sum(row["true"] == row["answer"] for row in rows) == round(64 * scored.accuracy)
    for row in rows:
        assert (pictures / row["file"]).is_file()
        assert row["file"].split("/")[:2] == ["test", row["true"]]
        assert 0.1 <= float(row["probability"]) <= 1
    call("report")
    page = (run.folder / "report.html").read_text()
    wrong = [row["file"] for row in rows if row["true"] != row["answer"]]
    assert wrong
    assert any(name in page for name in wrong)
    assert "ends in `.csv`" in call("evaluate", "--csv", "answers.txt", code=2).stderr


def test_answers_are_not_written_over_the_data(tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    lines = [f"{at % 2},{at * 7},{9 * (at % 2)},0,{at}\n" for at in range(30)]
    for name in ("train.csv", "test.csv"):
        (folder / name).write_text("".join(["label,p0,p1,p2,p3\n", *lines]))
    before = (folder / "test.csv").read_bytes()
    call("train", "--data", str(folder), "--epochs", "1")
    refused = call("evaluate", "--csv", str(folder / "test.csv"), code=2)
    assert "belongs to what is read; name another table" in refused.stderr
    assert (folder / "test.csv").read_bytes() == before
    for _ in range(2):  # answers are written over answers
        call("evaluate", "--csv", str(folder / "answers.csv"))


def test_a_network_is_trained_resumed_and_scored_on_a_folder(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_checkpoints(monkeypatch)
    text = call("train", "--data", str(pictures), "--epochs", "1").stdout
    assert "a folder of pictures" in text
    assert "Training `lenet` on `pictures`: 128 images, preset `modern`" in text
    assert "pictures, test split, 64 images" in call("evaluate").stdout
    (run,) = lenet.find_runs()
    run.result_path.unlink()
    assert "Going on with" in call("train", "--resume", "latest").stdout
    moved = pictures.rename(pictures.with_name("moved"))
    error = call("evaluate", code=5).stderr
    assert f"was trained on `{pictures}`, which is gone" in error
    assert "64 images" in call("evaluate", "--data", str(moved)).stdout
    run.result_path.unlink()
    assert "is gone" in call("train", "--resume", "latest", code=5).stderr
    call("train", "--resume", "latest", "--data", str(moved))
    run.result_path.unlink()
    image = np.zeros((28, 28), np.uint8)
    Image.fromarray(image).save(moved / "train" / "0" / "more.png")
    error = call("train", "--resume", "latest", "--data", str(moved), code=5).stderr
    assert "images were added, removed or changed since" in error


def test_another_folder_is_read_as_the_networks_own_and_all_of_it_is_scored(
    few_digits: Dataset, pictures: Path, tmp_path: Path
) -> None:
    call("train", "--data", str(pictures), "--epochs", "1", "--size", "30x32")
    for name in ("7", "3"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number, path in enumerate((pictures / "test" / name).iterdir()):
            path.rename(tmp_path / "photos" / name / f"{number}.png")
    counts = np.bincount(few_digits.test.labels)
    text = call("evaluate", "latest", "--data", "photos/").stdout
    assert f"photos, test split, {counts[3] + counts[7]} images" in text
    assert re.search(rf"^3 .* {counts[3]}$", text, re.MULTILINE)
    assert re.search(r"^4 .* 0$", text, re.MULTILINE)
    (tmp_path / "photos" / "3").rename(tmp_path / "photos" / "00003")
    padded = call("evaluate", "latest", "--data", "photos/").stdout
    assert re.search(rf"^3 .* {counts[3]}$", padded, re.MULTILINE)
    (tmp_path / "photos" / "seven").mkdir()
    (tmp_path / "photos" / "7" / "0.png").rename(tmp_path / "photos" / "seven" / "0.png")
    error = call("evaluate", "latest", "--data", "photos/", code=3).stderr
    assert "has the class `seven`, which the network does not know" in error


@pytest.fixture
def holding_out(pictures: Path) -> lenet.Run:
    """A run on the folder that has held out a tenth of its training images."""
    return lenet.train(dataset=pictures, epochs=1, validation=0.1, listeners=[])


def few_pictures(pictures: Path, folder: Path, names: str) -> Path:
    """A folder with one test picture of each of some classes."""
    for name in names:
        (folder / name).mkdir(parents=True)
        first = min((pictures / "test" / name).iterdir())
        (folder / name / "0.png").write_bytes(first.read_bytes())
    return folder


@pytest.mark.usefixtures("torchlib_once")
def test_a_few_pictures_are_scored_whatever_the_run_held_out(
    holding_out: lenet.Run, pictures: Path, tmp_path: Path
) -> None:
    one_of_each = str(few_pictures(pictures, tmp_path / "ten" / "few", "0123456789"))
    one_alone = str(few_pictures(pictures, tmp_path / "one" / "few", "3"))
    model_file = str(holding_out.model_path)
    for few, count in ((one_of_each, 10), (one_alone, 1)):
        for model in ("latest", model_file):
            text = call("evaluate", model, "--data", few).stdout
            assert f"few, test split, {count} images" in text
            unscored = [line for line in text.splitlines() if re.search(r"( +–){3} +0$", line)]
            assert len(unscored) == 10 - count
        assert lenet.evaluate(holding_out, few).images == count
        error = call("evaluate", "--data", few, "--split", "validation", code=5).stderr
        assert "was not trained on `few`: it has no validation images" in error
    for command, *form in (["report"], ["inspect"], ["export", "--to", "html"]):
        call(command, model_file, "--data", one_of_each, *form)
        call(command, "latest", "--data", one_alone, *form)


def test_a_few_images_in_memory_are_scored_and_not_trained_on(
    holding_out: lenet.Run, few_digits: Dataset
) -> None:
    ten = lenet.Split(few_digits.test.images[:10], few_digits.test.labels[:10])
    few = Dataset("few", few_digits.class_names, ten, ten)
    assert lenet.evaluate(holding_out, few).images == 10
    lenet.report(holding_out, few)
    holding_out.result_path.unlink()
    with pytest.raises(RunError, match="is not the data that"):
        lenet.resume(holding_out, dataset=few, listeners=[])


def test_images_of_which_few_are_left_are_not_what_a_run_was_trained_on(
    holding_out: lenet.Run, pictures: Path
) -> None:
    for path in pictures.glob("train/*/*.png"):
        if path.name != min(path.parent.iterdir()).name:
            path.unlink()
    assert "is not what" in call("evaluate", code=5).stderr


@pytest.mark.parametrize("validation", ["0", "0.2"])
def test_of_a_moved_folder_that_lacks_a_picture_only_the_test_images_are_scored(
    pictures: Path, validation: str
) -> None:
    folder = (pictures / "train").rename(pictures.with_name("all"))
    call("train", "--data", str(folder), "--epochs", "1", "--validation", validation)
    (run,) = lenet.find_runs()
    before = lenet.evaluate(run)
    moved = folder.rename(folder.with_name("moved"))
    data = lenet.load_dataset(moved)
    (moved / data.train.name_of(0)).unlink()
    answer = call("evaluate", "--data", str(moved))
    assert f"moved, test split, {before.images} images" in answer.stdout
    assert (
        f"{127 - before.images} of 127 images are left out, as they were trained on"
        in answer.stderr
    )
    assert lenet.evaluate(run, moved).accuracy == before.accuracy
    for name in data.test.names:
        (moved / name).unlink()
    assert (
        "was trained on all images of `moved`"
        in call("evaluate", "--data", str(moved), code=3).stderr
    )
    (run.folder / "trained-on.bin").unlink()  # as in runs of earlier versions
    assert lenet.evaluate(run, moved).images == 127 - before.images


def test_labels_are_looked_for_in_the_names_of_other_pictures_too(
    pictures: Path, tmp_path: Path
) -> None:
    for part, folder in (("train", "all"), ("test", "others")):
        (tmp_path / folder).mkdir()
        for path in (pictures / part).glob("*/*.png"):
            path.rename(tmp_path / folder / f"{path.parent.name}-{path.name}")
    call("train", "--data", "./all", "--label-from", "name", "--epochs", "1")
    text = call("evaluate", "--data", "./others").stdout
    assert "others, test split, 64 images" in text
    other = call("evaluate", "--data", "./others", "--label-from", "LABEL-#").stdout
    assert other == text
    (tmp_path / "others" / "0").mkdir()
    for path in (tmp_path / "others").glob("*.png"):
        path.rename(tmp_path / "others" / "0" / path.name)
    assert "others, test split, 64 images" in call("evaluate", "--data", "./others").stdout


def test_images_of_one_class_are_looked_at_and_not_trained_on(
    pictures: Path, tmp_path: Path
) -> None:
    one = str(few_pictures(pictures, tmp_path / "one", "3"))
    text = call("data", "info", one).stdout
    assert "1 train" in text
    assert "Look here: " in text
    assert "training images of one class alone, `3`" in text
    call("data", "show", one)
    call("data", "convert", one, "one.npz", "--to", "npz")
    assert "of one class alone, `3`" in call("train", "--data", one, code=3).stderr
    assert "of one class alone, `3`" in call("data", "pack", one, "packed", code=3).stderr


@pytest.mark.usefixtures("torchlib_once")
def test_the_column_of_labels_is_told_and_kept(few_digits: Dataset, tmp_path: Path) -> None:
    split = few_digits.train
    rows = np.column_stack([split.images.reshape(len(split), -1), split.labels])
    np.savetxt(tmp_path / "x.csv", rows, fmt="%d", delimiter=",")
    np.savetxt(tmp_path / "y.csv", rows[:50], fmt="%d", delimiter=",")
    told = call("data", "info", "./x.csv").stdout
    assert "its last one is taken for the label" in told
    assert "`--label-column first` takes that" in told
    chosen = ("--label-column", "last")
    assert "102 train, 26 test" in call("data", "info", "./x.csv", *chosen).stdout
    call("data", "convert", "./x.csv", "x.npz", "--to", "npz", *chosen)
    call("data", "pack", "./x.csv", "packed", *chosen)
    assert lenet.load_dataset("./x.npz").class_names == few_digits.class_names
    error = call("data", "info", "./packed", *chosen, code=2).stderr
    assert "`label_column` does not apply" in error
    call("train", "--data", "./x.csv", *chosen, "--epochs", "1")
    assert "x, test split" in call("evaluate").stdout
    (run,) = lenet.find_runs()
    assert run.config.source is not None
    assert run.config.source.as_options()[-2:] == list(chosen)
    for command in ("evaluate", "report", "export"):
        call(command, "latest", "--data", "y.csv", *chosen)
    call("inspect", "latest", "--data", "y.csv", *chosen, "--parts", "activations")


def test_finished_runs_are_not_compared_on_other_data(holding_out: lenet.Run) -> None:
    error = call("compare", str(holding_out.folder), "--data", "digits", code=2).stderr
    assert "leave out `--data`" in error


def test_pictures_that_cannot_be_read_are_passed_over_in_scoring_too(
    pictures: Path, tmp_path: Path
) -> None:
    call("train", "--data", "digits", "--epochs", "1")
    (pictures / "test" / "0" / "bad.png").write_text("no picture")
    for command in ("evaluate", "report"):
        assert "--skip-bad" in call(command, "--data", str(pictures), code=3).stderr
        call(command, "--data", str(pictures), "--skip-bad")


def test_runs_on_a_folder_can_be_compared(pictures: Path) -> None:
    arguments = ("--seeds", "1", "--epochs", "1", "--processes", "1", "--size", "30")
    answer = call_alone("compare", "--data", "./pictures", "--models", "softmax,mlp", *arguments)
    assert "pictures, test split" in answer.stdout
    assert {run.config.source is not None for run in lenet.find_runs("runs/compare")} == {True}
