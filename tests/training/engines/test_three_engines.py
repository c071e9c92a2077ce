"""The kernels, PyTorch and NumPy train alike: the same begin to the bit, then up to rounding.

PyTorch in float64 is the oracle of the gradients. Where a ReLU or a maximum flips by rounding,
trainings part, so the seeds are such that none does in these few steps.
"""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lenet.datasets import Batches, Dataset, Split
from lenet.kernels import kernel_status
from lenet.models import (
    ArrayNetwork,
    LeNet5Config,
    LeNetConfig,
    MLPConfig,
    ModelConfig,
    Network,
    SoftmaxConfig,
    arrays_of,
    build_model,
    layers,
)
from lenet.training import Listener, Recipe, Trainer

# The loss of PyTorch, for the oracle; the room's face names none.
from lenet.training.engines._torch import build_loss

SHAPE = (1, 14, 14)
ENGINES = ("native", "torch", "numpy")


def around(*middle: layers.Layer, bias: bool = True) -> Network:
    """A small network that has some layers after a convolution."""
    convolution = layers.Convolution(filters=4, kernel_size=(3, 3), bias=bias)
    last = layers.Flatten(), layers.Dense(units=10)
    return Network((convolution, *middle, *last), SHAPE, initialisation="xavier")


def small_lenet(**settings: Any) -> LeNetConfig:
    sizes = {"input_shape": SHAPE, "channels": (3, 5), "dense_widths": (12, 11)}
    return LeNetConfig.from_dict({**sizes, **settings})


TANH = layers.Activation(function="tanh")
HALF = layers.Pooling(method="average", kernel_size=(2, 2))
BLOCKS: dict[str, ModelConfig | Network] = {  # that the kernels fuse
    "softmax": SoftmaxConfig(input_shape=SHAPE),
    "MLP": MLPConfig(input_shape=SHAPE, dense_widths=(20, 12), initialisation="xavier"),
    **{
        f"LeNet, {activation}, {pooling}": small_lenet(activation=activation, pooling=pooling)
        for activation in ("sigmoid", "tanh", "relu")
        for pooling in ("average", "max")
    },
    "LeNet, batch norm": small_lenet(activation="tanh", batch_norm=True),
}
NETWORKS: dict[str, ModelConfig | Network] = {
    **BLOCKS,
    "LeNet-5": LeNet5Config(),
    "LeNet, batch norm, gelu": small_lenet(activation="gelu", batch_norm=True),
    "residual": around(
        layers.BatchNorm(),
        TANH,
        layers.Residual(
            main=(
                layers.Convolution(filters=4, kernel_size=(3, 3), padding=(1, 1), bias=False),
                layers.BatchNorm(),
            ),
        ),
        layers.Residual(
            main=(layers.Convolution(filters=5, kernel_size=(3, 3), padding=(1, 1)), TANH),
            shortcut=(layers.Convolution(filters=5, kernel_size=(1, 1)),),
        ),
        HALF,
        bias=False,
    ),
    **{
        name: around(layers.Activation(function=name), HALF)  # type: ignore[arg-type]
        for name in layers.FUNCTIONS
        if name not in ("sigmoid", "tanh", "relu")
    },
    **{
        f"{method} pooling, {name}": around(TANH, layers.Pooling(method=method, **settings))  # type: ignore[arg-type]
        for method in ("average", "max")
        for name, settings in {
            "overlapping": {"kernel_size": (3, 3), "stride": (2, 2)},
            "padded": {"kernel_size": (3, 2), "padding": (1, 1), "ceil_mode": True},
        }.items()
    },
    "average pooling, padding not counted": around(
        TANH,
        layers.Pooling(method="average", kernel_size=(3, 3), padding=(1, 1), count_padding=False),
    ),
    **{
        f"adaptive {method} pooling": around(
            TANH,
            layers.AdaptivePooling(method=method, output_size=(5, 3)),  # type: ignore[arg-type]
        )
        for method in ("average", "max")
    },
    "subsampling": around(TANH, layers.Subsampling()),
    "odd kernels, strides, groups": around(
        TANH,
        layers.Convolution(filters=6, kernel_size=(1, 4), stride=(2, 1), groups=2),
        layers.Convolution(filters=5, kernel_size=(3, 2), padding=(2, 1), dilation=(1, 2)),
        TANH,
    ),
    "dense layers in a row": Network(
        (layers.Flatten(), layers.Dense(units=20, bias=False), layers.Dense(units=10)), SHAPE
    ),
    "batch norm in odd places": around(
        layers.BatchNorm(momentum="cumulative"),
        HALF,
        TANH,
        layers.Flatten(),
        layers.Dense(units=12),
        TANH,
        layers.BatchNorm(),
        bias=False,
    ),
}


