"""Whether a picture becomes the same image in Python, on a page and on a board.

    python benchmarks/preparation_everywhere.py [--images 200]

Takes the pictures of `preparation.py` that are looked at as one through NumPy, the library here,
the WebAssembly of pages in Node.js or a browser, and the C that an export holds, compiled by the
compiler here as C99 alone. Prints for each kind how many pixels of each differ from NumPy's, and
how many answers of the model for digits.
"""

import argparse
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from preparation import kinds

import lenet
from lenet.core import EngineName
from lenet.kernels import preparation_sources, use_engine, web_core
from lenet.pictures import Pixels, Preparation, look_at, preparation_numbers
from lenet.playground import find_javascript_engine, page_script

Images = list[np.ndarray]
MOST = 2**24  # bytes that go to another program at once
IN_PAGE = """
const core = await openCore(inputs.core);
const numbers = new DataView(inputs.pictures.buffer);
const made = [];
for (let place = 0; place < inputs.pictures.length; ) {
  const read = Array.from({ length: 9 }, (_, n) => numbers.getInt32(place + 4 * n, true));
  const [sizes, preparation] = [read.slice(0, 3), read.slice(3)];
  const bytes = sizes[0] * sizes[1] * sizes[2];
  const size = preparation[2] * preparation[3] * preparation[4];
  core.borrow(() => {
    const described = core.place(Int32Array.from(preparation));
    const pixels = core.place(inputs.pictures.subarray(place + 36, place + 36 + bytes));
    const scratch = core.take(core.call("prepare_scratch", ...sizes, described, 0));
    const [image, seen] = [core.take(size), core.take(32)];
    core.call("prepare", pixels, ...sizes, described, scratch, image, seen);
    made.push(...core.bytes(image, size));
  });
  place += 36 + bytes;
}
return Uint8Array.from(made);
"""
ON_BOARD = """
#include <stdio.h>
#include <stdlib.h>
#include "prepare.h"

int main(void)
{
  int32_t read[9];
  while (fread(read, sizeof read, 1, stdin) == 1) {
    const size_t bytes = (size_t)read[0] * (size_t)read[1] * (size_t)read[2];
    const size_t size = (size_t)read[5] * (size_t)read[6] * (size_t)read[7];
    const int32_t room = lenet_prepare_scratch(read[0], read[1], read[2], read + 3, 0);
    uint8_t *pixels = malloc(bytes), *image = malloc(size);
    void *scratch = malloc((size_t)room);
    int32_t seen[LENET_SEEN_NUMBERS];
    if (!room || !pixels || !image || !scratch || fread(pixels, bytes, 1, stdin) != 1) return 1;
    lenet_prepare(pixels, read[0], read[1], read[2], read + 3, scratch, image, seen);
    if (fwrite(image, size, 1, stdout) != 1) return 1;
    free(pixels), free(image), free(scratch);
  }
  return 0;
}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=200, help="digits of each kind")
    images = parser.parse_args().images
    compiler = shutil.which("gcc") or shutil.which("cc") or sys.exit("There is no C compiler.")
    engine, model = find_javascript_engine(), lenet.open_model("digits")
    script = page_script("native_core.js") + IN_PAGE
    with tempfile.TemporaryDirectory() as folder:
        board = compile_board(compiler, Path(folder))
        ways: dict[str, Callable[[list[Pixels], Preparation], Images]] = {
            "library": lambda pictures, preparation: look(pictures, preparation, "native"),
            f"page ({engine.name})": lambda pictures, preparation: elsewhere(
                pictures,
                preparation,
                lambda sent: engine.run(script, {"core": web_core("answering"), "pictures": sent}),
            ),
            "board": lambda pictures, preparation: elsewhere(
                pictures,
                preparation,
                lambda sent: subprocess.run(board, input=sent, stdout=-1, check=True).stdout,
            ),
        }
        print(f"{'':<40}{'pictures':>9}{'pixels':>12}", *(f"{way:>14}" for way in ways))
        in_all, differing = 0, dict.fromkeys(ways, np.zeros(2, int))
        for name, pictures, preparation, many in kinds(images):
            if many:
                continue
            expected = look(pictures, preparation, "numpy")
            in_all += len(pictures)
            told = f"{len(pictures):9,}{len(pictures) * expected[0].size:12,}"
            for way, prepare in ways.items():
                made = prepare(pictures, preparation)
                pixels = sum(
                    int(np.count_nonzero(one != other))
                    for one, other in zip(expected, made, strict=True)
                )
                answers = 0
                if expected[0].shape == (1, 28, 28):
                    logits = [model.probabilities(np.stack(each)) for each in (expected, made)]
                    first, second = (one.argmax(axis=1) for one in logits)
                    answers = int(np.count_nonzero(first != second))
                differing[way] = differing[way] + (pixels, answers)
                told += f"{pixels:9,}, {answers:4}"
            print(f"{name:<40}{told}", flush=True)
    for way, (pixels, answers) in differing.items():
        print(f"{way}: of {in_all:,} pictures {pixels} pixels and {answers} answers differ")


def compile_board(compiler: str, folder: Path) -> Path:
    """The program that prepares by the C of an export."""
    for name, source in {**preparation_sources(), "main.c": ON_BOARD}.items():
        (folder / name).write_text(source, encoding="utf-8")
    strict = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O2"]
    sources = [folder / "main.c", folder / "prepare.c"]
    subprocess.run([compiler, *strict, *sources, "-lm", "-o", folder / "board"], check=True)
    return folder / "board"


def look(pictures: list[Pixels], preparation: Preparation, engine: EngineName) -> Images:
    """The images that an engine makes."""
    with use_engine(engine):
        return [look_at(picture, preparation).image for picture in pictures]


def elsewhere(
    pictures: list[Pixels], preparation: Preparation, prepare: Callable[[bytes], bytes]
) -> Images:
    """The images that another program makes of pictures after each other."""
    made = b"".join(prepare(sent) for sent in in_pieces(pictures, preparation))
    shape = preparation.channels, preparation.height, preparation.width
    return list(np.frombuffer(made, np.uint8).reshape(len(pictures), *shape))


def in_pieces(pictures: list[Pixels], preparation: Preparation) -> Iterator[bytes]:
    """Pictures with their sizes and the preparation before each."""
    numbers, piece = preparation_numbers(preparation), b""
    for picture in pictures:
        height, width, channels = np.atleast_3d(picture).shape
        piece += struct.pack("<9i", height, width, channels, *numbers) + picture.tobytes()
        if len(piece) > MOST:
            yield piece
            piece = b""
    if piece:
        yield piece


if __name__ == "__main__":
    main()
