"""Compile the native core: `python src/lenet/kernels/native/build.py` after changing it.

Every unit is compiled once for each kind of processor, and `lenet.kernels` picks the library that
suits the one it runs on and has its checksum of `compiled/SHA256SUMS`. What the compiler said stays
in `compiled/build.log`. An installation from source takes the compiler of its machine; the wheels
of all platforms are compiled by Zig on one, see `tools/wheels.py`.

Whatever goes wrong, the installation goes on: a library that can't be made, or that does not load
and compute in a process of its own, is left out, and the log says why.
"""

import hashlib
import os
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
LIBRARIES = HERE.parent / "compiled"
SELF_TEST = HERE / "self_test.py"
CPP = ["-x", "c++", "-std=c++17", "-ffp-contract=fast", "-Wno-ignored-attributes"]
# The sources that a library is linked from, each with its language and what only it is compiled
# with. A unit rounds as its own flags say, whatever stands in another.
UNITS = {
    "interface.cpp": CPP,
    "programs.cpp": CPP,
    # Every machine is to give the same pixels, so no product is fused with a sum.
    "prepare.c": ["-x", "c", "-std=c99", "-ffp-contract=off"],
}
FLAGS = [
    "-O3",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fvisibility=hidden",
    "-fPIC",
    "-pthread",
    "-Wall",
    "-Wextra",
]
LINK = ["-shared", "-pthread"]
X86 = {
    "avx512": ["-mavx512f", "-mavx512vl", "-mavx512bw", "-mavx512dq", "-mavx2", "-mfma"],
    "avx2": ["-mavx2", "-mfma"],
}
LEVELS = {"baseline": 0, "avx2": 1, "avx512": 2}  # as `lenet_processor()` has them
SUFFIXES = {"linux": ".so", "macos": ".dylib", "windows": ".dll"}
WITHOUT = "Without kernels, because "  # how a line of the log begins where there is no library
FIRST_ANSWER = 60  # seconds, for a compiler's version
PATIENCE = 1800  # seconds, for a unit or a self-test
# What wheels are built for: the platform in a wheel's name, and what Zig calls it.
PLATFORMS = {
    "manylinux_2_17_x86_64.manylinux2014_x86_64": "x86_64-linux-gnu.2.17",
    "manylinux_2_17_aarch64.manylinux2014_aarch64": "aarch64-linux-gnu.2.17",
    "musllinux_1_2_x86_64": "x86_64-linux-musl",
    "musllinux_1_2_aarch64": "aarch64-linux-musl",
    "macosx_11_0_x86_64": "x86_64-macos.11.0",
    "macosx_11_0_arm64": "aarch64-macos.11.0",
    "win_amd64": "x86_64-windows-gnu",
}


class Target(NamedTuple):
    """What libraries are compiled for, and by what.

    Attributes:
        compiler: The command of a C++ compiler, which takes the units' other languages too; `None`
            where there is none.
        kinds: The kinds of processor, each with its options.
        suffix: How the name of a shared library ends.
        link: What only this compiler links with.
        is_here: Whether this machine runs what is compiled.
    """

    compiler: list[str] | None
    kinds: dict[str, list[str]]
    suffix: str
    link: Sequence[str] = ()
    is_here: bool = False

    def name(self, kind: str) -> str:
        """The file of the library for a kind of processor."""
        return f"lenet_{kind}{self.suffix}"


def this_machine() -> Target:
    """What an installation from source is compiled for."""
    return Target(find_compiler(), kinds(), library_suffix(), is_here=True)


def elsewhere(platform: str) -> Target:
    """What the wheel for one of `PLATFORMS` is compiled for."""
    zig = PLATFORMS[platform]
    processor, system = re.split(r"[-.]", zig)[:2]
    compiler = [sys.executable, "-m", "ziglang", "c++", "-target", zig]
    link = ["-O3", "-s"]  # without the first, Zig links its libraries as they are for debugging
    if system == "linux":  # the C++ library, which is linked in, is nobody else's
        link.append(f"-Wl,--version-script={HERE / 'exports.map'}")
    if system == "macos":  # else it has the path of the folder in which it was linked
        link.append("-Wl,-install_name,@rpath/lenet.dylib")
    return Target(compiler, kinds(processor), SUFFIXES[system], link)


def compile_libraries(folder: Path = LIBRARIES, target: Target | None = None) -> str:
    """Compile the library for every kind of processor; returns the log.

    What can't be compiled is left out. A library is put into its place when it is whole
    and its checksum is written.
    """
    try:
        log = _compile_into(folder, target)
    except _NoKernelsError as error:
        log = f"{WITHOUT}{error}."
    except OSError as error:
        log = f"{WITHOUT}`{folder}` can't be written: {_reason(error)}."
    log = log.encode("utf-8", "backslashreplace").decode()  # a path may be no text
    with suppress(OSError):
        (folder / "build.log").write_text(log + "\n", encoding="utf-8")
    return log


class _NoKernelsError(Exception):
    """Why there are no kernels; never leaves this module."""


