"""A model in one file: safetensors, with a header that says what it is.

The header holds everything needed to build the network and to use it: architecture, class names,
input shape, normalisation, the recipe it was trained with and the scores it reached. Reading one
runs no code from the file.
"""

from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import nn

from lenet.core import read_header, read_tensors, write_atomically
from lenet.errors import ModelFileError
from lenet.models._card import (
    HEADER_KEY,
    Calibration,
    ModelCard,
    Normalisation,
    check_numbers,
    file_errors,
    read_card,
)
from lenet.models._registry import CUSTOM, build_model, identify_model
from lenet.models.layers import layers_to_dicts
from lenet.pictures import Preparation


def save_model(
    path: Path | str,
    network: nn.Module,
    *,
    class_names: tuple[str, ...],
    input_shape: tuple[int, ...] | None = None,
    normalisation: Normalisation | None = None,
    preparation: Preparation | None = None,
    calibration: Calibration | None = None,
    answers_blank: bool = False,
    dataset: str = "",
    recipe: dict[str, Any] | None = None,
    results: dict[str, Any] | None = None,
) -> None:
    """Write a network into one self-describing file, whole or not at all.

    Args:
        path: The file, by custom `model.safetensors`.
        network: Any network; one that is no `nn.Sequential` of known layers needs its code again
            to be loaded.
        class_names: The classes, in the order of the network's outputs.
        input_shape: Channels, height and width of an image, where neither the network's settings
            nor the preparation says it; 1, 28, 28 where none is given.
        normalisation: How pixels become the network's input; pixel / 255 where none is given.
        preparation: How a picture becomes an image; fitted into the frame where none is given.
        calibration: How far its probabilities can be trusted.
        answers_blank: Whether a class of its holds empty pictures.
        dataset: What it was trained on.
        recipe: How it was trained, as plain values.
        results: The scores it reached.

    Raises:
        ModelError: The network does not take such images.
        ModelFileError: The class names are not as many as its outputs.
        StorageError: The file can't be written.
    """
    shape = input_shape or (preparation.image_shape if preparation else (1, 28, 28))
    name, settings = identify_model(network, shape)
    config = settings.to_dict()
    card = ModelCard(
        model=name,
        config={key: value for key, value in config.items() if key != "layers"},
        class_names=tuple(class_names),
        input_shape=settings.input_shape,
        preparation=preparation or Preparation.plain(settings.input_shape),
        layers=() if name == CUSTOM else tuple(layers_to_dicts(settings.network().layers)),
        normalisation=normalisation or Normalisation(),
        calibration=calibration or Calibration(),
        answers_blank=answers_blank,
        dataset=dataset,
        recipe=recipe or {},
        results=results or {},
    )
    card.settings()
    header = {HEADER_KEY: card.to_json()}
    tensors = {name: tensor.contiguous().cpu() for name, tensor in network.state_dict().items()}
    write_atomically(Path(path), safetensors.torch.save(tensors, header))


def load_model(path: Path | str, network: nn.Module | None = None) -> tuple[nn.Module, ModelCard]:
    """Read a network and its description back.

    Args:
        path: The file.
        network: A network whose weights become the file's; only one that is no list of known layers
            has to be given, built by its own code.

    Returns:
        The network on the CPU, in evaluation mode, and what the file says about it.

    Raises:
        ModelFileError: The file is missing, damaged, a pickle, or not a model of ours.
    """
    path = Path(path)
    card = read_card(path)
    with file_errors(path):
        settings = card.settings()
        if network is not None:
            return load_weights(network, path).eval(), card
        with torch.device("meta"):  # no memory before it is known that the file has the weights
            built = build_model(settings)
        built.load_state_dict(_read_weights(path, built), assign=True)
    return built.eval(), card


def load_weights(network: nn.Module, path: Path | str) -> nn.Module:
    """Give a network the weights of a safetensors file.

    Args:
        network: Any network; changed in place.
        path: A model file, or any file of safetensors with the names of the network's
            `state_dict()`.

    Returns:
        The network.

    Raises:
        ModelFileError: The file is missing, damaged or a pickle, or its weights are another
            network's.

    >>> from lenet.models import BUNDLED, LeNet, LeNetConfig
    >>> network = LeNet(LeNetConfig(activation="relu", pooling="max", batch_norm=True))
    >>> load_weights(network, BUNDLED["digits"]) is network
    True
    """
    path = Path(path)
    read_header(path, ModelFileError)
    with file_errors(path, "does not hold the network's weights"):
        tensors = _read_weights(path, network)
    network.load_state_dict(tensors)
    return network


def _read_weights(path: Path, network: nn.Module) -> dict[str, torch.Tensor]:
    """A file's tensors, once they are known to be those of a network."""
    found, wanted = read_tensors(path), network.state_dict()
    for name in sorted(found.keys() | wanted.keys()):
        shapes = [
            f"{tensors[name].dtype} {list(tensors[name].shape)}" if name in tensors else "nothing"
            for tensors in (found, wanted)
        ]
        if shapes[0] != shapes[1]:
            message = f"`{name}` is {shapes[0]} where {shapes[1]} belongs."
            raise ModelFileError(message)
    check_numbers({name: tensor.numpy() for name, tensor in found.items()})
    return found
