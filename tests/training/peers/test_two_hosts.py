"""Two hosts made of network namespaces, with the cable between them cut in the middle."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from launch_processes import error_line, finish, place, read_until, wait_until

import lenet
from forked_process import ForkedProcess
from lenet.runs import find_runs

SETTINGS: dict[str, Any] = {
    "preset": "tutorial",
    "batch_size": 30,
    "activation": "tanh",
    "learning_rate": 0.01,
}
OPTIONS = [
    text for name, value in SETTINGS.items() for text in (f"--{name.replace('_', '-')}", str(value))
]
TRAIN = ["train", "--data", "digits", "--threads", "1", *OPTIONS, "--epochs", "100000"]


@dataclass(frozen=True)
class Host:
    """A network namespace with one cable."""

    name: str
    cable: str
    address: str

    def ip(self, *arguments: str) -> None:
        subprocess.run(["ip", "-n", self.name, *arguments], check=True, capture_output=True)

    def start(self, rank: int, first: "Host") -> ForkedProcess:
        """Start one of two processes on this host."""
        variables = place(rank, 2, 29400, local_size=1, host=first.address)
        variables |= {"GLOO_SOCKET_IFNAME": self.cable, "LENET_TIMEOUT": "4"}
        return ForkedProcess(*TRAIN, code=ON_HOST.format(self.name), environment=variables)


ON_HOST = """
import ctypes
from lenet.cli import main
with open("/run/netns/{}") as namespace:
    assert ctypes.CDLL(None).setns(namespace.fileno(), 0) == 0
main()
"""


@pytest.fixture
def hosts() -> Iterator[tuple[Host, Host]]:
    """Two hosts that reach each other."""
    if not shutil.which("ip"):
        pytest.skip("no `ip` here (iproute2)")
    number = os.getpid()
    one = Host(f"lenet-one-{number}", f"lo{number}", "10.77.13.1")
    two = Host(f"lenet-two-{number}", f"lt{number}", "10.77.13.2")
    made = []
    try:
        for host in (one, two):
            command = ["ip", "netns", "add", host.name]
            process = subprocess.run(command, capture_output=True, text=True)
            if process.returncode:
                pytest.skip(f"no network namespaces here: {process.stderr.strip()}")
            made.append(host)
        one.ip("link", "add", one.cable, "type", "veth", "peer", two.cable, "netns", two.name)
        for host in made:
            host.ip("addr", "add", f"{host.address}/24", "dev", host.cable)
            host.ip("link", "set", "lo", "up")
            host.ip("link", "set", host.cable, "up")
        yield one, two
    finally:
        for host in made:
            subprocess.run(["ip", "netns", "del", host.name], check=True)


def test_a_cut_cable_ends_both_hosts_with_a_message(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    first, second = one.start(0, one), two.start(1, one)
    read_until(first, "2 processes on cpu")
    read_until(first, "epoch  2/")
    one.ip("link", "set", one.cable, "down")
    message, other = (error_line(finish(process)) for process in (first, second))
    assert message.startswith("Error: Process 1 of 2 (")
    assert "did not answer for 4 s" in message
    assert "torchrun … -m lenet train --resume" in message
    assert other.startswith("Error: In process 1 of 2 (")
    assert "Process 0 of 2 (" in other
    (run,) = find_runs()
    wait_until(lambda: run.status == "stopped")
    alone = lenet.train(
        dataset="digits", threads=1, epochs=2, runs_folder="alone", listeners=[], **SETTINGS
    )
    begun = run.history[: len(alone.history)]
    losses = [[point.train_loss for point in history] for history in (begun, alone.history)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)
