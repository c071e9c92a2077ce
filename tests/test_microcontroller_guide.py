"""The guide to a microcontroller: its five commands, its Python and its C."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from lenet.cli import app
from test_documents import blocks

GUIDE = "docs/guides/microcontroller.md"
needs_cc = pytest.mark.skipif(not shutil.which("cc"), reason="no `cc` on this machine")
# Prints what `shrink` makes of a window of a frame; fails where `look` gives no class.
CAMERA = """
#include <stdio.h>
static uint8_t frame[100 * 120];
int main(void)
{
    uint8_t pixels[SIGNS_PIXELS];
    float probability;
    if (fread(frame, 1, sizeof frame, stdin) != sizeof frame) {
        return 1;
    }
    if (look_at_picture(frame) >= SIGNS_CLASSES) {
        return 2;
    }
    shrink(frame + 8 * 120 + 20, 120, 3, 1, pixels);
    fwrite(pixels, 1, sizeof pixels, stdout);
    return look(pixels, &probability) >= SIGNS_CLASSES;
}
"""


@needs_cc
@pytest.mark.filterwarnings("ignore:Not learning")
def test_its_commands_and_its_code_run(tmp_path: Path) -> None:
    for line in "".join(blocks(GUIDE, "sh")).splitlines():
        if line.startswith("lenet "):
            app(shlex.split(line)[1:], standalone_mode=False)
        else:
            done = subprocess.run(shlex.split(line), capture_output=True, text=True, check=True)
    drawn, answer, rest = done.stdout.rsplit("\n", 2)
    assert len(drawn.splitlines()) == 28
    assert re.fullmatch(r"\d, \d+\.\d %", answer)
    assert not rest
    for block in blocks(GUIDE, "python"):
        exec(block, {})
    (tmp_path / "camera.c").write_text("\n".join([*blocks(GUIDE, "c"), CAMERA]))
    strict = "-std=c99 -Wall -Wextra -Werror -pedantic"
    build = f"cc {strict} -Isigns camera.c signs/signs.c signs/prepare.c -lm -o camera"
    subprocess.run(shlex.split(build), check=True)
    frame = np.random.default_rng(0).integers(0, 256, (100, 120), dtype=np.uint8)
    made = subprocess.run(["./camera"], input=frame.tobytes(), capture_output=True, check=True)
    window = frame[8 : 8 + 84, 20 : 20 + 84].reshape(28, 3, 28, 3).astype(int)
    expected = 255 - window.sum(axis=(1, 3)) // 9
    np.testing.assert_array_equal(np.frombuffer(made.stdout, np.uint8).reshape(28, 28), expected)
