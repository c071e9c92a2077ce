"""A map with the images themselves on it, where there is room."""

import numpy as np
import numpy.typing as npt

from lenet.results.inside._colours import Colours
from lenet.results.inside._inspection import Inspection

_WIDTH, _HEIGHT = 900, 780  # pixels of the map
_LONGEST = 28  # pixels of an image's longer side; larger ones are made smaller
_FRAME = 2
_SPACE = 2


def picture_map(
    inspection: Inspection, colours: npt.NDArray[np.uint8]
) -> tuple[Colours, npt.NDArray[np.int64]]:
    """Put the sample's images on the map, without those that would overlap.

    Args:
        inspection: With its map.
        colours: Red, green and blue of each class's frame, (classes, 3).

    Returns:
        The map, (4, H, W), transparent where nothing is, and which of the sample are on it.
    """
    assert inspection.map is not None
    assert inspection.sample is not None
    images, labels = inspection.sample.examples.images, inspection.sample.examples.labels
    points = inspection.map.points[: len(images)]
    factor = max(1, -(-max(images.shape[2:]) // _LONGEST))
    small = images[:, :, ::factor, ::factor]
    height, width = small.shape[2] + 2 * _FRAME, small.shape[3] + 2 * _FRAME
    low, size = points.min(axis=0), np.ptp(points, axis=0)
    shares = (points - low) / np.where(size, size, 1)
    lefts = np.rint(shares[:, 0] * (_WIDTH - width)).astype(int)
    tops = np.rint((1 - shares[:, 1]) * (_HEIGHT - height)).astype(int)
    whole = np.zeros((4, _HEIGHT, _WIDTH), np.uint8)
    placed = []
    for index in np.random.default_rng(0).permutation(len(images)):  # no class goes before others
        left, top = lefts[index], tops[index]
        around = (
            slice(max(0, top - _SPACE), top + height + _SPACE),
            slice(max(0, left - _SPACE), left + width + _SPACE),
        )
        if whole[3][around].any():
            continue
        place = whole[:, top : top + height, left : left + width]
        place[3] = 255
        place[:3] = colours[labels[index]][:, None, None]
        place[:3, _FRAME:-_FRAME, _FRAME:-_FRAME] = small[index]  # grey fills all three colours
        placed.append(index)
    return whole, np.array(placed, np.int64)
