"""Requests that the description of the service shows, and that work as they are shown."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image


def one_stroke() -> bytes:
    """A small PNG of a one, dark on light."""
    picture = np.full((20, 12), 255, np.uint8)
    picture[3:17, 5:7] = 0
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG", optimize=True)
    return file.getvalue()


def json_examples() -> dict[str, Any]:
    """JSON bodies, by what they show."""
    pixels = [[255] * 7, *([[255, 255, 255, 0, 255, 255, 255]] * 7), [255] * 7]
    return {
        "A picture file in base64": {
            "value": {
                "pictures": [{"base64": base64.b64encode(one_stroke()).decode(), "name": "one.png"}]
            }
        },
        "Rows of grey values": {"value": {"pictures": [{"pixels": pixels}]}},
    }


ANSWER: dict[str, Any] = {
    "model": "digits",
    "predictions": [
        {
            "picture": 0,
            "name": "one.png",
            "class_name": "1",
            "probability": 0.9987,
            "doubt": None,
            "top": [
                {"class_name": "1", "probability": 0.9987},
                {"class_name": "7", "probability": 0.0008},
                {"class_name": "2", "probability": 0.0002},
            ],
            "box": {"top": 0.15, "left": 0.4167, "bottom": 0.85, "right": 0.5833},
        }
    ],
}
