from ._arrays import as_numpy as as_numpy
from ._arrays import is_array as is_array
from ._arrays import pictures_in as pictures_in
from ._arrays import refuse_0_and_1 as refuse_0_and_1
from ._pixels import Numbers as Numbers
from ._pixels import Spread as Spread
from ._pixels import is_deep as is_deep
from ._pixels import pick_range as pick_range
from ._pixels import refuse_other_unit as refuse_other_unit
from ._pixels import sample_of as sample_of
from ._pixels import spread_of as spread_of
from ._pixels import to_pixels as to_pixels
from ._pixels import to_unit as to_unit
from ._pixels import without_outliers as without_outliers
from ._preparation import Preparation as Preparation
from ._prepare import PreparedPicture as PreparedPicture
from ._prepare import are_blank as are_blank
from ._prepare import look_at as look_at
from ._prepare import look_at_each as look_at_each
from ._prepare import preparation_numbers as preparation_numbers
from ._prepare import prepare as prepare
from ._read import MOST_BYTES as MOST_BYTES
from ._read import SUFFIXES as SUFFIXES
from ._read import PictureSource as PictureSource
from ._read import Pixels as Pixels
from ._read import read_picture as read_picture
from ._read import read_values as read_values
from ._several import notice_several as notice_several
from ._sheet import Cell as Cell
from ._sheet import Sheet as Sheet
from ._sheet import cut_sheet as cut_sheet

__all__ = [
    "MOST_BYTES",
    "SUFFIXES",
    "Cell",
    "Numbers",
    "PictureSource",
    "Pixels",
    "Preparation",
    "PreparedPicture",
    "Sheet",
    "Spread",
    "are_blank",
    "as_numpy",
    "cut_sheet",
    "is_array",
    "is_deep",
    "look_at",
    "look_at_each",
    "notice_several",
    "pick_range",
    "pictures_in",
    "preparation_numbers",
    "prepare",
    "read_picture",
    "read_values",
    "refuse_0_and_1",
    "refuse_other_unit",
    "sample_of",
    "spread_of",
    "to_pixels",
    "to_unit",
    "without_outliers",
]
