"""Reading a model file, which runs no code from it; without PyTorch where no module is built."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt
from safetensors import SafetensorError

from lenet.core import (
    json_text,
    newer_version,
    parse_json,
    read_arrays,
    read_header,
    replace_free_part,
    require_torch,
)
from lenet.errors import LenetError, ModelFileError
from lenet.models._array_network import ArrayNetwork, check_numbers, load_arrays
from lenet.models._card import HEADER_KEY, ModelCard
from lenet.models._network import check_same
from lenet.models._registry import CUSTOM
from lenet.models.layers import layers_to_dicts

if TYPE_CHECKING:
    from torch import nn


def load_model(
    path: Path | str, network: "nn.Module | None" = None
) -> "tuple[nn.Module, ModelCard]":
    """Read a network and its description back.

    Args:
        path: The file.
        network: A network whose weights become the file's; only one that is no list of known layers
            has to be given, built by its own code.

    Returns:
        The network on the CPU, in evaluation mode, and what the file says about it.

    Raises:
        ModelFileError: The file is missing, damaged, a pickle, or not a model of ours.
        MissingExtraError: PyTorch is not installed.
    """
    found, card = read_network(path, network)
    if isinstance(found, ArrayNetwork):
        require_torch("`lenet.load_model`, unlike `lenet.open_model`,")
    return (found.module().eval() if isinstance(found, ArrayNetwork) else found), card


def read_network(
    path: Path | str, network: "nn.Module | None" = None
) -> "tuple[ArrayNetwork | nn.Module, ModelCard]":
    """The same with the network's numbers as arrays, unless it is built by its own code.

    Raises:
        ModelFileError: As for `load_model`.
    """
    path = Path(path)
    card = read_card(path)
    with file_errors(path):
        settings = card.settings()
        if network is not None:
            return load_weights(network, path).eval(), card
        described = settings.network()
        counts = {name for name in described.statistics() if name.endswith("num_batches_tracked")}
        wanted = {
            name: ("int64" if name in counts else "float32", shape)
            for name, shape in (described.weights() | described.statistics()).items()
        }
        return ArrayNetwork(settings, _read_weights(path, wanted)), card


def load_weights(network: "nn.Module", path: Path | str) -> "nn.Module":
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
    >>> network = LeNet(LeNetConfig(classes=11, activation="relu", batch_norm=True))
    >>> load_weights(network, BUNDLED["fashion"]) is network
    True
    """
    path = Path(path)
    read_header(path, ModelFileError)
    with file_errors(path, "does not hold the network's weights"):
        wanted = {
            name: (str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape))
            for name, tensor in network.state_dict().items()
        }
        arrays = _read_weights(path, wanted)
    load_arrays(network, arrays)
    return network


def _read_weights(
    path: Path, wanted: Mapping[str, tuple[str, tuple[int, ...]]]
) -> dict[str, npt.NDArray[Any]]:
    """A file's arrays, once they are known to be of the wanted types and shapes, in this order."""
    found = read_arrays(path)
    check_same(
        {name: f"{array.dtype} {list(array.shape)}" for name, array in found.items()},
        {name: f"{kind} {list(shape)}" for name, (kind, shape) in wanted.items()},
    )
    check_numbers(found)
    return {name: found[name] for name in wanted}


def read_card(path: Path) -> ModelCard:
    """Read what a model file says about itself.

    Raises:
        ModelFileError: The file is missing, damaged, a pickle, or not a model of ours.
    """
    header = read_header(path, ModelFileError)
    if HEADER_KEY not in header:
        message = f"`{path}` is a safetensors file, but not a model that lenet wrote."
        raise ModelFileError(message)
    with file_errors(path):
        try:
            return ModelCard.from_json(header[HEADER_KEY])
        except (LenetError, LookupError, TypeError, ValueError):
            if newer := newer_version(parse_json(header[HEADER_KEY])):
                message = f"it was written by a newer lenet ({newer}); update this one."
                raise ModelFileError(message) from None
            raise


def with_layers(content: bytes) -> bytes:
    """A model file's content, with the list of layers that files of an older lenet lack.

    What is no such file is given back as it is: whoever reads it says better what is wrong.
    """
    try:
        size = int.from_bytes(content[:8], "little")
        header = parse_json(content[8 : 8 + size])["__metadata__"]
        described = parse_json(header[HEADER_KEY])
        card = ModelCard.from_json(header[HEADER_KEY])
        if card.layers or card.model == CUSTOM:
            return content
        described["layers"] = layers_to_dicts(card.settings().network().layers)
    except (LenetError, ValueError, LookupError, TypeError, RecursionError):
        return content
    return replace_free_part(content, {HEADER_KEY: json_text(described)})


@contextmanager
def file_errors(path: Path, what: str = "describes a model that can't be built") -> Iterator[None]:
    """Turn whatever goes wrong in taking a file at its word into one `ModelFileError`."""
    try:
        yield
    except KeyError as error:
        message = f"`{path}` says too little about itself: there is no {error}."
        raise ModelFileError(message) from error
    except (LenetError, ValueError, TypeError, RuntimeError, SafetensorError) as error:
        message = f"`{path}` {what}: {error}"
        raise ModelFileError(message) from error
