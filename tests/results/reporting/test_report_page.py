"""What a report says, for every kind of run, and that it is what `evaluate` says."""

import re
import shlex
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from odd_runs import HOSTILE, make_dataset, train
from PIL import Image
from typer.testing import CliRunner

import lenet
from lenet.cli import app
from lenet.datasets import Dataset, DataSource, Split, convert_dataset
from lenet.errors import DatasetError, InterruptedTraining, RunError, StorageError
from lenet.pictures import Preparation
from lenet.results import (
    Findings,
    build_report_page,
    describe_strangers,
    examine,
    expected_calibration_error,
    find_suspects,
    frequent_confusions,
    report,
    training_command,
)
from lenet.training import CurvePoint, Listener, Trainer


class _Reader(HTMLParser):
    """All texts of a page, tags left out, and its images."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.alts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag != "script"
        if tag == "img":
            self.alts.append(dict(attrs)["alt"] or "")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read(path: Path) -> tuple[str, list[str]]:
    """The text of a page, in one line, and what its images show."""
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return re.sub(r"\s+", " ", "".join(reader.texts)), reader.alts


def test_a_report_begins_with_what_is_worth_noticing(run: lenet.Run, tmp_path: Path) -> None:
    text, _ = read(report(run, split="test", output=tmp_path / "report.html"))
    scored = lenet.evaluate(run)
    worst = frequent_confusions(scored, 1)[0]
    said = f"{worst.true} is taken for {worst.given} most often, in {worst.count}"
    assert text.index(said) < text.index("test accuracy")
    assert re.search(r"Of small changes to the images \w+ \S+ costs most: [\d.]+ % are", text)
    wrong = scored.images - sum(row[index] for index, row in enumerate(scored.confusion))
    assert re.search(rf"Of {wrong} wrong answers? \d+ (is|are) given with 90 % and more", text)


def test_a_report_says_what_evaluate_says(run: lenet.Run, digits: Dataset) -> None:
    path = report(run, split="test")
    assert path == run.folder / "report.html"
    text, alts = read(path)
    scored = lenet.evaluate(run)
    assert f"{100 * scored.accuracy:.2f} %" in text
    assert f"{scored.images:,}" in text
    assert f"interval {100 * scored.interval[0]:.1f} % to {100 * scored.interval[1]:.1f} %" in text
    wrong = round(scored.images * (1 - scored.accuracy))
    assert f"{wrong:,} of {scored.images:,} images were taken for something else" in text
    mistakes = [alt for alt in alts if "taken for" in alt]
    assert len(mistakes) == min(24, wrong)
    assert "lenet train --data digits" in text
    assert "Inverted" in text


def test_strangers_stand_on_the_page_as_they_were_counted(run: lenet.Run, tmp_path: Path) -> None:
    blank = tmp_path / "blank.png"
    Image.fromarray(np.full((30, 30), 200, np.uint8)).save(blank)
    measured = lenet.evaluate(run, strangers=blank).strangers
    assert measured is not None
    text, alts = read(report(run, strangers=blank))
    every = measured.together
    assert f"{every.answered:,} of {every.images:,} pictures of none of the classes pass" in text
    for score in measured.kinds:
        area = f"{score.kind}, area {score.area:.4f}"
        assert text.count(area) >= 1
        assert f"{score.kind}{score.images:,}{score.answered:,}" in text
        surest = [alt for alt in alts if alt.startswith(score.kind.split()[0])]
        assert score.kind != "noise images" or len(surest) == min(6, score.answered)
    assert measured.kinds[-1].answered == 0
    worst = max(measured.kinds, key=lambda score: score.answered / score.images)
    is_told = describe_strangers(measured)[measured.kinds.index(worst)] in text
    assert is_told == (worst.answered > 0.1 * worst.images)


def test_a_report_of_doubt_has_its_counter_examples_among_the_strangers(
    doubtful_run: lenet.Run, doubtful_digits: Dataset
) -> None:
    text, _ = read(report(doubtful_run, doubtful_digits))
    assert "counter-examples, area" in text
    assert "which counter-examples taught" in text


def test_the_same_run_gives_the_same_page(run: lenet.Run, tmp_path: Path) -> None:
    first, second = report(run), report(run, output=tmp_path / "b.html")
    assert first == run.folder / "report.html"
    assert first.read_bytes() == second.read_bytes()


@pytest.fixture(scope="module")
def findings(run: lenet.Run) -> Findings:
    """What its report tells."""
    return examine(run)


def test_the_calibration_is_that_of_the_model_file(findings: Findings) -> None:
    card = findings.answers.card
    assert findings.is_calibrated
    labels = findings.answers.examples.labels
    text = build_report_page(findings).to_html().replace("\N{NO-BREAK SPACE}", " ")
    for temperature in (1.0, card.calibration.temperature):
        error = expected_calibration_error(findings.answers.probabilities(temperature), labels)
        assert f"Expected calibration error {100 * error:.2f} %" in text
    assert f"{card.calibration.images:,} validation images" in text


def test_the_worst_mistakes_are_the_surest_wrong_answers(findings: Findings) -> None:
    path = Path("page.html")
    path.write_text(build_report_page(findings).to_html(), encoding="utf-8")
    _, alts = read(path)
    labels, probabilities = findings.answers.examples.labels, findings.probabilities
    wrong = [i for i in range(len(labels)) if probabilities[i].argmax() != labels[i]]
    worst = max(wrong, key=lambda i: probabilities[i].max())
    first = next(alt for alt in alts if "taken for" in alt)
    given = findings.class_names[probabilities[worst].argmax()]
    assert first == f"test no. {worst}: {findings.class_names[labels[worst]]}, taken for {given}"


def test_suspects_are_found_where_they_lie_in_the_training_images(
    digits: Dataset, tmp_path: Path
) -> None:
    labels = digits.train.labels.copy()
    changed = np.arange(0, 400, 10)
    labels[changed] = (labels[changed] + 1) % 10
    data = Dataset("mislabelled", digits.class_names, Split(digits.train.images, labels))
    run = train(data, tmp_path, preset="fast", epochs=3, validation=0.2)
    _, alts = read(report(run, data))
    numbers = [
        int(alt.split(":")[0].removeprefix("train no. ").replace(",", ""))
        for alt in alts
        if "perhaps" in alt
    ]
    assert numbers
    held_out = examine(run, data).answers
    assert held_out.split == "validation"
    expected = len(find_suspects(held_out.probabilities(), held_out.examples.labels))
    assert len(numbers) >= min(5, expected)
    found = set(numbers[:5]) & set(changed.tolist())
    assert len(found) >= 4, "the least probable labels are those that were changed"


def test_images_that_were_trained_on_are_not_doubted(few_digits: Dataset, tmp_path: Path) -> None:
    run = train(few_digits, tmp_path, validation=0.2)
    path = report(run, few_digits, split="train")
    assert path == run.folder / "report-few-digits-train.html"
    text, alts = read(path)
    assert "those that the network learnt from" in text
    assert "Worth a second look" in text  # of the validation images
    assert all(alt.startswith("train no.") for alt in alts if "perhaps" in alt)


def test_without_validation_there_is_no_temperature(few_digits: Dataset, tmp_path: Path) -> None:
    run = train(few_digits, tmp_path)
    text, alts = read(report(run, few_digits))
    assert "has no temperature" in text
    assert "The model file has no threshold" in text
    assert "noise images1,0001,000100.0 %" in text, "in the table's cells"
    assert "At temperature" not in text
    assert all(alt.startswith("test no.") for alt in alts if "perhaps" in alt)


def test_without_test_images_the_validation_images_are_scored(tmp_path: Path) -> None:
    data = make_dataset(3, has_test=False, images=20)
    run = train(data, tmp_path, validation=0.2)
    text, _ = read(report(run, data))
    assert "There are no test images, so these are scores on the validation images." in text
    assert "validation accuracy" in text
    with pytest.raises(DatasetError, match="no test images"):
        report(run, data, split="test")


def test_without_any_held_out_images_there_is_one_clear_error(tmp_path: Path) -> None:
    data = make_dataset(2, has_test=False)
    run = train(data, tmp_path)
    with pytest.raises(DatasetError, match=r"no test images, and there are no others"):
        report(run, data)
    text, _ = read(report(run, data, split="train"))
    assert "Worth a second look" not in text


@pytest.mark.parametrize("model", ["softmax", "mlp", "lenet", "lenet5"])
def test_every_network_has_a_report(model: str, few_digits: Dataset, tmp_path: Path) -> None:
    run = train(few_digits, tmp_path, model=model, validation=0.2)
    text, _ = read(report(run, few_digits))
    assert f"{model} on few-digits" in text
    assert "The layers of" in text


@pytest.mark.parametrize(
    ("classes", "shape"),
    [(2, (3, 32, 32)), (62, (1, 28, 28)), (3, (1, 20, 36)), (4, (3, 48, 48))],
)
def test_every_size_colour_and_number_of_classes(
    classes: int, shape: tuple[int, int, int], tmp_path: Path
) -> None:
    data = make_dataset(classes, shape, images=max(4, 24 // classes))
    run = train(data, tmp_path)
    text, alts = read(report(run, data))
    assert f"{shape[1]} × {shape[2]}, {'grey' if shape[0] == 1 else 'colour'}" in text
    assert all(alts)


def test_classes_without_images_break_nothing(tmp_path: Path) -> None:
    whole = make_dataset(4)
    test = whole.test.take(np.flatnonzero(whole.test.labels < 2))
    data = Dataset("greys", whole.class_names, whole.train, test)
    run = train(whole, tmp_path)
    text, _ = read(report(run, data))
    assert "nan" not in text.lower()


class _Stop(Listener):
    """Stops the training in the middle of the second epoch."""

    def on_point(self, trainer: Trainer, point: CurvePoint) -> None:
        if point.epoch > 1:
            trainer.request_stop()


def test_a_stopped_run_says_so(digits: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InterruptedTraining):
        lenet.train(
            dataset=digits,
            preset="fast",
            epochs=4,
            threads=1,
            runs_folder=tmp_path,
            listeners=[_Stop()],
        )
    run = lenet.open_run("latest", tmp_path)
    text, _ = read(report(run))
    assert "was stopped on the way" in text
    assert "of the validation images" in text
    assert "test:" not in text, "the curve is that of the validation images"
    assert f"lenet train --resume {run.folder}" in text
    run.model_path.unlink()
    with pytest.raises(RunError, match="no model yet"):
        report(run)


def test_a_model_file_has_a_report_where_one_is(run: lenet.Run, tmp_path: Path) -> None:
    model = tmp_path / "models" / "mine.safetensors"
    model.parent.mkdir()
    shutil.copy(run.model_path, model)
    path = report(model)
    assert path == Path("mine-report.html")
    assert path.resolve() == tmp_path / "mine-report.html"
    text, _ = read(path)
    assert "How it learnt" not in text
    assert "Do it again" not in text
    assert "At temperature" in text


def test_other_data_than_that_of_the_training_is_named(run: lenet.Run, digits: Dataset) -> None:
    test = digits.train.take(np.arange(200))
    other = Dataset("other", digits.class_names, digits.test, test)
    path = report(run, other)
    assert path == run.folder / "report-other-test.html"
    text, alts = read(path)
    assert "was trained on digits, and is scored on other here" in text
    assert "Worth a second look" in text
    assert all(alt.startswith("test no.") for alt in alts if "perhaps" in alt)


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    data = make_dataset(2, names=(HOSTILE, "b" * 300))
    run = train(data, tmp_path)
    page = report(run, data).read_text(encoding="utf-8")
    assert HOSTILE not in page
    assert "&lt;script&gt;document.title" in page


def test_a_page_that_can_not_be_written_is_one_clear_error(run: lenet.Run, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="Could not write"):
        report(run, output=tmp_path / "missing" / "report.html")


def test_the_command_prints_where_the_page_is(run: lenet.Run, tmp_path: Path) -> None:
    output = tmp_path / "page.html"
    result = CliRunner().invoke(app, ["report", str(run.folder), "--output", str(output)])
    assert result.exit_code == 0
    assert result.stdout == f"Report written to {output}\n"
    assert output.exists()


def test_the_range_of_deep_pictures_is_told(tmp_path: Path) -> None:
    data = replace(make_dataset(2), preparation=Preparation(pixel_range=(-10.5, 4095.0)))
    text, _ = read(report(train(data, tmp_path), dataset=data))
    assert re.search("black and white ?-10.5 and 4095", text)


def test_the_training_command_reads_ones_own_images_as_they_were_read(
    few_digits: Dataset, tmp_path: Path
) -> None:
    path = convert_dataset(few_digits, tmp_path / "my digits.npz", "npz")
    source = DataSource(str(path), size=(20, 24), colour=True, prepare="object")
    first = lenet.train(dataset=source, epochs=1, threads=1, runs_folder=tmp_path, listeners=[])
    words = shlex.split(training_command(first.config))
    again = tmp_path / "again"
    result = CliRunner().invoke(app, [*words[1:], "--runs-folder", str(again)])
    assert result.exit_code == 0, result.output
    assert lenet.open_run("latest", again).config == first.config


@pytest.mark.parametrize(
    "settings",
    [
        {"preset": "fast"},
        {"model": "mlp", "dense_widths": (32, 16)},
        {"model": "lenet5", "learning_rate": 0.0015},
        {"batch_norm": True, "channels": (4,), "flip": True, "weight_decay": 1e-05},
        {"preset": "fast", "nesterov": False, "engine": "torch", "seed": 7},
    ],
)
@pytest.mark.usefixtures("small_fashion_mnist")
def test_the_training_command_gives_the_same_run(
    settings: dict[str, object], tmp_path: Path
) -> None:
    first = lenet.train(
        dataset="fashion-mnist", epochs=1, threads=1, runs_folder=tmp_path, listeners=[], **settings
    )
    words = shlex.split(training_command(first.config))
    again = tmp_path / "again"
    result = CliRunner().invoke(app, [*words[1:], "--runs-folder", str(again)])
    assert result.exit_code == 0, result.output
    assert lenet.open_run("latest", again).config == first.config
