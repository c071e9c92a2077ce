"""The tree of errors is the one that is drawn, and speaks to people."""

import inspect
import re
from importlib.metadata import PackageNotFoundError

import pytest

from lenet import errors
from lenet.core import field_types, install_command
from lenet.models import LeNetConfig
from lenet.training import Recipe


def test_the_drawn_tree_is_the_real_one() -> None:
    drawn = re.findall(r"^\s*[│├└─ ]*(\w+)\s+(\d+)(?:  |$)", errors.__doc__ or "", re.MULTILINE)
    classes = dict(inspect.getmembers(errors, inspect.isclass))
    own = {name: cls for name, cls in classes.items() if cls.__module__ == errors.__name__}
    assert all(issubclass(cls, (errors.LenetError, errors.Interrupted)) for cls in own.values())
    real = {name: cls.exit_code for name, cls in own.items()}
    assert {name: int(code) for name, code in drawn} == real


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


@pytest.mark.parametrize("typed", ["zzz", "", "-", "…", "x" * 100_000])
def test_a_name_near_to_none_offers_nothing(typed: str) -> None:
    assert "Did you mean" not in str(errors.UnknownNameError("dataset", typed, DATASETS))


def test_a_missing_extra_gives_the_exact_command() -> None:
    error = errors.MissingExtraError("Serving", "serve")
    command = install_command("'lenet[serve]'")
    assert str(error) == f"Serving needs more packages: `{command}`."
    error = errors.MissingExtraError("ONNX", "export", package="torch")
    command = install_command("torch 'lenet[export]'")
    assert str(error) == f"ONNX needs torch and more packages: `{command}`."
    error = errors.MissingExtraError("Drawing", package="matplotlib")
    assert str(error) == f"Drawing needs matplotlib: `{install_command('matplotlib')}`."


def test_an_extra_is_that_of_the_distribution_that_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = {"lenet-core"}

    def distribution(name: str) -> None:
        if name not in here:
            raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.distribution", distribution)
    assert "install 'lenet-core[serve]'" in str(errors.MissingExtraError("Serving", "serve"))
    here.clear()  # as in a source tree that is on the path
    assert "install 'lenet[serve]'" in str(errors.MissingExtraError("Serving", "serve"))
