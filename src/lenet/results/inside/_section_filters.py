from lenet.results.inside._draw_filters import (
    class_templates,
    describe_filters,
    filter_mosaic,
    filter_scale,
)
from lenet.results.inside._inspection import Inspection
from lenet.results.inside._layers import LayerFilters
from lenet.results.page._element import Element, Node, element
from lenet.results.page._page import Section
from lenet.results.page._parts import figure, paragraph, picture, picture_grid

_TEMPLATE = 140
_WIDTH = 960


def filters_section(inspection: Inspection) -> Section | None:
    """The weights that can be seen as pictures."""
    if not inspection.filters:
        return None
    content: list[Node] = [
        paragraph(
            "A filter is a small picture of what a unit looks for: where it is red, bright pixels "
            "make the unit answer more; where it is blue, less. White does not count."
        )
    ]
    for filters in inspection.filters:
        content += [element("h3", filters.name), _shown(inspection, filters)]
    return Section("Filters", "filters", tuple(content))


def _shown(inspection: Inspection, filters: LayerFilters) -> Element:
    """A layer's pictures and what they are."""
    scale = filter_scale(filters)
    said = f"{describe_filters(filters)}. Colours: {scale}."
    if names := class_templates(inspection, filters):
        templates = (
            (picture(scale.colour(weights[0]), f"the template of {name}", size=_TEMPLATE), name)
            for name, weights in zip(names, filters.weights, strict=True)
        )
        return element("div", picture_grid(templates), paragraph(said))
    numbers = filter_mosaic(filters)
    size = min(_WIDTH, 4 * max(numbers.shape))
    return figure(picture(scale.colour(numbers), f"{filters.name}: {said}", size=size), said)
