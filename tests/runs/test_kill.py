"""A run may be killed at any instant and goes on to the same bits; these are real processes."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch

from lenet.datasets import Dataset
from lenet.runs import Run, find_runs

TRAIN = (sys.executable, "-m", "lenet", "train")
DIGITS = ("--data", "digits", "--epochs", "20", "--batch-size", "2", "--threads", "1")
NORMALISED = (*DIGITS, "--batch-size", "3", "--batch-norm", "--activation", "relu")
LONG = ("--data", "digits", "--epochs", "500", "--threads", "1")
PATIENCE = 120.0  # seconds after which a process is taken to hang


def start(*arguments: str) -> subprocess.Popen[str]:
    """Start a training as a person would."""
    return subprocess.Popen(
        [*TRAIN, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for the end and give what was printed."""
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return output


def wait_until(condition: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Wait for something that a living process brings about."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def wait_for_run(folder: Path, process: subprocess.Popen[str]) -> Run:
    """Wait until the run folder has appeared."""
    wait_until(lambda: find_runs(folder), process)
    return find_runs(folder)[0]


def assert_same_bits(one: Run, other: Run) -> None:
    """The weights, the curve and the result are the same, down to the last bit."""
    weights = [safetensors.torch.load_file(run.model_path) for run in (one, other)]
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert one.model_path.read_bytes() == other.model_path.read_bytes()
    curves = [[{**p.to_dict(), "seconds": 0} for p in run.history] for run in (one, other)]
    assert curves[0] == curves[1]
    assert one.result.test_loss == other.result.test_loss


def kill_thrice_and_resume(folder: Path, arguments: tuple[str, ...], whole: Run) -> Run:
    """Kill a training at three random instants while it trains, and let it end after that.

    Args:
        folder: Where the run folder is made.
        arguments: Of the first start.
        whole: The same training without a kill; says how long it takes.
    """
    longest = whole.result.seconds / 5  # so that three of them come before the end
    process = start(*arguments, "--runs-folder", str(folder))
    run = wait_for_run(folder, process)
    for _ in range(3):
        assert process.stdout is not None
        assert process.stdout.readline().startswith(("Training", "Going on")), "it is under way"
        time.sleep(random.uniform(0, longest))
        process.kill()
        process.communicate()
        assert not run.is_complete, "it was killed before its end"
        process = start("--resume", str(run.folder))
    assert "Going on with" in finish(process)
    return run


@pytest.mark.parametrize("arguments", [DIGITS, NORMALISED], ids=["tutorial", "normalised"])
def test_killed_three_times_it_ends_with_the_same_bits(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    finish(start(*arguments, "--runs-folder", str(tmp_path / "whole")))
    whole = find_runs(tmp_path / "whole")[0]
    killed = kill_thrice_and_resume(tmp_path / "killed", arguments, whole)
    assert_same_bits(whole, killed)
    assert not list(killed.folder.glob(".*partial"))


@pytest.mark.fashion_mnist
def test_fashion_mnist_killed_three_times_ends_with_the_same_bits(
    tmp_path: Path, fashion_mnist: Dataset
) -> None:
    arguments = ("--data", "fashion-mnist", "--epochs", "5", "--seed", "0", "--threads", "1")
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        finish(start(*arguments, "--runs-folder", str(folder)))
    one, two = (find_runs(folder)[0] for folder in folders)
    assert_same_bits(one, two)
    killed = kill_thrice_and_resume(tmp_path / "killed", arguments, one)
    assert_same_bits(one, killed)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_a_checkpoint_and_says_how_to_go_on(
    number: signal.Signals, tmp_path: Path
) -> None:
    process = start(*LONG, "--runs-folder", str(tmp_path))
    run = wait_for_run(tmp_path, process)
    wait_until(lambda: run.history, process)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"Go on with `lenet train --resume {run.folder}`" in errors
    assert errors.count("\n") == 1, "one line, no traceback"
    assert (run.folder / "curves.png").exists()
    before = run.history
    assert run.status == "stopped"

    process = start("--resume", str(run.folder))
    wait_until(lambda: len(run.history) > len(before) + 1, process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert run.history[: len(before)] == before


def test_two_processes_do_not_train_in_one_folder(tmp_path: Path) -> None:
    process = start(*LONG, "--runs-folder", str(tmp_path))
    run = wait_for_run(tmp_path, process)
    wait_until(lambda: run.history, process)  # it holds the folder before its first step
    assert run.status == "running"
    second = start("--resume", str(run.folder))
    _, errors = second.communicate(timeout=60)
    process.kill()
    process.communicate()
    assert second.returncode == 5
    assert "is being trained by another process" in errors


def test_a_full_disk_is_one_clear_line_and_leaves_no_half_run(tmp_path: Path) -> None:
    limit = 100 * 1024  # bytes a file, less than a checkpoint needs
    process = subprocess.run(
        [*TRAIN, *LONG, "--runs-folder", str(tmp_path)],
        preexec_fn=lambda: _limit_file_size(limit),
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 7, process.stderr
    assert process.stderr.startswith("Error: Could not write `")
    assert process.stderr.count("\n") == 1
    assert os.listdir(tmp_path) == []


def _limit_file_size(limit: int) -> None:
    """Let this process's writes fail beyond a size, as a full disk would."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


# root may write anywhere, so as root the file system is told that this is somebody else; all that
# is needed is imported before, since that somebody may not read it.
RESUME_WITHOUT_PERMISSION = """
import ctypes, os, sys
import torch._dynamo, sklearn.datasets
import lenet
from lenet.errors import StorageError
data = lenet.load_dataset("digits")
lenet.resume
if os.geteuid() == 0:
    ctypes.CDLL(None).setfsuid(65534)
try:
    lenet.resume(sys.argv[1], dataset=data, listeners=[])
except StorageError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="setfsuid is Linux's")
def test_a_folder_that_may_not_be_written_is_one_clear_line() -> None:
    with tempfile.TemporaryDirectory() as name:
        process = start(*LONG, "--runs-folder", name)
        run = wait_for_run(Path(name), process)
        process.kill()
        process.communicate()
        (run.folder / ".lock").unlink(missing_ok=True)
        before = {path.name: path.read_bytes() for path in run.folder.iterdir()}
        Path(name).chmod(0o755)
        run.folder.chmod(0o555)
        finished = subprocess.run(
            [sys.executable, "-c", RESUME_WITHOUT_PERMISSION, str(run.folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.stdout == f"Could not write `{run.folder}`: permission denied.\n", (
            finished.stderr
        )
        assert {path.name: path.read_bytes() for path in run.folder.iterdir()} == before
        run.folder.chmod(0o755)


def test_ctrl_c_before_the_training_leaves_nothing(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\n"
        "import lenet.runs, lenet.cli\n"
        "lenet.runs.train = lambda *args, **kwargs: os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.argv = ['lenet', 'train']\n"
        "lenet.cli.main()\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (finished.returncode, finished.stderr) == (130, "Interrupted.\n")
    assert os.listdir() == []
