"""Whether a picture that is read as one symbol seems to hold several."""

from dataclasses import replace

import numpy as np

from lenet.errors import PictureSizeError
from lenet.pictures._preparation import Preparation
from lenet.pictures._prepare import PreparedPicture, as_page, look_at_each, split_page
from lenet.pictures._read import Pixels
from lenet.pictures._ruling import without_ruling

_SIDE = 400  # pixels in which a few symbols are told apart
_PAGE_SIDE = 200  # pixels from which a picture may be a page
_LARGE = 0.5  # of the highest one: what is as high is a symbol and no dot
_MOST = 50  # symbols that are compared with each other
_STRONG, _FULL, _WIDE = 0.4, 0.75, 0.4  # of the strongest ink, of its box, and of the frame


def notice_several(
    pixels: Pixels, seen: PreparedPicture, preparation: Preparation
) -> PreparedPicture:
    """What was seen of a picture, with whether it seems to hold several symbols.

    Args:
        pixels: The picture, uint8 (H, W) or (H, W, 3).
        seen: What `look_at` saw of it.
        preparation: How it was looked at; only drawn symbols can be told apart.
    """
    if preparation.method != "symbol" or seen.is_blank:
        return seen
    try:
        is_several = False
        if seen.parts > 1:
            page = as_page(pixels, _SIDE)
            clean = without_ruling(page)  # lines may hold symbols together that were seen apart
            is_several = _are_apart(split_page(page, preparation)) or (
                clean is not page and _are_apart(split_page(clean, preparation))
            )
        if not is_several and max(pixels.shape[:2]) >= _PAGE_SIDE and _is_full(seen.image):
            is_several = _are_apart(look_at_each(pixels, preparation))
    except PictureSizeError:  # there are thousands
        is_several = True
    return replace(seen, is_several=True) if is_several else seen


def _are_apart(symbols: list[PreparedPicture]) -> bool:
    """Whether two symbols that are about as high stand beside or below each other."""
    boxes = np.array([one.box for one in symbols]).reshape(-1, 4)
    tops, lefts, bottoms, rights = boxes.T
    heights = bottoms - tops
    large = np.flatnonzero(heights >= _LARGE * heights.max(initial=0))[:_MOST]
    is_below = tops[large, None] >= bottoms[large]
    is_beside = lefts[large, None] >= rights[large]
    return bool((is_below | is_beside).any())


def _is_full(image: Pixels) -> bool:
    """Whether nearly all of a box is ink, as where a page is shrunk to it; no symbol is so black.

    The ground of the image (C, H, W) is seen at its corner.
    """
    strength = np.abs(image[0].astype(int) - int(image[0, 0, 0]))
    ink = strength >= _STRONG * strength.max()
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    box = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    is_wide = min(box.shape) >= _WIDE * min(ink.shape)
    return bool(is_wide and box.mean() >= _FULL)
