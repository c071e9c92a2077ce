"""Compile the CPU kernels: `python src/lenet/kernels/native/build.py` after changing them.

One source is compiled once for each kind of processor, and `lenet.kernels` picks the library that
suits the one it runs on. What the compiler said stays in `compiled/build.log`.
"""

import os
import platform
import shlex
import shutil
import subprocess
import sys
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

    What can't be compiled is left out.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
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
            result = "compiled" if process.returncode == 0 else f"failed ({process.returncode})"
            lines.append(f"{kind}: {result}{chr(10) + output if output else ''}")
    log = "\n".join(lines)
    (folder / "build.log").write_text(log + "\n", encoding="utf-8")
    return log


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
