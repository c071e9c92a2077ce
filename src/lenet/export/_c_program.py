"""C code as a program: compiled, measured, and asked for answers, to be compared with PyTorch."""

import os
import platform
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

import numpy as np
import numpy.typing as npt

from lenet.errors import ExportError
from lenet.pictures import Pixels

_HARNESS = Template("""\
#include <stdio.h>

#include "$name.h"

static uint8_t pixels[${NAME}_PIXELS];
static ${name}_scratch scratch;
static float probabilities[${NAME}_CLASSES];

int main(void)
{
    while (fread(pixels, 1, sizeof pixels, stdin) == sizeof pixels) {
        ${name}_probabilities(pixels, &scratch, probabilities);
        fwrite(probabilities, 1, sizeof probabilities, stdout);
        fwrite(scratch.logits, 1, sizeof scratch.logits, stdout);
    }
    return 0;
}
""")
_LONGEST_RUN = 600.0  # seconds, of a program for all images at once
STRICT = ("-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic")
_SMALL = ("-std=c99", "-Os", "-fno-asynchronous-unwind-tables", "-fstack-usage")
_LONGEST_COMPILATION = 300.0  # seconds


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
            ["size", str(thing)],
            check=True,
            capture_output=True,
            text=True,
            timeout=_LONGEST_COMPILATION,
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
            command, capture_output=True, text=True, errors="replace", timeout=_LONGEST_COMPILATION
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        message = f"`{command[0]}` can't be run: {error}"
        raise ExportError(message) from error
    if done.returncode:
        first = next((line for line in done.stderr.splitlines() if "error" in line), "")
        hint = " `CC` must be a compiler for C99." if os.environ.get("CC") else ""
        message = f"`{command[0]}` does not compile the C code: {first.strip()}.{hint}"
        raise ExportError(message)


def harness(name: str) -> str:
    """A C program that reads images and writes probabilities and logits for each.

    Args:
        name: The identifier that the network's names begin with.
    """
    return _HARNESS.substitute(name=name, NAME=name.upper())


@dataclass(frozen=True)
class Program:
    """A compiled harness.

    Attributes:
        path: The program.
        classes: How many probabilities it writes for each image.
    """

    path: Path
    classes: int

    def answers(self, images: Pixels) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint32]]:
        """Run it.

        Args:
            images: uint8 (N, C, H, W).

        Returns:
            Probabilities, float32 (N, classes), and the bits of the logits, uint32 (N, classes).

        Raises:
            ExportError: It can't be run or breaks.
        """
        written = run_program(self.path, np.ascontiguousarray(images).tobytes())
        if len(written) != 8 * self.classes * len(images):
            message = f"The compiled C code answers for fewer than {len(images)} images."
            raise ExportError(message)
        numbers = np.frombuffer(written, np.uint32).reshape(len(images), 2, self.classes)
        return numbers[:, 0].view(np.float32), numbers[:, 1]

    def probabilities(self, images: Pixels) -> npt.NDArray[np.float32]:
        """The probabilities alone."""
        return self.answers(images)[0]


def run_program(path: Path, given: bytes = b"") -> bytes:
    """Run a compiled program.

    Args:
        path: The program.
        given: What it reads.

    Returns:
        What it writes.

    Raises:
        ExportError: It can't be run or breaks.
    """
    try:
        done = subprocess.run([path], input=given, capture_output=True, timeout=_LONGEST_RUN)
    except (OSError, subprocess.TimeoutExpired) as error:
        message = f"The compiled C code can't be run: {error}"
        raise ExportError(message) from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}"
        message = f"The compiled C code breaks: {said}"
        raise ExportError(message)
    return done.stdout
