"""HTTP of every kind against a real service: valid, nearly valid and hostile.

A grammar makes connections, each of several messages. What comes back is read by h11, which is not
what the service is built on, and must be a row of well-formed answers; whatever stands before and
beside a good request, that is answered as `lenet.predict` answers.
"""

import base64
import json
import math
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import h11
from counting import Attack, Counts
from http_grammar import ENDLESS, KEY, Grammar, Message
from sent_pictures import digit_files, png, stroke
from service_process import ServiceProcess, running

import lenet

OPTIONS = "digits --workers 1 --timeout 5 --max-body 200000 --max-pixels 100000".split()
CLIENTS = 3  # at once
MOST_GROWTH = 20e6  # bytes of the service's memory
PATIENCE = 30.0  # seconds that no answer takes
SILENCE = 90.0  # seconds that no silent connection is kept
BETWEEN_LOOKS = 40  # connections, at the memory and at what the service said
STATUSES = frozenset(
    (200, 204, 304, 400, 401, 403, 404, 405, 408, 413, 415, 421, 422, 431, 503)  # and never 500
)


class Client:
    """Talks to a service, and notes what should not have come back."""

    def __init__(self, service: ServiceProcess, counts: Counts) -> None:
        self.service, self.counts = service, counts

    def talk(self, grammar: Grammar, seed: int) -> None:
        """Send one connection's messages and look at the answers."""
        random = grammar.random
        if grammar.chance(0.004):
            self.send_without_end(*random.choice(ENDLESS), seed)
            return
        messages = grammar.connection()
        self.counts.tried += len(messages)
        is_silent = grammar.chance(0.0005)  # then the service has to end it
        data = b"".join(message.data for message in messages)
        try:
            answer = self.exchange(grammar.pieces(data), closes=not is_silent)
        except TimeoutError:
            self.counts.breaks("hang", f"seed {seed}: there is no end")
            return
        self.check(messages, answer, seed)

    def exchange(self, pieces: list[bytes], closes: bool = True) -> bytes:
        """Send pieces while reading, and give all that came back."""
        received: list[bytes] = []
        patience = PATIENCE if closes else SILENCE
        deadline = time.monotonic() + patience
        with socket.create_connection(("127.0.0.1", self.service.port), patience) as line:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                for number, piece in enumerate(pieces):
                    line.sendall(piece)
                    if number % 16 == 15:
                        time.sleep(0.001)  # so that the next piece comes by itself
                if closes:
                    line.shutdown(socket.SHUT_WR)
            except TimeoutError:
                raise
            except OSError:
                pass  # refused; what was said may be there
            while True:
                if time.monotonic() > deadline:
                    raise TimeoutError
                try:
                    part = line.recv(2**18)
                except ConnectionResetError:
                    break
                if not part:
                    break
                received.append(part)
        return b"".join(received)

    def send_without_end(self, head: bytes, rest: bytes, seed: int) -> None:
        """What is too much is refused, or passed over, within so many bytes."""
        self.counts.tried += 1
        try:
            with socket.create_connection(("127.0.0.1", self.service.port), PATIENCE) as line:
                line.sendall(head)
                for _ in range(25_000):  # 100 MB
                    line.sendall(rest)
        except (BrokenPipeError, ConnectionResetError):
            return
        except TimeoutError:
            self.counts.breaks("hang", f"seed {seed}: neither read nor refused: {head[:60]!r}")
            return
        self.counts.breaks("memory", f"seed {seed}: 100 MB were taken: {head[:60]!r} {rest[:20]!r}")

    def check(self, messages: list[Message], answer: bytes, seed: int) -> None:
        try:
            answers = parse_answers(answer, messages[-1].is_head and len(messages))
        except h11.RemoteProtocolError as error:
            self.counts.breaks("wrong answer", f"seed {seed}: no HTTP, {error}: {answer[-300:]!r}")
            return
        for status, headers, body in answers:
            if status not in STATUSES:
                self.counts.breaks("wrong answer", f"seed {seed}: {status} {body[:200]!r}")
            elif status >= 400 and body and not is_problem(body):
                self.counts.breaks("wrong answer", f"seed {seed}: {status} says {body[:200]!r}")
            elif (
                status in (401, 503)
                and (b"retry-after", b"www-authenticate")[status == 401] not in headers
            ):
                self.counts.breaks("wrong answer", f"seed {seed}: {status} without its header")
        for place, message in enumerate(messages):  # those before anything else
            if message.expected is None:
                break
            if place >= len(answers) or not is_right(answers[place][2], message.expected):
                told = answers[place][::2] if place < len(answers) else "nothing"
                self.counts.breaks("wrong answer", f"seed {seed}: message {place} got {told}")
                break

    def check_service(self, most_memory: float, seed: int) -> bool:
        """Whether it lives, is silent and has not grown."""
        service = self.service
        if service.process.poll() is not None:
            self.counts.breaks("traceback", f"before seed {seed}: it ended: {service.lines[2:]}")
            return False
        if said := service.lines[2:]:
            self.counts.breaks("traceback", f"before seed {seed}: {''.join(said)}")
            del service.lines[2:]
        if (memory := service.resident_bytes) > most_memory:
            self.counts.breaks(
                "memory", f"before seed {seed}: {memory - most_memory:,.0f} too much"
            )
            return False
        return True


