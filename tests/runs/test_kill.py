"""A run may be killed at any instant and goes on to the same bits; these are real processes."""

import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import safetensors.torch
import torch

import lenet
from calling import call
from forked_process import ForkedProcess
from lenet.datasets import Dataset
from lenet.errors import InterruptedTraining, RunError
from lenet.runs import Run, find_runs
from lenet.training import Listener, Trainer

FASHION_MNIST = ("--data", "fashion-mnist", "--epochs", "2", "--seed", "0", "--threads", "1")
LONG = ("--data", "digits", "--epochs", "500", "--threads", "1")
PATIENCE = 120.0  # seconds after which a process is taken to hang


def start(*arguments: str) -> ForkedProcess:
    """Start a training."""
    return ForkedProcess("train", *arguments)


def wait_until(condition: Callable[[], object], process: ForkedProcess) -> None:
    """Wait for something that a living process brings about."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def wait_for_run(folder: Path, process: ForkedProcess) -> Run:
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


@pytest.mark.fashion_mnist
@pytest.mark.usefixtures("fashion_mnist")
def test_killed_three_times_it_ends_with_the_same_bits(tmp_path: Path) -> None:
    call("train", *FASHION_MNIST, "--runs-folder", str(tmp_path / "whole"))
    (whole,) = find_runs(tmp_path / "whole")
    pause = whole.result.seconds / len(whole.history)  # from point to point
    process = start(*FASHION_MNIST, "--runs-folder", str(tmp_path / "killed"))
    run = wait_for_run(tmp_path / "killed", process)
    for share in (0.0, 0.2, 0.4):
        assert process.stdout.readline().startswith(("Training", "Going on")), "it is under way"
        wait_until(lambda: len(run.history) >= share * len(whole.history), process)  # noqa: B023
        time.sleep(random.uniform(0, 2 * pause))
        process.kill()
        process.communicate()
        assert not run.is_complete, "it was killed before its end"
        process = start("--resume", str(run.folder))
    output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    assert "Going on with" in output
    assert_same_bits(whole, run)
    assert not list(run.folder.glob(".*partial"))


def test_a_signal_leaves_a_checkpoint_and_says_how_to_go_on(tmp_path: Path) -> None:
    process = start(*LONG, "--runs-folder", str(tmp_path))
    run = wait_for_run(tmp_path, process)
    before = run.history
    for number in (signal.SIGTERM, signal.SIGINT):
        # It holds the folder before its first step, and a point beyond the kept ones is new.
        wait_until(lambda: len(run.history) > len(before) + 1, process)  # noqa: B023
        assert run.status == "running"
        if number == signal.SIGTERM:
            with pytest.raises(RunError, match="is being trained by another process"):
                lenet.resume(run, listeners=[])
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        # A loop in a shell goes on unless what was interrupted has died of it.
        assert process.returncode == (-number if number == signal.SIGINT else 130)
        assert f"Go on with `lenet train --resume {run.folder}`" in errors
        assert errors.count("\n") == 1, "one line, no traceback"
        assert (run.folder / "curves.png").exists()
        assert run.status == "stopped"
        assert run.history[: len(before)] == before
        before = run.history
        (run.folder / "curves.png").unlink()
        if number == signal.SIGTERM:
            process = start("--resume", str(run.folder))


def test_a_full_disk_is_one_clear_line_and_leaves_no_half_run(tmp_path: Path) -> None:
    process = ForkedProcess("train", *LONG, "--runs-folder", str(tmp_path), code=ON_A_FULL_DISK)
    _, errors = process.communicate()
    assert process.returncode == 7, errors
    assert errors.startswith("Error: Could not write `")
    assert errors.count("\n") == 1
    assert os.listdir(tmp_path) == []


# Writes fail beyond 100 KiB a file, less than a checkpoint needs, as they would on a full disk.
ON_A_FULL_DISK = """
import resource
from lenet.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (100 * 1024, 100 * 1024))
main()
"""


# root may write anywhere, so as root the file system is told that this is somebody else; all that
# is needed is imported before, since that somebody may not read it.
RESUME_WITHOUT_PERMISSION = """
import ctypes, os, sys
import torch._dynamo
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
    class Stop(Listener):
        def on_step(self, trainer: Trainer) -> None:
            trainer.request_stop()

    with tempfile.TemporaryDirectory() as name:
        with pytest.raises(InterruptedTraining):
            lenet.train(dataset="digits", threads=1, runs_folder=name, listeners=[Stop()])
        (run,) = find_runs(name)
        (run.folder / ".lock").unlink(missing_ok=True)
        before = {path.name: path.read_bytes() for path in run.folder.iterdir()}
        Path(name).chmod(0o755)
        run.folder.chmod(0o555)
        resumed = ForkedProcess(str(run.folder), code=RESUME_WITHOUT_PERMISSION)
        output, errors = resumed.communicate()
        assert output == f"Could not write `{run.folder}`: permission denied.\n", errors
        assert {path.name: path.read_bytes() for path in run.folder.iterdir()} == before
        run.folder.chmod(0o755)


def test_ctrl_c_before_the_training_leaves_nothing(tmp_path: Path) -> None:
    code = (
        "import os, signal\n"
        "import lenet.runs, lenet.cli\n"
        "lenet.runs.train = lambda *args, **kwargs: os.kill(os.getpid(), signal.SIGINT)\n"
        "lenet.cli.main()\n"
    )
    process = ForkedProcess("train", code=code)
    _, errors = process.communicate()
    assert (process.returncode, errors) == (-signal.SIGINT, "Interrupted.\n")
    assert os.listdir() == []


def test_a_loop_over_seeds_does_not_swallow_ctrl_c(few_digits: Dataset, tmp_path: Path) -> None:
    class PressCtrlC(Listener):
        def on_step(self, trainer: Trainer) -> None:
            os.kill(os.getpid(), signal.SIGINT)

    def train_all() -> None:
        for seed in range(3):
            options = {"seed": seed, "batch_size": 50, "runs_folder": tmp_path}
            with suppress(Exception):
                lenet.train("softmax", few_digits, listeners=[PressCtrlC()], **options)

    with pytest.raises(KeyboardInterrupt, match="Go on with") as stopped:
        train_all()
    assert stopped.type is InterruptedTraining
    assert stopped.value.number == signal.SIGINT
    (run,) = find_runs(tmp_path)
    assert (run.config.seed, run.status) == (0, "stopped")
