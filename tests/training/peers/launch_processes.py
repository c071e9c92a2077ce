"""Starting processes as torchrun starts them, and by torchrun itself."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch.distributed import TCPStore

from forked_process import ForkedProcess

PATIENCE = 120.0  # seconds after which a process is taken to hang
_QUIET = {"TORCH_CPP_LOG_LEVEL": "ERROR", "OMP_NUM_THREADS": "1"}


def run_ranks(size: int, *arguments: str, **options: Any) -> list[subprocess.CompletedProcess[str]]:
    """Start so many processes of `ForkedProcess`, without torchrun's own, and wait for them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = [
        ForkedProcess(*arguments, environment=place(rank, size, port), **options)
        for rank in range(size)
    ]
    return [finish(process) for process in processes]


@contextmanager
def ranks(size: int, *arguments: str) -> Iterator[list[ForkedProcess]]:
    """Start `lenet` in so many processes, for which this one keeps the store, as torchrun does."""
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    kept = {"TORCHELASTIC_USE_AGENT_STORE": "True", "TORCHELASTIC_RESTART_COUNT": "0"}
    processes = [
        ForkedProcess(*arguments, environment=place(rank, size, store.port) | kept)
        for rank in range(size)
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            if not process.stdout.closed:
                process.communicate()


def place(
    rank: int, size: int, port: int, *, local_size: int | None = None, host: str = "127.0.0.1"
) -> dict[str, str]:
    """What torchrun tells a process of its place, by variables of the environment."""
    numbers = {
        "RANK": rank,
        "LOCAL_RANK": rank if local_size is None else rank % local_size,
        "WORLD_SIZE": size,
        "LOCAL_WORLD_SIZE": local_size or size,
        "MASTER_PORT": port,
    }
    return {name: str(number) for name, number in numbers.items()} | {"MASTER_ADDR": host, **_QUIET}


def start_torchrun(size: int, *arguments: str) -> ForkedProcess:
    """Start `lenet` in so many processes by torchrun."""
    options = ["--standalone", "--nproc-per-node", str(size), "-m", "lenet"]
    code = "from torch.distributed.run import main\nmain()"
    return ForkedProcess(*options, *arguments, code=code, environment=_QUIET)


def finish(process: ForkedProcess) -> subprocess.CompletedProcess[str]:
    """Wait for the end."""
    try:
        output, errors = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        raise
    assert process.returncode is not None
    return subprocess.CompletedProcess([], process.returncode, output, errors)


def error_line(process: subprocess.CompletedProcess[str]) -> str:
    """The one line that tells of an error, beside what libraries have to say."""
    (line,) = [line for line in process.stderr.splitlines() if line.startswith("Error: ")]
    return line


def read_until(process: ForkedProcess, text: str) -> None:
    """Read a process's output up to a line that holds a text."""
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(process.communicate()[1])


def process_of_rank(agent: ForkedProcess, rank: int) -> int:
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
