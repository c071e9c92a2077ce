"""What `lenet doctor` looks at, the versions that it finds, and checks that themselves fail."""

import importlib.metadata

import pytest
import torch
from findings import PARTS, fail, find

from lenet.core import install_command
from lenet.doctor import Finding, examine
from lenet.doctor._examine import CHECKS  # to break one of them


def test_nothing_is_wrong_here() -> None:
    findings = examine()
    assert [finding.name for finding in findings] == PARTS
    assert [f for f in findings if f.state == "wrong"] == []
    assert torch.__version__.partition("+")[0] in findings[0].text


@pytest.mark.parametrize("name", PARTS)
def test_a_check_that_fails_is_a_finding_and_the_others_are_told(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CHECKS, "results", lambda: Finding("", "ok", ""))
    monkeypatch.setitem(CHECKS, name, fail)
    findings = examine()
    assert len(findings) == len(PARTS)
    (broken,) = [finding for finding in findings if finding.state == "wrong"]
    assert broken.name == name
    assert broken.text == "The check failed: OSError: no driver"
    assert "report" in broken.advice


@pytest.mark.parametrize(
    ("version", "state"),
    [
        ("2.6.0", "ok"),
        ("2.13.1+cpu", "ok"),
        ("2.5.1", "note"),
        ("2.6.0rc1", "note"),
        ("3.0.dev20270301+cu130", "ok"),
        ("3.0", "ok"),
    ],
)
def test_a_pytorch_that_is_too_old_is_noted(
    version: str, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = ["torchmetrics>=9", "torch>=2.6", "numpy>=1.26"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: wanted)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: version)
    finding = find("versions")
    assert finding.state == state
    assert f"PyTorch {version}" in finding.text
    assert ("pip install 'torch>=2.6'`" in finding.advice) is (state == "note")


def test_without_an_installed_package_any_pytorch_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", nowhere)
    assert find("versions").state == "ok"
    monkeypatch.setattr(importlib.metadata, "version", nowhere)
    finding = find("versions")
    assert (finding.state, finding.text[-12:]) == ("note", ", no PyTorch")
    assert install_command("'torch'") in finding.advice


def test_two_distributions_of_the_same_files_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    one = importlib.metadata.distribution("numpy")
    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: one)
    finding = find("versions")
    assert finding.state == "wrong"
    assert "uninstall lenet lenet-core`" in finding.advice


def test_optional_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def only(*names: str) -> None:
        monkeypatch.setattr("lenet.doctor._examine.find_spec", lambda name: name in names)

    only("jax")
    text = "installed: jax; not installed: onnxruntime (for `lenet bench` alone)"
    assert find("peers") == Finding("peers", "ok", text)
    only()
    assert find("peers").text == "not installed: onnxruntime, jax (for `lenet bench` alone)"
