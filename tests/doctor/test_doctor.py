"""What `lenet doctor` finds, with one thing after the other out of order."""

import importlib.metadata
import json
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest
import torch

from lenet.doctor import Finding, examine
from lenet.doctor._versions import _is_within
from lenet.kernels import KernelStatus, kernel_status

PARTS = ["versions", "machine", "device", "cores", "kernels", "results", "data", "runs"]


def find(name: str) -> Finding:
    """One of the findings."""
    return {finding.name: finding for finding in examine()}[name]


def test_nothing_is_wrong_here() -> None:
    findings = examine()
    assert [finding.name for finding in findings] == PARTS
    assert [f for f in findings if f.state == "wrong"] == []
    assert torch.__version__.partition("+")[0] in findings[0].text


def test_without_kernels_it_says_why_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    log = "c++ -O3\navx2: failed (1)\nbaseline: failed (1)"
    status = KernelStatus(None, 0, "The package was installed without compiled kernels.", log)
    monkeypatch.setattr("lenet.doctor._kernels.kernel_status", lambda: status)
    finding = find("kernels")
    assert finding.state == "note"
    assert "installed without" in finding.text
    assert "g++" in finding.advice
    assert "baseline: failed" in finding.advice
    assert find("results").state == "ok"


@pytest.mark.skipif(kernel_status().reason is not None, reason="no compiled kernels")
def test_kernels_that_give_wrong_results_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = {"native": [torch.ones(3)], "torch": [torch.tensor([1.0, 1.0, 1.001])]}
    monkeypatch.setattr("lenet.doctor._kernels._numbers", numbers.__getitem__)
    finding = find("results")
    assert finding.state == "wrong"
    assert "--kernels torch" in finding.advice


def test_a_check_that_fails_is_a_finding_and_the_others_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(name: str) -> None:
        raise OSError("no driver")

    monkeypatch.setattr("lenet.doctor._machine.pick_device", fail)
    findings = {finding.name: finding for finding in examine()}
    assert list(findings) == PARTS
    assert findings["device"].state == "wrong"
    assert "OSError: no driver" in findings["device"].text
    assert findings["cores"].state == "ok" or "threads" in findings["cores"].advice


def test_more_threads_than_cores_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 64)
    monkeypatch.setattr("lenet.doctor._machine._usable_cores", lambda: 1.5)
    assert find("cores") == Finding(
        "cores",
        "note",
        "64 CPU threads, 1.5 cores for this process",
        "More threads than cores slow each other down: use `--threads 1`.",
    )


@pytest.mark.parametrize(
    ("version", "inside"),
    [("2.6.0", True), ("2.13.1+cpu", True), ("2.5.1", False), ("2.14.0", False), ("3.0", False)],
)
def test_versions_of_pytorch_beside_those_that_were_tested(version: str, inside: bool) -> None:
    assert _is_within(version, "<2.14,>=2.6") is inside


def test_an_untested_pytorch_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "2.99.0")
    finding = find("versions")
    assert finding.state == "note"
    assert "pip install 'torch" in finding.advice


def test_the_data_that_are_here_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LENET_DATA", str(tmp_path))
    monkeypatch.delenv("LENET_OFFLINE")
    assert find("data").text.startswith("nothing yet in")
    folder = tmp_path / "mnist"
    folder.mkdir()
    for part in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (folder / f"{part}-ubyte").touch()
    assert find("data").text.startswith("`mnist` in")
    monkeypatch.setenv("LENET_DATA", "/proc/nothing")
    assert find("data").state == "note"
    monkeypatch.setenv("LENET_OFFLINE", "1")
    assert "LENET_OFFLINE" in find("data").text


def test_a_folder_that_cannot_keep_runs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lenet.doctor._storage._can_be_written", lambda folder: False)
    assert find("runs").state == "wrong"
    monkeypatch.undo()
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(2_000_000))
    assert find("runs").state == "note"


def test_the_command_prints_lines_or_json_and_leaves_with_one_if_something_is_wrong() -> None:
    command = [sys.executable, "-m", "lenet", "doctor"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line.split()[1] for line in lines if line[:1] not in ("", " ")][:8] == PARTS
    assert lines[-1] == "Everything works."
    broken = "import sys; sys.modules['torch'] = None; sys.argv = ['lenet', 'doctor', '--json']\n"
    process = subprocess.run(
        [sys.executable, "-c", broken + "import lenet.cli; lenet.cli.main()"],
        capture_output=True,
        text=True,
    )
    assert process.returncode == 1
    findings = json.loads(process.stdout)
    assert [finding["name"] for finding in findings] == PARTS
    assert findings[0]["state"] == "ok", "versions need no PyTorch"
    assert findings[1]["state"] == "wrong"
