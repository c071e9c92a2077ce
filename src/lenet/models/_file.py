"""A model in one file: safetensors, with a header that says what it is.

The header holds everything needed to build the network and to use it: architecture, class names,
input shape, normalisation, the recipe it was trained with and the scores it reached. Reading one
runs no code from the file.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import nn

from lenet._safetensors import read_header, read_tensors
from lenet._storage import write_atomically
from lenet._version import __version__
from lenet.errors import LenetError, ModelFileError
from lenet.models._registry import build_model, identify_model, model_config

_KEY = "lenet"  # of our part of the safetensors header
_FORMAT = 1


@dataclass(frozen=True)
class Normalisation:
    """How the pixels become the network's input: (pixel / 255 - mean) / std.

    Attributes:
        mean: Subtracted after the pixels were brought to 0 … 1.
        std: Divided by then.
    """

    mean: float = 0.0
    std: float = 1.0


@dataclass(frozen=True)
class ModelCard:
    """What a model file says about itself.

    Attributes:
        model: The network's name in the registry.
        config: Its settings, as plain values.
        class_names: The classes, in the order of the network's outputs.
        input_shape: Channels, height and width of an image.
        normalisation: How pixels become the network's input.
        dataset: What it was trained on.
        recipe: How it was trained, as plain values.
        results: The scores it reached.
        version: The version of lenet that wrote it.
    """

    model: str
    config: dict[str, Any]
    class_names: tuple[str, ...]
    input_shape: tuple[int, ...]
    normalisation: Normalisation = field(default_factory=Normalisation)
    dataset: str = ""
    recipe: dict[str, Any] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    version: str = __version__


def save_model(
    path: Path | str,
    network: nn.Module,
    *,
    class_names: tuple[str, ...],
    normalisation: Normalisation | None = None,
    dataset: str = "",
    recipe: dict[str, Any] | None = None,
    results: dict[str, Any] | None = None,
) -> None:
    """Write a network into one self-describing file, whole or not at all.

    Args:
        path: The file, by custom `model.safetensors`.
        network: A network of a registered class.
        class_names: The classes, in the order of the network's outputs.
        normalisation: How pixels become the network's input; pixel / 255 where none is given.
        dataset: What it was trained on.
        recipe: How it was trained, as plain values.
        results: The scores it reached.

    Raises:
        ModelError: The network's class is not registered, or the class names are not as many as
            its outputs.
        StorageError: The file can't be written.
    """
    name, settings = identify_model(network)
    config = settings.to_dict()
    card = ModelCard(
        model=name,
        config=config,
        class_names=tuple(class_names),
        input_shape=config["input_shape"],
        normalisation=normalisation or Normalisation(),
        dataset=dataset,
        recipe=recipe or {},
        results=results or {},
    )
    _check_agreement(card, config)
    header = {_KEY: json.dumps({"format": _FORMAT, **asdict(card)})}
    tensors = {name: tensor.contiguous().cpu() for name, tensor in network.state_dict().items()}
    write_atomically(Path(path), safetensors.torch.save(tensors, header))


def load_model(path: Path | str) -> tuple[nn.Module, ModelCard]:
    """Read a network and its description back.

    Returns:
        The network on the CPU, in evaluation mode, and what the file says about it.

    Raises:
        ModelFileError: The file is missing, damaged, a pickle, or not a model of ours.
    """
    path = Path(path)
    header = read_header(path, ModelFileError)
    if _KEY not in header:
        message = f"`{path}` is a safetensors file, but not a model that lenet wrote."
        raise ModelFileError(message)
    try:
        card = _parse_card(json.loads(header[_KEY]))
        config = model_config(card.model, card.config)
        _check_agreement(card, config.to_dict())
        with torch.device("meta"):  # no memory before it is known that the file holds the weights
            network = build_model(config)
        tensors = read_tensors(path)
        _check_tensors(tensors, network.state_dict())
    except KeyError as error:
        message = f"`{path}` says too little about itself: there is no {error}."
        raise ModelFileError(message) from error
    except (LenetError, ValueError, TypeError, RuntimeError, SafetensorError) as error:
        message = f"`{path}` describes a model that can't be built: {error}"
        raise ModelFileError(message) from error
    network.load_state_dict(tensors, assign=True)
    return network.eval(), card


def _parse_card(values: Any) -> ModelCard:
    """The description from the header's plain values."""
    if not isinstance(values, dict):
        message = "its description is not an object."
        raise ModelFileError(message)
    if values.pop("format") != _FORMAT:
        message = f"it was written by a newer lenet ({values.get('version')}); update this one."
        raise ModelFileError(message)
    values["class_names"] = tuple(values["class_names"])
    values["input_shape"] = tuple(values["input_shape"])
    values["normalisation"] = Normalisation(**values["normalisation"])
    return ModelCard(**values)


def _check_agreement(card: ModelCard, config: dict[str, Any]) -> None:
    """Raise if a description is at odds with itself."""
    if len(card.class_names) != config["classes"] or card.input_shape != config["input_shape"]:
        message = (
            f"it names {len(card.class_names)} classes and images of shape {card.input_shape}, "
            f"but its network has {config['classes']} and {config['input_shape']}."
        )
        raise ModelFileError(message)


def _check_tensors(found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> None:
    """Raise if a file's tensors are not those of the network that it describes."""
    for name in sorted(found.keys() | wanted.keys()):
        shapes = [
            f"{tensors[name].dtype} {list(tensors[name].shape)}" if name in tensors else "nothing"
            for tensors in (found, wanted)
        ]
        if shapes[0] != shapes[1]:
            message = f"`{name}` is {shapes[0]} where {shapes[1]} belongs."
            raise ModelFileError(message)