def _compile_into(folder: Path, target: Target | None) -> str:
    if os.path.lexists(folder):
        shutil.rmtree(folder)
    folder.mkdir()
    target = target or this_machine()
    with tempfile.TemporaryDirectory(dir=folder) as unfinished:
        log = _compile(target, Path(unfinished))
        libraries = sorted(Path(unfinished).glob("*" + target.suffix))
        sums = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in libraries}
        lines = "".join(f"{digest}  {name}\n" for name, digest in sums.items())
        (folder / "SHA256SUMS").write_text(lines, encoding="utf-8")
        for file in libraries:
            file.replace(folder / file.name)
    return log


def _compile(target: Target, folder: Path) -> str:
    """Compile all that can be compiled into a folder; returns the log."""
    if target.compiler is None:
        message = "there is no C++ compiler: none of `$CXX`, c++, g++ and clang++ is here"
        raise _NoKernelsError(message)
    name = shlex.join(target.compiler).replace(sys.executable, "python")
    _see_whether_it_starts(target.compiler, name)
    with ThreadPoolExecutor() as pool:  # a thread for each process that is waited for
        built = {kind: pool.submit(_build, target, kind, folder) for kind in target.kinds}
    results = {kind: one.result() for kind, one in built.items()}
    lines = [
        f"{kind}: {name} {shlex.join([*FLAGS, *options])}" for kind, options in target.kinds.items()
    ]
    lines += [f"{kind}: {result}" for kind, result in results.items()]
    if all(result.startswith("failed") for result in results.values()):
        first, *said = results["baseline"].splitlines()
        told = next((line for line in (*said, "") if "error" in line), "".join(said[:1])).strip()
        lines.append(f"{WITHOUT}`{name}` {first}{told and f': {told}'}".rstrip(".") + ".")
    return "\n".join(lines)


def _see_whether_it_starts(compiler: list[str], name: str) -> None:
    """Raise where a compiler does not even say its version, or hangs."""
    try:
        subprocess.run([*compiler, "--version"], capture_output=True, timeout=FIRST_ANSWER)
    except subprocess.TimeoutExpired:
        message = f"`{name} --version` does not end"
        raise _NoKernelsError(message) from None
    except (OSError, ValueError) as error:
        message = f"`{name}` can't be run: {_reason(error)}"
        raise _NoKernelsError(message) from None


def commands(target: Target, kind: str, folder: Path) -> list[list[str]]:
    """What compiles the units and links them to a library, to be run one after the other."""
    assert target.compiler is not None
    options, library = target.kinds[kind], folder / target.name(kind)
    objects = [folder / f"{library.stem}_{Path(unit).stem}.o" for unit in UNITS]
    compiling = [
        [*target.compiler, *FLAGS, *flags, *options, "-c", str(HERE / unit), "-o", str(made)]
        for (unit, flags), made in zip(UNITS.items(), objects, strict=True)
    ]
    linking = [*target.compiler, *LINK, *target.link, *map(str, objects)]
    return [*compiling, [*linking, "-o", str(library)]]


def _build(target: Target, kind: str, folder: Path) -> str:
    """Make the library for a kind of processor; returns how that went."""
    library, said = folder / target.name(kind), ""
    for command in commands(target, kind, folder):
        failure, heard = _run(command)
        said += heard
        if failure:
            library.unlink(missing_ok=True)
            return f"failed ({failure}){said}"
    if target.is_here:  # a compiler may say that all went well, and have died
        failure, heard = _run([sys.executable, str(SELF_TEST), str(library), str(LEVELS[kind])])
        if failure:
            library.unlink(missing_ok=True)
            return f"failed (what it made does not work: {failure}){heard}"
    return f"compiled{said}"


def _run(command: list[str]) -> tuple[str, str]:
    """Run a command; returns how it failed, if it did, and what it said on lines of their own."""
    try:
        process = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        return f"no end after {PATIENCE} seconds", ""
    except (OSError, ValueError) as error:
        return _reason(error), ""
    code = process.returncode
    said = process.stdout.decode("utf-8", "replace").rstrip()
    failure = (signal.strsignal(-code) or str(code)).lower() if code < 0 else str(code or "")
    return failure, f"\n{said}" if said else ""


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()


def kinds(processor: str = platform.machine()) -> dict[str, list[str]]:
    """The kinds of a family of processors to compile for, each with its options."""
    is_x86 = processor.lower() in {"x86_64", "amd64"}
    return {**(X86 if is_x86 else {}), "baseline": []}


def find_compiler() -> list[str] | None:
    """The C++ compiler's command: `$CXX`, or the first that is on the path."""
    try:
        if chosen := shlex.split(os.environ.get("CXX", "")):
            return chosen
    except ValueError as error:
        message = f"`CXX` can't be read: {_reason(error)}"
        raise _NoKernelsError(message) from None
    found = next((name for name in ("c++", "g++", "clang++") if shutil.which(name)), None)
    return [found] if found else None


def library_suffix() -> str:
    """How the name of a shared library ends."""
    return {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")


if __name__ == "__main__":
    print(compile_libraries())  # noqa: T201
