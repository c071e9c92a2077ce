"""What `lenet doctor` finds of devices and cores."""

import os
import warnings
from pathlib import Path

import pytest
import torch
from findings import find
from torch import Tensor

from lenet.doctor import Finding

# A machine's quotas as files, which a test can't have otherwise.
from lenet.doctor._computing import _usable_cores


def test_a_gpu_that_pytorch_leaves_out_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    def warn(name: str) -> str:
        warnings.warn("The driver is too old.", stacklevel=1)
        return "cpu"

    monkeypatch.setattr("lenet.training.pick_device", warn)
    monkeypatch.setattr("lenet.doctor._computing._has_nvidia_driver", lambda: False)
    assert find("device") == Finding("device", "ok", "`auto` takes `cpu`")
    monkeypatch.setattr("lenet.doctor._computing._has_nvidia_driver", lambda: True)
    monkeypatch.setattr(torch.version, "cuda", None)
    finding = find("device")
    assert finding.state == "note"
    assert finding.text.endswith("this PyTorch is built for the CPU alone")
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert "CUDA 13.0 finds no GPU. The driver is too old." in find("device").text
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert find("device").advice == "Unset `CUDA_VISIBLE_DEVICES` to use the GPU."


def test_gpus_are_named_and_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lenet.training.pick_device", lambda name: "cuda")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"GPU {index}")
    monkeypatch.setattr(torch, "ones", lambda *size, device: torch.tensor([1, 1]))
    assert find("device") == Finding("device", "ok", "`auto` takes `cuda`: GPU 0, GPU 1")

    def refuse(*size: int, device: str) -> Tensor:
        message = "CUDA error: no kernel image is available\nCompile with …"
        raise RuntimeError(message)

    monkeypatch.setattr(torch, "ones", refuse)
    finding = find("device")
    assert finding.state == "wrong"
    assert finding.text.endswith("does not compute: CUDA error: no kernel image is available")
    assert "--device cpu" in finding.advice


def test_more_threads_than_cores_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("lenet.doctor._computing._usable_cores", lambda: 1.5)
    assert find("cores").text == "PyTorch takes 1 CPU thread, this process may use 1.5 cores"
    assert find("cores").state == "ok"
    monkeypatch.setattr(torch, "get_num_threads", lambda: 64)
    monkeypatch.setenv("OMP_NUM_THREADS", "64")
    finding = find("cores")
    assert finding.state == "note"
    assert finding.text.startswith("PyTorch takes 64 CPU threads")
    assert finding.text.endswith("1.5 cores; `OMP_NUM_THREADS` is `64`")
    assert "--threads 1`" in finding.advice


@pytest.mark.parametrize(
    ("own", "files", "cores"),
    [
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 1.5),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 8),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "300000 100000\n"}, 3),
        ("0::/../c\n", {"cpu.max": "200000 100000\n"}, 2),
        (
            "2:cpu,cpuacct:/docker/1\n1:cpuset:/\n0::/\n",
            {"cpu/cpu.cfs_quota_us": "50000\n", "cpu/cpu.cfs_period_us": "100000\n"},
            0.5,
        ),
        (
            "1:cpu:/\n",
            {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"},
            8,
        ),
        ("0::/\n", {"cpu.max": "1600000 100000\n"}, 8),
        ("0::/\n", {}, 8),
        (None, {}, 8),
    ],
)
def test_a_containers_quota_counts(
    own: str | None,
    files: dict[str, str],
    cores: float,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lenet.doctor._computing._OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr("lenet.doctor._computing._CONTROL_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    if own is not None:
        (tmp_path / "own").write_text(own)
    for name, content in files.items():
        path = tmp_path / "groups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    assert _usable_cores() == cores
