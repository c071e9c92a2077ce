"""The tree of errors is the one that is drawn, and speaks to people."""

import inspect
import re

import pytest

from lenet import errors


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


def test_a_name_near_to_none_offers_nothing() -> None:
    assert "Did you mean" not in str(errors.UnknownNameError("dataset", "zzz", ["mnist"]))


def test_a_missing_extra_gives_the_exact_command() -> None:
    error = errors.MissingExtraError("Serving", "serve")
    assert str(error) == "Serving needs more packages: `pip install 'lenet[serve]'`."
