from ._chart import draw_chart as draw_chart
from ._chart_frame import Axis as Axis
from ._chart_series import Series as Series
from ._element import Element as Element
from ._element import Node as Node
from ._element import element as element
from ._element import render as render
from ._page import Page as Page
from ._page import Section as Section
from ._parts import Column as Column
from ._parts import beside as beside
from ._parts import bullets as bullets
from ._parts import code_block as code_block
from ._parts import facts as facts
from ._parts import figure as figure
from ._parts import note as note
from ._parts import paragraph as paragraph
from ._parts import remark as remark
from ._parts import row as row
from ._parts import scroll_box as scroll_box
from ._parts import table as table
from ._parts import tiles as tiles
from ._pictures import picture as picture
from ._pictures import picture_grid as picture_grid

__all__ = [
    "Axis",
    "Column",
    "Element",
    "Node",
    "Page",
    "Section",
    "Series",
    "beside",
    "bullets",
    "code_block",
    "draw_chart",
    "element",
    "facts",
    "figure",
    "note",
    "paragraph",
    "picture",
    "picture_grid",
    "remark",
    "render",
    "row",
    "scroll_box",
    "table",
    "tiles",
]
