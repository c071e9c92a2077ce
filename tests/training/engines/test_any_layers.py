"""The kernels' plain passes compute what PyTorch computes, for every list of layers."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from layer_lists import KINDS, conv, ended, networks, pool, relu
from numpy.typing import NDArray
from torch import nn

from compiled_kernels import needs_kernels
from lenet.core import cpu_threads
from lenet.datasets import ArrayBatches, Split
from lenet.kernels import Program, use_engine
from lenet.models import ArrayNetwork, Network, evaluated_program, layers
from lenet.models.layers import layer_values
from lenet.training import Recipe, compute_logits

# Which engine serves is no choice of a person's, so the room's face does not name them.
from lenet.training.engines._native import NativeEngine

pytestmark = needs_kernels

COUNT = 19  # images: a tile of the widest vectors, and a part of one
RECIPE = Recipe(batch_size=COUNT, learning_rate=0.01, momentum=0.9)

SUMS = layers.Convolution, layers.PartialConvolution, layers.Dense, layers.Pooling, layers.Residual


def split_for(network: Network) -> Split:
    generator = np.random.default_rng(7)
    classes = network.placed[-1].output_shape[0]
    images = generator.integers(0, 256, (COUNT, *network.input_shape), dtype=np.uint8)
    return Split(images, generator.integers(0, classes, COUNT))


def array_network(network: Network) -> ArrayNetwork:
    """A network with weights and statistics of no special size."""
    built = ArrayNetwork.build(network, seed=5)
    generator = np.random.default_rng(6)
    for name, array in built.arrays.items():
        if name.endswith("running_var"):
            array[...] = generator.uniform(0.5, 2, array.shape)
        elif array.ndim == 1:
            array += generator.normal(0, 0.2, array.shape).astype(np.float32)
    return built


def native_gradients(
    network: ArrayNetwork, threads: int = 1
) -> tuple[float, dict[str, NDArray[np.float32]]]:
    split = split_for(network.network)
    engine = NativeEngine(network, RECIPE, ArrayBatches(split, COUNT))
    engine.seed_draws(3)
    with cpu_threads(threads):
        loss, _ = engine.compute_gradients(next(engine.batches.selections(0)))
    return loss, dict(zip(network.weight_names, engine.gradients, strict=True))


def torch_gradients(
    network: ArrayNetwork, dtype: torch.dtype
) -> tuple[float, dict[str, NDArray[np.float64]]]:
    """PyTorch's, of a copy of the network."""
    module = ArrayNetwork(network.settings, {k: v.copy() for k, v in network.arrays.items()})
    given = module.module().to(dtype).train()
    for layer in given.modules():
        if isinstance(layer, (nn.Dropout, nn.Dropout2d)):
            layer.p = 0.0
    split = split_for(network.network)
    byte_values = torch.from_numpy(ArrayBatches(split, COUNT).byte_values).to(dtype)
    labels = torch.from_numpy(np.asarray(split.labels))
    with use_engine("torch"):
        logits = given(byte_values[torch.from_numpy(split.images.astype(np.int64))])
        loss = nn.functional.cross_entropy(logits, labels)
        names, weights = zip(*given.named_parameters(), strict=True)
        found = torch.autograd.grad(loss, weights)
    return float(loss.detach()), {
        name: one.double().numpy() for name, one in zip(names, found, strict=True)
    }


def without_dropout(network: Network) -> Network:
    return Network(_undropped(network.layers), network.input_shape)


def _undropped(given: tuple[layers.Layer, ...]) -> Iterator[layers.Layer]:
    for layer in given:
        if isinstance(layer, layers.Dropout):
            yield layers.Activation(function="identity", name=layer.name)
        elif isinstance(layer, layers.Residual):
            sides = (tuple(_undropped(side)) for side in (layer.main, layer.shortcut))
            yield layers.Residual(
                **dict(zip(("main", "shortcut"), sides, strict=True)), name=layer.name
            )
        else:
            yield layer


def check_gradients(network: Network) -> None:
    """See that every gradient is within 1e-5 of float64's, or as near as PyTorch's is."""
    built = array_network(without_dropout(network))
    if not built.weight_names:
        return
    loss, exact = torch_gradients(built, torch.float64)
    their_loss, theirs = torch_gradients(built, torch.float32)
    found, ours = native_gradients(built)
    assert abs(found - loss) <= max(1e-5 * (1 + abs(loss)), 4 * abs(their_loss - loss))
    size = math.sqrt(sum(np.square(one).sum() for one in exact.values()))
    # A batch norm over few numbers magnifies rounding, in one array more than in another.
    rounding = max(np.linalg.norm(theirs[name] - expected) for name, expected in exact.items())
    for name, expected in exact.items():
        within = 1e-5 * np.linalg.norm(expected)
        assert np.linalg.norm(ours[name] - expected) <= max(within, 8 * rounding, 1e-6 * size), name


@pytest.mark.parametrize("name", KINDS)
def test_gradients_of_every_kind_of_layer(name: str) -> None:
    check_gradients(KINDS[name])


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(networks())
def test_gradients_of_any_network(network: Network) -> None:
    check_gradients(network)


