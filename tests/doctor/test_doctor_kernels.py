"""What `lenet doctor` finds of the compiled kernels and their results."""

import importlib.metadata
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from findings import find

from compiled_kernels import needs_kernels
from lenet.core import install_command
from lenet.doctor import Finding, _computing, _self_test  # which runs in a process of its own
from lenet.errors import ModelError
from lenet.kernels import KernelStatus

NO_KERNELS = "The package was installed without compiled kernels."


@pytest.fixture
def set_status(monkeypatch: pytest.MonkeyPatch) -> Callable[[KernelStatus], None]:
    """Let the checks find other kernels than there are, chosen by no variable."""
    monkeypatch.delenv("LENET_INSTRUCTIONS", raising=False)

    def set_it(status: KernelStatus) -> None:
        monkeypatch.setattr("lenet.doctor._computing.kernel_status", lambda: status)

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
        f"  {install_command('--force-reinstall --no-deps --no-cache-dir')} {command}",
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
    set_status(KernelStatus("avx2", 8, None, "avx2: compiled", ("`avx512.so` is damaged.",)))
    finding = find("kernels")
    assert (finding.state, finding.text) == ("note", f"{text}. `avx512.so` is damaged.")
    again = install_command("--force-reinstall")
    assert finding.advice.startswith(f"Install lenet again:\n  {again}")
    set_status(KernelStatus("avx2", 8, None, "avx512: failed (1)\navx2: compiled"))
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
    monkeypatch.setattr(_computing, "_SELF_TEST", (str(program),))
    finding = find("results")
    assert finding.state == "wrong"
    assert words in finding.text
    assert "LENET_INSTRUCTIONS=none" in finding.advice


@needs_kernels
def test_a_pytorch_that_the_kernels_do_not_fit_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = "The compiled kernels do not fit PyTorch 9.9: they compute otherwise."

    def refuse() -> None:
        raise ModelError(reason)

    monkeypatch.setattr("lenet.kernels.check_pytorch", refuse)
    program = tmp_path / "self_test.py"
    program.write_text(f"print({_self_test.compare()!r})")
    monkeypatch.setattr(_computing, "_SELF_TEST", (str(program),))
    advice = "PyTorch computes by itself, with the same results."
    assert find("results") == Finding("results", "note", reason, advice)


def test_the_largest_difference_keeps_nan(monkeypatch: pytest.MonkeyPatch) -> None:
    ones = np.ones(2)
    numbers = {"native": [ones, ones], "torch": [ones, 2 * ones]}
    monkeypatch.setattr(_self_test, "_numbers_in_pytorch", numbers.__getitem__)
    assert _self_test.largest_difference() == 0.5
    numbers["native"] = [ones, np.array([1.0, np.nan])]
    assert str(_self_test.largest_difference()) == "nan"


@needs_kernels
def test_the_kernels_are_compared_with_numpy_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_self_test, "has_torch", lambda: False)
    assert 0 < _self_test.largest_difference() < 1e-5
    monkeypatch.setattr(_self_test, "_IMAGES", 34)  # other images, and so other numbers
    others = _self_test._numbers_of_numpy()
    monkeypatch.setattr(_self_test, "_IMAGES", 33)
    monkeypatch.setattr(_self_test, "_numbers_of_numpy", lambda: [others[0][:33], *others[1:]])
    assert _self_test.largest_difference() > 1e-3


@pytest.mark.parametrize(
    ("native", "torch", "state", "text"),
    [
        (
            True,
            True,
            "ok",
            "`native`, `torch`, `numpy`; `auto` takes `native` on a CPU, and `torch`",
        ),
        (True, False, "ok", "`native`, `numpy`; `auto` takes `native` on a CPU, and `numpy` where"),
        (False, True, "ok", "`torch`, `numpy`; `auto` takes `torch` on a CPU"),
        (False, False, "note", "`numpy`; `auto` takes `numpy` on a CPU"),
    ],
)
def test_the_engines_are_named_and_what_auto_takes(
    native: bool,
    torch: bool,
    state: str,
    text: str,
    set_status: Callable[[KernelStatus], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_status(KernelStatus("avx2", 8, None, "") if native else KernelStatus(None, 0, "None.", ""))
    monkeypatch.setattr(_computing, "has_torch", lambda: torch)
    finding = find("engines")
    assert (finding.state, finding.text[: len(text)]) == (state, text)
    assert ("C++ compiler" in finding.advice) is (state == "note")


def test_without_pytorch_numpy_is_named(
    set_status: Callable[[KernelStatus], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for room in ("_computing", "_examine"):
        monkeypatch.setattr(f"lenet.doctor.{room}.has_torch", lambda: False)
    monkeypatch.setattr(_computing, "_has_nvidia_driver", lambda: False)
    set_status(KernelStatus(None, 0, NO_KERNELS, ""))
    assert find("versions").state == "note"
    assert find("device") == Finding("device", "ok", "`auto` takes `cpu`")
    monkeypatch.setattr(_computing, "_has_nvidia_driver", lambda: True)
    assert install_command("torch") in find("device").advice
    assert find("cores").text.startswith("lenet takes ")
    assert find("kernels").text == f"none, so NumPy does the work. {NO_KERNELS}"
    assert find("results") == Finding("results", "ok", "NumPy's own")
