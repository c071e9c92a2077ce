"""How many pictures a second `lenet serve` answers, how fast, and whether it holds.

Starts the service on a free port and asks it for MNIST's test images as PNG files over connections
that stay open. Every answer is compared with what `lenet.predict` says. It tells requests a second,
latencies, the processor time and the memory of every process of the service.

    python benchmarks/load_test.py --seconds 600             # as fast as it goes, 32 connections
    python benchmarks/load_test.py --seconds 60 --rate 1500  # at a given rate, whatever it answers

At a given rate a latency counts from when the request was due, so that a stall is not hidden
by the generator's waiting for it (Tene 2013, "coordinated omission").
"""

import argparse
import asyncio
import io
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import lenet

IMAGES = 2000  # different ones
TOLERANCE = 1e-9  # of probabilities, which go through decimal numbers


@dataclass
class Tally:
    """What came back."""

    latencies: list[float] = field(default_factory=list)  # seconds of each that was answered
    wrong: int = 0  # answers that differ from those of `lenet.predict`
    statuses: dict[int, int] = field(default_factory=dict)  # how often each other one came
    lost: int = 0  # requests on connections that broke


@dataclass
class Example:
    """A request and the answer that it should get."""

    request: bytes
    expected: tuple[str | None, list[tuple[str, float]]]  # the class, and the likeliest ones
    known: bytes = b""  # a body that was found to be right, to compare others with quickly

    def is_right(self, body: bytes) -> bool:
        """Whether a body is the expected answer."""
        if body == self.known:
            return True
        (told,) = json.loads(body)["predictions"]
        name, top = self.expected
        right = told["class_name"] == name and len(told["top"]) == len(top)
        for entry, (class_name, probability) in zip(told["top"], top, strict=False):
            right &= entry["class_name"] == class_name
            right &= abs(entry["probability"] - probability) < TOLERANCE
        if right:
            self.known = body
        return right


