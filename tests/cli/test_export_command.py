"""`lenet export` as a person types it."""

import re
from pathlib import Path
from typing import Any

import onnxruntime
import pytest

import lenet
from calling import call
from lenet.errors import ExportError

pytestmark = pytest.mark.usefixtures("torchlib_once")


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in a folder of the module's own."""
    return lenet.train(
        dataset="digits",
        runs_folder=tmp_path_factory.mktemp("work") / "runs",
        epochs=1,
        validation=0.1,
        activation="relu",
        initialisation="kaiming",
        learning_rate=0.1,
        listeners=[],
    ).folder


def test_to_onnx_and_the_answers_of_it(run_folder: Path) -> None:
    printed = call("export", "latest", "--to", "onnx", "--runs-folder", str(run_folder.parent))
    assert printed.stderr == ""
    assert "Compared with PyTorch on digits, test split, 359 images" in printed.stdout
    rows = re.findall(r"^ +(\d+) +(\S+) +(\d+) +(\S+)$", printed.stdout, re.MULTILINE)
    assert [row[0] for row in rows] == ["1", "2", "7", "256"]
    assert all(float(row[1]) <= 1e-5 for row in rows)
    path = run_folder / "model.onnx"
    assert printed.stdout.endswith(f"Written to {path}\n")
    assert onnxruntime.InferenceSession(path).get_inputs()[0].name == "images"


def test_int8_has_two_spellings(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call("export", str(run_folder), "--to", "onnx-int8", "-o", "one.onnx")
    assert Path("one.onnx").stat().st_size < 90_000
    real, told = lenet.export_model, list[str]()

    def begin_to_export(*arguments: Any, **options: Any) -> None:
        def stop_at_writing(words: str) -> None:
            told.append(words)
            if words.startswith("writing"):
                raise ExportError(words)

        real(*arguments, **options | {"on_progress": stop_at_writing})

    monkeypatch.setattr("lenet.export.export_model", begin_to_export)
    call("export", str(run_folder), "--to", "onnx", "--int8", "-o", "other.onnx", code=10)
    assert told[-1] == "writing onnx-int8"


def test_errors_are_one_line() -> None:
    assert "onnx-int8" in call("export", "digits", "--to", "nothing", code=2).stderr
    stderr = call("export", "digits", "--to", "hub", "--int8", code=2).stderr
    assert stderr == "Error: There is no int8 variant of `hub`; leave out `--int8` (`int8`).\n"
    taken = Path("taken")
    taken.mkdir()
    (taken / "mine.txt").write_text("")
    call("data", "convert", "digits", "--to", "npz", "digits.npz")
    arguments = ("export", "digits", "--to", "hub", "--data", "digits.npz", "-o", "taken")
    assert "`taken` is no earlier export" in call(*arguments, code=10).stderr
    assert [file.name for file in taken.iterdir()] == ["mine.txt"]
    Path("circle").symlink_to("circle")
    stderr = call("export", "digits", "--to", "html", "-o", "circle", code=7).stderr
    assert "circle`: too many levels of symbolic links" in stderr


def test_a_hub_folder_is_a_model_for_other_commands(run_folder: Path) -> None:
    call("export", str(run_folder), "--to", "hub", "-o", "mine")
    assert '"accuracy"' in call("evaluate", "mine", "--json").stdout
    assert "Written to mine" in call("export", "mine", "--to", "hub", "-o", "mine").stdout
