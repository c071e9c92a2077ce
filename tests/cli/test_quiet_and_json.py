"""What comes out alone is told with `--quiet`, and as JSON; the log tells programs how it goes."""

import json
import logging
import sys
from pathlib import Path

import pytest

import lenet
from calling import call
from forked_process import ForkedProcess
from lenet.datasets import Dataset, convert_dataset

QUICK = ("--data", "digits", "--model", "softmax", "--epochs", "1", "--batch-size", "64")


def test_a_quiet_training_tells_its_folder_alone() -> None:
    answer = call("train", *QUICK, "--quiet")
    assert (answer.stdout, answer.stderr) == (f"{lenet.open_run().folder}\n", "")
    assert call("train", "--resume", "latest", "-q").stdout == answer.stdout


def test_a_quiet_training_still_warns() -> None:
    answer = call("train", *QUICK, "--learning-rate", "1e-9", "--quiet")
    assert answer.stderr.startswith("Warning: Not learning: ")
    assert answer.stdout == f"{lenet.open_run().folder}\n"
    assert "Warning" not in call("train", *QUICK, "--learning-rate", "1e-9").stderr


def test_a_training_gives_its_result_as_json() -> None:
    answer = call("train", *QUICK, "--json")
    run = lenet.open_run()
    expected = {"run": run.name, "folder": str(run.folder), **run.result.to_dict()}
    assert json.loads(answer.stdout) == expected


def test_quiet_comparisons_and_sweeps_tell_no_progress() -> None:
    run = lenet.train("softmax", "digits", epochs=1, listeners=[])
    assert call("compare", str(run.folder), "--quiet").stderr == ""
    search = ("--search", "learning_rate=0.1,0.2", "--trials", "1", "--name", "s")
    answer = call("sweep", *QUICK, *search, "--quiet")
    assert answer.stderr == ""
    assert "1 complete" in answer.stdout


def test_the_log_is_quiet_unless_somebody_listens(
    few_digits: Dataset, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "lenet"):
        lenet.train(
            "softmax", few_digits, epochs=2, learning_rate=1e-9, batch_size=64, listeners=[]
        )
    told = [(record.name, record.levelname, record.getMessage()) for record in caplog.records]
    texts = [text for _, _, text in told]
    assert texts[0].startswith("Training `softmax` on `few-digits`")
    assert any(text.startswith("epoch 2/2: loss 2.") and "test acc" in text for text in texts)
    assert [name for name, level, _ in told if level == "WARNING"] == ["lenet.training"]
    code = (
        "import lenet; lenet.train('softmax', 'digits', epochs=1, learning_rate=1e-9, listeners=[])"
    )
    assert ForkedProcess(code=code).communicate() == ("", "")


@pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")
def test_instructions_that_are_none_are_told() -> None:
    code = "from lenet.cli import main\nimport lenet.kernels._library as own\n"
    code += "own._load.cache_clear()\nmain()"
    variables = {"LENET_INSTRUCTIONS": "sse9"}
    words = "`LENET_INSTRUCTIONS` must be one of baseline, avx2, avx512, none, not `sse9`."
    training = ForkedProcess("train", *QUICK, code=code, environment=variables)
    output, errors = training.communicate()
    assert f"PyTorch trains this network. {words}" in output
    assert errors == ""
    evaluating = ForkedProcess("evaluate", "latest", code=code, environment=variables)
    assert evaluating.communicate()[1] == f"Warning: {words} They are not used.\n"
    assert "Warning" not in call("evaluate", "latest").stderr


def test_every_command_that_writes_tells_it_as_json(few_digits: Dataset) -> None:
    lenet.train("softmax", "digits", epochs=1, listeners=[])
    convert_dataset(few_digits, Path("few.npz"), "npz")
    written = {
        "report latest": {"findings", "strangers"},
        "inspect latest test:1 --parts activations": {"findings"},
        "export latest --to html": {"accuracy", "comparisons", "facts", "format", "reference"},
        "data show ./few.npz -o few.png": {},
        "data convert ./few.npz few --to folder": {"images", "name"},
        "data draw drawn --count 10 --strangers 2": {"digits", "strangers"},
        "data pack ./few.npz packed": {"bytes", "files", "images"},
    }
    for line, keys in written.items():
        values = json.loads(call(*line.split(), "--json").stdout)
        assert values.keys() >= {"written", *keys}, line
        assert values["written"], line
        assert all(Path(path).exists() for path in values["written"])
    assert json.loads(call("data", "check", "packed", "--json").stdout) == {
        **{name: values[name] for name in ("bytes", "files", "images")},
        "folder": "packed",
    }
    (got,) = json.loads(call("data", "get", "digits", "--json").stdout)
    assert got == {"name": "digits", "images": 1797, "classes": 10, "folder": None}


@pytest.mark.parametrize("quiet", [True, False])
def test_a_benchmark_is_told_to_be_quiet(quiet: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: dict[str, object] = {}
    monkeypatch.setattr("lenet.doctor.run_benchmark", lambda *_, **asked: heard.update(asked) or [])
    call("bench", "startup", *["--quiet"] * quiet)
    assert heard["quiet"] is quiet
