"""The compiled code under the sanitizers: the native/ drivers on random networks and pictures."""

import hashlib
import os
import runpy
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

import lenet.kernels

NATIVE = Path(lenet.kernels.__file__).parent / "native"
DRIVER = Path(__file__).parent / "native" / "driver.cpp"
BUILD = runpy.run_path(str(NATIVE / "build.py"))
# Clang does in ten seconds what takes g++ a minute.
COMPILER = ["clang++"] if shutil.which("clang++") else BUILD["find_compiler"]()
MEMORY = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
THREADS = ["-fsanitize=thread"]
PROGRAMS = {kind: [*MEMORY, *options] for kind, options in BUILD["kinds"]().items()}
PROGRAMS["threads"] = THREADS
SOURCES = {".h", ".c", ".cpp", ".inc"}
RUNS_HERE = {"AVX512": {"avx512", "avx2"}, "AVX2": {"avx2"}}
NETWORKS = 70  # for each kind of processor, all of them different
PATIENCE = 300  # seconds after which a process is taken to hang


def compile_program(source: Path, options: list[str], program: Path) -> str:
    """Compile with the flags of the library, not optimised; gives what went wrong."""
    return run([*command_with(options), "-I", str(NATIVE), str(source), "-o", str(program)])


def command_with(options: list[str]) -> list[str]:
    flags = [flag for flag in BUILD["FLAGS"] if flag != "-O3"] + BUILD["UNITS"]["interface.cpp"]
    return [*COMPILER, *flags, "-O0", "-Werror", *options]


def compile_driver(kind: str, kept: Path) -> tuple[Path, str]:
    """The driver and what went wrong; one is taken that the same compiler made of the same text."""
    version = subprocess.run([*COMPILER, "--version"], capture_output=True, check=True).stdout
    made_of = hashlib.sha256(version + "\0".join(command_with(PROGRAMS[kind])).encode())
    for file in sorted([*DRIVER.parent.rglob("*"), *NATIVE.rglob("*")]):
        if file.suffix in SOURCES:
            made_of.update(file.name.encode() + b"\0" + file.read_bytes())
    program = kept / f"{kind}-{made_of.hexdigest()}"
    if program.exists():
        return program, ""
    for older in kept.glob(f"{kind}-*"):
        older.unlink(missing_ok=True)
    partial = kept / f".{program.name}.{os.getpid()}"
    error = compile_program(DRIVER, PROGRAMS[kind], partial)
    return (program, error) if error else (partial.replace(program), "")


def run(command: list[str]) -> str:
    """Run a program; gives what went wrong."""
    variables = {"ASAN_OPTIONS": "detect_leaks=1", "TSAN_OPTIONS": "halt_on_error=1"}
    result = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        env=os.environ | variables,
    )
    return f"{result.returncode}: {result.stdout}" if result.returncode or result.stdout else ""


@pytest.fixture(scope="module")
def programs(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> dict[str, tuple[Path, str]]:
    """The driver for every kind of processor that this one is, and what the compiler said."""
    if COMPILER is None:
        pytest.skip("no C++ compiler")
    folder = tmp_path_factory.mktemp("sanitizers")
    trivial = folder / "trivial.cpp"
    trivial.write_text("int main() { return 0; }\n")
    for name, options in {"memory": MEMORY, "threads": THREADS}.items():
        program = folder / f"trivial_{name}"
        if error := compile_program(trivial, options, program) or run([str(program)]):
            pytest.skip(f"no sanitizers here: {error}")
    runs = RUNS_HERE.get(torch.backends.cpu.get_cpu_capability(), set()) | {"baseline", "threads"}
    cache = getattr(pytestconfig, "cache", None)  # not there with `-p no:cacheprovider`
    kept = cache.mkdir("sanitizers") if cache else folder
    with ThreadPoolExecutor(2) as executor:
        made = {
            kind: executor.submit(compile_driver, kind, kept) for kind in PROGRAMS if kind in runs
        }
    return {kind: driver.result() for kind, driver in made.items()}


@pytest.fixture
def program(request: pytest.FixtureRequest, programs: dict[str, tuple[Path, str]]) -> str:
    """One of these drivers."""
    if request.param not in programs:
        pytest.skip("this processor can't run it")
    path, error = programs[request.param]
    assert error == ""
    return str(path)


@pytest.mark.parametrize(
    ("program", "seed"),
    [(kind, 1 + place * NETWORKS) for place, kind in enumerate(BUILD["kinds"]())],
    indirect=["program"],
)
def test_no_memory_is_misused_or_lost(program: str, seed: int) -> None:
    assert run([program, "networks", str(seed), str(NETWORKS)]) == ""
    assert run([program, "scarce", str(seed), "10"]) == ""


def test_no_memory_is_misused_for_pictures(
    programs: dict[str, tuple[Path, str]], tmp_path: Path
) -> None:
    assert programs  # there are sanitizers here
    program, strict = tmp_path / "prepare", ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror"]
    sources = [str(DRIVER.with_name("prepare_driver.c")), str(NATIVE / "prepare.c")]
    command = [*COMPILER, "-x", "c", *strict, "-Wconversion", "-O1", *MEMORY, "-I", str(NATIVE)]
    assert run([*command, *sources, "-lm", "-o", str(program)]) == ""
    assert run([str(program), "1", "120"]) == ""


@pytest.mark.parametrize("program", ["threads"], indirect=True)
def test_threads_do_not_race(program: str) -> None:
    assert run([program, "callers", "1", "30"]) == ""
