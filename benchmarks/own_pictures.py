"""How a digits model does on pictures as people take them, with and without the preparation.

    python benchmarks/own_pictures.py [--model digits] [--images 2000]

Makes pictures from MNIST's test digits, seeded: inverted, moved, of other sizes, unevenly lit, thin
and thick, on coloured ground, photographed on grid paper, and several of these at once. Prints the
accuracy of the model on each as the picture is (shrunk to 28×28) and as `lenet.pictures.prepare`
makes it.
"""

import argparse
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter
from scipy import ndimage

import lenet
from lenet.datasets import Split
from lenet.pictures import Pixels, Preparation, prepare, read_picture
from lenet.serving import Prediction, TrainedModel

Ink = npt.NDArray[np.float64]  # (H, W), 0 for the ground to 1 for ink
Random = np.random.Generator
_LARGE = 112  # pixels: where strokes are made thinner or thicker


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="digits", help="a model for digits")
    parser.add_argument("--images", type=int, default=2000, help="how many of the test digits")
    parser.add_argument("--sheet", type=Path, help="a PNG with examples of each kind")
    parser.add_argument("--only", help="kinds whose names hold this")
    parser.add_argument("--photos", type=Path, help="write example photos into this folder instead")
    arguments = parser.parse_args()
    if arguments.photos:
        write_photos(arguments.photos)
        return
    model = lenet.open_model(arguments.model)
    test = lenet.load_dataset("mnist").require_test().take(np.arange(arguments.images))
    rows = []
    for name, draw in KINDS.items():
        if arguments.only and arguments.only not in name:
            continue
        pictures = [
            draw(image / 255, np.random.default_rng([index, 0]))
            for index, image in enumerate(test.images[:, 0])
        ]
        plain = Preparation.plain(model.card.input_shape)
        accuracies = []
        for preparation in (plain, model.card.preparation):
            images = np.stack([prepare(picture, preparation) for picture in pictures])
            given = model.logits(images).argmax(axis=1)
            accuracies.append(float((given == test.labels).mean()))
        print(f"{name:<42} {accuracies[0]:8.4f} {accuracies[1]:8.4f}", flush=True)
        rows.append(example_row(pictures[:12], model.card.preparation))
    if not arguments.only:
        print_doubts(model, test)
    if arguments.sheet:
        Image.fromarray(np.vstack(rows)).save(arguments.sheet)


def print_doubts(model: TrainedModel, test: Split) -> None:
    """Print which share of pictures gets an answer, of digits and of what is no digit."""
    garments = lenet.load_dataset("fashion-mnist").require_test().images[: len(test), 0]
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (200, 60, 60), dtype=np.uint8)
    paper = as_bytes(random.normal(200, 4, (200, 60, 60)))
    answers = lenet.predict(model, list(test.images[:, 0]))
    rightly = [
        answer
        for answer, label in zip(answers, test.labels, strict=True)
        if answer.top[0][0] == model.card.class_names[label]
    ]
    print(f"{'answered: test digits, of those it knows':<42} {share_answered(rightly):17.4f}")
    for name, pictures in {"garments": garments, "noise": noise, "empty paper": paper}.items():
        answered = share_answered(lenet.predict(model, list(pictures)))
        print(f"{f'answered: {name}':<42} {answered:17.4f}")


def share_answered(answers: list[Prediction]) -> float:
    """The share of answers that are not "none of these"."""
    return float(np.mean([answer.class_name is not None for answer in answers]))


