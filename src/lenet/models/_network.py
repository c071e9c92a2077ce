"""A network as a list of layers: the one description that everything else follows from."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from lenet.core import open_to_read, shortened, write_atomically
from lenet.errors import LenetError, ModelError, SettingError, UnknownNameError
from lenet.models.layers import (
    MOST,
    BatchNorm,
    Initialisation,
    Layer,
    Placed,
    Shape,
    build_sequential,
    flat_layers,
    initialise,
    layers_from_dicts,
    layers_to_dicts,
    name_layers,
    place_layers,
    shapes_of,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from torch import nn

_MOST_FILE_BYTES = 2**20


def check_input_shape(input_shape: Iterable[int]) -> Shape:
    """The shape of an image, if it is one."""
    shape = tuple(input_shape) if isinstance(input_shape, Iterable) else ()
    if len(shape) != 3 or not all(type(size) is int and 1 <= size <= MOST for size in shape):
        message = (
            "`input_shape` must be three numbers, channels, height and width, each from 1 to "
            f"{MOST}, not {shortened(input_shape)}."
        )
        raise SettingError(message)
    return shape


def check_same(
    found: Mapping[str, str], wanted: Mapping[str, str], optional: Iterable[str] = ()
) -> None:
    """See that arrays are those that belong.

    Args:
        found: What they are, `[6]` or `float32 [6]`, by their names.
        wanted: What belongs there.
        optional: Which may be missing.

    Raises:
        ModelError: One is missing, too many or another.
    """
    for name in sorted(found.keys() | (wanted.keys() - set(optional))):
        is_there, belongs = found.get(name, "nothing"), wanted.get(name, "nothing")
        if is_there != belongs:
            message = f"`{name}` is {is_there} where {belongs} belongs."
            raise ModelError(message)


@dataclass(frozen=True)
class Network:
    """A network of any layers that lenet knows, one after the other.

    Args:
        layers: The layers, of the kinds in `lenet.models.layers`. One without a name is called by
            its place, as in an `nn.Sequential`; a dot in a name stands for one in another.
        input_shape: Channels, height and width of an image.
        initialisation: How the weights start: `xavier` and `kaiming` after the layer's size,
            `normal` with standard deviation 0.01; `pytorch` leaves them as PyTorch makes them.

    Raises:
        SettingError: They are no layers, or their names can't be those of weights.
        ModelError: A layer does not fit what comes out of the one before.

    >>> from lenet.models.layers import Activation, Dense, Flatten
    >>> layers = Flatten(), Dense(units=30), Activation(function="relu"), Dense(units=10)
    >>> Network(layers).parameters
    23860
    """

    layers: tuple[Layer, ...]
    input_shape: Shape = (1, 28, 28)
    initialisation: Initialisation = "pytorch"

    def __init__(
        self,
        layers: Iterable[Layer],
        input_shape: Iterable[int] = (1, 28, 28),
        initialisation: Initialisation = "pytorch",
    ):
        object.__setattr__(self, "layers", name_layers(layers))
        object.__setattr__(self, "input_shape", check_input_shape(input_shape))
        if initialisation not in get_args(Initialisation):
            raise UnknownNameError(
                "initialisation", shortened(initialisation).strip("'"), get_args(Initialisation)
            )
        object.__setattr__(self, "initialisation", initialisation)
        if not self.layers:
            message = "A network has at least one layer."
            raise ModelError(message)
        self.placed  # noqa: B018  # sees that the layers fit

    @cached_property
    def placed(self) -> list[Placed]:
        """The layers with the shapes between them."""
        return place_layers(self.layers, self.input_shape)

    @property
    def needs_two_images(self) -> bool:
        """Whether it normalises single numbers, of which a batch of one image has no variance."""
        norms = (one for one in flat_layers(self.placed) if isinstance(one.layer, BatchNorm))
        return any(math.prod(one.input_shape[1:]) == 1 for one in norms)

    @property
    def classes(self) -> int:
        """How many logits come out.

        Raises:
            ModelError: Something else than a row of at least two numbers comes out.
        """
        shape = self.placed[-1].output_shape
        if len(shape) != 1 or shape[0] < 2:
            sizes = "×".join(map(str, shape))
            message = f"The network gives {sizes} for an image, not a number for each class."
            raise ModelError(message)
        return shape[0]

    @property
    def parameters(self) -> int:
        """How many numbers the network learns."""
        return sum(placed.parameters for placed in self.placed)

    def weights(self) -> dict[str, Shape]:
        """The shapes of all that the network learns, by the names in its model file."""
        return shapes_of(self.placed, "weights")

    def statistics(self) -> dict[str, Shape]:
        """The shapes of what it keeps besides, such as running means."""
        return shapes_of(self.placed, "statistics")

    def build(self) -> nn.Sequential:
        """The network in PyTorch, with weights from torch's random numbers."""
        from lenet.models._modules import (
            PartialConvolution,
            Subsampling,
            initialise_as_published,
        )

        built = build_sequential(self.layers, self.input_shape)
        for layer in built.modules():
            if isinstance(layer, (PartialConvolution, Subsampling)):  # which PyTorch does not draw
                initialise_as_published(layer)
        initialise(built, self.initialisation)
        return built

    def network(self) -> Network:
        """Itself, as the settings of any network give theirs."""
        return self

    def to_dict(self) -> dict[str, Any]:
        """The network as plain values that JSON can hold."""
        return {
            "input_shape": self.input_shape,
            "initialisation": self.initialisation,
            "layers": layers_to_dicts(self.layers),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Network:
        """Read a network from plain values.

        Raises:
            UnknownNameError: A key, a kind of layer or a setting of one is unknown.
            SettingError: A value is missing, ill-typed or out of range.
            ModelError: The layers do not fit each other.
        """
        known = ("input_shape", "initialisation", "layers")
        for name in values:
            if name not in known:
                raise UnknownNameError("key", name, known)
        layers = layers_from_dicts(values.get("layers", ()))
        return cls(layers, **{name: values[name] for name in known[:2] if name in values})

    @classmethod
    def from_module(cls, module: nn.Module, input_shape: Iterable[int] = (1, 28, 28)) -> Network:
        """Describe a network that is built in PyTorch.

        Args:
            module: An `nn.Sequential` of layers that lenet knows, which may lie in each other. Lazy
                layers get their sizes by it.
            input_shape: Channels, height and width of an image.

        Raises:
            ModelError: It is something else; the message names the layer.
        """
        from lenet.models._recognise import describe_module

        shape = check_input_shape(input_shape)
        return cls(describe_module(module, shape), shape)

    @classmethod
    def read(cls, path: Path | str, input_shape: Iterable[int] | None = None) -> Network:
        """Read a network from a TOML file.

        Args:
            path: The file: `input_shape`, which may be left out, and a table `[[layers]]` for each
                layer with its `kind` and settings.
            input_shape: Of the images that it is for, in place of what the file says.

        Raises:
            ModelError: The file can't be read, or describes no network.
        """
        path = Path(path)
        with open_to_read(path, ModelError) as file:
            content = file.read(_MOST_FILE_BYTES + 1)
        try:
            if len(content) > _MOST_FILE_BYTES:
                message = "it is larger than 1 MiB."
                raise ModelError(message)
            values = tomllib.loads(content.decode("utf-8-sig"))
            if input_shape is not None:
                values["input_shape"] = input_shape
            return cls.from_dict(values)
        except (LenetError, ValueError, RecursionError) as error:
            message = f"`{path}` describes no network: {error}"
            raise ModelError(message) from error

    def write(self, path: Path | str) -> None:
        """Write the network as a TOML file that `read` reads.

        Raises:
            StorageError: The file can't be written.
        """
        write_atomically(Path(path), self.to_toml())

    def to_toml(self) -> str:
        """The text of that file."""
        lines = [
            f"input_shape = {list(self.input_shape)}",
            f'initialisation = "{self.initialisation}"',
        ]
        for values in layers_to_dicts(self.layers):
            lines += ["", "[[layers]]"]
            lines += [f"{name} = {_as_toml(value)}" for name, value in values.items()]
        return "\n".join([*lines, ""])


def _as_toml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {_as_toml(one)}" for name, one in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_as_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
