"""How a service starts and ends."""

import json
import os
import shutil
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from sent_pictures import png, slow_picture, stroke
from service_process import ServiceProcess, read_all, running

import lenet
from forked_process import ForkedProcess
from lenet import serving
from lenet.errors import MissingExtraError


def refuse(*arguments: str, code: int) -> str:
    """What `lenet serve` prints when it does not start: one line."""
    process = ForkedProcess("serve", "--port", "0", *arguments)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors
    (line,) = errors.splitlines()
    return line


def test_it_says_where_it_is_and_how_to_stop_it(service: ServiceProcess) -> None:
    first, second = service.lines[:2]
    assert first == f"Serving digits, fashion at {service.address}\n"
    assert second == f"Requests are described at {service.address}/docs. Ctrl-C stops.\n"


def test_a_port_that_is_taken_is_told(service: ServiceProcess) -> None:
    line = refuse("--port", str(service.port), code=2)
    expected = f"Error: Could not listen on `127.0.0.1:{service.port}`: address already in use"
    assert line.startswith(expected)


def test_what_can_not_be_served_is_told(tmp_path: Path) -> None:
    assert "`digit`" in refuse("digit", code=5)
    (tmp_path / "model.safetensors").write_bytes(b"nonsense")
    assert "is not a safetensors file" in refuse(str(tmp_path / "model.safetensors"), code=4)
    assert "Two models are called `digits`" in refuse("digits", "digits", code=2)
    assert "is no address of this machine" in refuse("--host", "no.such.host.invalid", code=2)
    assert "`timeout` must be above 0" in refuse("--timeout", "0", code=2)
    odd = tmp_path / "x\udcff.safetensors"  # its name is no UTF-8
    odd.write_bytes(lenet.models.BUNDLED["digits"].read_bytes())
    assert "is no name for an address" in refuse(str(odd), code=2)


def test_an_empty_key_is_no_key_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LENET_API_KEY", "")
    line = refuse("--host", "0.0.0.0", code=2)
    assert line == "Error: `LENET_API_KEY` is empty; give it a key, or unset it to answer all."


def test_a_file_whose_weights_do_not_fit_is_told_by_a_worker(tmp_path: Path) -> None:
    import safetensors.numpy

    path = lenet.models.BUNDLED["digits"]
    with safetensors.safe_open(path, "numpy") as tensors:
        header = tensors.metadata()
        arrays = {name: tensors.get_tensor(name) for name in list(tensors.keys())[1:]}
    (tmp_path / "odd.safetensors").write_bytes(safetensors.numpy.save(arrays, header))
    line = refuse(str(tmp_path / "odd.safetensors"), "--workers", "1", code=4)
    start = f"Error: `{tmp_path / 'odd.safetensors'}` describes a model that can't be built"
    assert line.startswith(start)


def test_a_missing_package_is_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lenet.serving._serve.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'lenet\[serve\]'`"):
        serving.serve()


def test_all_hosts_without_a_key_is_a_warning() -> None:
    with running("digits", "--workers", "1", "--host", "0.0.0.0") as open_service:
        assert open_service.lines[0].startswith("Warning: anyone who reaches `0.0.0.0` may ask")
        assert "http://localhost:" in open_service.lines[1]


def test_what_was_begun_is_answered_before_it_ends() -> None:
    service = ServiceProcess("digits", "--workers", "1", "--log")
    slow = slow_picture()
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(service.http.post, "/v1/predict", content=slow) for _ in range(4)]
        while service.metric("lenet_workers_busy") + service.metric("lenet_queue_requests") < 4:
            time.sleep(0.02)
            if all(one.done() for one in asked):
                break
        service.process.send_signal(signal.SIGTERM)
        answers = [one.result() for one in asked]
    assert service.process.wait(20) == 0
    assert [answer.status_code for answer in answers] == [200] * 4
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{service.address}/healthz", trust_env=False, verify=False)
    service.stop()
    assert sum("POST /v1/predict 200" in line for line in service.lines) == 4


def test_what_is_not_answered_in_time_after_a_signal_is_told_so() -> None:
    service = ServiceProcess("digits", "--workers", "1", "--timeout", "1", "--log")
    head = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
    with socket.create_connection(("127.0.0.1", service.port), 20) as connection:
        # So much that more time is left for the rest than the service waits for.
        connection.sendall(head % 10**6 + bytes(400_000))
        time.sleep(0.2)
        service.process.terminate()
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 1\r\n" in answer
    assert answer.endswith(b'{"detail": "The service stops; try again in a second."}')
    assert service.process.wait(20) == 0
    service.stop()
    assert len(service.lines) == 3
    assert "POST /v1/predict 503" in service.lines[2]


def test_ctrl_c_ends_it_with_zero_although_a_client_is_slow() -> None:
    service = ServiceProcess("digits", "--workers", "1", "--timeout", "1")
    workers = service.worker_ids
    with socket.create_connection(("127.0.0.1", service.port), 10) as connection:
        connection.sendall(
            b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
        )
        time.sleep(0.1)
        # As a terminal does, to all processes.
        for number in (*workers, service.process.pid):
            os.kill(number, signal.SIGINT)
        assert service.process.wait(20) == 0
    assert service.stop() == 0
    assert not any(Path(f"/proc/{number}").exists() for number in workers)


def test_a_second_signal_ends_it_at_once() -> None:
    service = ServiceProcess("digits", "--workers", "1")
    workers = service.worker_ids
    answered = threading.Event()

    def ask() -> None:
        try:
            service.http.post("/v1/predict", files=[("p", ("slow.png", slow_picture()))] * 30)
        except httpx.HTTPError:
            answered.set()

    asking = threading.Thread(target=ask)
    asking.start()
    while not service.metric("lenet_workers_busy"):
        time.sleep(0.02)
    service.process.terminate()
    time.sleep(0.3)
    service.process.terminate()
    assert service.process.wait(5) == 128 + signal.SIGTERM
    asking.join(10)
    assert answered.is_set()
    service.stop()
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{number}").exists() for number in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_worker_that_the_system_kills_is_replaced(service: ServiceProcess) -> None:
    before = service.worker_ids
    os.kill(before[0], signal.SIGKILL)
    statuses = [
        service.http.post("/v1/predict", content=png(stroke())).status_code for _ in range(20)
    ]
    assert statuses == [200] * 20
    deadline = time.monotonic() + 20
    while service.metric("lenet_workers") < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert before[0] not in service.worker_ids


def test_models_that_a_cleaner_took_away_are_there_for_the_next_worker() -> None:
    with running("digits", "--workers", "1") as service:
        (number,) = service.worker_ids
        told = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")[-2]
        copy = Path(json.loads(told)["models"][0]["file"])
        shutil.rmtree(copy.parent)
        os.kill(number, signal.SIGKILL)
        assert service.http.post("/v1/predict", content=png(stroke())).status_code == 200
        assert copy.read_bytes() == lenet.models.BUNDLED["digits"].read_bytes()


def test_neither_the_service_nor_its_workers_import_pytorch(service: ServiceProcess) -> None:
    for number in (service.process.pid, *service.worker_ids):
        assert "libtorch" not in Path(f"/proc/{number}/maps").read_text()
