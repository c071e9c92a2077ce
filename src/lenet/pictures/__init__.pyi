from ._preparation import Preparation as Preparation
from ._prepare import Seen as Seen
from ._prepare import are_blank as are_blank
from ._prepare import look_at as look_at
from ._prepare import look_at_each as look_at_each
from ._prepare import prepare as prepare
from ._read import MOST_BYTES as MOST_BYTES
from ._read import SUFFIXES as SUFFIXES
from ._read import Pixels as Pixels
from ._read import read_picture as read_picture

__all__ = [
    "MOST_BYTES",
    "SUFFIXES",
    "Pixels",
    "Preparation",
    "Seen",
    "are_blank",
    "look_at",
    "look_at_each",
    "prepare",
    "read_picture",
]
