"""Digits drawn with a pen, as strokes through points of a field of 60×100."""

import math

import numpy as np
from PIL import Image, ImageDraw

Point = tuple[float, float]


def arc(x: float, y: float, wide: float, high: float, start: float, stop: float) -> list[Point]:
    """Points on an ellipse; angles in degrees, clockwise from the right."""
    angles = np.radians(np.linspace(start, stop, 24))
    return [(x + wide * math.cos(angle), y + high * math.sin(angle)) for angle in angles]


STROKES: dict[int, list[list[Point]]] = {
    0: [arc(30, 50, 26, 46, -90, 270)],
    1: [[(20, 22), (34, 5), (34, 96)]],
    2: [[*arc(30, 30, 24, 25, -165, 40), (8, 94), (56, 94)]],
    3: [[*arc(28, 27, 22, 22, -150, 90), *arc(28, 72, 25, 23, -90, 150)]],
    4: [[(38, 5), (6, 62), (56, 62)], [(42, 36), (42, 97)]],
    5: [[(52, 6), (16, 6), (12, 44), *arc(28, 68, 25, 26, -120, 140)]],
    6: [[(44, 6), *arc(38, 64, 28, 54, -140, -180), *arc(32, 70, 22, 25, -180, 180)]],
    7: [[(6, 8), (54, 8), (22, 97)]],
    8: [[*arc(30, 27, 19, 21, 90, 450), *arc(30, 73, 24, 25, -90, 270)]],
    9: [[*arc(28, 30, 21, 24, 0, 360), (48, 40), (42, 97)]],
}


def photo(digit: int, size: tuple[int, int] = (200, 180), width: int = 9) -> np.ndarray:
    """Dark ink on grey paper, uint8 (H, W)."""
    image = Image.new("L", size[::-1], 215)
    pen = ImageDraw.Draw(image)
    for stroke in STROKES[digit]:
        points = [(60 + x, 45 + y) for x, y in stroke]
        pen.line(points, fill=35, width=width, joint="curve")
        for x, y in (points[0], points[-1]):
            pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=35)
    return np.asarray(image)
