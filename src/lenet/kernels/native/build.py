"""Compile the CPU kernels: `python src/lenet/kernels/native/build.py` after changing them.

One source is compiled once for each kind of processor, and `lenet.kernels` picks the library that
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
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIBRARIES = HERE.parent / "compiled"
X86 = {
    "avx512": ["-mavx512f", "-mavx512vl", "-mavx512bw", "-mavx512dq", "-mavx2", "-mfma"],
    "avx2": ["-mavx2", "-mfma"],
}
FLAGS = [
    "-std=c++17",
    "-O3",
    "-ffp-contract=fast",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fvisibility=hidden",
    "-fPIC",
    "-shared",
    "-pthread",
    "-Wall",
    "-Wextra",
    "-Wno-ignored-attributes",
]


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
    lines = []
    compiler = find_compiler()
    if compiler is None:
        lines.append("No C++ compiler: none of `$CXX`, c++, g++ and clang++ is here.")
    else:
        processes = {}
        for kind, options in kinds().items():
            library = folder / f"lenet_{kind}{library_suffix()}"
            source = HERE / "interface.cpp"
            command = [*compiler, *FLAGS, *options, str(source), "-o", str(library)]
            lines.append(f"{kind}: {shlex.join([*compiler, *FLAGS, *options])}")
            try:
                processes[kind] = subprocess.Popen(
                    command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
                )
            except OSError as error:  # `$CXX` is not there, or no program
                lines.append(f"{kind}: failed ({error})")
        for kind, process in processes.items():
            output = process.communicate()[0].strip()
            result = "compiled"
            if process.returncode:
                result = f"failed ({process.returncode})"
                (folder / f"lenet_{kind}{library_suffix()}").unlink(missing_ok=True)
            lines.append(f"{kind}: {result}{chr(10) + output if output else ''}")
    return "\n".join(lines)


def kinds() -> dict[str, list[str]]:
    """The kinds of processor to compile for here, each with its options."""
    is_x86 = platform.machine().lower() in {"x86_64", "amd64"}
    return {**(X86 if is_x86 else {}), "baseline": []}


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
