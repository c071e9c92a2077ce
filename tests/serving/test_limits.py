"""What is too large, too many or takes too long is refused, and costs others nothing."""

import base64
import struct
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sent_pictures import png, stroke
from service_process import ServiceProcess, wait_until

Post = Callable[..., tuple[int, str]]


@pytest.fixture
def post(strict_service: ServiceProcess, key: str) -> Post:
    """Asks the strict service, with its key."""

    def ask(query: str = "", **request: object) -> tuple[int, str]:
        answer = strict_service.http.post(
            f"/v1/predict{query}", headers={"x-api-key": key}, **request
        )
        return answer.status_code, answer.json().get("detail", "")

    return ask


def bomb(width: int, height: int) -> bytes:
    """A PNG of few bytes that declares many pixels, and has them if they are not absurdly many."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content))
            + name
            + content
            + struct.pack(">I", zlib.crc32(name + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(min((width // 8 + 2) * height, 10**7)), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes(post: Post) -> None:
    status, detail = post(content=bytes(20_001))
    assert (status, detail) == (413, "The request is larger than 20,000 bytes.")


def test_a_body_that_does_not_say_its_size_is_refused_when_it_is_too_large(post: Post) -> None:
    status, detail = post(content=iter([bytes(15_000), bytes(15_000)]))
    assert (status, detail) == (413, "The request is larger than 20,000 bytes.")


def test_a_large_body_leaves_the_connection_usable(
    strict_service: ServiceProcess, key: str
) -> None:
    head = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nX-API-Key: %s\r\n" % key.encode()
    large = head + b"Content-Length: 300000\r\n\r\n" + bytes(300_000)
    last = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = strict_service.talk(large + last)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"HTTP/1.1 200 OK" in answer


@pytest.mark.parametrize("size", [(300, 31), (30_000, 30_000), (2**31 - 1, 2**31 - 1)])
def test_a_picture_with_too_many_pixels_is_refused(post: Post, size: tuple[int, int]) -> None:
    status, detail = post(content=bomb(*size))
    assert status == 413
    assert detail == "The picture has more than 9,000 pixels."


def test_one_picture_more_than_allowed_is_refused(post: Post) -> None:
    files = [("picture", ("a.png", png(stroke(20, 20)))) for _ in range(4)]
    encoded = base64.b64encode(png(stroke(20, 20))).decode()
    for request in ({"files": files}, {"json": {"pictures": [{"base64": encoded}] * 4}}):
        status, detail = post(**request)
        assert status == 413
        assert detail.startswith("A request may have up to 3 pictures")
    status, _ = post(files=files[:3])
    assert status == 200


def test_pixels_in_json_count_as_those_of_a_file(post: Post) -> None:
    status, detail = post(json={"pictures": [{"pixels": [[0] * 9001]}]})
    assert (status, detail) == (413, "The picture has more than 9,000 pixels.")


def test_a_pattern_is_refused_as_too_many_symbols(service: ServiceProcess) -> None:
    pattern = np.full((1000, 1000), 255, np.uint8)
    for row in range(3):
        for column in range(3):
            pattern[6 + row :: 12, 6 + column :: 12] = 0
    answer = service.http.post("/v1/predict?many", content=png(pattern))
    assert answer.status_code == 413
    assert "more than 4,000 symbols" in answer.json()["detail"]


def test_a_full_queue_says_when_to_come_again(patient_service: ServiceProcess) -> None:
    service, content = patient_service, png(stroke())
    with ThreadPoolExecutor(31) as pool:
        with service.standing():
            asked = service.fill_queue(pool, content, 30)
            refused = service.http.post("/v1/predict", content=content)
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "1"
        assert refused.json()["detail"] == "The service is busy; try again in a second."
        assert [one.result().status_code for one in asked] == [200] * 31
    assert service.http.post("/v1/predict", content=content).status_code == 200


def test_pictures_that_take_too_long_cost_others_nothing(
    strict_service: ServiceProcess, post: Post
) -> None:
    service, content = strict_service, png(stroke())
    restarts = service.metric("lenet_worker_restarts_total")
    with service.standing(), ThreadPoolExecutor(2) as pool:
        slow = pool.submit(post, content=content)
        service.wait_for("lenet_workers_busy", 1)
        other = pool.submit(post, content=content)
        message = "The pictures took longer than 1.5 seconds; send smaller ones."
        assert slow.result() == (400, message)
        # It waited for the only worker, and is answered by the next, or told to come again.
        assert other.result()[0] in (200, 503)
    wait_until(lambda: service.http.get("/healthz").status_code == 200)
    assert service.metric("lenet_worker_restarts_total") == restarts + 1
    assert post(content=content)[0] == 200
