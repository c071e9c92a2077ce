from __future__ import annotations

import base64
from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING

from lenet.results.pages._element import Element, Node, element

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def picture(pixels: npt.NDArray[np.uint8], alt: str, *, size: int = 64) -> Element:
    """An image as it is, enlarged without smoothing and held by the page itself.

    Args:
        pixels: Grey or coloured, uint8 of shape (H, W), (1, H, W) or (3, H, W), or coloured with
            an opacity, (4, H, W).
        alt: What is to be seen, for those who don't see it.
        size: Pixels of the screen that its longer side may take; it is enlarged by a whole number.

    Raises:
        ValueError: The shape is none of these.

    >>> import numpy as np
    >>> dict(picture(np.zeros((28, 28), np.uint8), "nothing").attributes)["width"]
    '56'
    """
    from PIL import Image

    shown = pixels[0] if pixels.ndim == 3 and len(pixels) == 1 else pixels
    if shown.ndim == 3 and len(shown) in (3, 4):
        shown = shown.transpose(1, 2, 0)
    elif shown.ndim != 2:
        message = f"Pictures are grey or red, green and blue, not of shape {pixels.shape}."
        raise ValueError(message)
    height, width = shown.shape[:2]
    file = BytesIO()
    Image.fromarray(shown.copy(order="C")).save(file, format="PNG", optimize=True)
    longer = max(height, width)
    scale = size // longer if longer <= size else size / longer
    return element(
        "img",
        src=f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}",
        alt=alt,
        width=max(1, round(width * scale)),
        height=max(1, round(height * scale)),
        class_="pixels" if longer <= size else None,
    )


def picture_grid(items: Iterable[tuple[Element, Node]]) -> Element:
    """Pictures in rows, each with what stands below it.

    Args:
        items: Pictures with their captions.
    """
    entries = (
        element("li", element("figure", image, element("figcaption", caption)))
        for image, caption in items
    )
    return element("ul", *entries, class_="pictures")
