"""The tree of errors is the one that is drawn, and speaks to people."""

import inspect
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from lenet import errors
from lenet.core import field_types
from lenet.models import LeNetConfig
from lenet.training import Recipe


def test_the_drawn_tree_is_the_real_one() -> None:
    drawn = re.findall(r"^\s*[│├└─ ]*(\w+)\s+(\d+)(?:  |$)", errors.__doc__ or "", re.MULTILINE)
    classes = dict(inspect.getmembers(errors, inspect.isclass))
    real = {name: cls.exit_code for name, cls in classes.items() if name in errors.__all__}
    assert {name: int(code) for name, code in drawn} == real


def test_every_error_is_a_lenet_error_and_public() -> None:
    for name, cls in inspect.getmembers(errors, inspect.isclass):
        if cls.__module__ == errors.__name__:
            assert issubclass(cls, errors.LenetError)
            assert name in errors.__all__


@pytest.mark.parametrize(
    ("typed", "meant"), [("mnsit", "mnist"), ("fashion", "fashion-mnist"), ("kmnis", "kmnist")]
)
def test_an_unknown_name_offers_the_nearest(typed: str, meant: str) -> None:
    error = errors.UnknownNameError("dataset", typed, ["fashion-mnist", "mnist", "kmnist"])
    assert f"Did you mean `{meant}`?" in str(error)


SETTINGS = [*field_types(Recipe), *field_types(LeNetConfig)]
DATASETS = ["emnist-digits", "emnist-letters", "fashion-mnist", "kmnist", "mnist"]


@pytest.mark.parametrize(
    ("typed", "meant", "choices"),
    [
        ("MNIST", "mnist", DATASETS),
        ("FashionMNIST", "fashion-mnist", DATASETS),
        ("mnist_fashion", "fashion-mnist", DATASETS),
        ("letters", "emnist-letters", DATASETS),
        ("mnits", "mnist", DATASETS),
        ("num_epochs", "epochs", SETTINGS),
        ("rate", "learning_rate", SETTINGS),
        ("clipping", "gradient_clipping", SETTINGS),
        ("lr", "learning_rate", SETTINGS),
        ("Weight-Decay", "weight_decay", SETTINGS),
        ("rot", "rotation", SETTINGS),
        ("plan_epochs", "plain_epochs", SETTINGS),
        ("wd", "weight_decay", SETTINGS),
        ("avg", "average", ["average", "max"]),
        ("optimizer", "optimiser", SETTINGS),
        ("frmo", "from", ["form", "from"]),
        ("adma", "adam", ["sgd", "adam", "adamw"]),
        ("Adam", "adam", ["sgd", "adamw", "adam"]),
        ("leent", "lenet", ["lenet5", "lenet"]),
        ("teest", "test", ["best", "rest", "test"]),
    ],
)
def test_the_nearest_is_by_closeness_and_not_by_the_alphabet(
    typed: str, meant: str, choices: list[str]
) -> None:
    for ordered in (choices, choices[::-1], sorted(choices), sorted(choices, reverse=True)):
        assert f"Did you mean `{meant}`?" in str(errors.UnknownNameError("name", typed, ordered))


def test_of_equally_near_names_the_first_is_offered() -> None:
    for choices in (["step_factor", "step_epochs"], ["step_epochs", "step_factor"]):
        assert errors.nearest_name("step", choices) == choices[0]


@pytest.mark.parametrize("typed", ["zzz", "", "-", "…", "x" * 100_000])
def test_a_name_near_to_none_offers_nothing(typed: str) -> None:
    assert "Did you mean" not in str(errors.UnknownNameError("dataset", typed, DATASETS))


def test_a_missing_extra_gives_the_exact_command() -> None:
    error = errors.MissingExtraError("Serving", "serve")
    command = errors.install_command("'lenet[serve]'")
    assert str(error) == f"Serving needs more packages: `{command}`."


def test_the_command_installs_into_the_environment_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("own", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pip").touch(0o755)
    python = tmp_path / "own" / "python"
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setenv("PATH", str(tmp_path / "own"))
    assert errors.install_command("x") == "pip install x"
    for path in (tmp_path / "other", tmp_path / "none"):
        monkeypatch.setenv("PATH", str(path))
        assert errors.install_command("x") == f"{python} -m pip install x"
    monkeypatch.setattr(sys, "executable", "/my venv/python")
    assert errors.install_command("x") == "'/my venv/python' -m pip install x"


def test_pip_takes_an_extras_packages_from_what_is_installed() -> None:
    command = shlex.split(errors.install_command("--no-index --dry-run 'lenet[parquet]'"))
    process = subprocess.run(command, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    assert "Requirement already satisfied: lenet[parquet]" in process.stdout
