"""A service under load for an hour, whose workers are killed and whose clients come and go.

Now and then it reads its model again, which is another file with the same weights.
"""

import http.client
import json
import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from random import Random

from counting import Attack, Counts
from http_grammar import Message
from messages import good_messages, is_right
from sent_pictures import digit_files
from service_process import ServiceProcess, running, wait_until

import lenet
from lenet.models import BUNDLED, read_network

CLIENTS = 24
WORKERS = 2
REREAD = 0.2  # of what is done to it; the others are kills
KEPT = "class_names", "input_shape", "normalisation", "preparation", "calibration", "answers_blank"
MOST_GROWTH = 20e6  # bytes of the service's memory, once it has served a while
WARM_UP = 0.2  # of the time
MOST_BETWEEN_KILLS = 4.0  # seconds
SAID = (
    "Models and keys were read again: served.\n",
    "Error: A worker process ended before it had started.",  # it was killed as it did
)
PATIENCE = 60.0  # seconds that no answer takes


class Client:
    """Asks again and again over a connection that it now and then drops.

    Attributes:
        told: How often it was answered with which status.
        broken: Kinds and descriptions of what broke.
    """

    def __init__(self, service: ServiceProcess, random: Random, good: list[Message]) -> None:
        self.service, self.random, self.good = service, random, good
        self.told: Counter[int] = Counter()
        self.broken: list[tuple[str, str]] = []
        self._line = self._connect()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=PATIENCE)

    def ask_until(self, stop: threading.Event) -> None:
        while not stop.is_set():
            message = self.random.choice(self.good)
            try:
                self.ask(message)
            except TimeoutError:
                self.broken.append(("hang", f"no answer within {PATIENCE:g} s"))
                self.reconnect()
            except (OSError, http.client.HTTPException) as error:
                self.broken.append(("wrong answer", f"the connection broke: {error!r}"))
                self.reconnect()
            if self.random.random() < 0.02:
                self.reconnect()
            time.sleep(self.random.random() * 0.05)
        self._line.close()

    def reconnect(self) -> None:
        self._line.close()
        self._line = self._connect()

    def ask(self, message: Message) -> None:
        if self.random.random() < 0.02:  # and leave, before all is said or before the answer
            self.reconnect()
            self._line.connect()
            most = self.random.choice((len(message.data) // 2, len(message.data)))
            self._line.sock.sendall(message.data[:most])
            self.reconnect()
            return
        head, _, body = message.data.partition(b"\r\n\r\n")
        kind = head.partition(b"Content-Type: ")[2].partition(b"\r\n")[0].decode()
        self._line.request("POST", "/v1/predict", body, {"Content-Type": kind})
        answer = self._line.getresponse()
        content = answer.read()
        self.told[answer.status] += 1
        assert message.expected is not None
        if answer.status == 200:
            if not is_right(content, message.expected):
                self.broken.append(("wrong answer", f"{content[:300]!r}"))
        elif answer.status != 503 or not answer.headers["Retry-After"]:
            self.broken.append(("wrong answer", f"{answer.status} {content[:300]!r}"))


def save_again(file: Path, dataset: str) -> None:
    """The bundled digits as another file, which answers alike."""
    network, card = read_network(BUNDLED["digits"])
    kept = {name: getattr(card, name) for name in KEPT}
    beside = file.with_suffix(".next")
    lenet.save_model(beside, network, **kept, dataset=dataset)
    beside.replace(file)


def load(random: Random, seconds: int, folder: Path, counts: Counts) -> None:
    good = good_messages(digit_files(8))
    file = folder / "served.safetensors"
    save_again(file, "first")
    with running(str(file), "--workers", str(WORKERS)) as service:
        clients = [Client(service, Random(random.getrandbits(64)), good) for _ in range(CLIENTS)]
        stop = threading.Event()
        threads = [threading.Thread(target=one.ask_until, args=[stop]) for one in clients]
        for thread in threads:
            thread.start()
        start = time.monotonic()
        most_memory = kills = 0
        while (passed := time.monotonic() - start) < seconds:
            time.sleep(random.uniform(0.1, min(MOST_BETWEEN_KILLS, seconds / 2)))
            if service.process.poll() is not None:
                counts.breaks("traceback", f"the service ended after {passed:.0f} s")
                break
            if random.random() < REREAD:
                save_again(file, f"{passed}")
                service.process.send_signal(signal.SIGHUP)
            elif workers := service.worker_ids:
                os.kill(random.choice(workers), signal.SIGKILL)
                kills += 1
            memory = service.resident_bytes
            if passed < WARM_UP * seconds:
                most_memory = max(most_memory, memory)
            elif memory > most_memory + MOST_GROWTH:
                grown = memory - most_memory
                counts.breaks("memory", f"{grown / 1e6:,.1f} MB more after {passed:.0f} s")
                most_memory = memory
        stop.set()
        for thread in threads:
            thread.join()
        counts.tried += int(passed)
        told = sum((client.told for client in clients), Counter[int]())
        counts.broken += [broken for client in clients for broken in client.broken]
        if told[200] < told[503] + kills:
            counts.breaks("lost or half", f"{kills} kills, answers by status: {dict(told)}")
        wait_until(lambda: service.http.get("/healthz").status_code == 200)  # workers have begun
        check_end(service, counts)


def check_end(service: ServiceProcess, counts: Counts) -> None:
    """It has said nothing but where it is, and ends as it should."""
    health = service.http.get("/healthz")
    if json.loads(health.content) != {"status": "ok"}:
        counts.breaks("lost or half", f"afterwards it says {health.text}")
    workers = service.worker_ids
    if code := service.stop():
        counts.breaks("traceback", f"it ended with {code}")
    if said := [line for line in service.lines[2:] if not line.startswith(SAID)]:
        counts.breaks("traceback", "".join(said))
    if any(Path(f"/proc/{number}").exists() for number in workers):
        counts.breaks("lost or half", "workers are left")


ATTACK = Attack(
    name="load with kills of workers",
    unit="seconds",
    promise=f"{CLIENTS} clients that come and go are answered rightly or told to come again, while "
    "workers are killed and the model is read again, within bounded memory.",
    run=load,
    few=0,  # `tests/serving` kills workers, too
    many=3600,
)
