"""Pictures of digits as people take them, made from MNIST's ink, seeded.

`KINDS` draw on what they are given of MNIST; `ON_PAPER` draw it large, with what is on paper or
beside it; `LABELLED` draw a digit of their own. `own_pictures.py` measures how they are read.
"""

import io
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

from lenet.pictures import Pixels, read_picture

Ink = npt.NDArray[np.float64]  # (H, W), 0 for the ground to 1 for ink
Random = np.random.Generator
_LARGE = 112  # pixels: where strokes are made thinner or thicker
_PAPER = 150  # pixels of each side of a picture in which a digit is drawn large


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


def falling_light(shape: tuple[int, ...], random: Random) -> Ink:
    """Light that falls off to a side, down to a half, and to all corners."""
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    angle = random.uniform(0, 2 * np.pi)
    slope = (np.cos(angle) * y + np.sin(angle) * x) / np.sqrt(2)
    return 0.75 + 0.25 * slope - 0.1 * (x**2 + y**2) / 2


def unevenly_lit(ink: Ink, random: Random) -> Pixels:
    """Dark ink on paper whose light falls off to a side, down to a half, with some noise."""
    light = falling_light(ink.shape, random)
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


# Digits drawn large, with what is on the paper or beside it.


def written(
    ink: Ink, random: Random, frame: int = _PAPER, sides: tuple[float, float] = (0.45, 0.75)
) -> Ink:
    """Drawn with hard edges, its longer side such a share of a frame, anywhere in it."""
    image = Image.fromarray(ink.astype(np.float32)).resize((280, 280), Image.Resampling.BICUBIC)
    return at_scale(np.asarray(image) > 0.3, random.uniform(*sides) * frame, random, frame)


