"""A C network as a program that answers for images, so that it can be compared with PyTorch."""

import subprocess
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
_LONGEST = 600.0  # seconds for all images at once


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
        done = subprocess.run([path], input=given, capture_output=True, timeout=_LONGEST)
    except (OSError, subprocess.TimeoutExpired) as error:
        message = f"The compiled C code can't be run: {error}"
        raise ExportError(message) from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}"
        message = f"The compiled C code breaks: {said}"
        raise ExportError(message)
    return done.stdout
