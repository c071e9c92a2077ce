from ._preparation import Preparation as Preparation
from ._prepare import prepare as prepare
from ._read import SUFFIXES as SUFFIXES
from ._read import Pixels as Pixels
from ._read import read_picture as read_picture

__all__ = [
    "SUFFIXES",
    "Pixels",
    "Preparation",
    "prepare",
    "read_picture",
]
