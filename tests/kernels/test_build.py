"""Compiling the kernels where the compiler does not work: the package is installed without them."""

import errno
import hashlib
import os
import re
import runpy
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import lenet.kernels
from compiled_kernels import needs_kernels
from lenet.kernels import _library  # where the compiled libraries lie

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


@needs_kernels
def test_what_is_compiled_is_there_with_its_checksums_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _library._path("baseline")
    odd = tmp_path / "a 'b' \"c\" ö"  # what a person's home may be called
    odd.mkdir()
    copies = make_compiler(odd, WRITES_HALF.replace("echo half", f"cat '{made}'"))
    folder = odd / "compiled"
    compile_with(shlex.quote(copies), folder, monkeypatch)
    names = sorted(f"lenet_{kind}{BUILD['library_suffix']()}" for kind in BUILD["kinds"]())
    assert sorted(file.name for file in folder.iterdir()) == ["SHA256SUMS", "build.log", *names]
    digest = hashlib.sha256(made.read_bytes()).hexdigest()
    sums = (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    assert sums == [f"{digest}  {name}" for name in names]


@needs_kernels
@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse what is cut off")
def test_a_compiler_that_dies_and_says_nothing_leaves_no_half_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = f"head -c 300000 '{_library._path('baseline')}'"
    compiler = make_compiler(tmp_path, WRITES_HALF.replace("echo half", half))
    *_, last = compile_with(compiler, tmp_path / "compiled", monkeypatch)
    assert libraries_in(tmp_path / "compiled") == []
    why = "failed (what it made does not work: bus error)"
    assert last == f"Without kernels, because `{compiler}` {why}."


@pytest.mark.parametrize(
    ("compiler", "why"),
    [
        ("/nowhere/c++", f"`/nowhere/c++` can't be run: {os.strerror(errno.ENOENT).lower()}"),
        ("/", f"`/` can't be run: {os.strerror(errno.EACCES).lower()}"),
        ('g++ "-O2', "`CXX` can't be read: no closing quotation"),
    ],
)
def test_a_compiler_that_does_not_start_is_a_reason(
    compiler: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = compile_with(compiler, tmp_path / "compiled", monkeypatch)
    assert lines == [f"Without kernels, because {why}."]
    assert libraries_in(tmp_path / "compiled") == []


@pytest.mark.parametrize("compiler", ["", "  "])
def test_without_a_compiler_the_log_says_so(
    compiler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (line,) = compile_with(compiler, tmp_path / "compiled", monkeypatch)
    assert line == (
        "Without kernels, because there is no C++ compiler: none of `$CXX`, c++, g++ and clang++ "
        "is here."
    )


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("exec sleep 100\n", "--version` does not end"),
        ("[ $1 = --version ] || exec sleep 100\n", "` failed (no end after 0.1 seconds)"),
    ],
)
def test_a_compiler_that_hangs_does_not_hang_the_installation(
    script: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = make_compiler(tmp_path, f"#!/bin/sh\n{script}")
    limits = BUILD["compile_libraries"].__globals__
    monkeypatch.setitem(limits, "PATIENCE", 0.1)
    if "--version" in why:
        monkeypatch.setitem(limits, "FIRST_ANSWER", 0.1)
    *_, last = compile_with(compiler, tmp_path / "compiled", monkeypatch)
    assert last.startswith(f"Without kernels, because `{compiler}")
    assert why in last.replace(" --version", "--version")


def test_what_a_compiler_says_need_be_no_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "#!/bin/sh\nprintf 'error: \\344\\n'; exit 1\n"
    compiler = make_compiler(tmp_path, script)
    *_, last = compile_with(compiler, tmp_path / "compiled", monkeypatch)
    assert (
        last
        == f"Without kernels, because `{compiler}` failed (1): error: \N{REPLACEMENT CHARACTER}."
    )


def test_a_folder_that_cannot_be_made_is_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "compiled"
    why = os.strerror(errno.ENOTDIR).lower()
    assert BUILD["compile_libraries"](folder) == (
        f"Without kernels, because `{folder}` can't be written: {why}."
    )


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