def check_values(network: Network) -> None:
    """See that what each layer makes of an image is what NumPy makes, and made of what it is."""
    built = array_network(network)
    program, parameters, places = evaluated_program(network, built.arrays)
    generator = np.random.default_rng(8)
    image = generator.normal(size=network.input_shape).astype(np.float32)
    values, offsets = program.values(parameters, image)
    exact = {name: array.astype(np.float64) for name, array in built.arrays.items()}
    for placed, made in layer_values(network.placed, image[None].astype(np.float64), exact):
        value = places[placed.layer.name]
        found = values[offsets[value] : offsets[value + 1]]
        np.testing.assert_allclose(found, made.ravel(), rtol=1e-4, atol=1e-4 * np.abs(made).max())
        if isinstance(placed.layer, SUMS) and value > 0:
            check_contributions(placed, program, parameters, values, value, found, exact)


def check_contributions(
    placed: layers.Placed,
    program: Program,
    parameters: list[layers.Array],
    values: NDArray[np.float32],
    value: int,
    made: NDArray[np.float32],
    arrays: layers.Arrays,
) -> None:
    """See that numbers of a layer's output are the sums of what they are said to be made of."""
    biases = arrays.get(f"{placed.layer.name}.bias")
    channels = placed.output_shape[0]
    count = math.prod(placed.output_shape)
    for place in {0, count // 2, count - 1}:
        inputs, weights = program.contributions(parameters, values, value - 1, place)
        bias = 0 if biases is None else biases[place * channels // count]
        expected = made[place]
        terms = values[inputs].astype(np.float64) * weights
        assert terms.sum() + bias == pytest.approx(expected, abs=1e-4 * (1 + np.abs(terms).sum()))


@pytest.mark.parametrize("name", KINDS)
def test_every_value_of_an_image_and_what_it_is_made_of(name: str) -> None:
    check_values(KINDS[name])


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(networks())
def test_values_of_any_network(network: Network) -> None:
    check_values(network)


@pytest.mark.parametrize("name", ["dropout", "residual with a convolution", "distances"])
def test_answers_are_those_of_pytorch(name: str) -> None:
    built = array_network(KINDS[name])
    split = split_for(built.network)
    logits = {}
    for engine in ("native", "torch"):
        with use_engine(engine):  # type: ignore[arg-type]
            logits[engine] = compute_logits(built, ArrayBatches(split, COUNT))
    np.testing.assert_allclose(logits["native"], logits["torch"], rtol=1e-4, atol=1e-5)


def dropped(probability: float, **settings: bool) -> Network:
    """A network of one layer that draws, and one that learns."""
    drawn = layers.Dropout(probability=probability, **settings)
    return Network([drawn, layers.Flatten(), layers.Dense(units=3)], (4, 10, 10))


@pytest.mark.parametrize("probability", [0.25, 0.5, 1.0])
def test_dropout_keeps_its_share_and_makes_up_for_it(probability: float) -> None:
    # The weights' gradients say what came through: those of an input that is 0 are 0.
    network = array_network(dropped(probability))
    split = Split(np.full((1, 4, 10, 10), 255, np.uint8), np.array([1]))
    engine = NativeEngine(network, RECIPE, ArrayBatches(split, COUNT))
    seen = []
    for seed in (1, 1, 2):
        engine.seed_draws(seed)
        engine.compute_gradients(next(engine.batches.selections(0)))
        seen.append(engine.gradients[0][1] / engine.gradients[1][1])
    assert np.array_equal(seen[0], seen[1])
    if probability == 1:
        assert not seen[0].any()
        return
    assert not np.array_equal(seen[0], seen[2])
    full = engine.batches.byte_values[255] / (1 - probability)
    assert np.all((seen[0] == 0) | np.isclose(seen[0], full))
    assert np.mean(seen[0] == 0) == pytest.approx(probability, abs=0.08)


def test_dropout_of_whole_maps_and_its_way_back() -> None:
    layer = layers.Dropout(probability=0.5, whole_maps=True)
    network = array_network(ended(conv(8, 1), layer, shape=(1, 3, 3)))
    _, found = native_gradients(network)
    # What a map that is dropped for all images would have: with 19 images, all have some.
    assert all(np.abs(one).max() > 0 for one in found["0.weight"])
    engine = NativeEngine(network, RECIPE, ArrayBatches(split_for(network.network), COUNT))
    weights, step = network.arrays["0.weight"], 1e-2

    def loss() -> float:
        engine.seed_draws(3)
        return engine.compute_gradients(next(engine.batches.selections(0)))[0]

    slopes = []
    for place in range(len(weights)):
        sides = []
        for sign in (1, -1):
            weights[place] += sign * step
            sides.append(loss())
            weights[place] -= sign * step
        slopes.append((sides[0] - sides[1]) / (2 * step))
    np.testing.assert_allclose(found["0.weight"].ravel(), slopes, rtol=0.02, atol=1e-4)


MIXED = ended(
    conv(5, padding=1, bias=False),
    layers.BatchNorm(momentum="cumulative"),
    relu(),
    layers.Residual(
        main=(conv(6, padding=1, stride=2), layers.BatchNorm(), relu(), layers.Dropout()),
        shortcut=(conv(6, 1, stride=2),),
    ),
    pool(3, method="max", stride=2),
)


@pytest.mark.parametrize("threads", [2, 5])
def test_threads_leave_no_trace(threads: int) -> None:
    one, many = (native_gradients(array_network(MIXED), count) for count in (1, threads))
    assert one[0] == many[0]
    assert all(np.array_equal(one[1][name], many[1][name]) for name in one[1])