def box_of(ink: Ink) -> tuple[int, int, int, int]:
    """The first row of ink and the one after the last, and its columns."""
    rows, columns = (np.flatnonzero(ink.max(axis=axis) > 0.5) for axis in (1, 0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def line(shape: tuple[int, ...], middle: float, slope: float, thickness: float) -> Ink:
    """A line from the left edge to the right, at a height in the middle."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    away = np.abs(y + 0.5 - middle - slope * (x + 0.5 - shape[1] / 2))
    return (thickness / 2 + 0.5 - away).clip(0, 1)


def below_line(shape: tuple[int, ...], middle: float, slope: float) -> Ink:
    """All that is below such a line."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    return (y + 1 - middle - slope * (x + 0.5 - shape[1] / 2)).clip(0, 1)


def lit(reflected: npt.NDArray[np.float64], random: Random) -> Pixels:
    """What reflects a share of the light, (H, W) or (H, W, 3), unevenly lit, with some noise."""
    light = falling_light(reflected.shape[:2], random)
    noise = random.normal(0, 2, reflected.shape)
    return as_bytes(255 * (reflected.T * light.T).T + noise)


def beside_a_bar(ink: Ink, random: Random) -> Pixels:
    """A dark bar along a side of the picture."""
    return beside(ink, random, random.uniform(0.02, 0.25), random.uniform(-0.05, 0.05))


def beside_a_table(ink: Ink, random: Random) -> Pixels:
    """Paper whose edge is in the picture, turned by up to 12°, and a table beyond."""
    table = random.uniform(0.15, 0.75) * np.array([1, random.uniform(0.6, 1), 0.5])
    return beside(ink, random, table, random.uniform(-0.2, 0.2))


def beside(
    ink: Ink, random: Random, colour: float | npt.NDArray[np.float64], slope: float
) -> Pixels:
    """Paper that ends at a side of the picture, and something of another colour beyond."""
    side, frame = 190, 130
    depth, turns = random.uniform(8, 34), int(random.integers(4))
    end = side - depth - abs(slope) * side / 2  # of what is paper in all columns
    down, across = random.integers(0, end - frame), random.integers(0, side - frame + 1)
    page = np.zeros((side, side))
    page[down : down + frame, across : across + frame] = 1
    top, _, left, _ = box_of(np.rot90(page, turns))
    page = np.zeros((side, side))
    page[top : top + frame, left : left + frame] = written(ink, random, frame)
    other = np.rot90(below_line((side, side), side - depth, slope), turns)
    paper: float | npt.NDArray[np.float64] = 0.92
    if np.ndim(colour):
        page, other, paper = page[..., None], other[..., None], np.array([0.93, 0.91, 0.88])
    reflected = paper - random.uniform(0.55, 0.85) * page
    return lit(reflected + other * (colour - reflected), random)


def in_a_circle(ink: Ink, random: Random) -> Pixels:
    """A circle round the digit, by hand: closed, or nearly."""
    side = 190
    page = np.zeros((side, side))
    page[30:160, 30:160] = written(ink, random, 130, (0.5, 0.6))
    top, bottom, left, right = box_of(page)
    y, x = np.mgrid[:side, :side]
    down, across = y + 0.5 - (top + bottom) / 2, x + 0.5 - (left + right) / 2
    angle, radius = np.arctan2(down, across), np.hypot(down, across)
    wobble = [random.uniform(0, 0.05) * np.cos(n * angle + random.uniform(0, 6.3)) for n in (2, 3)]
    usual = np.hypot(bottom - top, right - left) / 2 * random.uniform(1.2, 1.35)
    away = np.abs(radius - usual * (1 + sum(wobble)))
    circle = (random.uniform(3, 8) / 2 + 0.5 - away).clip(0, 1)
    if random.random() < 0.4:
        start = random.uniform(-np.pi, np.pi)
        circle[(angle - start) % (2 * np.pi) < random.uniform(0, 0.2)] = 0
    return unevenly_lit(np.maximum(page, circle), random)


def on_lines(count: int) -> Callable[[Ink, Random], Pixels]:
    """So many ruled lines from edge to edge: at the foot, through it, above or below."""

    def draw(ink: Ink, random: Random) -> Pixels:
        page = written(ink, random)
        top, bottom, *_ = box_of(page)
        height, slope = bottom - top, random.uniform(-0.03, 0.03)
        thickness, darkness = random.uniform(1.2, 3.2), random.uniform(0.5, 1)
        places = {
            "below": bottom + random.uniform(-1, 2),
            "above": top + random.uniform(-2, 1),
            "foot": bottom - random.uniform(0.08, 0.25) * height,
        }
        for name in random.permutation(list(places))[:count]:
            page = np.maximum(page, darkness * line(page.shape, places[name], slope, thickness))
        return unevenly_lit(page, random)

    return draw


def on_a_note(ink: Ink, random: Random) -> Pixels:
    """A pen on a yellow note that lies on a desk."""
    side, note = 240, random.uniform(130, 180)
    turn, (top, left) = random.uniform(-0.2, 0.2), random.integers(105, 136, 2)
    y, x = np.mgrid[:side, :side] + 0.5
    down, across = y - top, x - left
    turned = (
        np.cos(turn) * across + np.sin(turn) * down,
        np.cos(turn) * down - np.sin(turn) * across,
    )
    mask = np.min([(note / 2 + 0.5 - np.abs(one)).clip(0, 1) for one in turned], axis=0)[..., None]
    frame, page = int(note * 0.72), np.zeros((side, side, 1))
    top, left = top - frame // 2, left - frame // 2
    page[top : top + frame, left : left + frame, 0] = written(ink, random, frame, (0.5, 0.9))
    desk = random.uniform(0.1, 0.6) * np.array([1, random.uniform(0.6, 1), random.uniform(0.4, 1)])
    yellow = np.array([0.98, random.uniform(0.85, 0.95), random.uniform(0.35, 0.6)])
    reflected = desk + mask * (yellow - desk)
    return lit(reflected + page * (np.array([0.12, 0.14, 0.3]) - reflected), random)


def cut_tightly(ink: Ink, random: Random) -> Pixels:
    """So that the ink touches all edges of the picture, or nearly."""
    page = np.pad(written(ink, random), 2)
    top, bottom, left, right = box_of(page)
    margins = random.integers(0, 3, 4)
    cut = page[top - margins[0] : bottom + margins[1], left - margins[2] : right + margins[3]]
    return unevenly_lit(cut, random)


def faint_on_noise(ink: Ink, random: Random) -> Pixels:
    """A pencil that is hardly darker than its paper, in bad light."""
    page = written(ink, random)
    light = falling_light(page.shape, random)
    values = 255 * light * 0.9 - random.uniform(25, 50) * page
    return as_bytes(values + random.normal(0, random.uniform(5, 9), page.shape))


def in_a_border(ink: Ink, random: Random) -> Pixels:
    """The cell of a form with its printed border, which the digit may touch."""
    return bordered(ink, random, 4, (0.03, 0.12))


def in_a_cut_border(ink: Ink, random: Random) -> Pixels:
    """One to four sides of a cell's border, of which parts may be cut off."""
    return bordered(ink, random, int(random.integers(1, 5)), (-0.01, 0.06))


def bordered(ink: Ink, random: Random, sides: int, margins: tuple[float, float]) -> Pixels:
    """In a cell of 60 to 120 pixels with so many lines, that far from the picture's edges."""
    size, thickness = int(random.integers(60, 121)), random.uniform(1.2, 3.5)
    slope, places = random.uniform(-0.015, 0.015), size * random.uniform(*margins, 4)
    border = np.zeros((size, size))
    for turns in random.permutation(4)[:sides]:  # the top, the left, the bottom, the right
        drawn = line(border.shape, places[turns], slope, thickness)
        border = np.maximum(border, np.rot90(drawn, turns))
    if sides == 4:  # they end at each other
        top, left, bottom, right = (max(0, int(place - 2)) for place in places)
        border[:top] = border[:, :left] = border[size - bottom :] = border[:, size - right :] = 0
    inner = min(size, int(size - 2 * places.max()))
    start = (size - inner) // 2
    page = np.zeros((size, size))
    page[start : start + inner, start : start + inner] = written(ink, random, inner, (0.65, 0.98))
    return unevenly_lit(np.maximum(page, random.uniform(0.6, 1) * border), random)


def in_glare(ink: Ink, random: Random) -> Pixels:
    """A lamp is mirrored in a part of the paper."""
    page = written(ink, random)
    y, x = np.mgrid[: len(page), : len(page)]
    centre, size = random.uniform(0.1, 0.9, 2) * len(page), random.uniform(0.12, 0.3) * len(page)
    glare = np.exp(-((y - centre[0]) ** 2 + (x - centre[1]) ** 2) / (2 * size**2))
    values = random.uniform(140, 190) * (1 - random.uniform(0.6, 0.85) * page)
    values = values + random.uniform(60, 130) * glare
    return as_bytes(values + random.normal(0, 2, page.shape))


# Row and column of each segment's first corner, and whether it is level: the top, then clockwise
# round both halves, and the middle; and which segments each digit has.
_SEGMENTS = (
    *((0, 0, True), (0, 1, False), (1, 1, False), (2, 0, True)),
    *((1, 0, False), (0, 0, False), (1, 0, True)),
)
_LIT = ("012345", "12", "01346", "01236", "1256", "02356", "023456", "012", "0123456", "012356")


def on_a_display(label: int, random: Random) -> Pixels:
    """Seven segments of a display of crystals, of which those that are off are seen, too."""
    high, wide, thick = 200, 220, random.uniform(26, 46)
    lean, gap = random.uniform(0, 0.14), random.uniform(2, 7)
    on, off = Image.new("L", (320, 460)), Image.new("L", (320, 460))
    for segment, (row, column, is_level) in enumerate(_SEGMENTS):
        y, x, along = 30 + high * row, 30 + wide * column, wide if is_level else high
        first, last, half = gap + thick / 2, along - gap - thick / 2, thick / 2
        outline = [(gap, 0), (first, -half), (last, -half), (along - gap, 0)]
        outline += [(last, half), (first, half)]
        points = [(x + a, y + b) if is_level else (x + b, y + a) for a, b in outline]
        leaning = [(x + lean * (2 * high - y), y) for x, y in points]
        ImageDraw.Draw(on if str(segment) in _LIT[label] else off).polygon(leaning, fill=255)
    side = int(random.integers(90, 150))
    ink, ghost = (
        np.asarray(one.resize((side * 320 // 460, side), Image.Resampling.BOX))[..., None] / 255
        for one in (on, off)
    )
    dark = random.uniform(0.65, 0.85) * (ink + random.uniform(0.05, 0.18) * ghost)
    colour = random.uniform((150, 160, 130), (200, 205, 180))
    return as_bytes(colour * (1 - dark) + random.normal(0, 2, (*ink.shape[:2], 3)))


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

ON_PAPER: dict[str, Callable[[Ink, Random], Pixels]] = {
    "a dark bar at a side": beside_a_bar,
    "the edge of a table": beside_a_table,
    "in a circle": in_a_circle,
    "one ruled line touching it": on_lines(1),
    "two ruled lines touching it": on_lines(2),
    "three ruled lines touching it": on_lines(3),
    "on a note on a desk": on_a_note,
    "cut tightly": cut_tightly,
    "faint on noise": faint_on_noise,
    "in a form's cell, with its border": in_a_border,
    "in a border of 1 to 4 sides, partly cut": in_a_cut_border,
    "in glare": in_glare,
}
LABELLED: dict[str, Callable[[int, Random], Pixels]] = {
    "segments of a display, with ghosts": on_a_display,
}
