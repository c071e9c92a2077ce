"""A service as its users have it: a process of its own on a free port."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx


class ServiceProcess:
    """`lenet serve` with options; `lines` is what it printed."""

    def __init__(self, *options: str, key: str | None = None, folder: Path | None = None):
        command = [sys.executable, "-m", "lenet", "serve", "--port", "0", *options]
        environment = dict(os.environ)
        if key:
            environment["LENET_API_KEY"] = key
        self._known = {"x-api-key": key} if key else {}
        self.process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env=environment, cwd=folder
        )
        self.lines: list[str] = []
        self.address = ""
        self._started = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self._started.wait(60)
        assert self.address, "".join(self.lines)
        self.http = self.client()

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.lines.append(line)
            if not self.address and (found := re.search(r" at (http://\S+)", line)):
                self.address = found[1]
                self._started.set()
        self._started.set()

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    @property
    def worker_ids(self) -> list[int]:
        """The numbers of its workers, by Linux's own list."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(number) for number in children.read_text().split()]

    @property
    def resident_bytes(self) -> int:
        """The memory of the process that holds the connections, by Linux's own count."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]

    def client(self) -> httpx.Client:
        """A client of its own; most tests take `self.http`."""
        return httpx.Client(base_url=self.address, timeout=30, trust_env=False, verify=False)

    def stop(self) -> int:
        """End it as an operator does and give its exit code."""
        self.http.close()
        self.process.terminate()
        code = self.process.wait(30)
        self._reader.join(10)
        assert self.process.stderr
        self.process.stderr.close()
        return code

    def metric(self, sample: str) -> float:
        """The value of a line of `/metrics`."""
        text = self.http.get("/metrics", headers=self._known).text
        found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    @contextmanager
    def standing(self) -> Iterator[None]:
        """Its workers stand still within the block, as if pictures took as long as that takes."""
        workers = self.worker_ids
        for number in workers:
            os.kill(number, signal.SIGSTOP)
        try:
            yield
        finally:
            for number in workers:
                if Path(f"/proc/{number}").exists():
                    os.kill(number, signal.SIGCONT)

    def wait_for(self, sample: str, value: float) -> None:
        """Wait until a figure of `/metrics` is so large."""
        wait_until(lambda: self.metric(sample) >= value)

    def fill_queue(
        self, pool: ThreadPoolExecutor, content: bytes, waiting: int
    ) -> "list[Future[httpx.Response]]":
        """Ask of the only worker, which stands still, and then so often that so many wait."""
        ask = lambda: pool.submit(self.http.post, "/v1/predict", content=content)  # noqa: E731
        asked = [ask()]
        self.wait_for("lenet_workers_busy", 1)
        asked += [ask() for _ in range(waiting)]
        self.wait_for("lenet_queue_requests", waiting)
        return asked

    def has_read(self, connection: socket.socket) -> bool:
        """Whether it has taken all that came over a connection, by Linux's own list."""
        own = f":{connection.getsockname()[1]:04X}"
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            _, local, remote, _, queues, *_ = line.split()
            if local.endswith(f":{self.port:04X}") and remote.endswith(own):
                return queues.endswith(":00000000")
        return False

    def talk(self, data: bytes, *, wait: float = 10, half_close: bool = False) -> bytes:
        """Send bytes over a socket and read until the service closes it."""
        with socket.create_connection(("127.0.0.1", self.port), wait) as connection:
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            return read_all(connection)


def wait_until(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for something that comes soon."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def read_all(connection: socket.socket) -> bytes:
    """All that comes before the other side closes."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


@contextmanager
def running(*options: str, key: str | None = None) -> Iterator[ServiceProcess]:
    """A service that ends with the block."""
    service = ServiceProcess(*options, key=key)
    try:
        yield service
    finally:
        if service.process.poll() is None:
            service.stop()


def post_all(
    service: ServiceProcess, bodies: list[bytes], query: str = "", threads: int = 16
) -> list[httpx.Response]:
    """Ask for many pictures at the same time."""
    with ThreadPoolExecutor(threads) as pool:
        return list(
            pool.map(lambda body: service.http.post(f"/v1/predict{query}", content=body), bodies)
        )
