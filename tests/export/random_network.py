"""Networks of all kinds with random weights that make their answers differ."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from lenet.datasets import Dataset, Split
from lenet.export import TrainedNetwork, open_trained_network
from lenet.models import (
    Calibration,
    ModelConfig,
    Network,
    Normalisation,
    build_model,
    save_model,
)

IMAGES = 23


def random_network(
    config: ModelConfig | Network, folder: Path, class_names: tuple[str, ...] | None = None
) -> TrainedNetwork:
    """A network of a shape, saved with a normalisation and a temperature, and random images."""
    torch.manual_seed(0)
    network = build_model(config)
    for layer in network.modules():
        if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)):
            assert layer.running_mean is not None
            assert layer.running_var is not None
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.5, 2)
            nn.init.normal_(layer.weight, 1, 0.3)
            nn.init.normal_(layer.bias)
    shape, classes = config.input_shape, config.classes
    names = class_names or tuple(f"class {number}" for number in range(classes))
    path = folder / "random.safetensors"
    save_model(
        path,
        network,
        class_names=names,
        input_shape=shape,
        normalisation=Normalisation(0.13, 0.31),
        calibration=Calibration(0.6, 0.5, 10),
        dataset="noise",
    )
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (IMAGES, *shape), np.uint8)
    labels = generator.integers(0, classes, IMAGES)
    noise = Split(images, labels)
    return open_trained_network(path, Dataset("noise", names, noise, noise))
