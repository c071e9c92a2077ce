"""What is being made goes when its process ends, whichever way, and not before."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lenet.core import (
    answer_signals,
    staged_folder,
    stop_on_signals,
    temporary_folder,
    write_atomically,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are another thing there")

# Makes something, says so, and waits; the last argument is what to make.
MAKER = """
import sys, time
from pathlib import Path
from lenet.core import staged_folder, temporary_folder
from lenet.core._staging import staged_file  # which `write_atomically` does at once
kind, target = sys.argv[1], Path(sys.argv[2])
makers = {"folder": staged_folder, "file": staged_file, "temporary": temporary_folder}
with makers[kind]("staging-test-" if kind == "temporary" else target) as made:
    (made if made.is_file() else made / "inner").write_text("half")
    print(made, flush=True)
    time.sleep(60)
"""


def make(kind: str, folder: Path) -> tuple["subprocess.Popen[str]", Path]:
    """A process that makes something in a folder, and where."""
    process = subprocess.Popen(
        [sys.executable, "-c", MAKER, kind, str(folder / "target")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(folder)},
    )
    assert process.stdout
    return process, Path(process.stdout.readline().strip())


def make_again(kind: str, folder: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("TMPDIR", str(folder))
    patch.setattr("tempfile.tempdir", None)
    if kind == "file":
        write_atomically(folder / "target", "whole")
        (folder / "target").unlink()
        return
    with (
        temporary_folder("staging-test-")
        if kind == "temporary"
        else staged_folder(folder / "target") as made
    ):
        assert list(made.iterdir()) == []


@pytest.mark.parametrize("kind", ["file", "folder", "temporary"])
def test_what_a_killed_process_left_goes_at_once_and_what_another_makes_stays(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process, made = make(kind, tmp_path)
    make_again(kind, tmp_path, monkeypatch)
    assert list(tmp_path.iterdir()) == [made]
    process.kill()
    process.communicate()
    assert list(tmp_path.iterdir()) == [made]
    make_again(kind, tmp_path, monkeypatch)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("kind", ["folder", "temporary"])
def test_a_signal_that_ends_the_process_leaves_nothing(
    kind: str, number: signal.Signals, tmp_path: Path
) -> None:
    process, _ = make(kind, tmp_path)
    process.send_signal(number)
    process.communicate()
    assert process.returncode in (-number, 1)
    assert list(tmp_path.iterdir()) == []


def test_what_is_under_way_stays_where_a_stop_is_only_asked_for(tmp_path: Path) -> None:
    asked: list[bool] = []
    with stop_on_signals(lambda: asked.append(True)), staged_folder(tmp_path / "x") as made:
        signal.raise_signal(signal.SIGTERM)
        assert asked == [True]
        (made / "inner").write_text("goes on")
        made.rename(tmp_path / "x")
    assert (tmp_path / "x" / "inner").exists()


def test_a_hangup_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as `nohup` does
    try:
        with answer_signals(lambda number, frame, before: None):
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)
