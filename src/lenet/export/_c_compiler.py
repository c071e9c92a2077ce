"""A C compiler: found, asked to compile, and what came out measured."""

import os
import platform
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from lenet.errors import ExportError

STRICT = ("-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic")
_SMALL = ("-std=c99", "-Os", "-fno-asynchronous-unwind-tables", "-fstack-usage")
_LONGEST = 300.0  # seconds of a compilation


def find_compiler() -> tuple[str, ...]:
    """The command of a C compiler: what `CC` says, else `cc`, `gcc` or `clang`.

    Raises:
        ExportError: There is none.
    """
    wanted = shlex.split(os.environ.get("CC", ""))
    if wanted:
        if shutil.which(wanted[0]) is None:
            message = f"`CC` is `{wanted[0]}`, which is not there; name a C compiler or unset it."
            raise ExportError(message)
        return tuple(wanted)
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name):
            return (name,)
    message = (
        "An export to C is compiled and run before it is kept, and there is no C compiler: install "
        "`gcc` or `clang` (Debian: `apt install gcc libc6-dev`, macOS: `xcode-select --install`), "
        "or name one in `CC`."
    )
    raise ExportError(message)


def compile_program(
    compiler: Sequence[str], sources: Sequence[Path], output: Path, flags: Sequence[str] = STRICT
) -> None:
    """Compile sources into a program.

    Args:
        compiler: Its command.
        sources: C files.
        output: The program.
        flags: What the compiler is told besides.

    Raises:
        ExportError: It does not compile.
    """
    _compile([*compiler, *flags, *map(str, sources), "-lm", "-o", str(output)])


def measure(compiler: Sequence[str], source: Path, folder: Path) -> tuple[int, int] | None:
    """The bytes of code and constants, and of stack, that a source needs on this machine.

    Args:
        compiler: Its command.
        source: A C file.
        folder: Where the compiler may write.

    Returns:
        Flash, and the stack of all functions together, which is never too little as no function
        calls itself; nothing where the compiler or the machine can't tell.
    """
    thing = folder / f"{source.stem}.o"
    try:
        _compile([*compiler, *_SMALL, "-c", str(source), "-o", str(thing)])
        listing = subprocess.run(
            ["size", str(thing)], check=True, capture_output=True, text=True, timeout=_LONGEST
        )
        text, data = map(int, listing.stdout.splitlines()[1].split()[:2])
        lines = thing.with_suffix(".su").read_text(encoding="utf-8").splitlines()
        stack = sum(int(line.split("\t")[1]) for line in lines)
    except (ExportError, OSError, ValueError, IndexError, subprocess.SubprocessError):
        return None
    return text + data, stack


def describe_compiler(compiler: Sequence[str]) -> str:
    """The compiler's command and the machine that it compiles for, for people."""
    return f"{Path(compiler[0]).name} -Os, {platform.machine()}"


def _compile(command: list[str]) -> None:
    """Run a compiler."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_LONGEST
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        message = f"`{command[0]}` can't be run: {error}"
        raise ExportError(message) from error
    if done.returncode:
        first = next((line for line in done.stderr.splitlines() if "error" in line), "")
        hint = " `CC` must be a compiler for C99." if os.environ.get("CC") else ""
        message = f"`{command[0]}` does not compile the C code: {first.strip()}.{hint}"
        raise ExportError(message)
