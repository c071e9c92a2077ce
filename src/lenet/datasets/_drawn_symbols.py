import numpy as np
import numpy.typing as npt

from lenet.pictures import Preparation, look_at

_LOOKED_AT = 200
_FOUND = 0.9  # of the images hold something drawn that does not fill them
_WANDERS = 0.08  # of the image's side, the standard deviation of the symbols' middles
_VARIES = 1.2  # the standard deviation of the symbols' sizes, as a factor


def hold_unfitted_symbols(images: npt.NDArray[np.uint8]) -> bool:
    """Whether images look like drawings of one symbol each, in different places or sizes.

    Those are learnt far better once each symbol is fitted into the same box.

    Args:
        images: uint8 (N, C, H, W), of which some are looked at.
    """
    _, channels, height, width = images.shape
    if channels not in (1, 3):
        return False
    symbol = Preparation("symbol", "light-on-dark", height, width, channels)
    chosen = np.linspace(0, len(images) - 1, min(_LOOKED_AT, len(images))).astype(int)
    looks = [look_at(images[index].transpose(1, 2, 0), symbol) for index in chosen]
    boxes = np.array([look.box for look in looks if not look.is_blank])
    if not len(boxes):
        return False
    tops, lefts, bottoms, rights = boxes.T
    sizes = np.maximum(bottoms - tops, rights - lefts)
    if (sizes < 1).sum() < _FOUND * len(looks):
        return False
    wander = max(np.std((tops + bottoms) / 2), np.std((lefts + rights) / 2))
    return bool(wander > _WANDERS or np.exp(np.std(np.log(sizes))) > _VARIES)
