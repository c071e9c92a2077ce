"""What is wrong in one process ends all of them, with one message that says where."""

import json
from pathlib import Path
from typing import Any

import disagreements_script
import pytest
from launch_processes import run_ranks


@pytest.fixture(scope="module")
def raised(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of two processes has raised in each situation."""
    folder = tmp_path_factory.mktemp("raised")
    for process in run_ranks(2, str(folder), code=Path(disagreements_script.__file__).read_text()):
        assert process.returncode == 0, process.stderr
    return [json.loads((folder / rank).read_text()) for rank in ("0", "1")]


@pytest.mark.parametrize(
    ("situation", "kind", "code", "words"),
    [
        ("no data in the second", "PeerError", 2, ["In process 1 of 2", "`nowhere`"]),
        ("other images", "PeerError", 12, ["Process 1 has other images than process 0"]),
        ("other seeds", "PeerError", 12, ["`seed` is 0 in process 0 and 1 in process 1"]),
        ("other recipes", "PeerError", 12, ["`learning_rate` is 0.1 in process 0 and 1.1"]),
    ],
)
def test_both_say_what_differs(
    raised: list[dict[str, Any]], situation: str, kind: str, code: int, words: list[str]
) -> None:
    assert raised[0][situation] == raised[1][situation]
    assert raised[0][situation][0] == kind
    assert raised[0][situation][2] == code
    for word in words:
        assert word in raised[0][situation][1]


def test_what_is_wrong_in_both_is_said_as_in_one(raised: list[dict[str, Any]]) -> None:
    wrong, native = "a wrong setting in both", "native kernels with batch norm"
    assert raised[0][wrong][0] == "SettingError"
    assert "`epochs` must be at least 1" in raised[0][wrong][1]
    assert raised[0][native][0] == "ModelError"
    for name in (wrong, native):
        assert raised[1][name] == ["PeerError", *raised[0][name][1:]]


def test_what_is_wrong_in_the_first_alone_is_its_own_error(raised: list[dict[str, Any]]) -> None:
    name = "no such run"
    assert raised[0][name][0] == "RunError"
    assert raised[1][name] == ["PeerError", *raised[0][name][1:]]


def test_a_mistake_in_the_program_keeps_its_traceback(raised: list[dict[str, Any]]) -> None:
    name = "a mistake in the first"
    assert raised[0][name][0] == "TypeError"
    assert raised[1][name][0] == "PeerError"
    assert raised[1][name][1].startswith("TypeError: ")
