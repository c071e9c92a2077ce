"""Where PyTorch can't be imported all is done but what is PyTorch's, to the same bits."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from PIL import Image
from sent_pictures import png, stroke
from service_process import running

import lenet
from compiled_kernels import needs_kernels
from lenet.core import install_command
from lenet.datasets import Dataset

# What Python imports as it starts, in processes of processes, too.
HIDING = """
import sys
from importlib.machinery import PathFinder

class Hiding(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] == "torch" else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Hiding
"""
KILLED = """
import os, signal, lenet

class Killer(lenet.training.Listener):
    def on_step(self, trainer):
        if trainer.steps_done == 30:  # in the second epoch
            os.kill(os.getpid(), signal.SIGKILL)

lenet.train(dataset="digits", epochs=2, seed=3, listeners=[Killer()])
"""
RESUME = "train --resume latest"
WHOLE = "train --data digits --epochs 2 --seed 3 --runs-folder whole"
SLOW = "train --data digits --rotation 5 --epochs 1 --runs-folder slow"
BENCH = "bench --data digits --threads 1 --rounds 1"
NEED_NO_PYTORCH = (
    RESUME,
    WHOLE,
    SLOW,
    "evaluate latest",
    "predict latest digit.png",
    "report latest",
    "inspect latest",
    "runs",
    "data info digits",
    "summary",
    "compare --data digits --models softmax,mlp --epochs 1 --seeds 1 --processes 1"
    " --runs-folder compared",
    "sweep --data digits --model softmax --search learning_rate=0.1,0.2 --trials 2 --epochs 1",
    "export latest --to c",
    "export latest --to html",
    "doctor",
    BENCH,
)
NEED_PYTORCH = {
    "export latest --to onnx": "An export to ONNX",
    "export latest --to hub": "An export for a hub",
    "train --data digits --track tensorboard": "The tracker `tensorboard`",
    "train --data digits --device cuda": "The device `cuda`",
    "evaluate latest --engine torch": "The engine `torch`",
    "train --data digits --engine torch": "This training",
    "train --data digits --precision bfloat16": "This training",
    "compare --data digits --models mlp --together": "Training several networks as one computation",
    "sweep --data digits --search epochs=1,2 --at-once 2": (
        "Training several networks as one computation"
    ),
}
IN_PYTHON = {
    "classify(digits.train.images[:200], digits.train.labels[:200])": "[True, True, True]",
    "lenet.open_model('latest').probabilities(digits.test.images[:3]).shape": "(3, 10)",
    "kernels(lenet.train_many([{}, {'seed': 1}], digits, epochs=1, runs_folder='many'))": (
        "['native', 'native']"
    ),
    "len(lenet.compare_runs(lenet.find_runs('many')).entries)": "1",
    "(held := lenet.as_dataset((digits.train.images[:, 0] / 255, digits.train.labels.tolist())))"
    ".image_shape, len(held.train), held.train[0][1]": "((1, 28, 28), 1151, 0)",
    "hasattr(lenet, 'LeNet'), 'LeNet' in lenet.__all__, 'train' in lenet.__all__": (
        "(False, False, True)"
    ),
    "exec('from lenet import *; from lenet.models import *; from lenet.kernels import *')"
    " or 'done'": "done",
    "'load_dataset' in pydoc.render_doc(lenet)": "True",
}
NEED_PYTORCH_IN_PYTHON = {
    "lenet.load('latest')": "`lenet.load`, unlike `lenet.open_model`,",
    "lenet.load_model('fitted.safetensors')": "`lenet.load_model`, unlike `lenet.open_model`,",
    "exec('from lenet import LeNet')": "`lenet.models.LeNet`",
    "lenet.LeNet": "`lenet.models.LeNet`",
    "lenet.d2l.train_ch6": "`lenet.d2l`",
    "fitted.network_": "A module",
}
# All in one process, as each would import everything anew.
CODE = """
import contextlib, io, json, pydoc, sys, warnings
import joblib, lenet, numpy as np
from lenet.cli import main
from lenet.errors import MissingExtraError
from sklearn.base import clone

digits = lenet.load_dataset("digits")
warnings.simplefilter("ignore")  # of networks that learn too little
fitted = lenet.LeNetClassifier(epochs=1, batch_size=32, validation=0.0)

def classify(images, labels):
    expected = fitted.fit(images, labels).predict_proba(images)
    joblib.dump(fitted, "fitted.joblib")
    fitted.save("fitted.safetensors")
    others = (
        joblib.load("fitted.joblib").predict_proba(images),
        clone(fitted).fit(images, labels).predict_proba(images),
        lenet.open_model("fitted.safetensors").probabilities(images),
    )
    return [np.allclose(other, expected, atol=1e-6) for other in others]

def kernels(endings):
    return [ending.run.config.engine for ending in endings]

def run(line):
    sys.argv = ["lenet", *line.split()]
    try:
        main()
    except SystemExit as leave:
        return leave.code

def evaluate(line):
    try:
        print(eval(line))
    except MissingExtraError as error:
        print(error)

found = {}
for do, lines in zip((run, evaluate), json.loads(sys.argv[1])):
    for line in lines:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = do(line)
        found[line] = [code, out.getvalue(), err.getvalue(), "torch" in sys.modules]
