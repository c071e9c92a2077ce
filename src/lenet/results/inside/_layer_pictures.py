"""A layer's outputs as one picture."""

from collections.abc import Sequence

from lenet.results.inside._colours import ColourScale, Numbers, mosaic
from lenet.results.inside._trace import LayerActivity, LayerTrace
from lenet.results.inside._wording import counted, number, percent

MOST_MAPS = 64  # that are drawn of a layer
_MOST_UNITS = 512
_REACH = 99.5  # per cent of the numbers in maps that the colours tell apart


def layer_mosaic(layer: LayerTrace, map_columns: int, unit_columns: int) -> Numbers:
    """The first image's maps or units in rows.

    Args:
        layer: What the layer puts out.
        map_columns: Maps a row.
        unit_columns: Units a row, of a dense layer.
    """
    outputs = layer.outputs[0]
    if outputs.ndim == 3:
        return mosaic(outputs[:MOST_MAPS], map_columns)
    return mosaic(outputs[:_MOST_UNITS], unit_columns)


def layer_scale(layers: Sequence[LayerTrace]) -> ColourScale:
    """The colours of one layer's outputs for several subjects."""
    is_signed, has_maps = layers[0].bounds[0] < 0, layers[0].outputs.ndim == 4
    outputs = [layer.outputs[0] for layer in layers]
    return ColourScale.of(outputs, is_signed=is_signed, most=_REACH if has_maps else 100)


def layer_size(layer: LayerTrace) -> str:
    """How many maps or units there are, and how many of them are drawn."""
    shape = layer.outputs.shape[1:]
    count = shape[0]
    if len(shape) == 1:
        drawn = f", {_MOST_UNITS} shown" if count > _MOST_UNITS else ""
        return counted(count, "unit") + drawn
    drawn = f", {MOST_MAPS} shown" if count > MOST_MAPS else ""
    return f"{counted(count, 'map')} of {shape[1]}×{shape[2]}{drawn}"


def describe_activity(activity: LayerActivity) -> str:
    """The most active unit, and how many are silent or saturated."""
    unit = int(activity.unit_means.argmax())
    said = f"unit {unit}, mean {number(float(activity.unit_means[unit]))}"
    if activity.silent is not None:
        said += f"; {percent(activity.silent)} silent"
    if activity.saturated is not None:
        said += f"; {percent(activity.saturated)} saturated"
    return said
