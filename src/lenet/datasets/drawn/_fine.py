"""What is written, again with a finer pen, and one that hardly writes."""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from lenet.datasets.drawn._hands import Random, between, uneven
from lenet.datasets.drawn._pen import Ink

# Up, and on to the right round a pixel.
_AROUND = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))


def with_fine_pen(ink: Ink, random: Random) -> Ink:
    """Strokes of which two to six pixels are taken off each side; every other one fades in places.

    Args:
        ink: float32 (96, 96), 0 to 1.
        random: Decides how much, and where it fades.

    Returns:
        float32 (96, 96), 0 to 1; nothing of it is torn apart.
    """
    kept = thinned(ink > 0.5, int(random.randint(2, 7)))
    grey = Image.fromarray(np.where(kept, np.uint8(255), np.uint8(0)))
    soft = np.asarray(grey.filter(ImageFilter.BoxBlur(1)), np.float32) / np.float32(255)
    fine: Ink = (2 * soft).clip(0, 1)
    if random.random_sample() < 0.5:
        return fine
    dark = (between(random, 0.3, 0.8) + uneven(random, 4)).clip(0, 1)
    return fine * dark.astype(np.float32)


def thinned(drawn: npt.NDArray[np.bool_], layers: int) -> npt.NDArray[np.bool_]:
    """Take layers off all sides, but for what holds the rest together (Zhang and Suen 1984).

    Args:
        drawn: bool (H, W).
        layers: How many pixels are taken off each side, of strokes that are so wide.

    Returns:
        bool (H, W), in as many pieces as before.
    """
    height, width = drawn.shape
    for step in range(2 * layers):
        padded = np.pad(drawn, 1)
        around = np.stack(
            [padded[1 + y : 1 + y + height, 1 + x : 1 + x + width] for y, x in _AROUND]
        )
        count = around.sum(axis=0)
        begins = (~around & np.roll(around, -1, axis=0)).sum(axis=0)
        up, right, down, left = around[::2]
        kept = up & left & (right | down) if step % 2 else right & down & (up | left)
        drawn = drawn & ~((count >= 2) & (count <= 6) & (begins == 1) & ~kept)
    return drawn
