"""What `lenet doctor` finds, with one thing after the other out of order."""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import warnings
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from lenet.cli._main import app
from lenet.datasets import CATALOG
from lenet.doctor import Finding, _self_test, examine
from lenet.doctor._cores import _usable_cores
from lenet.doctor._examine import _CHECKS, _examine_part
from lenet.kernels import KernelStatus, kernel_status

PARTS = ["versions", "machine", "device", "cores", "kernels", "results", "data", "runs", "peers"]
NO_KERNELS = "The package was installed without compiled kernels."
needs_kernels = pytest.mark.skipif(
    kernel_status().reason is not None, reason="there are no compiled kernels"
)


def find(name: str) -> Finding:
    """One of the findings."""
    return _examine_part(name, *_CHECKS[name])


def fail(*arguments: object, **settings: object) -> None:
    """What a broken machine does."""
    message = "no driver"
    raise OSError(message)


def test_nothing_is_wrong_here() -> None:
    findings = examine()
    assert [finding.name for finding in findings] == PARTS
    assert [f for f in findings if f.state == "wrong"] == []
    assert torch.__version__.partition("+")[0] in findings[0].text


@pytest.mark.parametrize("name", PARTS)
def test_a_check_that_fails_is_a_finding_and_the_others_are_told(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lenet.doctor._kernels.check_kernel_results", lambda: Finding("", "ok", ""))
    module, function = _CHECKS[name]
    monkeypatch.setattr(f"lenet.doctor.{module}.{function}", fail)
    findings = examine()
    assert len(findings) == len(PARTS)
    (broken,) = [finding for finding in findings if finding.state == "wrong"]
    assert broken.name == name
    assert broken.text == "The check failed: OSError: no driver"
    assert "report" in broken.advice


# Versions


@pytest.mark.parametrize(
    ("version", "state"),
    [
        ("2.6.0", "ok"),
        ("2.13.1+cpu", "ok"),
        ("2.5.1", "note"),
        ("2.14.0.dev20260301+cu130", "note"),
        ("2.14.0rc1", "note"),
        ("2.14.0", "note"),
        ("3.0", "note"),
    ],
)
def test_a_pytorch_that_was_not_tested_is_noted(
    version: str, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = ["torchmetrics>=9", "torch>=2.6,<2.14", "numpy>=1.26"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: wanted)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: version)
    finding = find("versions")
    assert finding.state == state
    assert f"PyTorch {version}" in finding.text
    assert ("`pip install 'torch<2.14,>=2.6'`" in finding.advice) is (state == "note")


def test_without_an_installed_package_any_pytorch_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", nowhere)
    assert find("versions").state == "ok"
    monkeypatch.setattr(importlib.metadata, "version", nowhere)
    finding = find("versions")
    assert (finding.state, finding.advice) == ("wrong", "Install it: `pip install 'torch'`.")


# Device and cores


def test_a_gpu_that_pytorch_leaves_out_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    def warn(name: str) -> torch.device:
        warnings.warn("The driver is too old.", stacklevel=1)
        return torch.device("cpu")

    monkeypatch.setattr("lenet.doctor._device.pick_device", warn)
    monkeypatch.setattr("lenet.doctor._device._has_nvidia_driver", lambda: False)
    assert find("device") == Finding("device", "ok", "`auto` takes `cpu`")
    monkeypatch.setattr("lenet.doctor._device._has_nvidia_driver", lambda: True)
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
    monkeypatch.setattr("lenet.doctor._device.pick_device", lambda name: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"GPU {index}")
    monkeypatch.setattr(torch, "ones", lambda *size, device: torch.tensor([1, 1]))
    assert find("device") == Finding("device", "ok", "`auto` takes `cuda`: GPU 0, GPU 1")

    def refuse(*size: int, device: torch.device) -> Tensor:
        message = "CUDA error: no kernel image is available\nCompile with …"
        raise RuntimeError(message)

    monkeypatch.setattr(torch, "ones", refuse)
    finding = find("device")
    assert finding.state == "wrong"
    assert finding.text.endswith("does not compute: CUDA error: no kernel image is available")
    assert "--device cpu" in finding.advice


def test_more_threads_than_cores_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("lenet.doctor._cores._usable_cores", lambda: 1.5)
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
    monkeypatch.setattr("lenet.doctor._cores._OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr("lenet.doctor._cores._CONTROL_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    if own is not None:
        (tmp_path / "own").write_text(own)
    for name, content in files.items():
        path = tmp_path / "groups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    assert _usable_cores() == cores


# Kernels


@pytest.fixture
def set_status(monkeypatch: pytest.MonkeyPatch) -> Callable[[KernelStatus], None]:
    """Let the checks find other kernels than there are, chosen by no variable."""
    monkeypatch.delenv("LENET_INSTRUCTIONS", raising=False)

    def set_it(status: KernelStatus) -> None:
        monkeypatch.setattr("lenet.doctor._kernels.kernel_status", lambda: status)

    return set_it


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        ({"url": "file:///a%20b", "dir_info": {"editable": True}}, "-e '/a b'"),
        ({"url": "file:///lenet", "dir_info": {}}, "/lenet"),
        (
            {"url": "https://host/lenet", "vcs_info": {"vcs": "git", "commit_id": "1f"}},
            "git+https://host/lenet@1f",
        ),
        ({"url": "file:///lenet.whl", "archive_info": {}}, "…, then what you installed it from"),
        (None, "…, then what you installed it from"),
    ],
)
def test_without_kernels_it_says_why_and_what_to_do(
    origin: dict[str, object] | None,
    command: str,
    set_status: Callable[[KernelStatus], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Distribution:
        def read_text(self, name: str) -> str | None:
            return json.dumps(origin) if origin else None

    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: Distribution())
    log = "c++ -O3\navx2: failed (1)\nbaseline: failed (1)\nerror: no room"
    set_status(KernelStatus(None, 0, NO_KERNELS, log))
    finding = find("kernels")
    assert finding.state == "note"
    assert finding.text == f"none, so PyTorch does the work. {NO_KERNELS}"
    assert finding.advice.splitlines()[1:] == [
        f"  pip install --force-reinstall --no-deps --no-cache-dir {command}",
        "The build said:",
        "  avx2: failed (1)",
        "  baseline: failed (1)",
        "  error: no room",
    ]
    assert find("results") == Finding("results", "ok", "PyTorch's own")


def test_kernels_that_were_turned_off_need_no_compiler(
    set_status: Callable[[KernelStatus], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_status(KernelStatus(None, 0, "`LENET_INSTRUCTIONS` is `none`.", ""))
    monkeypatch.setenv("LENET_INSTRUCTIONS", "none")
    finding = find("kernels")
    assert finding.state == "note"
    assert finding.advice == "Unset `LENET_INSTRUCTIONS` for the best that there are."


def test_kernels_are_named_and_what_did_not_compile_is_noted(
    set_status: Callable[[KernelStatus], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_status(KernelStatus("avx2", 8, None, "avx2: compiled"))
    text = "compiled for avx2, 8 images in a vector"
    assert find("kernels") == Finding("kernels", "ok", text)
    set_status(KernelStatus("avx2", 8, None, "avx512: failed (1)\navx2: compiled"))
    finding = find("kernels")
    assert finding.state == "note"
    assert finding.text == f"{text}; could not be compiled for avx512"
    monkeypatch.setenv("LENET_INSTRUCTIONS", "avx2")
    assert find("kernels") == Finding("kernels", "ok", f"{text}; `LENET_INSTRUCTIONS` chooses them")


@needs_kernels
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("print(0.001)", "are 1e-03 of their norm off PyTorch's"),
        ("print('nan')", "numbers that are not finite"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "crashed: Illegal instruction"),
        ("raise MemoryError", "crashed: MemoryError"),
        ("raise SystemExit(3)", "crashed: exit code 3"),
    ],
)
def test_kernels_that_give_wrong_results_or_crash_are_wrong(
    code: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "self_test.py"
    program.write_text(code)
    monkeypatch.setattr(_self_test, "__file__", str(program))
    finding = find("results")
    assert finding.state == "wrong"
    assert words in finding.text
    assert "LENET_INSTRUCTIONS=none" in finding.advice


def test_the_largest_difference_keeps_nan(monkeypatch: pytest.MonkeyPatch) -> None:
    ones = torch.ones(2)
    numbers = {"native": [ones, ones], "torch": [ones, 2 * ones]}
    monkeypatch.setattr(_self_test, "_numbers", numbers.__getitem__)
    assert _self_test.largest_difference() == 0.5
    numbers["native"] = [ones, torch.tensor([1.0, torch.nan])]
    assert str(_self_test.largest_difference()) == "nan"


# Folders


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of data, and the network allowed."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("LENET_DATA", str(folder))
    monkeypatch.delenv("LENET_OFFLINE")
    return folder


def put_dataset(folder: Path, name: str) -> None:
    """Files with the names of a dataset's."""
    (folder / name).mkdir()
    for file in CATALOG[name].files:
        (folder / name / file.name).touch()


def test_the_data_that_are_here_are_named(data: Path) -> None:
    text = "`fashion-mnist`, `mnist`, `kmnist` fetched at first use"
    assert find("data") == Finding("data", "ok", f"none yet in {data} (`LENET_DATA`); {text}")
    put_dataset(data, "mnist")
    (data / "kmnist").mkdir()
    assert find("data").text.startswith("`mnist` in")
    put_dataset(data, "fashion-mnist")
    shutil.rmtree(data / "kmnist")
    put_dataset(data, "kmnist")
    text = f"`fashion-mnist`, `mnist`, `kmnist` in {data} (`LENET_DATA`)"
    assert find("data") == Finding("data", "ok", text)


def test_a_data_folder_that_is_not_there_may_be_a_slip(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data.rmdir()
    assert find("data").state == "note"
    assert not data.exists()
    monkeypatch.delenv("LENET_DATA")
    monkeypatch.setattr("lenet.doctor._storage.data_folder", lambda: data)
    assert find("data").state == "ok"


def test_offline_it_says_what_can_be_had(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LENET_OFFLINE", "1")
    finding = find("data")
    assert finding.state == "note"
    assert "bundled `digits`" in finding.advice
    put_dataset(data, "fashion-mnist")
    finding = find("data")
    assert finding.state == "ok"
    assert "`LENET_OFFLINE` forbids to fetch `mnist`, `kmnist`" in finding.text


def test_a_data_folder_that_cannot_be_written_is_told(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data / "file").touch()
    monkeypatch.setenv("LENET_DATA", str(data / "file"))
    finding = find("data")
    assert finding.state == "wrong"
    assert finding.text.endswith("can't be fetched into it: not a directory")
    monkeypatch.setenv("LENET_DATA", str(data))
    monkeypatch.setattr("lenet.doctor._storage.tempfile.TemporaryFile", fail)
    put_dataset(data, "fashion-mnist")
    finding = find("data")
    assert finding.state == "note", "the tutorial runs"
    assert "LENET_DATA" in finding.advice


def test_a_folder_that_cannot_keep_runs_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find("runs").state == "ok"
    usage = namedtuple("usage", "free")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda folder: usage(2_000_000))
        assert find("runs").state == "note"
    (tmp_path / "runs").touch()
    finding = find("runs")
    assert finding.state == "wrong"
    assert finding.text == f"{tmp_path / 'runs'} can't be written: not a directory"


def test_optional_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def only(*names: str) -> None:
        monkeypatch.setattr("lenet.doctor._peers.find_spec", lambda name: name in names)

    only("jax")
    text = "installed: jax; not installed: onnxruntime (for `lenet bench` alone)"
    assert find("peers") == Finding("peers", "ok", text)
    only()
    assert find("peers").text == "not installed: onnxruntime, jax (for `lenet bench` alone)"


# The command

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


def test_the_command_tells_of_a_broken_pytorch() -> None:
    code = "import sys; sys.modules['torch'] = None; sys.argv = ['lenet', 'doctor', '--json']\n"
    process = subprocess.run(
        [sys.executable, "-c", code + "import lenet.cli; lenet.cli.main()"],
        capture_output=True,
        text=True,
    )
    assert (process.returncode, process.stderr) == (1, "")
    findings = {row["name"]: Finding(**row) for row in json.loads(process.stdout)}
    assert list(findings) == PARTS
    assert "which can't be imported" in findings["versions"].text
    assert "pip install --force-reinstall" in findings["versions"].advice
    wrong = [name for name, finding in findings.items() if finding.state == "wrong"]
    assert wrong == ["versions", "device", "cores", "kernels", "results"]
    assert findings["device"].text == "can't be looked at without PyTorch"
