"""JavaScript is run in whichever engine is there, and killed where it does not end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from lenet.errors import ExportError
from lenet.playground import JavaScriptEngine, find_javascript_engine


@pytest.fixture(params=[False, True], ids=["node", "browser"], scope="module")
def engine(request: pytest.FixtureRequest) -> JavaScriptEngine:
    """Each engine that there is."""
    try:
        return find_javascript_engine(browser=request.param)
    except ExportError as error:
        pytest.skip(str(error))


def test_a_script_has_its_inputs_and_may_wait(engine: JavaScriptEngine) -> None:
    script = """
    await new Promise((done) => setTimeout(done, 300));
    const letters = new TextEncoder().encode("</script> ü中");
    return new Uint8Array([...inputs.first, ...inputs.second.reverse(), ...letters]);
    """
    every_byte = bytes(range(256)) * 300
    found = engine.run(script, {"first": every_byte, "second": b"abc"})
    assert found == every_byte + b"cba" + "</script> ü中".encode()


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("throw new Error('no <b>such</b> luck');", "Error: no <b>such</b> luck"),
        ("return nothing.at(1);", "nothing is not defined"),
        ("return } {;", "SyntaxError"),
    ],
)
def test_what_goes_wrong_is_told(engine: JavaScriptEngine, script: str, told: str) -> None:
    with pytest.raises(ExportError, match=f"failed in {engine.name}") as caught:
        engine.run(script, {}, seconds=30)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_script_that_does_not_end_is_killed(engine: JavaScriptEngine) -> None:
    with pytest.raises(ExportError, match=r"more than 0\.6 seconds"):
        engine.run("while (true);", {}, seconds=0.6)


@pytest.mark.skipif(os.name != "posix", reason="signals are another thing elsewhere")
def test_a_signal_ends_a_script_and_leaves_nothing(engine: JavaScriptEngine) -> None:
    with TemporaryDirectory(dir="/tmp") as short:  # a browser's sockets need a short path
        check_a_signal_ends_a_script(engine, Path(short))


def check_a_signal_ends_a_script(engine: JavaScriptEngine, folder: Path) -> None:
    code = f"""
from pathlib import Path
from lenet.playground import JavaScriptEngine
JavaScriptEngine(Path({str(engine.executable)!r}), {engine.is_browser}).run("for (;;);", {{}})
"""
    environment = {**os.environ, "TMPDIR": str(folder)}
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stderr=subprocess.DEVNULL
    )
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while not (numbers := children.read_text().split()) or not list(folder.glob("*/script.*")):
        time.sleep(0.01)
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == -signal.SIGTERM
    deadline = time.monotonic() + 10
    while Path(f"/proc/{numbers[0]}/cmdline").exists() and is_alive(int(numbers[0])):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert not list(folder.glob("*/script.*"))


def is_alive(number: int) -> bool:
    """Whether a process runs, and is not only to be waited for."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_engine_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    if any(Path(name).exists() for name in ("/Applications", "C:\\Program Files")):
        pytest.skip("a browser may be where it always is")
    with pytest.raises(ExportError, match=r"Node\.js .* or a Chromium browser .*neither"):
        find_javascript_engine()


@pytest.mark.skipif(os.name != "posix", reason="a script that can't be executed")
def test_an_engine_that_can_t_be_started_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "node"
    broken.write_text("no program")
    with pytest.raises(ExportError, match="can't be started"):
        JavaScriptEngine(broken, is_browser=False).run("return inputs.a;", {})
    broken.write_text("#!/bin/sh\necho no luck >&2\nexit 3\n")
    broken.chmod(0o755)
    with pytest.raises(ExportError, match="failed in node: no luck"):
        JavaScriptEngine(broken, is_browser=False).run("return inputs.a;", {})