print(json.dumps(found))
"""


class Finished(NamedTuple):
    code: int | None
    stdout: str
    stderr: str
    imported: bool  # whether PyTorch was, by this line or one before


def without(folder: Path) -> Path:
    """A folder that hides PyTorch where it stands in `PYTHONPATH`."""
    place = folder / "hiding"
    place.mkdir()
    (place / "sitecustomize.py").write_text(HIDING)
    return place


def finish(
    folder: Path, commands: list[str], expressions: list[str] | None = None
) -> dict[str, Finished]:
    """What each of the lines ended with and wrote, in one process of its own."""
    asked = json.dumps([commands, expressions or []])
    process = subprocess.run(
        [sys.executable, "-c", CODE, asked], cwd=folder, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    return {line: Finished(*found) for line, found in json.loads(process.stdout).items()}


def needs(purpose: str) -> str:
    return f"{purpose} needs torch: `{install_command('torch')}`.\n"


@needs_kernels
def test_all_is_done_to_the_same_bits_where_pytorch_is_missing(
    tmp_path: Path, digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as hidden:
        hidden.setenv("PYTHONPATH", str(without(tmp_path)))
        killed = subprocess.run([sys.executable, "-c", KILLED], check=False)
        assert killed.returncode == -signal.SIGKILL
        Image.fromarray(digits.test.images[0, 0]).save("digit.png")
        commands = [*NEED_NO_PYTORCH, *NEED_PYTORCH]
        if not any(map(shutil.which, ("node", "chromium-headless-shell", "chromium"))):
            # There is nothing to run the page.
            commands.remove("export latest --to html")
        found = finish(tmp_path, commands, [*IN_PYTHON, *NEED_PYTORCH_IN_PYTHON])
        with running("latest", "--workers", "1") as service:
            answer = service.http.post("/v1/predict", content=png(stroke()))
            assert answer.status_code == 200, answer.text
    for line, (code, stdout, stderr, _) in found.items():
        assert "None" not in stdout, line
        if line in NEED_PYTORCH:
            assert (code, stderr) == (8, f"Error: {needs(NEED_PYTORCH[line])}"), line
        elif line in NEED_PYTORCH_IN_PYTHON:
            assert stdout == needs(NEED_PYTORCH_IN_PYTHON[line])
        elif line in IN_PYTHON:
            assert stdout == f"{IN_PYTHON[line]}\n", line
        else:
            assert code == 0, f"{line}: {stderr}"
    assert "epoch  2/2" in found[RESUME].stdout
    assert "epoch  1/2" not in found[RESUME].stdout
    assert "slowly, as the compiled kernels do not serve it" in found[SLOW].stdout
    assert "slowly" not in found[WHOLE].stdout
    assert "Compared with NumPy on digits" in found["export latest --to c"].stdout
    assert "no PyTorch" in found["doctor"].stdout
    assert "agree with NumPy's" in found["doctor"].stdout
    assert "\nlenet, NumPy  " in found[BENCH].stdout
    assert "PyTorch eager did not take part: `torch` is not installed." in found[BENCH].stdout

    (resumed,), (whole,) = lenet.find_runs("runs"), lenet.find_runs("whole")
    here = lenet.train(dataset="digits", epochs=2, seed=3, runs_folder="here", listeners=[])
    assert here.environment["torch"]
    assert whole.environment["torch"] is None
    for run in (resumed, whole):
        assert run.config.engine == "native"
        assert run.model_path.read_bytes() == here.model_path.read_bytes()
        assert curve(run) == curve(here)


def curve(run: lenet.Run) -> list[dict[str, object]]:
    return [
        {**json.loads(line), "seconds": 0.0} for line in run.history_path.read_text().splitlines()
    ]


def test_numpy_trains_where_there_is_nothing_else_and_says_what_is_faster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(without(tmp_path)))
    monkeypatch.setenv("LENET_INSTRUCTIONS", "none")
    line = "train --data digits --model softmax --epochs 1"
    trained = finish(tmp_path, [line, "predict latest missing.png", f"{line} --engine numpy"])
    assert trained[line].code == 0, trained[line].stderr
    (said,) = [one for one in trained[line].stdout.splitlines() if "NumPy" in one]
    assert said.startswith("NumPy trains this network, slowly. `LENET_INSTRUCTIONS` is `none`")
    assert said.endswith("Unset it to be much faster.")
    assert [run.config.engine for run in lenet.find_runs()] == ["numpy", "numpy"]
    assert "slowly" not in trained[f"{line} --engine numpy"].stdout, "it was asked for"


@needs_kernels
def test_nothing_imports_pytorch_where_the_kernels_do_the_work(
    tmp_path: Path, digits: Dataset
) -> None:
    Image.fromarray(digits.test.images[0, 0]).save("digit.png")
    trains = WHOLE.replace("whole", "runs")
    commands = [
        trains,
        *(line for line in NEED_NO_PYTORCH[3:-4] if not line.startswith(("compare", "sweep"))),
        "compare latest",
    ]
    expressions = list(IN_PYTHON)[:2]  # `train_many` computes several as one by PyTorch
    found = finish(tmp_path, commands, expressions)
    assert {line: one.code for line, one in found.items() if one.code} == {}
    assert [line for line, one in found.items() if one.imported] == []
