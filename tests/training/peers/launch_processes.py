"""Starting processes as torchrun starts them, and by torchrun itself."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from forked_process import ForkedProcess

TORCHRUN = (sys.executable, "-m", "torch.distributed.run")
PATIENCE = 120.0  # seconds after which a process is taken to hang
_QUIET = {"TORCH_CPP_LOG_LEVEL": "ERROR", "OMP_NUM_THREADS": "1"}


def run_ranks(size: int, *arguments: str, **options: Any) -> list[subprocess.CompletedProcess[str]]:
    """Start so many processes of `ForkedProcess`, without torchrun's own, and wait for them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = []
    for rank in range(size):
        place = {
            "RANK": rank,
            "LOCAL_RANK": rank,
            "WORLD_SIZE": size,
            "LOCAL_WORLD_SIZE": size,
            "MASTER_PORT": port,
        }
        variables = {name: str(number) for name, number in place.items()}
        variables |= {"MASTER_ADDR": "127.0.0.1", **_QUIET}
        processes.append(ForkedProcess(*arguments, environment=variables, **options))
    return [finish(process) for process in processes]


def start_torchrun(
    size: int, arguments: Sequence[str], **environment: str
) -> subprocess.Popen[str]:
    """Start `lenet` in so many processes by torchrun."""
    command = [*TORCHRUN, "--standalone", "--nproc-per-node", str(size), "-m", "lenet", *arguments]
    return start(command, **_QUIET, **environment)


def start(command: Sequence[str], **environment: str) -> subprocess.Popen[str]:
    """Start a process whose output is kept."""
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def finish(process: subprocess.Popen[str] | ForkedProcess) -> subprocess.CompletedProcess[str]:
    """Wait for the end."""
    try:
        output, errors = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        raise
    assert process.returncode is not None
    return subprocess.CompletedProcess([], process.returncode, output, errors)


def read_until(process: subprocess.Popen[str], text: str) -> None:
    """Read a process's output up to a line that holds a text."""
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(process.communicate()[1])


def process_of_rank(agent: subprocess.Popen[str], rank: int) -> int:
    """The process that torchrun has started under a number."""
    children = Path(f"/proc/{agent.pid}/task/{agent.pid}/children").read_text().split()
    for child in children:
        variables = Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
        if f"RANK={rank}".encode() in variables:
            return int(child)
    raise AssertionError(children)


def wait_until(condition: Callable[[], object]) -> None:
    """Wait for something that other processes bring about."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
