"""`lenet train` under torchrun: killed, stopped, gone on with; these are real processes."""

import os
import signal
from typing import Any

import pytest
import torch
from launch_processes import (
    error_line,
    finish,
    process_of_rank,
    ranks,
    read_until,
    run_ranks,
    start_torchrun,
)

import lenet
from lenet.errors import InterruptedTraining
from lenet.runs import Run, find_runs
from lenet.training import CurvePoint, Listener, Trainer

NEW = "2.13"  # from it on, tried, threads have names and torchrun tells of every process
SETTINGS: dict[str, Any] = {
    "preset": "tutorial",
    "epochs": 40,
    "batch_size": 10,
    "activation": "tanh",
    "learning_rate": 0.01,
    "validation": 0.1,
}
OPTIONS = [
    text for name, value in SETTINGS.items() for text in (f"--{name.replace('_', '-')}", str(value))
]
TRAIN = ["train", "--data", "digits", "--threads", "1", *OPTIONS]


def only_run() -> Run:
    """The run that was started in this test's folder."""
    (run,) = find_runs()
    return run


class StopAfter(Listener):
    """Stops a training after so many epochs."""

    def __init__(self, epochs: int):
        self.epochs = epochs

    def on_epoch(self, trainer: Trainer, point: CurvePoint) -> None:
        if trainer.epoch == self.epochs:
            trainer.request_stop()


def assert_goes_on_as_one_process_would(run: Run) -> None:
    """It goes on in this process, and its curve is that of a training that was never stopped."""
    assert run.status == "stopped"
    stop = StopAfter(int(run.history[-1].epoch) + 2)
    with pytest.raises(InterruptedTraining):
        lenet.resume(run, listeners=[stop])
    with pytest.raises(InterruptedTraining):
        lenet.train(dataset="digits", threads=1, runs_folder="whole", listeners=[stop], **SETTINGS)
    (whole,) = find_runs("whole")
    losses = [[point.train_loss for point in one.history] for one in (run, whole)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


def test_a_killed_worker_ends_all_and_others_go_on() -> None:
    agent = start_torchrun(2, *TRAIN)
    read_until(agent, "epoch  2/")
    os.kill(process_of_rank(agent, 1), signal.SIGKILL)
    ended = finish(agent)
    run = only_run()
    assert ended.returncode != 0
    message = error_line(ended)
    assert message.startswith("Error: Process 1 of 2 (")
    assert f"torchrun --nproc-per-node 2 -m lenet train --resume {run.folder}`" in message
    if torch.__version__ >= NEW:  # older ones tell of the first process that ended alone
        assert "exitcode  : 12" in ended.stderr

    with ranks(3, "train", "--resume", "latest") as processes:
        read_until(processes[0], "goes on with 3")
        read_until(processes[0], "epoch ")
        processes[1].send_signal(signal.SIGINT)
        first, *others = (finish(process) for process in processes)
    assert [process.returncode for process in (first, *others)] == [130] * 3
    told = "".join(process.stderr for process in (first, *others)).splitlines()
    (stopped,) = [line for line in told if line.startswith("Stopped in epoch")]
    assert stopped in first.stderr
    assert "torchrun --nproc-per-node 3 -m lenet train --resume" in stopped
    assert_goes_on_as_one_process_would(run)


def test_the_first_may_be_killed_too() -> None:
    with ranks(2, *TRAIN) as processes:
        read_until(processes[0], "epoch  2/")
        processes[0].kill()
        ended = finish(processes[1])
    assert ended.returncode == 12
    message = error_line(ended)
    assert message.startswith("Error: In process 1 of 2 (")
    assert "Process 0 of 2 (" in message
    assert_goes_on_as_one_process_would(only_run())


def test_what_torchrun_sends_as_another_is_lost_leaves_time_to_say_so() -> None:
    code = (
        "import os, signal\n"
        "import lenet\n"
        "from lenet.errors import LostProcessError\n"
        "from lenet.training import Listener\n"
        "class Lose(Listener):\n"
        "    def on_step(self, trainer):\n"
        "        raise LostProcessError('Process 1 of 2 is gone.')\n"
        "try:\n"
        "    lenet.train('softmax', 'digits', listeners=[Lose()], threads=1)\n"
        "except LostProcessError as error:\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print(error)\n"
    )
    (process,) = run_ranks(1, code=code)
    assert process.stdout.startswith("Process 1 of 2 is gone. Go on with "), process


def test_an_error_of_one_process_is_told_once() -> None:
    script = (
        "import os, sys; from lenet.cli import main; "
        "sys.argv = ['lenet', 'train', '--data', ['digits', 'nowhere'][int(os.environ['RANK'])]]; "
        "main()"
    )
    first, second = run_ranks(2, code=script)
    assert first.returncode == second.returncode == 2
    assert first.stderr.startswith("Error: In process 1 of 2 (")
    assert "`nowhere`" in first.stderr
    assert first.stderr.count("Error") == 1
    assert second.stderr == first.stdout == second.stdout == ""
    assert not find_runs()


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="classes of threads are Linux's")
def test_the_network_thread_interrupts_no_other() -> None:
    script = (
        "import os; from pathlib import Path; "
        "from lenet.training import join_group, leave; "
        "join_group().connect('cpu'); "
        "threads = Path('/proc/self/task').iterdir(); "
        "loops = [t for t in threads if 'gloo_tcp_loop' in (t / 'comm').read_text()]; "
        "print([os.sched_getscheduler(int(loop.name)) for loop in loops]); leave(0)"
    )
    for process in run_ranks(2, code=script):
        if process.stdout == "[]\n" and torch.__version__ < NEW:
            pytest.skip("this PyTorch gives gloo's threads no names")
        assert process.stdout == f"[{os.SCHED_BATCH}]\n", process.stderr


def test_one_process_of_torchrun_is_as_good_as_none() -> None:
    options = ["--epochs", "1", "--threads", "1", "--data", "digits"]
    (process,) = run_ranks(1, "train", *options)
    assert process.returncode == 0, process.stderr
    assert "on cpu. Run folder" in process.stdout
    assert only_run().status == "complete"


def test_options_that_can_not_be_read_are_told_once() -> None:
    for process, told in zip(run_ranks(2, "train", "--epoch"), (1, 0), strict=True):
        assert process.returncode == 2
        assert process.stderr.count("No such option `--epoch`") == told
