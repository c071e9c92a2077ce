"""The page makes the same image of a picture as `lenet.pictures`, whose core it holds, does."""

import io
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pytest
from page_functions import call_page
from PIL import Image, ImageDraw

from drawn_digits import photo
from lenet.datasets import Dataset
from lenet.pictures import Pixels, Preparation, PreparedPicture, look_at, read_picture
from lenet.playground import bundled_examples

SYMBOL = Preparation("symbol", "light-on-dark", margin=4)
OBJECT = Preparation("object", "light-on-dark")
PREPARATIONS = (
    SYMBOL,
    Preparation("symbol", "dark-on-light", height=32, width=20, channels=3, margin=2),
    OBJECT,
    Preparation("object", "dark-on-light", channels=3, margin=3),
    Preparation.plain((1, 28, 28)),
    Preparation("plain", "light-on-dark", height=20, width=30, channels=3),
)
PHOTOS = Path(__file__).parents[2] / "docs" / "images" / "photos"

LOOK = """
const cases = JSON.parse(new TextDecoder().decode(inputs.cases));
return cases.map(({ name, start, width, height, channels, preparation }) => {
  const data = inputs.pixels.subarray(start, start + width * height * channels);
  const { image, ...seen } = lookAt(core, { data, width, height, channels }, preparation);
  return { name, image: [...image], ...seen };
});
"""


@dataclass(frozen=True)
class Picture:
    """A picture as the page has it, and as Python reads it."""

    name: str
    pixels: np.ndarray
    read: Pixels
    preparations: tuple[Preparation, ...] = PREPARATIONS


def drawn(name: str, pixels: np.ndarray, *preparations: Preparation) -> Picture:
    """A picture that both have as the same pixels."""
    pixels = np.ascontiguousarray(pixels.clip(0, 255).round().astype(np.uint8))
    return Picture(name, pixels, pixels, preparations or PREPARATIONS)


def look_in_page(pictures: list[Picture], browser: bool | None = None) -> list[dict]:
    """What the page sees of each picture, for each of its preparations."""
    cases, start = [], 0
    for picture in pictures:
        height, width, *channels = picture.pixels.shape
        for preparation in picture.preparations:
            cases.append(
                {
                    "name": picture.name,
                    "start": start,
                    "height": height,
                    "width": width,
                    "channels": channels[0] if channels else 1,
                    "preparation": asdict(preparation),
                }
            )
        start += picture.pixels.size
    pixels = b"".join(picture.pixels.tobytes() for picture in pictures)
    inputs = {"cases": json.dumps(cases).encode(), "pixels": pixels}
    found: list[dict] = call_page(LOOK, inputs, browser=browser)
    return found


def differences(seen: PreparedPicture, found: dict) -> str:
    """In what a page's view differs from Python's; nothing where they agree."""
    image = np.array(found["image"]).reshape(seen.image.shape)
    levels = int(np.abs(image - seen.image.astype(int)).max())
    told = [f"{levels} levels"] if levels else []  # the core gives each machine the same pixels
    told += ["blank"] if found["isBlank"] != seen.is_blank else []
    told += ["parts"] if found["parts"] != seen.parts else []
    told += [] if np.allclose(found["box"], seen.box, atol=1e-9) else ["box"]
    return ", ".join(told)


def check(pictures: list[Picture], browser: bool | None = None) -> None:
    """Raise if the page sees a picture otherwise than Python."""
    found = iter(look_in_page(pictures, browser))
    wrong = [
        f"{picture.name}, {preparation.method}: {told}"
        for picture in pictures
        for preparation in picture.preparations
        if (told := differences(look_at(picture.read, preparation), next(found)))
    ]
    assert not wrong, wrong


@pytest.mark.parametrize("browser", [False, True])
def test_photos_and_drawn_digits(browser: bool) -> None:
    photos = [drawn(file.name, read_picture(file), SYMBOL) for file in PHOTOS.glob("*.jpg")]
    assert photos
    digits = [
        drawn(f"{digit}, {width} wide", photo(digit, width=width), SYMBOL)
        for digit in range(10)
        for width in (2, 9, 22)
    ]
    check([*photos, *digits], browser)


def test_every_preparation_of_images_as_datasets_have_them(digits: Dataset) -> None:
    handwriting = digits.test.images[:60, 0]
    garments = bundled_examples("fashion").images[:, 0]
    check([drawn(f"digit {n}", image) for n, image in enumerate(handwriting)])
    check([drawn(f"garment {n}", image) for n, image in enumerate(garments)])


