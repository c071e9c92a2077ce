"""Two hosts made of network namespaces, with the cable between them cut in the middle."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from launch_processes import TORCHRUN, finish, read_until, start, wait_until

import lenet
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

    def start_torchrun(self, other: "Host", is_host: bool) -> subprocess.Popen[str]:
        endpoint = (self if is_host else other).address
        options = ["--nnodes", "2", "--nproc-per-node", "1", "--rdzv-backend", "c10d"]
        options += ["--rdzv-endpoint", f"{endpoint}:29400", "--local-addr", self.address]
        options += ["--rdzv-conf", f"is_host={is_host}", "-m", "lenet", *TRAIN]
        return start(
            ["ip", "netns", "exec", self.name, *TORCHRUN, *options],
            GLOO_SOCKET_IFNAME=self.cable,
            LENET_TIMEOUT="4",
            OMP_NUM_THREADS="1",
            TORCH_CPP_LOG_LEVEL="ERROR",
        )


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
    agents = [one.start_torchrun(two, True), two.start_torchrun(one, False)]
    first = agents[0]
    try:
        read_until(first, "2 processes on cpu")
        read_until(first, "epoch  2/")
        one.ip("link", "set", one.cable, "down")
        ended = finish(first)
        (message,) = [line for line in ended.stderr.splitlines() if line.startswith("Error: ")]
        assert "Process 1 of 2 (" in message
        assert "did not answer for 4 s" in message
        assert "torchrun … -m lenet train --resume" in message
        # torchrun on the other host waits a minute for the first one; lenet has ended before.
        assert agents[1].stderr is not None
        line = next(line for line in agents[1].stderr if line.startswith("Error: "))
        assert line.startswith("Error: In process 1 of 2 (")
        assert "Process 0 of 2 (" in line
    finally:
        for agent in agents:
            agent.kill()
            agent.communicate()
    (run,) = find_runs()
    wait_until(lambda: run.status == "stopped")
    alone = lenet.train(
        dataset="digits", threads=1, epochs=2, runs_folder="alone", listeners=[], **SETTINGS
    )
    begun = run.history[: len(alone.history)]
    losses = [[point.train_loss for point in history] for history in (begun, alone.history)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)
