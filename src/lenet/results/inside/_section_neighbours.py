from lenet.results.inside._inspection import Inspection, Observation
from lenet.results.inside._wording import number
from lenet.results.page._element import Element, Node, element
from lenet.results.page._page import Section
from lenet.results.page._parts import Column, paragraph, picture, picture_grid, remark, table

_LARGE, _SMALL = 112, 56


def neighbours_section(inspection: Inspection) -> Section | None:
    """The training images that the network finds most like the inputs."""
    shown = [one for one in inspection.observations if one.neighbours is not None]
    if not shown:
        return None
    content: list[Node] = [
        paragraph(
            "The training images whose units before the last layer are most like the input's: the "
            "network finds these alike, whatever they look like to you."
        )
    ]
    if len(shown) > 2:
        content.append(_as_table(inspection, shown))
    else:
        for one in shown:
            content += [element("h3", one.subject.title), _as_grid(inspection, one)]
    return Section("Nearest training images", "neighbours", tuple(content))


def _as_grid(inspection: Inspection, one: Observation) -> Element:
    """An input's neighbours, each with its label, its distance and where it is to be found."""
    assert one.neighbours is not None
    entries = []
    for index, distance in zip(one.neighbours.indices, one.neighbours.distances, strict=True):
        label, shown = _neighbour(inspection, int(index), _LARGE)
        far = f"train:{index}, {number(float(distance))} away"
        caption = element("span", element("strong", label), element("br"), remark(far))
        entries.append((shown, caption))
    return picture_grid(entries)


def _as_table(inspection: Inspection, shown: list[Observation]) -> Element:
    """The neighbours of many inputs."""
    rows: list[list[Node]] = []
    for one in shown:
        assert one.neighbours is not None
        cells: list[Node] = [picture(one.subject.image, one.subject.title, size=_SMALL)]
        for index in one.neighbours.indices:
            label, image = _neighbour(inspection, int(index), _SMALL)
            cells.append(element("span", image, element("br"), remark(label)))
        rows.append(cells)
    count = len(rows[0]) - 1
    columns = [Column("input"), *(Column(str(place + 1)) for place in range(count))]
    return table(columns, rows, "Nearest first, with their labels")


def _neighbour(inspection: Inspection, index: int, size: int) -> tuple[str, Element]:
    """A training image and its label."""
    assert inspection.data is not None
    train = inspection.data.train
    label = inspection.data.class_names[train.labels[index]]
    return label, picture(train.images[index], f"train:{index}, {label}", size=size)