class Client(asyncio.Protocol):
    """A connection that has one request on its way at a time."""

    def __init__(self, load: "Load"):
        self.load = load
        self.example: Example | None = None
        self.since = 0.0
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to ask."""
        self.transport: Any = transport
        self.load.is_free(self)

    def ask(self, example: Example, due: float) -> None:
        self.example, self.since = example, due
        self.transport.write(example.request)

    def data_received(self, data: bytes) -> None:
        """Put an answer together."""
        self.received += data
        head, mark, body = self.received.partition(b"\r\n\r\n")
        if not mark:
            return
        start = head.index(b"content-length: ") + 16
        size = int(head[start:].partition(b"\r\n")[0])
        if len(body) < size:
            return
        self.received = b""
        assert self.example is not None
        self.load.count(self.example, int(head[9:12]), body, self.since)
        self.example = None
        self.load.is_free(self)

    def connection_lost(self, error: Exception | None) -> None:
        if self.load.running:
            self.load.has_lost(self)


class Load:
    """Asks for the examples in turn: so many a second, or as fast as answers come."""

    def __init__(self, examples: list[Example], rate: float | None, tally: Tally):
        self.examples, self.rate, self.tally = examples, rate, tally
        self.running = True
        self.free: deque[Client] = deque()
        self.due: deque[float] = deque()
        self.sent = 0

    def is_free(self, client: Client) -> None:
        if not self.running:
            return
        if self.rate is None:
            self._ask(client, time.perf_counter())
        elif self.due:
            self._ask(client, self.due.popleft())
        else:
            self.free.append(client)

    def _ask(self, client: Client, due: float) -> None:
        client.ask(self.examples[self.sent % len(self.examples)], due)
        self.sent += 1

    def count(self, example: Example, status: int, body: bytes, since: float) -> None:
        """Judge an answer."""
        if status != 200:
            self.tally.statuses[status] = self.tally.statuses.get(status, 0) + 1
            return
        self.tally.latencies.append(time.perf_counter() - since)
        self.tally.wrong += not example.is_right(body)

    def has_lost(self, client: Client) -> None:
        """A connection broke; it is opened anew."""
        self.tally.lost += client.example is not None
        asyncio.get_running_loop().create_task(self.connect())

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: Client(self), self.host, self.port)

    async def run(self, host: str, port: int, connections: int, seconds: float) -> None:
        """Keep it up for a time."""
        self.host, self.port = host, port
        for _ in range(connections):
            await self.connect()
        start = time.perf_counter()
        made = 0
        while (passed := time.perf_counter() - start) < seconds:
            if self.rate is None:
                await asyncio.sleep(min(0.5, seconds - passed))
                continue
            while made < passed * self.rate:
                due = start + made / self.rate
                made += 1
                if self.free:
                    self._ask(self.free.popleft(), due)
                else:
                    self.due.append(due)
            await asyncio.sleep(0.001)
        self.running = False


def make_examples(model: str, host: str) -> list[Example]:
    """Test images as requests, with the answers that `lenet.predict` gives."""
    images = lenet.load_dataset("mnist").test.images[:IMAGES, 0]
    files = []
    for image in images:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "PNG")
        files.append(file.getvalue())
    examples = []
    for content, answer in zip(files, lenet.predict(model, files), strict=True):
        head = (
            f"POST /v1/predict?model={model} HTTP/1.1\r\nHost: {host}\r\n"
            f"Content-Type: image/png\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        expected = answer.class_name, list(answer.top)
        examples.append(Example(head.encode() + content, expected))
    return examples


@contextmanager
def service(options: list[str]) -> Iterator[str]:
    """The service's address, while it runs."""
    command = [sys.executable, "-m", "lenet", "serve", "--port", "0", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    try:
        address = ""
        while not address:
            line = process.stderr.readline()
            if not line:
                sys.exit("The service did not start.")
            sys.stdout.write(line)
            if found := re.search(r"http://\S+", line):
                address = found[0]
        yield address
    finally:
        process.terminate()
        code = process.wait(30)
        print(f"the service left with {code}")


def figures(address: str, name: str) -> dict[str, float]:
    """A figure of each process, from `/metrics`."""
    with urllib.request.urlopen(f"{address}/metrics") as answer:
        text = answer.read().decode()
    found = re.findall(rf'^{name}{{process="([\w-]+)"}} (\S+)$', text, re.MULTILINE)
    return {process: float(value) for process, value in found}


async def watch_memory(address: str, every: float) -> None:
    start = time.perf_counter()
    while True:
        told = await asyncio.to_thread(figures, address, "lenet_process_resident_memory_bytes")
        sizes = ", ".join(f"{name} {value / 1e6:.1f} MB" for name, value in told.items())
        print(f"{time.perf_counter() - start:6.0f} s: {sizes}", flush=True)
        await asyncio.sleep(every)


async def measure(address: str, options: argparse.Namespace) -> dict[str, Any]:
    """Put the load on and tell what came of it."""
    host, port = address.removeprefix("http://").rsplit(":", 1)
    examples = make_examples(options.model, f"{host}:{port}")
    await Load(examples, None, Tally()).run(host, int(port), options.connections, 2)  # warm
    tally = Tally()
    times = figures(address, "lenet_process_cpu_seconds_total")
    watcher = asyncio.create_task(watch_memory(address, options.every))
    start, own = time.perf_counter(), time.process_time()
    load = Load(examples, options.rate, tally)
    await load.run(host, int(port), options.connections, options.seconds)
    seconds, own = time.perf_counter() - start, time.process_time() - own
    watcher.cancel()
    after = figures(address, "lenet_process_cpu_seconds_total")
    count = len(tally.latencies)
    return {
        "requests": count,
        "requests_a_second": count / seconds,
        "milliseconds": {
            f"p{share:g}": 1000 * float(np.percentile(tally.latencies, share))
            for share in (50, 95, 99, 99.9)
        }
        | {"most": 1000 * max(tally.latencies)},
        "wrong": tally.wrong,
        "refused": tally.statuses,
        "lost": tally.lost,
        "microseconds_of_processor_a_request": {
            **{name: 1e6 * (after[name] - times.get(name, 0)) / count for name in after},
            "generator": 1e6 * own / count,
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--rate", type=float, help="requests a second; as many as go without it")
    parser.add_argument("--every", type=float, default=60, help="seconds between looks at memory")
    parser.add_argument("--model", default="digits")
    parser.add_argument("--workers", default="0")
    parser.add_argument("--save", type=Path, help="a JSON file for the figures")
    options = parser.parse_args()
    with service([options.model, "--workers", options.workers]) as address:
        result = asyncio.run(measure(address, options))
    text = json.dumps({"cores": os.cpu_count(), **result}, indent=2)
    print(text)
    if options.save:
        options.save.write_text(f"{text}\n")


if __name__ == "__main__":
    main()
