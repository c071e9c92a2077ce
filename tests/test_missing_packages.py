"""Without matplotlib, scikit-learn and scipy: what needs one says so, and nothing else does."""

import json
import subprocess
import sys
from typing import NamedTuple

import pytest
from PIL import Image

from lenet.core import install_command
from lenet.datasets import Dataset

TRAINING = "train --data digits --epochs 1"
NEED_NO_MORE = (
    "report latest",
    "inspect latest",
    "predict latest digit.png",
    "export latest --to c",
)
NEED_NO_PICTURE = {"evaluate latest": "The confusion matrix is", "compare latest": "The curves are"}
ASK_FOR_A_PICTURE = (
    "evaluate latest --picture here.png",
    "inspect latest --format png",
    "data show digits",
)
IN_PYTHON = {
    "lenet.LeNetClassifier": ("The estimator", "scikit-learn"),
    "lenet.results.project(numpy.eye(4, 3), method='tsne')": ("t-SNE", "scikit-learn"),
    "lenet.d2l.plot": ("Drawing a picture", "matplotlib"),
}
# All in one process, as each would import PyTorch anew.
CODE = """
import contextlib, io, json, sys

# What is `None` there can't be imported, and `importlib.util.find_spec` does not find it.
sys.modules.update(dict.fromkeys(("matplotlib", "sklearn", "scipy", "zlib_ng")))
import lenet, numpy
from lenet.cli import main

def run(line):
    sys.argv = ["lenet", *line.split()]
    try:
        main()
    except SystemExit as leave:
        return leave.code

def evaluate(line):
    try:
        eval(line)
    except lenet.errors.MissingExtraError as error:
        print(error)

found = {}
for do, lines in zip((run, evaluate), json.loads(sys.argv[1])):
    for line in lines:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = do(line)
        found[line] = [code, out.getvalue(), err.getvalue()]
print(json.dumps(found))
"""


class Finished(NamedTuple):
    code: int | None
    stdout: str
    stderr: str


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, digits: Dataset) -> dict[str, Finished]:
    """What each of the lines ended with and wrote."""
    folder = tmp_path_factory.mktemp("without")
    Image.fromarray(digits.test.images[0, 0]).save(folder / "digit.png")
    commands = [TRAINING, *NEED_NO_MORE, *NEED_NO_PICTURE, *ASK_FOR_A_PICTURE]
    asked = json.dumps([commands, list(IN_PYTHON)])
    process = subprocess.run(
        [sys.executable, "-c", CODE, asked], cwd=folder, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    return {line: Finished(*found) for line, found in json.loads(process.stdout).items()}


def needs(purpose: str, package: str) -> str:
    return f"{purpose} needs {package}: `{install_command(package)}`."


DRAWING = needs("Drawing a picture", "matplotlib")


def test_a_training_says_that_its_curves_are_not_drawn(finished: dict[str, Finished]) -> None:
    trained = finished[TRAINING]
    assert (trained.code, trained.stderr) == (0, "")
    assert trained.stdout.count("matplotlib") == trained.stdout.count(DRAWING) * 2
    assert f"\nThe curves are not drawn. {DRAWING}\n" in trained.stdout


@pytest.mark.parametrize("line", NEED_NO_MORE)
def test_what_follows_needs_no_more(line: str, finished: dict[str, Finished]) -> None:
    assert finished[line].code == 0, finished[line].stderr
    assert "matplotlib" not in finished[line].stdout + finished[line].stderr


@pytest.mark.parametrize("line", NEED_NO_PICTURE)
def test_a_result_is_told_without_its_picture(line: str, finished: dict[str, Finished]) -> None:
    assert finished[line].code == 0, finished[line].stderr
    assert finished[line].stderr.endswith(f"{NEED_NO_PICTURE[line]} not drawn. {DRAWING}\n")
    assert "acc" in finished[line].stdout
    assert "rawn" not in finished[line].stdout


@pytest.mark.parametrize("line", ASK_FOR_A_PICTURE)
def test_a_picture_that_was_asked_for_is_an_error(line: str, finished: dict[str, Finished]) -> None:
    assert finished[line].code == 8
    assert finished[line].stderr.endswith(f"Error: {DRAWING}\n")


@pytest.mark.parametrize("line", IN_PYTHON)
def test_python_is_told_too(line: str, finished: dict[str, Finished]) -> None:
    assert finished[line].stdout == needs(*IN_PYTHON[line]) + "\n"
