"""Whether C and NumPy prepare pictures alike, and how long both take.

    python benchmarks/preparation.py [--images 200] [--rounds 3]

Makes some thousand pictures, seeded: MNIST's test digits in the ways of `picture_kinds.py`,
garments, photos, scribbles of all sizes and colours with ruled paper, frames, shadows and noise,
nothing but noise, and pages of symbols. Prints for each kind how many pixels and answers of the
model for digits differ between the two, and the median of milliseconds for a picture, in turns.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from picture_kinds import KINDS, ON_PAPER, as_bytes
from PIL import Image, ImageDraw

import lenet
from lenet.core import EngineName
from lenet.kernels import use_engine
from lenet.pictures import (
    Pixels,
    Preparation,
    PreparedPicture,
    look_at,
    look_at_each,
    read_picture,
)
from lenet.serving import TrainedModel

PHOTOS = Path(__file__).parents[1] / "docs" / "images" / "photos"
SYMBOL = Preparation("symbol", "light-on-dark", margin=4)
IN_COLOUR = Preparation("symbol", "dark-on-light", height=32, width=20, channels=3, margin=2)
OBJECT = Preparation("object", "light-on-dark")
OTHERS = (
    Preparation("object", "dark-on-light", channels=3, margin=3),
    Preparation.plain((1, 28, 28)),
    Preparation("plain", "light-on-dark", height=20, width=30, channels=3),
)
Random = np.random.Generator
See = Callable[[Pixels], list[PreparedPicture]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=200, help="digits of each kind")
    parser.add_argument("--rounds", type=int, default=3, help="of which the medians are taken")
    arguments = parser.parse_args()
    model = lenet.open_model("digits")
    head = f"{'':<40}{'pictures':>9}{'pixels':>12}{'differ':>8}{'by':>4}{'answers':>9}"
    print(f"{head}{'NumPy ms':>10}{'C ms':>8}", flush=True)
    pictures_in_all = 0
    for name, pictures, preparation, many in kinds(arguments.images):
        see = look_at_each if many else once
        first, second, milliseconds = look_in_turns(
            pictures, partial(see, preparation=preparation), arguments.rounds
        )
        counts = compare(first, second)
        answers = 0
        for one, other in zip(first, second, strict=True):
            if one.image.shape == (1, 28, 28) and (one.image != other.image).any():
                given = lenet.predict(model, [one, other])
                answers += given[0].class_name != given[1].class_name
        pictures_in_all += len(pictures)
        told = f"{len(pictures):9,}{counts[0]:12,}{counts[1]:8,}{counts[2]:4}{answers:9}"
        print(f"{name:<40}{told}{milliseconds[0]:10.2f}{milliseconds[1]:8.3f}", flush=True)
    print(f"{'in all':<40}{pictures_in_all:9,}")
    print_answers(model, arguments.images, arguments.rounds)


def print_answers(model: TrainedModel, images: int, rounds: int) -> None:
    """Print how long a warm answer takes where NumPy, or C, prepares the picture."""
    digits = lenet.load_dataset("mnist").require_test().images[:images, 0]

    def answer(pixels: Pixels) -> list[PreparedPicture]:
        return [one.seen for one in lenet.predict(model, pixels)]

    _, _, milliseconds = look_in_turns(list(digits), answer, rounds)
    print(f"{'an answer of lenet.predict':<82}{milliseconds[0]:10.2f}{milliseconds[1]:8.3f}")


def kinds(images: int) -> Iterator[tuple[str, list[Pixels], Preparation, bool]]:
    """Pictures of each kind, how they are prepared, and whether each has many symbols."""
    digits = lenet.load_dataset("mnist").require_test().images[:images, 0] / 255
    for name, draw in (KINDS | ON_PAPER).items():
        pictures = [draw(ink, np.random.default_rng([n, 1])) for n, ink in enumerate(digits)]
        yield name, pictures, SYMBOL, False
    garments = lenet.load_dataset("fashion-mnist").require_test().images[:images, 0]
    for preparation in (OBJECT, *OTHERS):
        way = f"{preparation.method}, {preparation.channels} channels"
        yield f"garments, {way}", list(garments), preparation, False
    drawn = [scribble(np.random.default_rng([n, 2])) for n in range(images)]
    for preparation in (SYMBOL, IN_COLOUR, OBJECT, *OTHERS):
        way = f"{preparation.method}, {preparation.channels} channels"
        yield f"scribbles in colour, {way}", drawn, preparation, False
    for name, disturb in DISTURBED.items():
        grey = [disturb(one.mean(axis=2), np.random.default_rng(n)) for n, one in enumerate(drawn)]
        half = [as_bytes(one if n % 2 else 255 - one) for n, one in enumerate(grey)]
        yield f"scribbles, {name}", half, SYMBOL, False
    random = np.random.default_rng(3)
    shapes = [tuple(random.integers(1, 90, 2)) for _ in range(images)]
    for preparation in (SYMBOL, OBJECT):
        noise = [random.integers(0, 256, shape, dtype=np.uint8) for shape in shapes]
        yield f"noise, {preparation.method}", noise, preparation, False
    photos = [read_picture(file) for file in sorted(PHOTOS.glob("*.jpg"))]
    large = [np.kron(photo, np.ones((4, 4, 1), np.uint8)) for photo in photos[:2]]
    yield "photos", photos, SYMBOL, False
    yield "photos, four times as large", large, SYMBOL, False
    pages = [page(digits, np.random.default_rng([n, 4])) for n in range(images // 10)]
    yield "pages of symbols", pages, SYMBOL, True


def once(pixels: Pixels, preparation: Preparation) -> list[PreparedPicture]:
    """Look at a picture as one."""
    return [look_at(pixels, preparation)]


def look_in_turns(
    pictures: list[Pixels], see: See, rounds: int
) -> tuple[list[PreparedPicture], list[PreparedPicture], tuple[float, float]]:
    """What NumPy sees and what C sees, and the median milliseconds for a picture."""
    engines: tuple[EngineName, EngineName] = ("numpy", "native")
    seen: dict[str, list[PreparedPicture]] = {}
    taken: dict[str, list[float]] = {engine: [] for engine in engines}
    for _ in range(rounds):
        for engine in engines:
            with use_engine(engine):
                seen[engine] = []
                for picture in pictures:
                    start = time.perf_counter()
                    seen[engine] += see(picture)
                    taken[engine].append(1000 * (time.perf_counter() - start))
    first, second = (statistics.median(taken[engine]) for engine in engines)
    return seen["numpy"], seen["native"], (first, second)


def compare(
    first: list[PreparedPicture], second: list[PreparedPicture]
) -> tuple[int, int, int | str]:
    """How many pixels there are, how many differ, and by how much or in what else."""
    if len(first) != len(second):
        return 0, 0, "n"
    pixels, differing, most, rest = 0, 0, 0, ""
    for one, other in zip(first, second, strict=True):
        differences = np.abs(one.image.astype(int) - other.image)
        pixels += differences.size
        differing += int(np.count_nonzero(differences))
        most = max(most, int(differences.max()))
        rest += "b" * (one.box != other.box) + "p" * (one.parts != other.parts)
        rest += "e" * (one.is_blank != other.is_blank)
    return pixels, differing, rest or most


def scribble(random: Random) -> Pixels:
    """Strokes of one colour on another, uint8 (H, W, 3)."""
    height, width = random.integers(20, 350), random.integers(20, 600)
    ground, colour = (tuple(int(part) for part in random.integers(0, 256, 3)) for _ in range(2))
    image = Image.new("RGB", (2 * width, 2 * height), ground)
    pen = ImageDraw.Draw(image)
    thickness = random.uniform(0.01, 0.15) * min(height, width)
    for _ in range(random.integers(1, 4)):
        size, corner = random.uniform(0.3, 0.9), random.random(2)
        points = (corner * (1 - size) + size * random.random((random.integers(2, 7), 2))) * (
            image.size
        )
        pen.line([tuple(point) for point in points], colour, max(1, int(2 * thickness)), "curve")
    return np.asarray(image.resize((int(width), int(height)), Image.Resampling.LANCZOS))


def ruled(grey: np.ndarray, random: Random) -> np.ndarray:
    grey[7::16] -= 40
    return grey


def squared(grey: np.ndarray, random: Random) -> np.ndarray:
    grey[:, 7::16] -= 40
    return ruled(grey, random)


def framed(grey: np.ndarray, random: Random) -> np.ndarray:
    colour = 255 - grey.mean()
    grey[4:7, 4:-4] = grey[-7:-4, 4:-4] = colour
    grey[4:-4, 4:7] = grey[4:-4, -7:-4] = colour
    return grey


def shadowed(grey: np.ndarray, random: Random) -> np.ndarray:
    rows, columns = np.indices(grey.shape)
    dark = rows + columns < 0.45 * sum(grey.shape)
    return np.where(dark, grey / 2, grey) + random.normal(0, 2, grey.shape)


DISTURBED: dict[str, Callable[[np.ndarray, Random], np.ndarray]] = {
    "noisy": lambda grey, random: grey + random.normal(0, random.uniform(1, 15), grey.shape),
    "darker to the right": lambda grey, random: grey * np.linspace(1, 0.4, grey.shape[1]),
    "ruled": ruled,
    "squared": squared,
    "framed": framed,
    "shadowed": shadowed,
}


def page(digits: np.ndarray, random: Random) -> Pixels:
    """Some digits on paper, unevenly lit."""
    height, width = random.integers(200, 900, 2)
    paper = np.zeros((height, width))
    for digit in digits[random.integers(len(digits), size=int(height * width / 15000))]:
        side = int(random.integers(30, 90))
        drawn = np.asarray(Image.fromarray(digit.astype(np.float32)).resize((side, side)))
        top, left = random.integers(0, height - side), random.integers(0, width - side)
        paper[top : top + side, left : left + side] += drawn.clip(0, 1)
    light = np.linspace(1, random.uniform(0.5, 1), width)
    return as_bytes((230 - 190 * paper.clip(0, 1)) * light + random.normal(0, 3, paper.shape))


if __name__ == "__main__":
    main()