def write_photos(folder: Path) -> None:
    """The photos of docs/images/photos: single digits, and a page of them."""
    test = lenet.load_dataset("mnist").require_test()
    digits = test.images[:, 0] / 255
    for number, index in enumerate((0, 1, 4, 18, 61)):
        picture = photographed(digits[index], np.random.default_rng(number))
        Image.fromarray(picture).save(folder / f"{'abcde'[number]}.jpg", quality=80)
    random = np.random.default_rng(9)
    page = np.zeros((260, 420))
    for place, index in enumerate(range(7, 15)):
        row, column = divmod(place, 4)
        image = Image.fromarray(digits[index].astype(np.float32)).resize((84, 84))
        top, left = (
            25 + 115 * row + random.integers(0, 12),
            20 + 98 * column + random.integers(0, 9),
        )
        page[top : top + 84, left : left + 84] = np.asarray(image) > 0.4
    Image.fromarray(unevenly_lit(page, random)).save(folder / "page.jpg", quality=80)


def example_row(pictures: list[Pixels], preparation: Preparation) -> Pixels:
    """Pictures above what the network sees of them."""
    columns = []
    for picture in pictures:
        seen = prepare(picture, preparation)[0]
        colour = Image.fromarray(picture).convert("RGB").resize((84, 84))
        grey = Image.fromarray(seen).convert("RGB").resize((84, 84), Image.Resampling.NEAREST)
        columns.append(np.vstack([np.asarray(colour), np.asarray(grey)]))
    return np.hstack(columns)


# What is done to the ink, before it is put on a ground.


def moved(ink: Ink, random: Random) -> Ink:
    """Moved by up to 6 pixels either way; what leaves the frame is lost."""
    down, right = random.integers(-6, 7, 2)
    return ndimage.shift(ink, (down, right), order=0)


def at_scale(ink: Ink, side: float, random: Random, frame: int = 28) -> Ink:
    """Drawn so that its longer side has so many pixels, anywhere in the frame."""
    rows, columns = np.flatnonzero(ink.max(axis=1)), np.flatnonzero(ink.max(axis=0))
    drawn = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = side / max(drawn.shape)
    height, width = (max(1, round(size * scale)) for size in drawn.shape)
    method = Image.Resampling.LANCZOS
    resized = Image.fromarray(drawn.astype(np.float32)).resize((width, height), method)
    framed = np.zeros((frame, frame))
    top, left = random.integers(0, frame - height + 1), random.integers(0, frame - width + 1)
    framed[top : top + height, left : left + width] = np.asarray(resized).clip(0, 1)
    return framed


def with_stroke(ink: Ink, change: float) -> Ink:
    """Strokes that are so many pixels of 28 thicker, or thinner."""
    image = Image.fromarray(ink.astype(np.float32))
    large = np.asarray(image.resize((_LARGE, _LARGE), Image.Resampling.BICUBIC)) > 0.5
    factor = _LARGE / 28
    if change > 0:
        distance = ndimage.distance_transform_edt(~large)
        changed = distance <= change / 2 * factor
    else:
        distance = ndimage.distance_transform_edt(large)
        thinned = distance > -change / 2 * factor
        ridge = (distance > 0) & (distance >= ndimage.maximum_filter(distance, 3) - 0.5)
        changed = thinned | ridge  # nothing is torn apart
    small = Image.fromarray(changed.astype(np.float32)).resize((28, 28), Image.Resampling.BOX)
    values = np.asarray(small).astype(np.float64)
    return values / max(values.max(), 1e-6)


# Grounds: ink becomes a picture.


def light_on_dark(ink: Ink, random: Random) -> Pixels:
    """As MNIST has it."""
    return as_bytes(ink * 255)


def dark_on_light(ink: Ink, random: Random) -> Pixels:
    """Black on white paper."""
    return as_bytes(255 - ink * 255)


def unevenly_lit(ink: Ink, random: Random) -> Pixels:
    """Dark ink on paper whose light falls off to a side, down to a half, with some noise."""
    height, width = ink.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    angle = random.uniform(0, 2 * np.pi)
    slope = (np.cos(angle) * y + np.sin(angle) * x) / np.sqrt(2)
    light = 0.75 + 0.25 * slope - 0.1 * (x**2 + y**2) / 2
    reflected = 0.92 - random.uniform(0.55, 0.85) * ink
    noise = random.normal(0, 2, ink.shape)
    return as_bytes(255 * light * reflected + noise)