Answers = list[tuple[int, dict[bytes, bytes], bytes]]


def parse_answers(data: bytes, head_at: int = 0) -> Answers:
    """Statuses, headers and bodies of a row of answers, which has to be complete.

    Args:
        data: All that came over a connection until it was closed.
        head_at: Which answer, counted from 1, is to HEAD; 0 for none.
    """
    answers: Answers = []
    while data:
        reader = h11.Connection(h11.CLIENT)
        method = "HEAD" if len(answers) + 1 == head_at else "GET"
        reader.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
        reader.send(h11.EndOfMessage())
        reader.receive_data(data)
        status, headers, body = 0, {}, b""
        while True:
            event = reader.next_event()
            if event is h11.NEED_DATA:
                if headers.get(b"connection") == b"close":
                    return answers  # what came after the last request broke it (RFC 9112, 9.6)
                reader.receive_data(b"")  # raises the error where the answer is cut off
                continue
            if isinstance(event, h11.Response):
                status, headers = event.status_code, dict(event.headers)
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, (h11.EndOfMessage, h11.ConnectionClosed)):
                break
        if not status:  # a `100 Continue` alone, of a request that was given up
            return answers
        answers.append((status, headers, body))
        if method == "HEAD" and headers.get(b"connection") == b"close":
            return answers  # what is no HTTP gets a refusal's words, whatever it began with
        data = reader.trailing_data[0]
    return answers


def is_problem(body: bytes) -> bool:
    values = json.loads(body)
    return isinstance(values, dict) and bool(values.get("detail") or values.get("status"))


def is_right(body: bytes, expected: list[dict[str, Any]]) -> bool:
    """Whether an answer says what is known of the pictures."""
    told = json.loads(body).get("predictions", [])
    return len(told) == len(expected) and all(
        one["class_name"] == known["class_name"]
        and one["doubt"] == known["doubt"]
        and math.isclose(one["probability"], known["probability"], abs_tol=1e-9)
        for one, known in zip(told, expected, strict=True)
    )


def good_messages(pictures: list[bytes]) -> list[Message]:
    """Requests whose answers are known, in all three forms."""
    known = [
        {"class_name": one.class_name, "doubt": one.doubt, "probability": one.probability}
        for one in lenet.predict("digits", pictures)
    ]
    head = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nX-API-Key: %s\r\n"
    head += b"Content-Type: %s\r\nContent-Length: %d\r\n\r\n"

    def message(kind: bytes, body: bytes, expected: list[dict[str, Any]]) -> Message:
        return Message(head % (KEY.encode(), kind, len(body)) + body, expected=expected)

    part = b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n%s\r\n'
    coded = [{"base64": base64.b64encode(picture).decode()} for picture in pictures]
    whole = b"".join(part % picture for picture in pictures) + b"--x--\r\n"
    return [
        *(
            message(b"image/png", *one)
            for one in zip(pictures, ([told] for told in known), strict=True)
        ),
        message(b"application/json", json.dumps({"pictures": coded}).encode(), known),
        message(b"multipart/form-data; boundary=x", whole, known),
    ]


def send_messages(random: Random, times: int, folder: Path, counts: Counts) -> None:
    pictures = digit_files(8)
    good = good_messages(pictures)
    odd = [
        png(stroke(400, 400)),
        png(stroke()),
        b"GIF89a",
        b"BM" + bytes(60),
        b"P5 3 3 255 " + bytes(9),
    ]
    numbers, seeds = count(), Random(random.getrandbits(64))
    with running(*OPTIONS, key=KEY) as service:
        started = Client(service, Counts())
        assert all(started.exchange([message.data]) for message in good)
        most = service.resident_bytes + MOST_GROWTH

        def attack(client: Client, go_on: Callable[[], bool]) -> None:
            while go_on():
                seed = seeds.getrandbits(48)
                grammar = Grammar(Random(seed), good, pictures + odd)
                try:
                    client.talk(grammar, seed)
                except OSError as error:
                    client.counts.breaks("hang", f"seed {seed}: no connection: {error}")
                if next(numbers) % BETWEEN_LOOKS == 0 and not client.check_service(most, seed):
                    return

        clients = [Client(service, Counts()) for _ in range(CLIENTS)]
        go_on = lambda: sum(client.counts.tried for client in clients) < times  # noqa: E731
        with ThreadPoolExecutor(CLIENTS) as pool:
            for done in [pool.submit(attack, client, go_on) for client in clients]:
                done.result()
        clients[0].check_service(most, 0)
        for client in clients:
            counts.tried += client.counts.tried
            counts.broken += client.counts.broken


ATTACK = Attack(
    name="messages to the service",
    unit="messages",
    promise="Whatever is sent, the service answers in HTTP or closes, within 20 MB of memory, and "
    "good requests are answered rightly.",
    run=send_messages,
    few=300,
    many=100_000,
)
