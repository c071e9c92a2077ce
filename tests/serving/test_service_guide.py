"""The commands of the guide work as they stand there, on another port."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from service_process import ServiceProcess

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/guides/service.md").read_text(encoding="utf-8")
ADDRESS = "http://localhost:8000"


def blocks(language: str) -> list[str]:
    """The contents of the guide's code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


COMMANDS = [
    line[2:]
    for block in blocks("console")
    for line in block.splitlines()
    if line.startswith("$ curl") and ("docs/images" in line or "models" in line)
]


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
@pytest.mark.parametrize("command", COMMANDS)
def test_its_curl_commands_work(command: str, service: ServiceProcess, tmp_path: Path) -> None:
    line = command.replace(ADDRESS, service.address).replace("@docs", f"@{ROOT}/docs")
    called = subprocess.run(
        ["sh", "-c", line.replace("curl ", "curl --fail --silent --noproxy '*' ", 1)],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    if "-o " in command:
        assert (tmp_path / "model.safetensors").stat().st_size > 200_000
    else:
        assert json.loads(called.stdout)


def test_the_answer_that_it_shows_is_the_one_that_is_given(service: ServiceProcess) -> None:
    content = (ROOT / "docs/images/photos/a.jpg").read_bytes()
    told = service.http.post("/v1/predict", content=content).text
    (shown,) = blocks("json")
    rounded = json.loads(told, parse_float=lambda text: round(float(text), 3))
    assert json.loads(shown) == rounded


def test_its_python_works(
    service: ServiceProcess, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("NO_PROXY", "*")
    (block,) = blocks("python")
    exec(block.replace(ADDRESS, service.address), {})
    assert capsys.readouterr().out == "7\n"


def test_its_statuses_are_those_that_are_described(service: ServiceProcess) -> None:
    described = service.http.get("/openapi.json").json()["paths"]["/v1/predict"]["post"]
    table = set(re.findall(r"\b[45]\d\d\b", GUIDE[GUIDE.index("| Status |") :]))
    assert set(described["responses"]) - {"200"} <= table
