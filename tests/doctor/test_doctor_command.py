"""What `lenet doctor` prints, and its exit code."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from findings import PARTS

from lenet.cli import app
from lenet.doctor import Finding

FINDINGS = [
    Finding("first", "ok", "as it should be"),
    Finding("second", "note", "slow, " * 20 + "slow", "Copy this:\n  pip install " + "-x " * 30),
    Finding("third", "wrong", "broken", "Mend it."),
    Finding("fourth", "wrong", "broken too"),
]


@pytest.mark.parametrize(
    ("findings", "code", "closing"),
    [
        (FINDINGS[:1], None, "Everything works."),
        (FINDINGS[:2], None, "Everything works, with 1 note above."),
        (FINDINGS[:3], 1, "1 thing is wrong."),
        (FINDINGS, 1, "2 things are wrong."),
    ],
)
def test_the_last_line_and_the_exit_code_say_how_it_is(
    findings: list[Finding],
    code: int | None,
    closing: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("lenet.doctor.examine", lambda: findings)
    assert app(["doctor"], standalone_mode=False) == code
    assert capsys.readouterr().out.splitlines()[-1] == closing
    assert app(["doctor", "--json"], standalone_mode=False) == code
    rows = json.loads(capsys.readouterr().out)
    assert [Finding(**row) for row in rows] == findings


def test_lines_are_broken_in_a_terminal_and_whole_in_a_pipe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("lenet.doctor.examine", lambda: FINDINGS)
    monkeypatch.setenv("COLUMNS", "60")
    app(["doctor"], standalone_mode=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ok     first     as it should be"
    assert lines[-3] == "WRONG  fourth    broken too"
    command = " " * 19 + "pip install " + "-x " * 30
    assert command in lines, "what is to be copied is whole"
    assert all(len(line) <= 60 for line in lines if line != command)
    monkeypatch.delenv("COLUMNS")
    monkeypatch.setattr(shutil, "get_terminal_size", lambda fallback: os.terminal_size(fallback))
    app(["doctor"], standalone_mode=False)
    lines = capsys.readouterr().out.splitlines()
    assert f"note   second    {FINDINGS[1].text}" in lines


def test_the_command_tells_of_a_broken_pytorch(tmp_path: Path) -> None:
    package = tmp_path / "torch"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('libtorch.so is missing')")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); sys.argv[1:] = ['doctor', '--json']\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", code + "import lenet.cli; lenet.cli.main()"],
        capture_output=True,
        text=True,
    )
    assert (process.returncode, process.stderr) == (1, "")
    findings = {row["name"]: Finding(**row) for row in json.loads(process.stdout)}
    assert list(findings) == PARTS
    assert "which can't be imported: libtorch.so is missing" in findings["versions"].text
    assert "pip install --force-reinstall" in findings["versions"].advice
    wrong = [name for name, finding in findings.items() if finding.state == "wrong"]
    assert wrong == ["versions", "device", "cores", "results"]
    assert findings["device"].text == "can't be looked at without PyTorch"