def recipe_for(name: str) -> Recipe:
    if name == "LeNet-5":
        return Recipe(batch_size=8, learning_rate=0.001, loss="map", momentum=0.9)
    return Recipe(batch_size=8, learning_rate=0.01, momentum=0.9)


@pytest.fixture(scope="module")
def small_digits(few_digits: Dataset) -> Dataset:
    """Digits of half the height and width."""
    small = Split(few_digits.train.images[..., ::2, ::2].copy(), few_digits.train.labels)
    return Dataset("small-digits", few_digits.class_names, small)


def engines_here() -> tuple[str, ...]:
    """Those that are here."""
    return ENGINES if kernel_status().reason is None else ENGINES[1:]


class Losses(Listener):
    """Keeps the loss of every step."""

    def __init__(self) -> None:
        self.found: list[float] = []

    def on_step(self, trainer: Trainer) -> None:
        self.found.append(float(trainer.losses[trainer.step - 1]))


def make_trainer(
    data: Dataset, name: str, engine: str, recipe: Recipe, *listeners: Listener
) -> Trainer:
    """The training of a network from seed 3 by an engine."""
    build = build_model if engine == "torch" else ArrayNetwork.build
    network = build(NETWORKS[name], seed=3)
    return Trainer(network, data, recipe, seed=4, engine=engine, listeners=listeners)  # type: ignore[arg-type]


def data_for(name: str, few_digits: Dataset, small_digits: Dataset) -> Dataset:
    return few_digits if NETWORKS[name].input_shape == (1, 28, 28) else small_digits


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_order_and_augmentation_begin_with_the_same_bits(
    few_digits: Dataset, small_digits: Dataset, name: str
) -> None:
    data = data_for(name, few_digits, small_digits)
    recipe = recipe_for(name).replace(shift=1, flip=True)
    torchs, *others = (
        make_trainer(data, name, engine, recipe) for engine in ("torch", *engines_here())
    )
    arrays = arrays_of(torchs.network)
    selections = [list(torchs.train_batches.selections(epoch)) for epoch in range(2)]
    for trainer in others:
        found = arrays_of(trainer.network)
        assert found.keys() == arrays.keys()
        assert all(np.array_equal(found[key], array) for key, array in arrays.items())
        for epoch, expected in enumerate(selections):
            ours = trainer.train_batches.selections(epoch)
            for one, other in zip(ours, expected, strict=True):
                assert np.array_equal(one.indices, other.indices)
                assert np.array_equal(one.changes.mirrored, other.changes.mirrored)
                assert np.array_equal(one.changes.shifts, other.changes.shifts)


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_are_those_of_float64(
    few_digits: Dataset, small_digits: Dataset, name: str
) -> None:
    data, recipe = data_for(name, few_digits, small_digits), recipe_for(name).replace(batch_size=32)
    module = build_model(NETWORKS[name], seed=3).double()
    images, labels = next(Batches(data.train, 32, shuffle=True, seed=4).epoch(0))
    loss = build_loss(recipe)(module(images.double()), labels)
    names, weights = zip(*module.named_parameters(), strict=True)
    exact = [one.numpy() for one in torch.autograd.grad(loss, weights)]
    for engine in engines_here():
        trainer = make_trainer(data, name, engine, recipe)
        selection = next(trainer.train_batches.selections(0))
        found, _ = trainer.engine.step(selection, 0.0)
        assert float(found) == pytest.approx(float(loss.detach()), rel=1e-5)
        # What momentum begins with is the gradient.
        ours = [state["momentum_buffer"] for state in trainer.engine.state().values()]
        for weight, gradient, expected in zip(names, ours, exact, strict=True):
            distance = np.linalg.norm(gradient - expected)
            assert distance <= 1e-5 * np.linalg.norm(expected), (engine, weight)


@pytest.mark.parametrize("name", NETWORKS)
def test_fifty_losses_are_the_same(few_digits: Dataset, small_digits: Dataset, name: str) -> None:
    data = data_for(name, few_digits, small_digits)
    recipe = recipe_for(name).replace(epochs=4, shift=1, flip=True)
    losses: dict[str, NDArray[np.float64]] = {}
    for engine in engines_here():
        heard = Losses()
        trainer = make_trainer(data, name, engine, recipe, heard)
        trainer.run()
        assert trainer.engine.name == engine
        losses[engine] = np.array(heard.found[:50])
    expected = losses.pop("torch")
    assert len(expected) == 50
    assert len(set(expected)) > 45
    for found in losses.values():
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)
