import numpy as np

from lenet.results.inside._colours import Colours
from lenet.results.inside._inspection import Inspection, Observation
from lenet.results.inside._layer_pictures import (
    describe_activity,
    layer_mosaic,
    layer_scale,
    layer_size,
)
from lenet.results.inside._trace import LayerActivity
from lenet.results.inside._wording import name_answer, number, percent
from lenet.results.page._element import Element, Node, element
from lenet.results.page._page import Section
from lenet.results.page._parts import Column, figure, paragraph, picture, row, table

_COLUMNS = 8, 24  # maps and units a row
_SCALE = 2  # how many times the mosaics are enlarged
_MOST_UNITS = 256  # whose numbers are listed


def activations_section(inspection: Inspection) -> Section | None:
    """What the layers make of the inputs."""
    if "activations" not in inspection.parts or not inspection.observations:
        return None
    many = len(inspection.observations) > 2
    content: list[Node] = [
        paragraph(
            "Each layer turns what it gets into maps, or into single units, which the next one "
            "gets. The bright places are where a unit finds what it looks for."
        )
    ]
    if many:
        content += _of_many(inspection)
    else:
        content += [_numbers(inspection), *_of_few(inspection)]
    if inspection.health:
        content += _health(inspection)
    return Section("Activations", "activations", tuple(content))


def _of_few(inspection: Inspection) -> list[Node]:
    """Layer by layer, one or two inputs."""
    content: list[Node] = []
    distances = {one.name: one.distance for one in inspection.differences}
    for name in inspection.layers:
        shown = inspection.observations
        layers = [one.layer(name) for one in shown]
        scale = layer_scale(layers)
        said = f"{layer_size(layers[0])}. Colours: {scale}."
        if name in distances:
            said += f" The two differ by {percent(distances[name])}."
        figures = []
        for one, layer in zip(shown, layers, strict=True):
            columns = [min(most, layer.outputs.shape[1]) for most in _COLUMNS]
            colours = scale.colour(layer_mosaic(layer, *columns))
            alt = f"{name} for {one.subject.title}"
            caption = describe_activity(_activity(one, name))
            title = one.subject.title if len(shown) > 1 else ""
            figures.append(figure(_shown(colours, alt), caption, title))
        content += [element("h3", name), paragraph(said), row(figures), _units(inspection, name)]
    return content


def _of_many(inspection: Inspection) -> list[Node]:
    """Input by input, the first activation; other layers are folded away."""
    content: list[Node] = []
    for name in inspection.layers:
        layers = [one.layer(name) for one in inspection.observations]
        scale = layer_scale(layers)
        said = f"{layer_size(layers[0])}. Colours: {scale}."
        columns = [min(most, layers[0].outputs.shape[1]) for most in _COLUMNS]
        rows: list[tuple[Node, ...]] = []
        for one, layer in zip(inspection.observations, layers, strict=True):
            colours = scale.colour(layer_mosaic(layer, *columns))
            rows.append(
                (
                    picture(one.subject.image, one.subject.title, size=56),
                    _shown(colours, f"{name} for {one.subject.title}"),
                    name_answer(inspection, one),
                )
            )
        shown = table([Column("input"), Column(name), Column("taken for")], rows, said)
        if name in inspection.overview_layers:
            content += [element("h3", name), shown]
        else:
            content.append(element("details", element("summary", name), shown))
    return content


def _numbers(inspection: Inspection) -> Element:
    """Every layer in numbers, for one or two inputs."""
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
    distances = {one.name: percent(one.distance) for one in inspection.differences}
    rows = []
    for name in inspection.layers:
        told = [describe_activity(_activity(one, name)) for one in shown]
        rows.append([_unbroken(name), *told, *([distances[name]] if distances else [])])
    return table(columns, rows, caption)


def _shown(colours: Colours, alt: str) -> Element:
    """A layer's picture."""
    return picture(colours, alt, size=_SCALE * max(colours.shape[1:]))


def _units(inspection: Inspection, name: str) -> Element:
    """The numbers of every unit, folded away."""
    shown = inspection.observations
    columns = [Column("unit", is_number=True)]
    for one in shown:
        of = f" of {one.subject.title}" if len(shown) > 1 else ""
        columns += [Column(f"mean{of}", is_number=True), Column(f"largest{of}", is_number=True)]
    activities = [_activity(one, name) for one in shown]
    every = len(activities[0].unit_means)
    rows = [
        [
            str(unit),
            *(
                number(float(values[unit]))
                for activity in activities
                for values in (activity.unit_means, activity.unit_maxima)
            ),
        ]
        for unit in range(min(_MOST_UNITS, every))
    ]
    which = f"the first {_MOST_UNITS} of {every} units" if every > _MOST_UNITS else "every unit"
    listed = table(columns, rows, f"{name}: {which}")
    return element("details", element("summary", f"{which.capitalize()} in numbers"), listed)


def _health(inspection: Inspection) -> list[Node]:
    """How busy the layers are over many images."""
    assert inspection.sample is not None
    images = f"{len(inspection.sample.examples):,} {inspection.sample.place} images"
    columns = [Column("layer"), Column("mean", is_number=True), Column("largest", is_number=True)]
    layers = [one for one in inspection.health if one.name in inspection.layers]
    shares = {
        "dead units": [one.silent for one in layers],
        "saturated outputs": [one.saturated for one in layers],
    }
    kept = {name: found for name, found in shares.items() if any(map(_is_number, found))}
    columns += [Column(name, is_number=True) for name in kept]
    rows = []
    for index, one in enumerate(layers):
        means = [float(np.mean(one.unit_means)), float(one.unit_maxima.max())]
        told = (found[index] for found in kept.values())
        rows.append(
            [
                _unbroken(one.name),
                *map(number, means),
                *("" if share is None else percent(share) for share in told),
            ]
        )
    caption = f"Over {images}."
    if "dead units" in kept:
        caption += " Dead is a unit that is 0 for every one of them."
    return [element("h3", "The layers' health"), table(columns, rows, caption)]


def _activity(one: Observation, name: str) -> LayerActivity:
    """How busy a layer is for an input."""
    return next(activity for activity in one.activity if activity.name == name)


def _is_number(value: float | None) -> bool:
    """Whether a layer has this share at all."""
    return value is not None


def _unbroken(name: str) -> str:
    """A layer's name that stays in one line."""
    return name.replace(" ", "\N{NO-BREAK SPACE}")
