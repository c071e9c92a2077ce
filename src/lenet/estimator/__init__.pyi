from ._classifier import LeNetClassifier as LeNetClassifier
from ._pixels import PixelRange as PixelRange

__all__ = ["LeNetClassifier", "PixelRange"]
