"""How a service starts and ends."""

import json
import os
import shutil
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from sent_pictures import png, stroke
from service_process import ServiceProcess, read_all, wait_until

import lenet
from calling import call
from lenet import serving
from lenet.core import pack_arrays, read_arrays, read_header
from lenet.errors import MissingExtraError, ModelFileError


def refuse(*arguments: str, code: int) -> str:
    """What `lenet serve` prints when it does not start: one line."""
    (line,) = call("serve", "--port", "0", *arguments, code=code).stderr.splitlines()
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
    path = lenet.models.BUNDLED["digits"]
    header = {"lenet": read_header(path, ModelFileError)["lenet"]}
    (_, *others) = read_arrays(path).items()
    (tmp_path / "odd.safetensors").write_bytes(pack_arrays(dict(others), header))
    line = refuse(str(tmp_path / "odd.safetensors"), "--workers", "1", code=4)
    start = f"Error: `{tmp_path / 'odd.safetensors'}` describes a model that can't be built"
    assert line.startswith(start)


def test_a_missing_package_is_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lenet.serving._serve.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'lenet\[serve\]'`"):
        serving.serve()


def test_what_was_begun_is_answered_before_it_ends() -> None:
    service = ServiceProcess("digits", "--workers", "1", "--timeout", "60", "--log")
    content = png(stroke())
    with ThreadPoolExecutor(4) as pool:
        with service.standing():
            asked = service.fill_queue(pool, content, 3)
            service.process.send_signal(signal.SIGTERM)
            wait_until(lambda: not takes_connections(service))
        answers = [one.result() for one in asked]
    assert service.process.wait(20) == 0
    assert [answer.status_code for answer in answers] == [200] * 4
    service.stop()
    assert sum("POST /v1/predict 200" in line for line in service.lines) == 4


def takes_connections(service: ServiceProcess) -> bool:
    """Whether it listens, which it does not while it stops."""
    try:
        socket.create_connection(("127.0.0.1", service.port), 10).close()
    except ConnectionRefusedError:
        return False
    return True


def test_ctrl_c_ends_it_with_zero_although_clients_are_slow_and_tells_them() -> None:
    options = "digits --workers 1 --timeout 0.5 --log --host 0.0.0.0"
    service = ServiceProcess(*options.split())
    assert service.lines[0].startswith("Warning: anyone who reaches `0.0.0.0` may ask")
    assert "http://localhost:" in service.lines[1]
    workers = service.worker_ids
    head = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
    place = "127.0.0.1", service.port
    with (
        socket.create_connection(place, 20) as silent,
        socket.create_connection(place, 20) as slow,
    ):
        silent.sendall(head % 9)
        # So much that more time is left for the rest than the service waits for.
        slow.sendall(head % 10**6 + bytes(400_000))
        wait_until(lambda: service.has_read(silent) and service.has_read(slow))
        # As a terminal does, to all processes.
        for number in (*workers, service.process.pid):
            os.kill(number, signal.SIGINT)
        assert read_all(silent).startswith(b"HTTP/1.1 408 ")
        answer = read_all(slow)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 1\r\n" in answer
    assert answer.endswith(b'{"detail": "The service stops; try again in a second."}')
    assert service.process.wait(20) == 0
    assert service.stop() == 0
    assert not any(Path(f"/proc/{number}").exists() for number in workers)
    statuses = [line.split()[4] for line in service.lines[3:] if "POST /v1/predict" in line]
    assert (len(service.lines), statuses) == (5, ["408", "503"])


def test_a_second_signal_ends_it_at_once() -> None:
    service = ServiceProcess("digits", "--workers", "1", "--timeout", "600")
    workers = service.worker_ids
    with service.standing(), ThreadPoolExecutor(1) as pool:
        asked = pool.submit(service.http.post, "/v1/predict", content=png(stroke()))
        service.wait_for("lenet_workers_busy", 1)
        service.process.terminate()
        wait_until(lambda: not takes_connections(service))
        service.process.terminate()
        assert service.process.wait(20) == 128 + signal.SIGTERM
        assert isinstance(asked.exception(20), httpx.HTTPError)
        wait_until(lambda: not any(Path(f"/proc/{number}").exists() for number in workers))
    service.stop()


def test_models_that_a_cleaner_took_away_are_there_for_the_next_worker(
    patient_service: ServiceProcess,
) -> None:
    (number,) = patient_service.worker_ids
    told = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")[-2]
    copy = Path(json.loads(told)["models"][0]["file"])
    shutil.rmtree(copy.parent)
    os.kill(number, signal.SIGKILL)
    assert patient_service.http.post("/v1/predict", content=png(stroke())).status_code == 200
    assert copy.read_bytes() == lenet.models.BUNDLED["digits"].read_bytes()


def test_neither_the_service_nor_its_workers_import_pytorch(service: ServiceProcess) -> None:
    for number in (service.process.pid, *service.worker_ids):
        assert "libtorch" not in Path(f"/proc/{number}/maps").read_text()
