"""Clients that are slow, leave, or send what is no request cost others nothing."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sent_pictures import png, stroke
from service_process import ServiceProcess, read_all, wait_until

import lenet

REQUEST = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nX-API-Key: %s\r\n"


CHUNKS = b"POST /none HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("garbage", "status"),
    [
        (b"\0\1\2\r\n\r\n", b"400"),
        (b"GET / HTTP/9\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nno\r\n\r\n", b"400"),
        (b"GET /\xff HTTP/1.1\r\n\r\n", b"400"),
        (CHUNKS + b"-1\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nA: " + b"b" * 600_000, b"431"),
        (CHUNKS + b"1;" + b"a" * 600_000, b"431"),
    ],
)
def test_a_request_is_answered_whatever_follows_it(
    service: ServiceProcess, garbage: bytes, status: bytes
) -> None:
    content = png(stroke())
    good = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
    answer = service.talk(2 * (good % len(content) + content) + garbage)
    statuses = [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"200", status], answer
    assert service.talk(garbage).startswith(b"HTTP/1.1 4")


@pytest.mark.parametrize("cut", [b"GET /", b"GET / HTTP/1.1\r\n", CHUNKS, CHUNKS + b"5\r\nab"])
def test_a_request_is_answered_although_the_next_one_is_cut_off(
    service: ServiceProcess, cut: bytes
) -> None:
    content = png(stroke())
    good = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
    answer = service.talk(good % len(content) + content + cut, half_close=True)
    assert b"HTTP/1.1 200 OK" in answer
    assert b'"class_name": "1"' in answer


def test_a_wish_for_another_protocol_is_passed_over(service: ServiceProcess) -> None:
    wish = (
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"
    )
    last = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert service.talk(2 * wish + last).count(b"HTTP/1.1 200 OK") == 3


def test_what_is_refused_is_told_before_a_large_answer_is_cut(service: ServiceProcess) -> None:
    """Who closes a connection with bytes unread takes back what the client has not read yet."""
    ask = b"GET /v1/models/digits/file HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", service.port))
        connection.sendall(ask + b"GARBAGE\r\n\r\n" + bytes(100_000))
        time.sleep(0.1)  # it has answered, as far as the buffers take it
        answer = read_all(connection)
    assert len(answer) > lenet.models.BUNDLED["digits"].stat().st_size
    assert b"HTTP/1.1 400 Bad Request" in answer


def test_the_rest_of_a_refused_body_is_not_read_without_end(service: ServiceProcess) -> None:
    head = b"POST /none HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999999\r\n\r\n"
    with socket.create_connection(("127.0.0.1", service.port), 10) as connection:
        connection.sendall(head)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            connection.sendall(bytes(100_000_000))


@pytest.fixture
def good_client(strict_service: ServiceProcess, key: str) -> Iterator[list[float]]:
    """A client that asks all the time; its latencies are given, and it must be answered."""
    latencies: list[float] = []
    stop = threading.Event()
    failed: list[str] = []

    def ask() -> None:
        with strict_service.client() as client:
            while not (latencies and stop.is_set()):
                start = time.perf_counter()
                answer = client.post(
                    "/v1/predict", content=png(stroke()), headers={"x-api-key": key}
                )
                latencies.append(time.perf_counter() - start)
                if answer.status_code != 200:
                    failed.append(answer.text)
                time.sleep(0.01)

    asking = threading.Thread(target=ask)
    asking.start()
    yield latencies
    stop.set()
    asking.join()
    assert failed == []


SILENT = {
    b"": [],
    b"POST /v1/pre": [b"408"],
    b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n": [b"408"],
    REQUEST + b"Content-Length: 100\r\n\r\n": [b"408"],
    REQUEST + b"Content-Length: 100\r\n\r\nhalf": [b"408"],
    REQUEST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n": [b"408"],
}


@pytest.mark.usefixtures("good_client")
def test_clients_that_fall_silent_or_hardly_speak_are_let_go(
    strict_service: ServiceProcess, key: str
) -> None:
    sent = [data.replace(b"%s", key.encode()) for data in SILENT]
    with ThreadPoolExecutor(len(sent) + 1) as pool:
        answers = pool.map(strict_service.talk, sent)
        hardly = pool.submit(speak_slowly, strict_service, REQUEST * 10)
        assert [answer.split(b" ")[1:2] for answer in answers] == list(SILENT.values())
        assert hardly.result() < len(REQUEST * 10)


def test_what_slow_and_odd_clients_do_is_counted_as_they_are_told_and_not_logged(
    strict_service: ServiceProcess, key: str
) -> None:
    counted = 'lenet_requests_total{route="/v1/predict",status="%d"}'
    before = [strict_service.metric(counted % status) for status in (408, 499)]
    said = len(strict_service.lines)
    half = REQUEST % key.encode() + b"Content-Length: 99\r\n\r\n."
    assert strict_service.talk(half).startswith(b"HTTP/1.1 408 ")
    upgrade = b"Connection: upgrade, close\r\nUpgrade: websocket\r\n\r\n"
    answer = strict_service.talk(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + upgrade)
    assert answer.startswith(b"HTTP/1.1 200 ")
    form = {"content-type": "multipart/form-data; boundary=a", "x-api-key": key}
    assert strict_service.http.post("/v1/predict", content=b"x", headers=form).status_code == 400
    after = [strict_service.metric(counted % status) for status in (408, 499)]
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 0]
    assert strict_service.lines[said:] == []


def speak_slowly(service: ServiceProcess, data: bytes) -> int:
    """Send a byte now and then, and say how many were taken."""
    with socket.create_connection(("127.0.0.1", service.port), 10) as connection:
        for place in range(len(data)):
            try:
                connection.sendall(data[place : place + 1])
            except OSError:
                return place
            time.sleep(0.05)
    return len(data)


@pytest.mark.usefixtures("good_client")
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
        (b"GET / HTTP/9.9\r\n\r\n", b"400"),
        (b"GARBAGE\r\n\r\n", b"400"),
        (REQUEST + b"Content-Length: -5\r\n\r\n", b"400"),
        (REQUEST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", b"400"),
        (REQUEST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * 10_000, b"431"),
        (b"GET /" + b"a" * 100_000, b"431"),
        (b"GET /healthz HTTP/1.1\r\nX-A: " + b"a" * 40_000 + b"\r\n\r\n", b"431"),
        (b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\n\r\n", b"431"),
    ],
)
def test_what_is_no_request_is_refused(
    strict_service: ServiceProcess, key: str, sent: bytes, status: bytes
) -> None:
    answer = strict_service.talk(sent.replace(b"%s", key.encode()))
    assert answer.split(b" ")[1:2] == [status]
    assert b'{"detail": ' in answer
    assert "Invalid HTTP request received.\n" not in strict_service.lines


CHUNKED = REQUEST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"


LINE = b"X-Trailer: " + b"a" * 1000 + b"\r\n"


ENDLESS = {
    "trailers": (CHUNKED + b"0\r\n", LINE * 64),
    "trailers without a body": (CHUNKED[: -len(b"3\r\nabc\r\n")] + b"0\r\n", LINE * 64),
    "one trailer's value": (CHUNKED + b"0\r\nX-Trailer: ", b"a" * 65_536),
    "one trailer's name": (CHUNKED + b"0\r\n", b"a" * 65_536),
    "a chunk's extensions": (CHUNKED + b"3;", b"a" * 65_536),
    "a header": (REQUEST + b"X-Header: ", b"a" * 65_536),
}


AHEAD = {
    "requests": (b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1500),
    "requests with a body": (b"", (CHUNKED + b"0\r\n\r\n") * 500),
}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc tells memory here")
@pytest.mark.usefixtures("good_client")
@pytest.mark.parametrize("kind", [*ENDLESS, *AHEAD])
@pytest.mark.parametrize("path", [b"/v1/predict", b"/healthz"])
@pytest.mark.parametrize("is_known", [True, False])
def test_what_never_ends_takes_no_memory(
    strict_service: ServiceProcess, key: str, kind: str, path: bytes, is_known: bool
) -> None:
    head, rest = (
        text.replace(b"/v1/predict", path).replace(b"%s", key.encode() if is_known else b"no")
        for text in {**ENDLESS, **AHEAD}[kind]
    )
    assert strict_service.http.get("/healthz").status_code == 200
    before = strict_service.resident_bytes
    with socket.create_connection(("127.0.0.1", strict_service.port), 10) as connection:
        connection.sendall(head)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            connection.sendall(rest * 2000)  # 128 MB
    assert strict_service.resident_bytes - before < 20e6


@pytest.mark.parametrize("kind", ENDLESS)
def test_who_sends_too_much_beside_a_body_is_told(
    strict_service: ServiceProcess, key: str, kind: str
) -> None:
    head, rest = ENDLESS[kind]
    with socket.create_connection(("127.0.0.1", strict_service.port), 10) as connection:
        connection.sendall(head.replace(b"%s", key.encode()))
        wait_until(lambda: strict_service.has_read(connection))  # the next piece comes alone
        connection.sendall(rest[:33_000])
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b" more than 32,768 bytes" in answer


def test_trailers_are_passed_over(strict_service: ServiceProcess, key: str) -> None:
    """They may not bring what a request needs, as a key, once its headers were looked at."""
    content = png(stroke())
    body = b"%x\r\n%s\r\n0\r\nX-A: b\r\n\r\n" % (len(content), content)
    last = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    known = b"X-API-Key: %s\r\n" % key.encode()
    head = REQUEST % key.encode() + b"Transfer-Encoding: chunked\r\n\r\n"
    answer = strict_service.talk(head + body + last + known + b"\r\n")
    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200"]
    late = b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n" + known + b"\r\n"
    assert strict_service.talk(last + late).startswith(b"HTTP/1.1 401 ")


def test_many_small_pieces_of_a_body_are_no_headers(
    strict_service: ServiceProcess, key: str
) -> None:
    content = png(stroke()) + bytes(10_000)
    pieces = b"".join(b"1;x\r\n%c\r\n" % byte for byte in content)
    head = REQUEST % key.encode() + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    assert len(pieces) > 2**16
    assert strict_service.talk(head + pieces + b"0\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_a_client_that_leaves_early_is_forgotten(
    strict_service: ServiceProcess, key: str, good_client: list[float]
) -> None:
    head = REQUEST % key.encode()
    for sent in (head, head + b"Content-Length: 100\r\n\r\nhalf"):
        for _ in range(20):
            connection = socket.create_connection(("127.0.0.1", strict_service.port), 10)
            connection.sendall(sent)
            linger = struct.pack("ii", 1, 0)  # close by a reset
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            connection.close()
    wait_until(lambda: strict_service.metric("lenet_connections") < 20)  # of 40, and its own
    assert strict_service.http.get("/healthz").status_code == 200


def test_a_client_that_has_sent_all_may_close_its_side(
    service: ServiceProcess,
) -> None:
    content = png(stroke())
    head = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
    answer = service.talk(head % len(content) + content, half_close=True)
    answer = answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b'"class_name": "1"' in answer


@pytest.mark.parametrize("is_reset", [False, True])
def test_clients_that_have_left_are_not_worked_for(
    patient_service: ServiceProcess, is_reset: bool
) -> None:
    service, content = patient_service, png(stroke())
    request = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
    gone, answered, worked_for = (
        'lenet_requests_total{route="/v1/predict",status="499"}',
        'lenet_requests_total{route="/v1/predict",status="200"}',
        "lenet_batch_requests_sum",
    )
    before = [service.metric(name) for name in (gone, answered, worked_for)]
    with service.standing():
        connections = [socket.create_connection(("127.0.0.1", service.port), 10) for _ in range(25)]
        for connection in connections:
            connection.sendall(request % len(content) + content)
            if is_reset:
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            connection.close()
        service.wait_for(gone, before[0] + 25)
    assert service.http.post("/v1/predict", content=content).status_code == 200
    assert service.metric(answered) == before[1] + 1
    assert service.metric(worked_for) - before[2] < 25
    assert service.metric("lenet_queue_requests") == 0


def test_a_client_that_sends_all_and_waits_is_answered_however_long_it_takes(
    patient_service: ServiceProcess,
) -> None:
    content = png(stroke())
    head = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
    address = "127.0.0.1", patient_service.port
    with contextlib.ExitStack() as stack:
        connect = lambda: stack.enter_context(socket.create_connection(address, 60))  # noqa: E731
        with patient_service.standing():
            connections = []
            for count in range(4):  # the first is with the worker, the others wait for it
                connections.append(connect())
                connections[-1].sendall(head % len(content) + content)
                connections[-1].shutdown(socket.SHUT_WR)
                patient_service.wait_for("lenet_workers_busy", 1)
                patient_service.wait_for("lenet_queue_requests", count)
            for connection in connections:  # it was looked whether they are still there
                assert connection.recv(12) == b"HTTP/1.1 100"
        answers = [read_all(connection) for connection in connections]
    assert [b"HTTP/1.1 200 OK" in answer for answer in answers] == [True] * 4


def test_requests_sent_ahead_are_answered_in_their_order(service: ServiceProcess) -> None:
    content = png(stroke())
    head = b"POST /v1/predict?top=%d HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
    requests = [head % (top, len(content)) + content for top in (1, 5, 2) * 60]
    last = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = service.talk(b"".join(requests) + last)
    bodies = answer.split(b"HTTP/1.1 200 OK")[1:]
    assert [body.count(b'"class_name"') - 1 for body in bodies] == [1, 5, 2] * 60 + [-1]


@pytest.mark.parametrize("sent", [b"", b"POST /", REQUEST + b"Content-Length: 100\r\n\r\nhalf"])
def test_more_connections_than_fit_make_room_for_a_new_one(
    service: ServiceProcess, sent: bytes
) -> None:
    silent = []
    made_room = 'lenet_connections_dropped_total{reason="made room"}'
    before = service.metric(made_room)
    try:
        for _ in range(600):
            silent.append(socket.create_connection(("127.0.0.1", service.port), 10))
            silent[-1].sendall(sent)
        with service.client() as client:
            assert client.post("/v1/predict", content=png(stroke())).status_code == 200
        assert service.metric(made_room) - before >= 88
        assert service.metric("lenet_connections") <= 512
    finally:
        for connection in silent:
            connection.close()


def test_an_answer_that_nobody_reads_is_let_go(strict_service: ServiceProcess, key: str) -> None:
    ask = b"GET /v1/models/digits/file HTTP/1.1\r\nHost: localhost\r\nX-API-Key: %s\r\n\r\n"
    dropped = 'lenet_connections_dropped_total{reason="unread answer"}'
    before = strict_service.metric(dropped)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(10)
        connection.connect(("127.0.0.1", strict_service.port))
        connection.sendall(ask % key.encode() * 60)
        strict_service.wait_for(dropped, before + 1)
        try:
            assert len(read_all(connection)) < 60 * 250_000
        except ConnectionError:
            pass  # a reset, after which nothing can be read
    assert "".join(strict_service.lines[2:]) == ""
