"""A network as C: written, compiled, run on the test images, and measured."""

import math
import os
import platform
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from string import Template

import numpy as np
import numpy.typing as npt

from lenet.errors import ExportError
from lenet.export._c_arithmetic import float_code, integer_code
from lenet.export._c_files import CNetwork, identifier
from lenet.export._c_quantise import quantise
from lenet.export._c_stages import plan_stages, take_pixels
from lenet.export._trained_network import (
    TOLERANCE,
    Decided,
    Shares,
    TrainedNetwork,
    Written,
)
from lenet.export._windows import with_padding_apart
from lenet.models import NO_ANSWER
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
        const int32_t answer = ${name}_decide(probabilities);
        fwrite(probabilities, 1, sizeof probabilities, stdout);
        fwrite(scratch.logits, 1, sizeof scratch.logits, stdout);
        fwrite(&answer, 1, sizeof answer, stdout);
    }
    return 0;
}
""")
_LONGEST_RUN = 600.0  # seconds, of a program for all images at once
STRICT = ("-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic")
_SMALL = ("-std=c99", "-Os", "-fno-asynchronous-unwind-tables", "-fstack-usage")
_LONGEST_COMPILATION = 300.0
_IMAGES_A_RUN = 1000  # of the program, which looks at one after the other


def write_c(trained: TrainedNetwork, folder: Path, *, int8: bool = False) -> Written:
    """Write a network as a folder with a C99 header, a source, and an example that uses them."""
    compiler, network = find_compiler(), c_network(trained, int8=int8)
    sources, build = folder / "sources", folder / "build"
    sources.mkdir()
    build.mkdir()
    check = build / "check.c"
    check.write_text(harness(network.name), encoding="utf-8")
    source, program = sources / f"{network.name}.c", build / "program"

    def write_and_compile(accuracy: float, example: int, main: Path) -> None:
        for name, content in network.files(accuracy, example).items():
            (sources / name).write_text(content, encoding="utf-8", newline="\n")
        files = f"-I{sources}", str(main), str(source)
        _compile([*compiler, *STRICT, *files, "-lm", "-o", str(program)])

    write_and_compile(trained.accuracy, 0, check)
    answers = Program(program, len(trained.card.class_names))
    shares = answers.probabilities(trained.images)
    accuracy = trained.accuracy_of(shares)
    example = _pick_example(trained, shares)
    write_and_compile(accuracy, example, sources / "example.c")
    check_example(trained, run_program(program), shares[example])
    write_and_compile(accuracy, example, check)
    lost, measured = trained.accuracy - accuracy, measure(compiler, source, build)
    return Written(
        sources,
        answers.run,
        batch_sizes=(1,),
        images_a_run=_IMAGES_A_RUN,
        tolerance=None if int8 else TOLERANCE,
        facts=_facts(network, measured, compiler[0], lost),
    )


write_c_int8 = partial(write_c, int8=True)


def c_network(trained: TrainedNetwork, *, int8: bool) -> CNetwork:
    """A network's stages in C."""
    name, normalisation = identifier(trained.name), trained.card.normalisation
    layers = with_padding_apart(trained.layers())
    if not int8:
        layers = take_pixels(layers, normalisation, trained.card.input_shape)
        codes = list(map(float_code, plan_stages(layers)))
        return CNetwork(name, trained, codes, 1.0, False)
    stages, unit = quantise(plan_stages(layers), trained.calibration_sample, normalisation)
    codes = [integer_code(stage, stage is stages[-1]) for stage in stages]
    return CNetwork(name, trained, codes, unit, True)


def _pick_example(trained: TrainedNetwork, shares: Shares) -> int:
    """The index of the first test image that is answered rightly and surely, if there is one."""
    is_right = shares[:, : len(trained.card.classes)].argmax(axis=1) == trained.labels
    is_sure = trained.decide(shares) == trained.labels
    return int((is_sure if is_sure.any() else is_right).argmax())


def check_example(trained: TrainedNetwork, said: bytes, shares: Shares) -> None:
    """Raise if the example says something else than the network's answer."""
    card = trained.card
    height = card.input_shape[1]  # of the image, which it draws before it answers
    last = said.decode("utf-8", "replace").split("\n", height)[-1]
    (answer,) = trained.decide(shares[None])
    name = card.class_names[answer].partition("\0")[0]  # a string of C ends there
    wanted = "none of the classes" if answer == NO_ANSWER else f"{name}, "
    if not last.startswith(wanted):
        message = f"The example in C says `{last}` where `{wanted}` belongs; nothing is written."
        raise ExportError(message)


