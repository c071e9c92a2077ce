"""Compile the native core: `python src/lenet/kernels/native/build.py` after changing it.

Every unit is compiled once for each kind of processor, and `lenet.kernels` picks the library that
suits the one it runs on and has its checksum of `compiled/SHA256SUMS`. What the compiler said stays
in `compiled/build.log`.
"""

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIBRARIES = HERE.parent / "compiled"
# The sources that a library is linked from, each with its language and what only it is compiled
# with. A unit rounds as its own flags say, whatever stands in another.
UNITS = {
    "interface.cpp": [
        *("-x", "c++", "-std=c++17"),
        "-ffp-contract=fast",
        "-Wno-ignored-attributes",
    ],
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


def compile_libraries(folder: Path = LIBRARIES) -> str:
    """Compile the library for every kind of processor of this family; returns the log.

    What can't be compiled is left out. A library is put into its place when it is whole
    and its checksum is written.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with tempfile.TemporaryDirectory(dir=folder) as unfinished:
        log = _compile(Path(unfinished))
        libraries = sorted(Path(unfinished).glob("*" + library_suffix()))
        sums = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in libraries}
        lines = "".join(f"{digest}  {name}\n" for name, digest in sums.items())
        (folder / "SHA256SUMS").write_text(lines, encoding="utf-8")
        for file in libraries:
            file.replace(folder / file.name)
    (folder / "build.log").write_text(log + "\n", encoding="utf-8")
    return log


def _compile(folder: Path) -> str:
    """Compile all that can be compiled into a folder; returns the log."""
    compiler = find_compiler()
    if compiler is None:
        return "No C++ compiler: none of `$CXX`, c++, g++ and clang++ is here."
    with ThreadPoolExecutor() as pool:  # a thread for each process that is waited for
        built = [
            pool.submit(_build, commands(compiler, options, folder / _name(kind)))
            for kind, options in kinds().items()
        ]
    lines = [
        f"{kind}: {shlex.join([*compiler, *FLAGS, *options])}" for kind, options in kinds().items()
    ]
    lines += [f"{kind}: {one.result()}" for kind, one in zip(kinds(), built, strict=True)]
    return "\n".join(lines)


def commands(compiler: list[str], options: list[str], library: Path) -> list[list[str]]:
    """What compiles the units and links them to a library, to be run one after the other."""
    objects = [library.with_name(f"{library.stem}_{Path(unit).stem}.o") for unit in UNITS]
    compiling = [
        [*compiler, *FLAGS, *flags, *options, "-c", str(HERE / unit), "-o", str(made)]
        for (unit, flags), made in zip(UNITS.items(), objects, strict=True)
    ]
    return [*compiling, [*compiler, *LINK, *options, *map(str, objects), "-o", str(library)]]


def _build(commands: list[list[str]]) -> str:
    """Run commands, the last of which writes a library; returns how that went."""
    said = ""
    for command in commands:
        try:
            process = subprocess.run(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        except OSError as error:  # `$CXX` is not there, or no program
            return f"failed ({error})"
        said += f"\n{process.stdout}".rstrip()
        if process.returncode:
            Path(commands[-1][-1]).unlink(missing_ok=True)
            return f"failed ({process.returncode}){said}"
    return f"compiled{said}"


def kinds() -> dict[str, list[str]]:
    """The kinds of processor to compile for here, each with its options."""
    is_x86 = platform.machine().lower() in {"x86_64", "amd64"}
    return {**(X86 if is_x86 else {}), "baseline": []}


def _name(kind: str) -> str:
    """The file of the library for a kind of processor."""
    return f"lenet_{kind}{library_suffix()}"


def find_compiler() -> list[str] | None:
    """The C++ compiler's command: `$CXX`, or the first that is on the path."""
    if chosen := os.environ.get("CXX"):
        return shlex.split(chosen)
    found = next((name for name in ("c++", "g++", "clang++") if shutil.which(name)), None)
    return [found] if found else None


def library_suffix() -> str:
    """How the name of a shared library ends."""
    return {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")


if __name__ == "__main__":
    print(compile_libraries())  # noqa: T201
