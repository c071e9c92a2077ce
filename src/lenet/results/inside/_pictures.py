"""What is to be seen of each part of an inspection, and the drawings of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lenet.errors import ModelError
from lenet.results._networks import Images
from lenet.results._wording import counted, number, whole_percent
from lenet.results.inside._gallery import (
    HEAD,
    MARGIN,
    OTHER,
    VERDICTS,
    WIDTH,
    Colours,
    ColourScale,
    Gallery,
    Numbers,
    Row,
    Sheet,
    Shown,
    draw_galleries,
    draw_gallery,
    fit,
    mosaic,
    shorten,
)
from lenet.results.inside._inspection import Inspection, Observation, is_right, name_answer
from lenet.results.inside._layers import LayerFilters
from lenet.results.inside._saliency import border_colour
from lenet.results.inside._trace import LayerActivity, LayerTrace

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_TOLD = 2  # inputs of which all is told; of more, what can be compared
_MOST_LARGE = 3  # inputs whose pictures are large, with their figures
_MOST_FILTERS = 64  # that are drawn of a layer
_MOST_OUTPUTS, _MOST_INPUTS = 32, 16  # of a layer that sees many maps
_MOST_MAPS, _MOST_UNITS = 64, 512  # of a layer's outputs
_REACH = 99.5  # per cent of the numbers in maps that the colours tell apart
_FILTER = 1.9  # inches for one filter
_WHOLE = WIDTH - 2 * MARGIN
_NAME = 2.1  # inches for a layer's name
_ANSWERS = 2.0  # inches for images with the answers to them
_COLUMNS = 8, 40  # maps and units a row, of each of two inputs; a single one has twice the room
_SMALL_COLUMNS = 8, 24  # of each of many inputs
_SHOWN_CLASSES = 5


def draw_filters(inspection: Inspection) -> Figure:
    """Draw the filters of every convolution, and what the first dense layer looks for in pixels.

    Args:
        inspection: With its filters.

    Returns:
        A figure that belongs to no window; `figure.savefig` writes it.

    Raises:
        ModelError: No layer of the network has weights that are pictures.
    """
    if not inspection.filters:
        message = "No layer of this network has weights that can be seen as pictures."
        raise ModelError(message)
    return draw_galleries("What the network looks for", filter_galleries(inspection))


def draw_activations(inspection: Inspection) -> Figure:
    """Draw what the layers make of the inputs.

    One or two inputs are drawn with all layers below each other. Of more, each is a row, and the
    first activation is drawn, or the layers that were chosen.

    Args:
        inspection: With its observations.

    Returns:
        A figure that belongs to no window; `figure.savefig` writes it.
    """
    shown, layers = inspection.observations, inspection.overview_layers
    if len(shown) > MOST_TOLD:
        title = f"Layer {' and '.join(layers)}: what it makes of {len(shown)} images"
        return draw_galleries(title, [activation_table(inspection, layers)])
    what = "every layer makes" if inspection.shows_all_layers else "the layers make"
    title = f"What {what} of {' and '.join(one.subject.title for one in shown)}"
    sheet = Sheet(title)
    step, size = (_WHOLE - _NAME) / len(shown), _ANSWERS - 0.3
    for index, one in enumerate(shown):
        left, image = MARGIN + _NAME + index * step, one.subject.image
        sheet.show(image, left, HEAD, fit(image, size, size))
        draw = partial(_draw_answers, one, inspection.card.class_names)
        sheet.place(left + size + 1.3, HEAD, (step - size - 1.7, size), draw)
    sheet.bottom += _ANSWERS
    columns = _COLUMNS[0] * 2 // len(shown), _COLUMNS[1] * 2 // len(shown)
    draw_gallery(sheet, activation_gallery(inspection, columns))
    return sheet.finish()


def draw_saliency(inspection: Inspection) -> Figure:
    """Draw which pixels the answers hang on: by covering them, and by the gradient.

    Args:
        inspection: With its observations; those of several images at a time are left out.

    Returns:
        A figure that belongs to no window; `figure.savefig` writes it.
    """
    return draw_galleries("Where the network looks", [saliency_gallery(inspection)])


def draw_neighbours(inspection: Inspection) -> Figure:
    """Draw the training images that the network finds most like each input, with their labels.

    Args:
        inspection: With its observations; those of several images at a time are left out.

    Returns:
        A figure that belongs to no window; `figure.savefig` writes it.
    """
    return draw_galleries("The network finds these alike", [neighbour_gallery(inspection)])


def filter_galleries(inspection: Inspection) -> list[Gallery]:
    """The filters, a gallery a layer; templates of classes have their names."""
    galleries = []
    for filters in inspection.filters:
        scale = ColourScale.of([filters.weights], is_signed=True)
        said = f"{_describe_filters(filters)}. Colours: {scale}."
        columns = _filter_columns(filters)
        names = inspection.card.class_names
        is_last = filters.name == inspection.last_layer and len(names) <= _MOST_FILTERS
        if is_last and filters.weights.shape[:2] == (len(names), 1):
            pictures = [
                Shown(scale.colour(weights[0]), f"the template of {name}", name)
                for name, weights in zip(names, filters.weights, strict=True)
            ]
            width = fit(pictures[0].pixels, _FILTER, _FILTER)[0]
        else:
            drawn = scale.colour(_filter_mosaic(filters, columns))
            pictures = [Shown(drawn, f"{filters.name}: {said}")]
            width, columns = min(_WHOLE, _FILTER * columns), 1
        rows = (
            Row((), tuple(pictures[start : start + columns]))
            for start in range(0, len(pictures), columns)
        )
        galleries.append(Gallery(tuple(rows), filters.name, said, width=width))
    return galleries


def activation_gallery(
    inspection: Inspection, columns: tuple[int, int], *, is_told: bool = False
) -> Gallery:
    """What every layer makes of one or two inputs, a row a layer of so many maps or units a row.

    Where it is told, each picture says what it is of and how busy the layer is.
    """
    shown, rows = inspection.observations, []
    distances = {one.name: one.distance for one in inspection.differences}
    for name in inspection.layers:
        layers = [one.layer(name) for one in shown]
        scale = _layer_scale(layers)
        words = [name, _layer_size(layers[0]), scale.ends]
        if name in distances:
            words.append(f"differ by {whole_percent(distances[name])}")
        pictures = (
            Shown(
                scale.colour(_layer_mosaic(layer, *columns)),
                f"{name} for {one.subject.title}",
                one.subject.title if is_told and len(shown) > 1 else "",
                describe_activity(activity_of(one, name)) if is_told else "",
            )
            for one, layer in zip(shown, layers, strict=True)
        )
        rows.append(Row(tuple(words), tuple(pictures)))
    return Gallery(tuple(rows), words=_NAME)


def activation_table(inspection: Inspection, names: Sequence[str]) -> Gallery:
    """What some layers make of many inputs, a row an input."""
    shown = inspection.observations
    layers = {name: [one.layer(name) for one in shown] for name in names}
    scales = {name: _layer_scale(traces) for name, traces in layers.items()}
    rows = []
    for index, one in enumerate(shown):
        pictures = []
        for name in names:
            layer = layers[name][index]
            columns = [min(most, layer.outputs.shape[1]) for most in _SMALL_COLUMNS]
            colours = scales[name].colour(_layer_mosaic(layer, *columns))
            pictures.append(Shown(colours, f"{name} for {one.subject.title}"))
        rows.append(_answer_row(inspection, one, pictures))
    said = "; ".join(f"{name}: {_layer_size(layers[name][0])}, {scales[name]}" for name in names)
    return Gallery(tuple(rows), "", said, tuple(names), image=0.76, words=1.6)


def saliency_gallery(inspection: Inspection) -> Gallery:
    """Which pixels the answers hang on, a row an input."""
    shown = [one for one in inspection.observations if one.occlusion is not None]
    is_large, rows = len(shown) <= _MOST_LARGE, []
    for one in shown:
        assert one.occlusion is not None
        assert one.gradient is not None
        lost, gained = float(one.occlusion.max()), -float(one.occlusion.min())
        covered = f"costs up to {whole_percent(max(lost, 0.0))}"
        covered += f", gains up to {whole_percent(gained)}" if gained > 0.005 else ""
        gradient = f"up to {number(float(one.gradient.max()))} from black to white"
        title = one.subject.title
        pictures = [
            Shown(
                _occlusion_picture(one.subject.image, one.occlusion),
                f"{title}: {covered} where it is covered",
                *(("Covered", covered) if is_large else ()),
            ),
            Shown(
                ColourScale.of([one.gradient], is_signed=False).colour(one.gradient),
                f"{title}: the gradient is {gradient}",
                *(("Gradient", gradient) if is_large else ()),
            ),
        ]
        rows.append(_answer_row(inspection, one, pictures))
    return Gallery(
        tuple(rows),
        "",
        "Covered: red where covering costs probability, blue where it gains. Gradient: bright "
        "where the answer's logit depends on the pixel.",
        () if is_large else ("Covered", "Gradient"),
        *_sizes(shown, (3.1, 1.9) if is_large else (1.35, 1.55)),
    )


def neighbour_gallery(inspection: Inspection) -> Gallery:
    """The training images that the network finds most like each input, a row an input."""
    data, rows = inspection.data, []
    shown = [one for one in inspection.observations if one.neighbours is not None]
    for one in shown:
        assert one.neighbours is not None
        assert data is not None
        pictures = []
        for index, distance in zip(one.neighbours.indices, one.neighbours.distances, strict=True):
            label = int(data.train.labels[index])
            name = data.class_names[label]
            far = f"train:{index},\n{number(float(distance))} away"
            pictures.append(
                Shown(
                    data.train.images[index],
                    f"train:{index}, {name}",
                    name,
                    far if len(shown) <= _MOST_LARGE else "",
                    label == one.answer,
                )
            )
        rows.append(_answer_row(inspection, one, pictures))
    size = 1.05 if len(shown) <= _MOST_LARGE else 0.8
    said = "Nearest first, with their labels"
    return Gallery(tuple(rows), "", said, (), *_sizes(shown, (size, 1.75)))


def _sizes(shown: Sequence[Observation], inches: tuple[float, float]) -> tuple[float, float, float]:
    """Inches for images, for words, and for pictures as large as the images."""
    size, words = inches
    return size, words, fit(shown[0].subject.image, size, size)[0] if shown else size


def _answer_row(inspection: Inspection, one: Observation, pictures: Sequence[Shown]) -> Row:
    """An input, what the network says of it, and what is to be seen of that."""
    names, title = inspection.card.class_names, one.subject.title
    second = int(one.probabilities.argsort()[-2])
    share = whole_percent(float(one.probabilities[second]))
    words = (name_answer(inspection, one), f"then {names[second]} {share}", title)
    return Row(words, tuple(pictures), Shown(one.subject.image, title), is_right(one))


def _draw_answers(one: Observation, names: tuple[str, ...], axes: Axes) -> None:
    """The likeliest classes as bars; the label's is green, and a wrong answer's orange."""
    best, label = one.probabilities.argsort()[::-1][:_SHOWN_CLASSES], one.subject.label
    for place, index in enumerate(best):
        share = float(one.probabilities[index])
        verdict = None if label is None else bool(index == label)
        colour = OTHER if verdict is False and place else VERDICTS[verdict]
        axes.barh(place, share, color=colour, height=0.72)
        axes.text(share + 0.02, place, whole_percent(share), va="center", fontsize=11)
    axes.set_yticks(range(len(best)), [shorten(names[index], 14) for index in best], fontsize=11)
    axes.set(xlim=(0, 1.3), ylim=(_SHOWN_CLASSES - 0.5, -0.5), xticks=[], facecolor="none")
    axes.tick_params(axis="y", length=0)
    axes.spines[:].set_visible(False)


def _filter_mosaic(filters: LayerFilters, columns: int) -> Numbers:
    """A layer's pictures as one: of too many, those with the largest weights.

    Of a layer that sees one map, or colours, each picture is one of its own; else each column is a
    map that it puts out, and each row one that it sees.
    """
    weights = filters.weights
    if weights.shape[1] == 1:
        norms = np.linalg.norm(weights.reshape(len(weights), -1), axis=1)
        strongest: npt.NDArray[np.int64] = np.sort((-norms).argsort(kind="stable")[:_MOST_FILTERS])
        return mosaic(weights[strongest, 0], columns)
    kept = weights[:_MOST_OUTPUTS, :_MOST_INPUTS].transpose(1, 0, 2, 3)
    return mosaic(kept.reshape(-1, *kept.shape[2:]), columns)


def _filter_columns(filters: LayerFilters) -> int:
    outputs, inputs = int(filters.weights.shape[0]), int(filters.weights.shape[1])
    if inputs > 1:
        return min(outputs, _MOST_OUTPUTS)
    if outputs > 16:
        return 16
    return outputs if outputs <= 8 else -(-outputs // 2)


def _describe_filters(filters: LayerFilters) -> str:
    outputs, inputs, height, width = filters.weights.shape
    size = f"{height}×{width}"
    if inputs == 1:
        said = f"{counted(outputs, 'filter')} of {size}"
        return said + (f", the {_MOST_FILTERS} strongest" if outputs > _MOST_FILTERS else "")
    said = f"{outputs} × {counted(inputs, 'filter')} of {size}: a column for each map it puts out"
    said += ", a row for each that it sees"
    if outputs > _MOST_OUTPUTS or inputs > _MOST_INPUTS:
        said += f"; {min(outputs, _MOST_OUTPUTS)} × {min(inputs, _MOST_INPUTS)} shown"
    return said


def _layer_mosaic(layer: LayerTrace, map_columns: int, unit_columns: int) -> Numbers:
    outputs = layer.outputs[0]
    if outputs.ndim == 3:
        return mosaic(outputs[:_MOST_MAPS], map_columns)
    return mosaic(outputs[:_MOST_UNITS], unit_columns)


def _layer_scale(layers: Sequence[LayerTrace]) -> ColourScale:
    is_signed, has_maps = layers[0].bounds[0] < 0, layers[0].outputs.ndim == 4
    outputs = [layer.outputs[0] for layer in layers]
    return ColourScale.of(outputs, is_signed=is_signed, most=_REACH if has_maps else 100)


def _layer_size(layer: LayerTrace) -> str:
    """How many maps or units there are, and how many of them are drawn."""
    count, *sides = layer.outputs.shape[1:]
    thing, most = ("map", _MOST_MAPS) if sides else ("unit", _MOST_UNITS)
    size = f" of {sides[0]}×{sides[1]}" if sides else ""
    return counted(count, thing) + size + (f", {most} shown" if count > most else "")


def activity_of(one: Observation, name: str) -> LayerActivity:
    """How busy a layer is for an input."""
    return next(activity for activity in one.activity if activity.name == name)


def describe_activity(activity: LayerActivity) -> str:
    """The most active unit, and how many are silent or saturated."""
    unit = int(activity.unit_means.argmax())
    said = f"unit {unit}, mean {number(float(activity.unit_means[unit]))}"
    if activity.silent is not None:
        said += f"; {whole_percent(activity.silent)} silent"
    if activity.saturated is not None:
        said += f"; {whole_percent(activity.saturated)} saturated"
    return said


def _occlusion_picture(image: Images, occlusion: Numbers) -> Colours:
    colours = ColourScale.of([occlusion], is_signed=True).colour(occlusion)
    ink = np.abs(image.astype(np.float64) - border_colour(image)).mean(axis=0) / 255
    faint = 1 - 0.15 * ink
    over: Colours = np.rint(colours * [faint, faint, faint, np.ones_like(faint)]).astype(np.uint8)
    return over
