"""What the tests of the model file share."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

from lenet.errors import ModelFileError
from lenet.models import (
    LeNet,
    ModelCard,
    load_model,
)

CLASSES = tuple(f"class {index}" for index in range(10))
CARD = {
    "format": 1,
    "model": "lenet",
    "config": {},
    "class_names": list(CLASSES),
    "input_shape": [1, 28, 28],
    "normalisation": {"mean": 0.0, "std": 1.0},
}


class Weights(dict[str, torch.Tensor]):
    """Named tensors that do not fill the screen when a test fails."""

    def __repr__(self) -> str:
        return f"<{len(self)} tensors>"


def refusal(path: Path) -> str:
    """The message with which a file is refused; it names the file."""
    with pytest.raises(ModelFileError) as caught:
        load_model(path)
    assert f"`{path}`" in str(caught.value)
    return str(caught.value)


def loads_or_refuses(path: Path) -> None:
    """Damage leads to one kind of error, which names the file, or to a whole network."""
    try:
        network, card = load_model(path)
    except ModelFileError as error:
        message = str(error)
    else:
        assert isinstance(network, LeNet)
        assert isinstance(card, ModelCard)
        return
    assert f"`{path}`" in message


def with_card(card: object, tensors: Weights) -> bytes:
    """A safetensors file whose header has this in our part."""
    return safetensors.torch.save(tensors, {"lenet": json.dumps(card)})