def coloured(ink: Ink, random: Random) -> Pixels:
    """Ink of one colour on a ground of another, at least 110 apart."""
    while True:
        ground, drawn = random.uniform(0, 255, (2, 3))
        if np.linalg.norm(ground - drawn) >= 110:
            break
    return as_bytes(
        ground + ink[..., None] * (drawn - ground) + random.normal(0, 2, (*ink.shape, 3))
    )


def photographed(ink: Ink, random: Random) -> Pixels:
    """A JPEG photo of 240×320: pen on grid paper, a shadow, blur and noise."""
    side = int(random.integers(70, 190))
    image = Image.fromarray(ink.astype(np.float32)).resize((280, 280), Image.Resampling.BICUBIC)
    drawn = at_scale(np.asarray(image).clip(0, 1) > 0.3, side, random, frame=200)
    page = np.zeros((240, 320))
    top, left = random.integers(10, 30), random.integers(10, 110)
    page[top : top + 200, left : left + 200] = drawn
    spacing, start = int(random.integers(18, 32)), int(random.integers(0, 18))
    lines = np.zeros((240, 320))
    lines[start::spacing] = 1
    lines[:, start::spacing] = 1
    turned = ndimage.rotate(lines, random.uniform(-3, 3), reshape=False, order=1, mode="wrap")
    y, x = np.mgrid[0:1:240j, 0:1:320j]
    light = 1 - 0.35 * (x * random.uniform(0, 1) + y * random.uniform(0, 1))
    paper = np.array([238, 236, 228.0])
    line_colour, pen = np.array([170, 190, 220.0]), np.array([40, 45, 80.0])
    colour = paper + turned[..., None] * (line_colour - paper)
    colour = colour + page[..., None] * (pen - colour)
    picture = Image.fromarray(
        as_bytes(colour * light[..., None] + random.normal(0, 4, (240, 320, 3)))
    )
    file = io.BytesIO()
    picture.filter(ImageFilter.GaussianBlur(0.8)).save(file, "JPEG", quality=70)
    return read_picture(file.getvalue())


def as_bytes(values: npt.NDArray[np.float64]) -> Pixels:
    """Rounded to 0 … 255."""
    return np.rint(values).clip(0, 255).astype(np.uint8)


KINDS: dict[str, Callable[[Ink, Random], Pixels]] = {
    "as in the test set": light_on_dark,
    "inverted": dark_on_light,
    "moved by up to 6 pixels": lambda i, r: light_on_dark(moved(i, r), r),
    "at half size": lambda i, r: light_on_dark(at_scale(i, 10, r), r),
    "filling the frame": lambda i, r: light_on_dark(at_scale(i, 28, r), r),
    "unevenly lit": unevenly_lit,
    "thin": lambda i, r: light_on_dark(with_stroke(i, -1.2), r),
    "thick": lambda i, r: light_on_dark(with_stroke(i, 1.5), r),
    "on coloured ground": coloured,
    "inverted, moved, half size": lambda i, r: dark_on_light(at_scale(i, 10, r), r),
    "inverted, filling the frame": lambda i, r: dark_on_light(at_scale(i, 28, r), r),
    "moved, unevenly lit": lambda i, r: unevenly_lit(moved(i, r), r),
    "half size, unevenly lit": lambda i, r: unevenly_lit(at_scale(i, 10, r), r),
    "thick, half size, inverted": lambda i, r: dark_on_light(at_scale(with_stroke(i, 1), 10, r), r),
    "thin, inverted, moved": lambda i, r: dark_on_light(moved(with_stroke(i, -1), r), r),
    "coloured, moved": lambda i, r: coloured(moved(i, r), r),
    "coloured, half size": lambda i, r: coloured(at_scale(i, 10, r), r),
    "photographed on grid paper": photographed,
    "thin, photographed on grid paper": lambda i, r: photographed(with_stroke(i, -1), r),
}

if __name__ == "__main__":
    main()
