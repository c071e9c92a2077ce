"""Compiling the kernels where the compiler does not work: the package is installed without them."""

import runpy
import stat
from pathlib import Path

import pytest

import lenet.kernels

BUILD = runpy.run_path(str(Path(lenet.kernels.__file__).parent / "native" / "build.py"))


def compile_with(compiler: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Compile with `$CXX` into a folder; the log's lines."""
    monkeypatch.setenv("CXX", compiler)
    log = BUILD["compile_libraries"](folder)
    assert (folder / "build.log").read_text(encoding="utf-8") == log + "\n"
    return log.splitlines()


def test_a_compiler_that_fails_leaves_a_log_and_no_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = tmp_path / "c++"
    compiler.write_text("#!/bin/sh\necho 'unknown option'\nexit 3\n")
    compiler.chmod(compiler.stat().st_mode | stat.S_IXUSR)
    folder = tmp_path / "compiled"
    lines = compile_with(str(compiler), folder, monkeypatch)
    assert [file.name for file in folder.iterdir()] == ["build.log"]
    for kind in BUILD["kinds"]():
        assert lines[lines.index(f"{kind}: failed (3)") + 1] == "unknown option"


@pytest.mark.parametrize("compiler", ["/nowhere/c++", "/", "   "])
def test_a_compiler_that_does_not_start_leaves_a_log_and_no_library(
    compiler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "compiled"
    lines = compile_with(compiler, folder, monkeypatch)
    assert [file.name for file in folder.iterdir()] == ["build.log"]
    for kind in BUILD["kinds"]():
        assert any(line.startswith(f"{kind}: failed ([Errno ") for line in lines)


def test_without_a_compiler_the_log_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    lines = compile_with("", tmp_path / "compiled", monkeypatch)
    assert lines == ["No C++ compiler: none of `$CXX`, c++, g++ and clang++ is here."]


def test_what_was_there_before_does_not_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_over = tmp_path / "compiled" / "lenet_baseline.so"
    left_over.parent.mkdir()
    left_over.touch()
    compile_with("/nowhere/c++", left_over.parent, monkeypatch)
    assert not left_over.exists()
