from ._classifier import LeNetClassifier as LeNetClassifier
from ._pixel_range import PixelRange as PixelRange

__all__ = ["LeNetClassifier", "PixelRange"]
