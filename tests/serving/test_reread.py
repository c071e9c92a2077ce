"""What SIGHUP does: models and keys are read again, and a service whose terminal closes ends."""

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sent_pictures import png, stroke
from service_process import ServiceProcess, running, wait_until

import lenet
from calling import call

DIGITS = lenet.models.BUNDLED["digits"].read_bytes()
FASHION = lenet.models.BUNDLED["fashion"].read_bytes()
READ = "Models and keys were read again: mine.\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reread")


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[ServiceProcess]:
    """A service of a file, with a file of keys."""
    (folder / "mine.safetensors").write_bytes(DIGITS)
    (folder / "keys").write_text("first\n")
    options = "--workers 1 --timeout 600 --api-key-file".split()
    with running(str(folder / "mine.safetensors"), *options, str(folder / "keys")) as started:
        yield started


def hang_up(service: ServiceProcess) -> str:
    """What it says to a SIGHUP."""
    wait_until(lambda: len(service.lines) >= 2)  # where it is
    said = len(service.lines)
    service.process.send_signal(signal.SIGHUP)
    wait_until(lambda: len(service.lines) > said)
    return service.lines[said]


def status(service: ServiceProcess, key: str) -> int:
    return service.http.get("/v1/models", headers={"x-api-key": key}).status_code


def classes(service: ServiceProcess) -> list[str]:
    answer = service.http.get("/v1/models/mine", headers={"x-api-key": "first"})
    names: list[str] = answer.json()["class_names"]
    return names


def test_two_keys_hold_while_one_takes_the_place_of_the_other(
    served: ServiceProcess, folder: Path
) -> None:
    file, keys = folder / "keys", ("first", "second")
    wait_until(lambda: len(served.worker_ids) == 1)  # the one of another test's models has gone
    workers = served.worker_ids
    told = {"first\n": [200, 401], "\n first \nsecond": [200, 200], "second\n": [401, 200]}
    try:
        for content, statuses in told.items():
            file.write_text(content)
            assert hang_up(served) == READ
            assert [status(served, key) for key in keys] == statuses
        for content, problem in {" \n": "holds no key", "\x07\n": "must be printable"}.items():
            file.write_text(content)
            line = hang_up(served)
            assert line.startswith(("Error: `", "Error: Line 1 of `"))
            assert problem in line
            assert line.endswith(" The service goes on with what it had.\n")
            assert [status(served, key) for key in keys] == [401, 200]
    finally:
        file.write_text("first\n")
        assert hang_up(served) == READ
    assert served.worker_ids == workers, "models that did not change are kept"


def test_models_are_taken_again_and_what_was_begun_is_answered(
    served: ServiceProcess, folder: Path
) -> None:
    file, content = folder / "mine.safetensors", png(stroke())
    known = {"x-api-key": "first"}
    ask = lambda: served.http.post("/v1/predict", content=content, headers=known)  # noqa: E731
    assert ask().json()["predictions"][0]["class_name"] == "1"
    before, answered = served.worker_ids, 'lenet_requests_total{route="/v1/predict",status="200"}'
    served._known = known  # for `/metrics`
    count = served.metric(answered)
    with served.standing(), ThreadPoolExecutor(1) as pool:
        begun = pool.submit(ask)
        served.wait_for("lenet_workers_busy", 1)
        file.write_bytes(FASHION)
        assert hang_up(served) == READ
        assert classes(served)[0] == "t-shirt"
        assert ask().json()["predictions"][0]["top"][0]["class_name"] in classes(served)
        for number in before:
            os.kill(number, signal.SIGCONT)
        assert begun.result().json()["predictions"][0]["class_name"] == "1"
    wait_until(lambda: set(served.worker_ids).isdisjoint(before))
    assert served.metric(answered) == count + 2
    workers = served.worker_ids
    file.write_bytes(b"nonsense")
    line = hang_up(served)
    assert line.startswith(f"Error: `{file}` is not a safetensors file")
    assert line.endswith(" The service goes on with what it had.\n")
    assert classes(served)[0] == "t-shirt"
    assert served.worker_ids == workers
    file.write_bytes(DIGITS)
    assert hang_up(served) == READ
    assert classes(served)[0] == "0"


def test_keys_stand_in_no_list_of_processes_and_no_log(tmp_path: Path) -> None:
    with running("digits", "--workers", "1", "--log", key="qwertz-asdf") as service:
        headers = {"x-api-key": "qwertz-asdf"}
        for path in ("/v1/models", "/qwertz", "/v1/predict"):
            service.http.get(path, headers=headers)
        for number in (service.process.pid, *service.worker_ids):
            assert b"qwertz-asdf" not in Path(f"/proc/{number}/cmdline").read_bytes()
        for number in service.worker_ids:
            assert b"qwertz-asdf" not in Path(f"/proc/{number}/environ").read_bytes()
        wait_until(lambda: sum(" 404 " in line or " 405 " in line for line in service.lines) == 2)
        assert "qwertz-asdf" not in "".join(service.lines)


def test_two_places_for_keys_and_none_are_told(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("\n")
    options = "serve", "--port", "0", "--api-key-file", str(tmp_path / "keys")
    assert "holds no key; write one a line." in call(*options, code=2).stderr
    assert "are two places for keys" in call(*options, "--api-key", "k", code=2).stderr
    assert "Could not read" in call(*options[:-1], str(tmp_path / "none"), code=2).stderr


@pytest.mark.parametrize("is_ignored", [False, True])
def test_a_service_whose_terminal_is_closed_ends_unless_it_was_to_stay(
    is_ignored: bool, tmp_path: Path
) -> None:
    """Closing a terminal sends SIGHUP, too; under `nohup` it is ignored from the start."""
    command = [sys.executable, "-m", "lenet", "serve", "digits", "--workers", "1", "--port", "0"]
    output = (tmp_path / "output").open("wb")
    terminal, process = pty.openpty(), None

    def in_terminal() -> None:
        os.setsid()
        fcntl.ioctl(terminal[1], termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGHUP, signal.SIG_IGN if is_ignored else signal.SIG_DFL)

    with output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            env={**os.environ, "TMPDIR": str(tmp_path)},
            preexec_fn=in_terminal,
        )
    os.close(terminal[1])
    said = lambda: (tmp_path / "output").read_text()  # noqa: E731
    wait_until(lambda: "Ctrl-C stops." in said())
    process.send_signal(signal.SIGHUP)
    wait_until(lambda: "Models and keys were read again: digits.\n" in said())
    os.close(terminal[0])
    if is_ignored:
        wait_until(lambda: said().count("read again") == 2)
        process.terminate()
    assert process.wait(30) == 0
    assert not list(tmp_path.glob("lenet-serve-*"))
