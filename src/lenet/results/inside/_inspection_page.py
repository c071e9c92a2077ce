"""What was found inside a network, on one page."""

from collections.abc import Sequence

import numpy as np

from lenet._version import __version__
from lenet.results._wording import number, whole_percent
from lenet.results.inside._gallery import Gallery, gallery_table, open_row
from lenet.results.inside._inspection import (
    Inspection,
    Observation,
    describe_inspection,
    is_right,
    name_answer,
)
from lenet.results.inside._map import describe_map, map_axes, map_of_images, map_series
from lenet.results.inside._pictures import (
    MOST_TOLD,
    activation_gallery,
    activation_table,
    activity_of,
    describe_activity,
    filter_galleries,
    neighbour_gallery,
    saliency_gallery,
)
from lenet.results.page._chart import draw_chart
from lenet.results.page._page import Element, Node, Page, Section, element
from lenet.results.page._parts import (
    Column,
    bullets,
    figure,
    note,
    paragraph,
    picture,
    picture_grid,
    row,
    table,
)

_SHOWN_CLASSES = 5
_TEMPLATE, _WIDTH = 140, 960  # pixels of a class's template, and of a picture at most
_BAR = 120  # pixels of a probability of 1
_COLUMNS = 8, 24  # maps and units a row
_MOST_UNITS = 256  # whose numbers are listed


def build_inspection_page(inspection: Inspection) -> Page:
    """The page that shows what was found inside a network: one file, no requests, no scripts."""
    sections = (
        _filters(inspection),
        _activations(inspection),
        _saliency(inspection),
        _neighbours(inspection),
        _map(inspection),
    )
    shown, card = inspection.observations, inspection.card
    said = [one.replace("`", "") for one in describe_inspection(inspection)]
    lead: list[Node] = [
        element("section", *([_inputs(inspection)] if shown else []), bullets(said)),
        *([note(inspection.missing.replace("`", ""))] if inspection.missing else []),
    ]
    title = "Inside the network"
    if 0 < len(shown) <= MOST_TOLD:
        title += f": {' and '.join(one.subject.title for one in shown)}"
    return Page(
        title,
        f"{inspection.name}: {card.model} trained on {card.dataset}",
        lead=tuple(lead),
        sections=tuple(section for section in sections if section is not None),
        footer=(f"Written by lenet {__version__}.",),
    )


def _inputs(inspection: Inspection) -> Element:
    if len(inspection.observations) <= MOST_TOLD:
        return row(_answers(inspection, one) for one in inspection.observations)
    shown = []
    for one in inspection.observations:
        wrong = ", wrong" if is_right(one) is False else ""
        answer = element("strong", name_answer(inspection, one) + wrong)
        caption = element("span", answer, element("br"), one.subject.title)
        shown.append((picture(one.subject.image, one.subject.title, size=96), caption))
    return picture_grid(shown)


def _answers(inspection: Inspection, one: Observation) -> Element:
    title, rows = one.subject.title, []
    for index in one.probabilities.argsort()[::-1][:_SHOWN_CLASSES]:
        share = float(one.probabilities[index])
        width = max(1.0, _BAR * share)
        bar = element("rect", x=0, y=0, width=width, height=12, class_="bar series-1")
        drawn = element(
            "svg", bar, viewBox=f"0 0 {_BAR} 12", width=_BAR, height=12, aria_hidden="true"
        )
        rows.append((inspection.card.class_names[index], drawn, whole_percent(share)))
    columns = [Column("class"), Column(""), Column("probability", is_number=True)]
    likeliest = table(columns, rows, f"What the network takes {title} for")
    return figure(
        element("div", picture(one.subject.image, title, size=168), likeliest), title=title
    )


def _filters(inspection: Inspection) -> Section | None:
    if not inspection.filters:
        return None
    content: list[Node] = [
        paragraph(
            "A filter is a small picture of what a unit looks for: where it is red, bright pixels "
            "make the unit answer more; where it is blue, less. White does not count."
        )
    ]
    for gallery in filter_galleries(inspection):
        first, *more = gallery.rows[0].pictures
        size = _TEMPLATE if more else min(_WIDTH, 4 * max(first.pixels.shape))
        content.append(element("h3", gallery.title))
        content += [open_row(one, size) for one in gallery.rows]
        content.append(paragraph(gallery.said))
    return Section("Filters", "filters", tuple(content))


def _activations(inspection: Inspection) -> Section | None:
    shown = inspection.observations
    if "activations" not in inspection.parts or not shown:
        return None
    content: list[Node] = [
        paragraph(
            "Each layer turns what it gets into maps, or into single units, which the next one "
            "gets. The bright places are where a unit finds what it looks for."
        )
    ]
    if len(shown) > MOST_TOLD:
        usual = inspection.overview_layers
        content.append(gallery_table(activation_table(inspection, usual), 56))
        for name in inspection.layers:
            if name not in usual:
                folded = gallery_table(activation_table(inspection, [name]), 56)
                content.append(element("details", element("summary", name), folded))
    else:
        content.append(_layers_in_numbers(inspection))
        for one in activation_gallery(inspection, _COLUMNS, is_told=True).rows:
            name, *words = one.words
            content += [element("h3", name), paragraph("; ".join(words)), open_row(one)]
            content.append(_units_in_numbers(shown, name))
    if inspection.health:
        content += _health(inspection)
    return Section("Activations", "activations", tuple(content))


