"""A sound model file and a place for others."""

from pathlib import Path

import pytest
from model_files import CLASSES, Weights

from lenet.models import (
    LeNetConfig,
    build_model,
    save_model,
)


@pytest.fixture(scope="module")
def tensors() -> Weights:
    """The weights of a sound network."""
    return Weights(build_model(LeNetConfig(), seed=1).state_dict())


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a sound model file."""
    path = tmp_path_factory.mktemp("sound") / "model.safetensors"
    save_model(path, build_model(LeNetConfig(), seed=1), class_names=CLASSES)
    return path.read_bytes()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One path that each example writes anew."""
    return tmp_path_factory.mktemp("model") / "model.safetensors"
