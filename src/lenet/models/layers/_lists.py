"""Lists of layers: their names, their form in a file and in PyTorch, and the sum of two."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from lenet.errors import ModelError, SettingError, UnknownNameError
from lenet.models.layers._layer import (
    Layer,
    Placed,
    Shape,
    as_text,
    place_layers,
    receptive_fields,
    shapes_of,
)
from lenet.models.layers._lenet5 import Distances, PartialConvolution, Subsampling
from lenet.models.layers._standard import (
    Activation,
    AdaptivePooling,
    BatchNorm,
    Convolution,
    Dense,
    Dropout,
    Flatten,
    Padding,
    Pooling,
)

if TYPE_CHECKING:
    from torch import nn

Initialisation = Literal["xavier", "kaiming", "normal", "pytorch"]
_MOST_LAYERS = 1000
_MOST_LISTS = 20  # one in the other
NORMAL_DEVIATION = 0.01


@dataclass(frozen=True, kw_only=True)
class Residual(Layer):
    """The sum of what two lists of layers make of one input (He et al. 2016).

    Attributes:
        main: One list.
        shortcut: The other; where it is empty, what comes in is added as it is.
    """

    main: tuple[Layer, ...]
    shortcut: tuple[Layer, ...] = ()
    kind: ClassVar[str] = "residual"
    torch_class: ClassVar[str] = "Residual"

    def __post_init__(self) -> None:  # not `super()`'s: lists of layers are no plain settings
        for side in ("main", "shortcut"):
            object.__setattr__(self, side, name_layers(getattr(self, side)))
        self.require("main", bool(self.main), "at least one layer")

    def to_dict(self) -> dict[str, Any]:
        sides = {"main": layers_to_dicts(self.main), "shortcut": layers_to_dicts(self.shortcut)}
        return super().to_dict() | {side: layers for side, layers in sides.items() if layers}

    def sides(self, shape: Shape) -> tuple[list[Placed], list[Placed]]:
        """Both lists with the shapes between their layers; names are from this layer on.

        Raises:
            ModelError: A layer does not fit, or the two lists give different shapes.
        """
        return _sides(self, shape)

    def output_shape(self, shape: Shape) -> Shape:
        return self.sides(shape)[0][-1].output_shape

    def weights(self, shape: Shape) -> dict[str, Shape]:
        return shapes_of([*self.sides(shape)[0], *self.sides(shape)[1]], "weights")

    def statistics(self, shape: Shape) -> dict[str, Shape]:
        return shapes_of([*self.sides(shape)[0], *self.sides(shape)[1]], "statistics")

    def multiply_accumulates(self, shape: Shape) -> int:
        return sum(one.multiply_accumulates for side in self.sides(shape) for one in side)

    def window(self, shape: Shape) -> tuple[int, int]:
        ends = [receptive_fields(side)[-1] for side in self.sides(shape) if side]
        reach = 0 if any(size == 0 for size, _ in ends) else max(size for size, _ in ends)
        return reach, max(step for _, step in ends)

    def torch_arguments(self, shape: Shape) -> tuple[Any, ...]:
        return build_sequential(self.main, shape), build_sequential(self.shortcut, shape)


@lru_cache(1024)  # a sum in a sum in a sum would place its layers again and again
def _sides(residual: Residual, shape: Shape) -> tuple[list[Placed], list[Placed]]:
    main, shortcut = (
        place_layers([replace(one, name=f"{side}.{one.name}") for one in layers], shape)
        for side, layers in (("main", residual.main), ("shortcut", residual.shortcut))
    )
    after = shortcut[-1].output_shape if shortcut else shape
    if main[-1].output_shape != after:
        message = (
            f"{residual.label} adds {as_text(main[-1].output_shape)} of `main` and "
            f"{as_text(after)} of `shortcut`; these must be the same."
        )
        raise ModelError(message)
    return main, shortcut


def flat_layers(layers: Iterable[Placed]) -> Iterator[Placed]:
    """The layers with those within residual sums in place of these, by their full names."""
    for placed in layers:
        if isinstance(placed.layer, Residual):
            for side in placed.layer.sides(placed.input_shape):
                yield from (one.within(placed.layer.name) for one in flat_layers(side))
        else:
            yield placed


KINDS: dict[str, type[Layer]] = {
    kind.kind: kind
    for kind in (
        Convolution,
        Dense,
        Activation,
        Pooling,
        AdaptivePooling,
        BatchNorm,
        Dropout,
        Flatten,
        Padding,
        Subsampling,
        PartialConvolution,
        Distances,
        Residual,
    )
}


def name_layers(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """Layers with their place as the name of each that has none.

    Raises:
        SettingError: They are no layers, too many, or their names can't be those of weights.
    """
    found = tuple(layers)
    if not all(isinstance(layer, Layer) for layer in found):
        message = "A network is a list of layers."
        raise SettingError(message)
    if len(found) > _MOST_LAYERS:
        message = f"A network may have {_MOST_LAYERS} layers in a list, not {len(found)}."
        raise SettingError(message)
    named = tuple(
        layer if layer.name else replace(layer, name=str(place))
        for place, layer in enumerate(found)
    )
    counts = Counter(layer.name for layer in named)
    for name, count in counts.items():
        if count > 1 or not re.fullmatch(r"\w+(\.\w+)*", name):
            message = f"`{name}` can't be the name of {'two layers' if count > 1 else 'a layer'}."
            raise SettingError(message)
    return named


def layers_to_dicts(layers: Iterable[Layer]) -> list[dict[str, Any]]:
    """Layers as plain values; a name that is the layer's place is left out."""
    dicts = []
    for place, layer in enumerate(layers):
        values = layer.to_dict()
        if layer.name == str(place):
            del values["name"]
        dicts.append(values)
    return dicts