def _saliency(inspection: Inspection) -> Section | None:
    said = (
        "Covered: a square of background is moved over the image; where it is red, covering makes "
        "the answer less probable, where it is blue, more probable.",
        "Gradient: how strongly the answer's logit depends on each pixel, on average over 25 noisy "
        "copies of the image (SmoothGrad); the brighter, the more. Each picture has a scale of its "
        "own.",
    )
    content = _open_or_table(saliency_gallery(inspection), 224, 84)
    return (
        Section("Where it looks", "saliency", (*map(paragraph, said), *content))
        if content
        else None
    )


def _neighbours(inspection: Inspection) -> Section | None:
    said = (
        "The training images whose units before the last layer are most like the input's: the "
        "network finds these alike, whatever they look like to you."
    )
    content = _open_or_table(neighbour_gallery(inspection), 112, 56)
    if not content:
        return None
    return Section("Nearest training images", "neighbours", (paragraph(said), *content))


def _open_or_table(gallery: Gallery, large: int, small: int) -> list[Node]:
    """Rows of a few inputs at large, those of many as a table."""
    if len(gallery.rows) > MOST_TOLD:
        return [gallery_table(gallery, small, small)]
    return [open_row(one, large) for one in gallery.rows]


def _map(inspection: Inspection) -> Section | None:
    if inspection.map is None:
        return None
    said = describe_map(inspection)
    across, down = map_axes(inspection)
    chart = draw_chart(map_series(inspection), across, down, said, width=620, height=480)
    images, count = map_of_images(inspection)
    content = (
        paragraph(
            f"{said}. Images near each other are alike to the network; a mark tells which image it "
            "is when you point at it."
        ),
        element("div", chart, class_="wide"),
        figure(
            picture(images, f"{count} of the images at their places", size=900),
            f"The same map with {count} of the images at their places.",
        ),
    )
    return Section("A map of images", "map", content)


def _layers_in_numbers(inspection: Inspection) -> Element:
    shown = inspection.observations
    columns = [Column("layer"), *(Column(one.subject.title) for one in shown)]
    caption = (
        "Each layer's most active unit. Silent is a unit whose outputs are all 0; saturated an "
        "output so near the end of its range that it hardly changes any more."
    )
    if inspection.differences:
        columns.append(Column("differ by", is_number=True))
        caption += (
            " The difference is the distance of all outputs in parts of their mean length: 0 % if "
            "they are the same, 141 % if they have nothing in common."
        )
    distances = {one.name: whole_percent(one.distance) for one in inspection.differences}
    rows = []
    for name in inspection.layers:
        told = [describe_activity(activity_of(one, name)) for one in shown]
        rows.append([_unbroken(name), *told, *([distances[name]] if distances else [])])
    return table(columns, rows, caption)


def _units_in_numbers(shown: Sequence[Observation], name: str) -> Element:
    columns = [Column("unit", is_number=True)]
    for one in shown:
        of = f" of {one.subject.title}" if len(shown) > 1 else ""
        columns += [Column(f"mean{of}", is_number=True), Column(f"largest{of}", is_number=True)]
    activities = [activity_of(one, name) for one in shown]
    values = [column for one in activities for column in (one.unit_means, one.unit_maxima)]
    every = len(values[0])
    rows = [
        [str(unit), *(number(float(column[unit])) for column in values)]
        for unit in range(min(_MOST_UNITS, every))
    ]
    which = f"the first {_MOST_UNITS} of {every} units" if every > _MOST_UNITS else "every unit"
    listed = table(columns, rows, f"{name}: {which}")
    return element("details", element("summary", f"{which.capitalize()} in numbers"), listed)


def _health(inspection: Inspection) -> list[Node]:
    assert inspection.sample is not None
    layers = [one for one in inspection.health if one.name in inspection.layers]
    shares = {
        "dead units": [one.silent for one in layers],
        "saturated outputs": [one.saturated for one in layers],
    }
    kept = {name: found for name, found in shares.items() if any(one is not None for one in found)}
    rows = []
    for index, one in enumerate(layers):
        told = (found[index] for found in kept.values())
        rows.append(
            [
                _unbroken(one.name),
                number(float(np.mean(one.unit_means))),
                number(float(one.unit_maxima.max())),
                *("" if share is None else whole_percent(share) for share in told),
            ]
        )
    caption = f"Over {len(inspection.sample.examples):,} {inspection.sample.place} images."
    if "dead units" in kept:
        caption += " Dead is a unit that is 0 for every one of them."
    numbers = (Column(name, is_number=True) for name in ("mean", "largest", *kept))
    listed = table([Column("layer"), *numbers], rows, caption)
    return [element("h3", "The layers' health"), listed]


def _unbroken(name: str) -> str:
    return name.replace(" ", "\N{NO-BREAK SPACE}")
