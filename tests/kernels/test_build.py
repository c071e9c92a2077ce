"""Compiling the kernels where the compiler does not work: the package is installed without them."""

import hashlib
import re
import runpy
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import lenet.kernels

SCRIPT = Path(lenet.kernels.__file__).parent / "native" / "build.py"
BUILD = runpy.run_path(str(SCRIPT))
WRITES_HALF = """#!/bin/sh
while [ "$1" != -o ]; do shift; done
echo half > "$2"
"""


def compile_with(compiler: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Compile with `$CXX` into a folder; the log's lines."""
    monkeypatch.setenv("CXX", compiler)
    log = BUILD["compile_libraries"](folder)
    assert (folder / "build.log").read_text(encoding="utf-8") == log + "\n"
    return log.splitlines()


def make_compiler(folder: Path, script: str) -> str:
    """A program in place of a compiler."""
    compiler = folder / "c++"
    compiler.write_text(script)
    compiler.chmod(compiler.stat().st_mode | stat.S_IXUSR)
    return str(compiler)


def libraries_in(folder: Path) -> list[str]:
    """The names of the libraries that would be loaded from a folder."""
    return sorted(file.name for file in folder.glob("lenet_*"))


def test_a_compiler_that_fails_leaves_a_log_and_no_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = make_compiler(tmp_path, WRITES_HALF + "echo 'unknown option'\nexit 3\n")
    folder = tmp_path / "compiled"
    lines = compile_with(compiler, folder, monkeypatch)
    assert libraries_in(folder) == []
    for kind in BUILD["kinds"]():
        assert lines[lines.index(f"{kind}: failed (3)") + 1] == "unknown option"


def test_a_build_that_is_killed_leaves_no_half_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", make_compiler(tmp_path, WRITES_HALF + "kill -9 $PPID\n"))
    folder = tmp_path / "compiled"
    build = "import pathlib, runpy; from sys import argv; "
    build += "runpy.run_path(argv[1])['compile_libraries'](pathlib.Path(argv[2]))"
    process = subprocess.run([sys.executable, "-c", build, str(SCRIPT), str(folder)])
    assert process.returncode == -9
    assert libraries_in(folder) == []


def test_what_is_compiled_is_there_with_its_checksums_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "compiled"
    compile_with(make_compiler(tmp_path, WRITES_HALF), folder, monkeypatch)
    names = sorted(f"lenet_{kind}{BUILD['library_suffix']()}" for kind in BUILD["kinds"]())
    assert sorted(file.name for file in folder.iterdir()) == ["SHA256SUMS", "build.log", *names]
    digest = hashlib.sha256(b"half\n").hexdigest()
    sums = (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    assert sums == [f"{digest}  {name}" for name in names]


@pytest.mark.parametrize("compiler", ["/nowhere/c++", "/", "   "])
def test_a_compiler_that_does_not_start_leaves_a_log_and_no_library(
    compiler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "compiled"
    lines = compile_with(compiler, folder, monkeypatch)
    assert libraries_in(folder) == []
    for kind in BUILD["kinds"]():
        assert any(line.startswith(f"{kind}: failed ([Errno ") for line in lines)


def test_without_a_compiler_the_log_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    lines = compile_with("", tmp_path / "compiled", monkeypatch)
    assert lines == ["No C++ compiler: none of `$CXX`, c++, g++ and clang++ is here."]


@pytest.mark.parametrize("platform", BUILD["PLATFORMS"])
def test_wheels_have_the_libraries_of_their_platform(platform: str) -> None:
    target = BUILD["elsewhere"](platform)
    system = next(name for name in ("linux", "macos", "win") if name in platform)
    assert target.suffix == {"linux": ".so", "macos": ".dylib", "win": ".dll"}[system]
    is_x86 = platform.endswith(("x86_64", "amd64"))
    assert set(target.kinds) == ({"avx512", "avx2", "baseline"} if is_x86 else {"baseline"})
    zig = target.compiler[-1]
    assert zig.startswith("x86_64-" if is_x86 else "aarch64-")
    oldest = re.search(r"linux_(\d+)_(\d+)|x_(\d+)_(\d+)", platform)
    if oldest and "-musl" not in zig:  # Zig has one musl
        assert zig.endswith(".".join(filter(None, oldest.groups())))


def test_what_was_there_before_does_not_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_over = tmp_path / "compiled" / "lenet_baseline.so"
    left_over.parent.mkdir()
    left_over.touch()
    compile_with("/nowhere/c++", left_over.parent, monkeypatch)
    assert not left_over.exists()