def layers_from_dicts(dicts: object, depth: int = 0) -> tuple[Layer, ...]:
    """Layers from plain values, as a file has them.

    Raises:
        UnknownNameError: There is no such kind, or no such setting of a kind.
        SettingError: A value is missing, ill-typed or out of range.
    """
    if not isinstance(dicts, Sequence) or isinstance(dicts, str) or depth > _MOST_LISTS:
        message = "The layers of a network must be a list."
        raise SettingError(message)
    return name_layers(_layer_from(values, place, depth) for place, values in enumerate(dicts))


def _layer_from(values: object, place: int, depth: int) -> Layer:
    if not isinstance(values, Mapping) or not isinstance(values.get("kind"), str):
        message = f"Layer {place} says no `kind`, such as `dense`."
        raise SettingError(message)
    settings = {name: value for name, value in values.items() if name != "kind"}
    kind = KINDS.get(values["kind"])
    if kind is None:
        raise UnknownNameError("kind of layer", values["kind"], KINDS)
    if kind is Residual:
        settings |= {
            side: layers_from_dicts(settings[side], depth + 1)
            for side in ("main", "shortcut")
            if side in settings
        }
    needed = [one.name for one in fields(kind) if one.default is MISSING]
    if any(name not in settings for name in needed):
        named = " and ".join(f"`{name}`" for name in needed)
        message = f"Layer {place} (`{kind.kind}`) says too little; it needs {named}."
        raise SettingError(message)
    return kind.from_dict(settings)


def build_sequential(layers: Sequence[Layer], shape: Shape) -> nn.Sequential:
    """An `nn.Sequential` of layers; one in another for names with a dot.

    Raises:
        ModelError: A layer does not fit, or names are none that PyTorch takes.
    """
    from torch import nn

    network = nn.Sequential()
    for placed in place_layers(layers, shape):
        *inside, name = placed.layer.name.split(".")
        place = network
        try:
            for part in inside:
                found = getattr(place, part, None)
                if found is None:
                    found = nn.Sequential()
                    place.add_module(part, found)
                if type(found) is not nn.Sequential or found is not list(place)[-1]:
                    raise KeyError
                place = found
            place.add_module(name, placed.layer.module(placed.input_shape))
        except KeyError:
            message = f"`{placed.layer.name}` can't be the name of a layer at its place."
            raise ModelError(message) from None
    return network


def initialise(model: nn.Module, initialisation: Initialisation = "xavier") -> None:
    """Draw the weights of every convolution and dense layer anew, from torch's random numbers.

    The biases stay as PyTorch made them, as in the tutorial.

    Args:
        model: The network; changed in place.
        initialisation: `xavier` for uniform in ±√(6 / (fan-in + fan-out)) (Glorot and Bengio
            2010, equation 16), `kaiming` for uniform in ±√(6 / fan-in) (He et al. 2015),
            `normal` for a normal distribution with standard deviation 0.01, `pytorch` to leave the
            weights as they are.
    """
    from torch import nn

    if initialisation == "pytorch":
        return
    for layer in model.modules():
        # On the meta device nothing is drawn, but drawing would import PyTorch's compiler.
        if isinstance(layer, (nn.Conv2d, nn.Linear)) and not layer.weight.is_meta:
            if initialisation == "xavier":
                nn.init.xavier_uniform_(layer.weight)
            elif initialisation == "kaiming":
                nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
            else:
                nn.init.normal_(layer.weight, std=NORMAL_DEVIATION)