def _facts(
    network: CNetwork, measured: tuple[int, int] | None, compiler: str, lost: float
) -> tuple[tuple[str, str], ...]:
    """What a person is told."""
    constants, scratch = network.constants_size, network.scratch_size
    pixels = math.prod(network.trained.card.input_shape)
    flash = f"{_size_text(constants)} of constants"
    memory = f"{_size_text(scratch)} of scratch"
    if measured:
        size, stack = measured
        machine = f"{Path(compiler).name} -Os, {platform.machine()}"
        flash = f"{_size_text(size)}: {flash}, {_size_text(size - constants)} of code ({machine})"
        memory = f"{_size_text(scratch + stack)}: {memory}, at most {stack} bytes of stack"
    return (
        ("flash", flash),
        ("RAM", f"{memory}; the image is {pixels:,} bytes more"),
        ("accuracy lost", f"{100 * lost:.2f} points"),
        ("build", f"cc -std=c99 -O2 example.c {network.name}.c -lm -o example && ./example"),
    )


def _size_text(size: int) -> str:
    """A size for people; 1 kB is 1000 bytes."""
    return f"{size / 1000:.1f} kB" if size >= 1000 else f"{size} bytes"


def find_compiler() -> tuple[str, ...]:
    """The command of a C compiler: what `CC` says, else `cc`, `gcc` or `clang`."""
    try:
        wanted = shlex.split(os.environ.get("CC", ""))
    except ValueError as error:
        message = f"`CC` can't be read: {str(error).lower()}; name a C compiler or unset it."
        raise ExportError(message) from error
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


def measure(compiler: Sequence[str], source: Path, folder: Path) -> tuple[int, int] | None:
    """The bytes of code and constants, and of stack, that a source needs on this machine.

    The stack is that of all functions together, which is never too little as none calls itself.
    Nothing where the compiler or the machine can't tell.
    """
    thing = folder / f"{source.stem}.o"
    try:
        _compile([*compiler, *_SMALL, "-c", str(source), "-o", str(thing)])
        listing = subprocess.run(["size", thing], check=True, capture_output=True, text=True)
        text, data = map(int, listing.stdout.splitlines()[1].split()[:2])
        lines = thing.with_suffix(".su").read_text(encoding="utf-8").splitlines()
        stack = sum(int(line.split("\t")[1]) for line in lines)
    except (ExportError, OSError, ValueError, IndexError, subprocess.SubprocessError):
        return None
    return text + data, stack


def _compile(command: list[str]) -> None:
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
    """A C program that reads images and writes probabilities, logits and the answer for each."""
    return _HARNESS.substitute(name=name, NAME=name.upper())


@dataclass(frozen=True)
class Program:
    """A compiled harness."""

    path: Path  # the program
    classes: int  # how many probabilities it writes for each image, that of `_none` too

    def answers(self, images: Pixels) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint32]]:
        """Probabilities, float32 (N, classes), and the bits of the logits, uint32 (N, classes)."""
        numbers = self._numbers(images)
        return numbers[:, : self.classes].view(np.float32), numbers[:, self.classes : -1]

    def run(self, images: Pixels) -> tuple[npt.NDArray[np.float32], Decided]:
        """The probabilities, and what is answered."""
        numbers = self._numbers(images)
        decided = numbers[:, -1].view(np.int32).astype(np.int64)
        return numbers[:, : self.classes].view(np.float32), decided

    def _numbers(self, images: Pixels) -> npt.NDArray[np.uint32]:
        """All that the program writes, a row for each image."""
        written = run_program(self.path, np.ascontiguousarray(images).tobytes())
        shape = len(images), 2 * self.classes + 1
        if len(written) != 4 * math.prod(shape):
            message = f"The compiled C code answers for fewer than {len(images)} images."
            raise ExportError(message)
        numbers: npt.NDArray[np.uint32] = np.frombuffer(written, np.uint32).reshape(shape).copy()
        return numbers

    def probabilities(self, images: Pixels) -> npt.NDArray[np.float32]:
        """The probabilities alone."""
        return self.answers(images)[0]


def run_program(path: Path, given: bytes = b"") -> bytes:
    """What a compiled program writes for what it is given."""
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