def scribble(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Strokes of one colour on another, float (H, W, 3)."""
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
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS), np.float64)


def ruled(grey: np.ndarray, random: np.random.Generator) -> np.ndarray:
    grey[7::16] -= 40
    return grey


def squared(grey: np.ndarray, random: np.random.Generator) -> np.ndarray:
    grey[7::16] -= 40
    grey[:, 7::16] -= 40
    return grey


def framed(grey: np.ndarray, random: np.random.Generator) -> np.ndarray:
    colour = 255 - grey.mean()
    grey[4:7, 4:-4] = grey[-7:-4, 4:-4] = colour
    grey[4:-4, 4:7] = grey[4:-4, -7:-4] = colour
    return grey


def shadowed(grey: np.ndarray, random: np.random.Generator) -> np.ndarray:
    rows, columns = np.indices(grey.shape)
    dark = rows + columns < 0.45 * sum(grey.shape)
    return np.where(dark, grey / 2, grey) + random.normal(0, 2, grey.shape)


DISTURBED: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "noisy": lambda grey, random: grey + random.normal(0, random.uniform(1, 15), grey.shape),
    "darker to the right": lambda grey, random: grey * np.linspace(1, 0.4, grey.shape[1]),
    "ruled": ruled,
    "squared": squared,
    "framed": framed,
    "shadowed": shadowed,
}


def test_scribbles_of_all_sizes_and_colours_on_all_grounds() -> None:
    random = np.random.default_rng(0)
    pictures = []
    for number in range(4):
        height, width = random.integers(20, 350), random.integers(20, 600)
        colour = scribble(random, height, width)
        grey = colour.mean(axis=2)
        pictures.append(drawn(f"{number} in colour", colour))
        for disturbance, disturb in DISTURBED.items():
            disturbed = disturb(grey.copy(), random)
            pictures.append(drawn(f"{number} {disturbance}", disturbed, SYMBOL))
            pictures.append(drawn(f"{number} {disturbance}, inverted", 255 - disturbed, SYMBOL))
    check(pictures)


def test_symmetric_symbols_are_not_put_by_chance() -> None:
    random = np.random.default_rng(1)
    pictures = []
    for number in range(60):
        height, width = random.integers(10, 200, 2)
        across = np.abs(np.arange(width) - (width - 1) / 2) / (width * random.uniform(0.2, 0.45))
        down = np.abs(np.arange(height) - (height - 1) / 2) / (height * random.uniform(0.2, 0.45))
        far = np.maximum.outer(down, across) if number % 2 else np.hypot.outer(down, across)
        ring = (far < 1) & (far > random.uniform(0, 0.9))
        pictures.append(drawn(f"ring {number}", np.where(ring, 30, 220), SYMBOL))
    check(pictures)


@pytest.mark.parametrize(
    "shape",
    [(1, 1), (1, 5), (5, 1), (2, 2), (3, 3), (20, 3000), (3000, 20), (7, 7, 3), (64, 65, 3)],
)
def test_pictures_of_odd_sizes(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(2)
    noise = drawn("noise", random.integers(0, 256, shape))
    uniform = drawn("uniform", np.full(shape, 77))
    check([noise, uniform])


def canvas(image: Image.Image, name: str) -> Picture:
    """A picture that the page has from a canvas, and Python from a file."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return Picture(name, np.asarray(image), read_picture(file.getvalue()))


def test_what_is_transparent_is_put_on_a_ground() -> None:
    random = np.random.default_rng(3)
    pictures = []
    for number in range(16):
        size = tuple(int(side) for side in random.integers(30, 300, 2))
        ground = (0, 0, 0, 0) if number % 2 else (255, 255, 255, 255)
        image = Image.new("RGBA", size, ground)
        points = [tuple(point) for point in random.random((5, 2)) * size]
        grey = int(random.integers(0, 256))
        colour = (grey,) * 3 if number % 3 else tuple(int(c) for c in random.integers(0, 256, 3))
        opacity = int(random.integers(60, 256))
        pen = ImageDraw.Draw(image)
        pen.line(points, (*colour, opacity), int(random.integers(1, 25)), "curve")
        pictures.append(canvas(image, f"canvas {number}"))
    check(pictures)


def test_a_network_of_two_channels_takes_no_pictures() -> None:
    body = """
    const picture = { data: new Uint8Array(4), width: 2, height: 2, channels: 1 };
    try {
      lookAt(core, picture, { method: "plain", channels: 2 });
    } catch (error) {
      return error.message;
    }
    """
    assert call_page(body) == "A picture has 1 or 3 channels, not the 2 of this network."
