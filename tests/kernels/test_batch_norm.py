"""Fused steps through batch normalisation against PyTorch in float64."""

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lenet_shapes import SHAPES
from normalised_networks import BYTE_VALUES, COUNT, Examples, make_network, norms_of
from numpy.typing import NDArray
from torch import Tensor, nn

from compiled_kernels import needs_kernels
from lenet.core import Generator
from lenet.kernels import StepSettings, use_engine
from lenet.models import LeNet, LeNetConfig, build_model

pytestmark = needs_kernels

NORMALISED_SHAPES = SHAPES | {
    "many channels, odd sizes": {
        "input_shape": (3, 23, 21),
        "kernel_size": 3,
        "channels": (17, 9),
        "dense_widths": (),
    },
}
# A dense layer's variance of a few values may be so small that rounding decides. So it does among
# many values where a ReLU or a maximum may flip.
CASES = [
    (name, activation, pooling, batch)
    for name, shape in NORMALISED_SHAPES.items()
    for activation in ("sigmoid", "tanh", "relu")
    for pooling in ("average", "max")
    for batch in (1, 7, 40, 255)
    if batch >= 40 or shape.get("dense_widths") == ()
    if batch <= 40 or (activation != "relu" and pooling == "average")
]
MAYBE = st.booleans()


@pytest.fixture
def set_threads() -> Iterator[Callable[[int], None]]:
    """Sets PyTorch's threads until the test is over."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def torch_loss(network: nn.Module, examples: Examples, indices: NDArray[np.int64]) -> Tensor:
    """The loss of a batch as PyTorch has it, in the type of the network."""
    dtype = next(network.parameters()).dtype
    images = torch.from_numpy(BYTE_VALUES[examples.pixels[indices]]).to(dtype)
    with use_engine("torch"):
        labels = torch.from_numpy(examples.labels[indices])
        return nn.functional.cross_entropy(network(images), labels)


def distances(ours: Iterable[Tensor], exact: Iterable[Tensor]) -> list[float]:
    """How far each is from the exact one, relative to its norm."""
    pairs = zip(ours, exact, strict=True)
    doubles = ((one.detach().double(), other.detach().double()) for one, other in pairs)
    return [float((one - other).norm() / other.norm().clamp_min(1e-9)) for one, other in doubles]


class Reference(NamedTuple):
    """What PyTorch makes of a batch: in float64, and its gradients in float32."""

    loss: float
    gradients: Sequence[Tensor]
    single: Sequence[Tensor]
    norms: Sequence[nn.BatchNorm1d | nn.BatchNorm2d]


def pytorchs_step(network: nn.Module, examples: Examples, indices: NDArray[np.int64]) -> Reference:
    """A step of copies of the network, which stays as it is."""
    exact, single = copy.deepcopy(network).double(), copy.deepcopy(network)
    losses = [torch_loss(one, examples, indices) for one in (exact, single)]
    expected, theirs = (
        torch.autograd.grad(one, list(twin.parameters()))
        for one, twin in zip(losses, (exact, single), strict=True)
    )
    return Reference(losses[0].item(), expected, theirs, norms_of(exact))


def check_step(
    network: nn.Module,
    examples: Examples,
    indices: NDArray[np.int64],
    reference: Reference | None = None,
    *,
    together: bool = False,
) -> None:
    """Compare loss, gradients and running statistics with those of float64.

    A variance may be so small that no float32 comes near; there PyTorch's own distance is the
    measure. Gradients are compared one by one or, where one may be nothing but rounding,
    `together`.
    """
    reference = reference or pytorchs_step(network, examples, indices)
    step = examples.step(network, StepSettings())
    loss, _ = step(indices, 0.0)
    assert loss == pytest.approx(reference.loss, rel=1e-5)
    found = [list(map(torch.from_numpy, step.gradients)), reference.single, reference.gradients]
    if together:
        found = [[torch.cat([tensor.double().flatten() for tensor in all_])] for all_ in found]
    assert_near(*found, room=1e-5)
    for norm, other in zip(norms_of(network), reference.norms, strict=True):
        deviation = other.running_var.sqrt()
        assert (norm.running_mean - other.running_mean).abs().div(deviation).max() <= 2e-6
        assert max(distances([norm.running_var], [other.running_var])) <= 2e-6
        assert norm.num_batches_tracked == other.num_batches_tracked


def assert_near(
    ours: Sequence[Tensor], theirs: Sequence[Tensor], exact: Sequence[Tensor], *, room: float
) -> None:
    """As near to the exact numbers as `room`, or about as PyTorch in float32."""
    for one, other in zip(distances(ours, exact), distances(theirs, exact), strict=True):
        assert one <= max(room, 10 * other)


@cache  # once for all libraries
def reference_of_case(shape: str, activation: str, pooling: str, batch: int) -> Reference:
    return pytorchs_step(*case_of(shape, activation, pooling, batch))


def case_of(
    shape: str, activation: str, pooling: str, batch: int
) -> tuple[nn.Module, Examples, NDArray[np.int64]]:
    network = make_network(activation=activation, pooling=pooling, **NORMALISED_SHAPES[shape])
    return network, Examples.of(network), Generator(2).permutation(COUNT)[:batch]


@pytest.mark.parametrize(("shape", "activation", "pooling", "batch"), CASES)
def test_gradients_and_statistics_are_those_of_float64(
    shape: str, activation: str, pooling: str, batch: int
) -> None:
    reference = reference_of_case(shape, activation, pooling, batch)
    check_step(*case_of(shape, activation, pooling, batch), reference)


@st.composite
def networks(draw: st.DrawFn) -> tuple[nn.Sequential, tuple[int, ...]]:
    """Up to three convolutions, then up to three dense layers, some with batch norm; all smooth."""
    layers: list[nn.Module] = []
    shape = draw(st.tuples(st.integers(1, 4), st.integers(4, 24), st.integers(4, 24)))
    channels, height, width = shape
    torch.manual_seed(draw(st.integers(0, 2**32)))
    for _ in range(draw(st.integers(0, 3))):
        padding, filters, norm = draw(st.integers(0, 3)), draw(st.integers(1, 20)), draw(MAYBE)
        most = min(7, height + 2 * padding - 1, width + 2 * padding - 1)
        if most < 1:
            break
        kernel = draw(st.integers(1, most))
        layers.append(nn.Conv2d(channels, filters, kernel, padding=padding, bias=not norm))
        layers += [nn.BatchNorm2d(filters)] if norm else []
        layers += [draw(st.sampled_from([nn.Sigmoid, nn.Tanh]))(), nn.AvgPool2d(2)]
        channels = filters
        height, width = ((size + 2 * padding - kernel + 1) // 2 for size in (height, width))
    layers.append(nn.Flatten())
    units = channels * height * width
    for outputs in draw(st.lists(st.integers(1, 40), max_size=2)):
        norm = draw(MAYBE)
        layers.append(nn.Linear(units, outputs, bias=not norm))
        layers += [nn.BatchNorm1d(outputs)] if norm else []
        layers += [nn.Tanh()] if draw(MAYBE) else []
        units = outputs
    layers.append(nn.Linear(units, 10))
    return nn.Sequential(*layers), shape


@settings(max_examples=100, deadline=None, derandomize=True)
@given(made=networks(), batch=st.integers(20, 100))
def test_random_networks_are_those_of_float64(
    made: tuple[nn.Sequential, tuple[int, ...]], batch: int
) -> None:
    network, shape = made
    check_step(network, Examples.of_shape(shape), np.arange(batch), together=True)


def test_a_mean_far_from_zero_does_not_cost_the_variance() -> None:
    network = make_network(dense_widths=())
    exact, examples = copy.deepcopy(network).double(), Examples.of(network)
    values = 1000 + BYTE_VALUES
    examples.step(network, StepSettings(), values)(np.arange(50), 0.0)
    with torch.no_grad():
        exact(torch.from_numpy(values[examples.pixels[:50]]).double())
    first, exact_first = norms_of(network)[0], norms_of(exact)[0]
    assert max(distances(first.buffers(), exact_first.buffers())) <= 1e-6


SETTINGS = {
    "nesterov": (StepSettings(momentum=0.9, nesterov=True), 0.02),
    "adam": (StepSettings("adam"), 0.002),
    "adamw, clipped": (StepSettings("adamw", weight_decay=0.1, gradient_clipping=0.5), 0.002),
}


# Where a ReLU or a maximum flips by rounding, trainings part, PyTorch's own in float32 and float64
# as well. So these have none.
@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
@pytest.mark.parametrize(("rule", "rate"), SETTINGS.values(), ids=SETTINGS)
def test_forty_losses_are_those_of_pytorch(
    rule: StepSettings, rate: float, activation: Literal["sigmoid", "tanh"]
) -> None:
    check_losses(rule, rate, activation, count=40)


def check_losses(
    rule: StepSettings, rate: float, activation: Literal["sigmoid", "tanh"], *, count: int
) -> None:
    """Compare the losses of some steps, and the running statistics after them."""
    network = new_network(activation)
    step = Examples.of(network).step(network, rule)
    expected, norms = pytorchs_losses(rule, rate, activation, count)
    for indices, loss in zip(batches(count), expected, strict=True):
        ours, _ = step(indices, rate)
        assert ours == pytest.approx(loss, abs=1e-4)
    for norm, other in zip(norms_of(network), norms, strict=True):
        torch.testing.assert_close(norm.running_mean, other.running_mean, rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(norm.running_var, other.running_var, rtol=1e-3, atol=1e-3)
        assert norm.num_batches_tracked == other.num_batches_tracked == count


def new_network(activation: Literal["sigmoid", "tanh"]) -> nn.Module:
    return build_model(LeNetConfig(activation=activation, batch_norm=True), seed=1).train()


def batches(count: int) -> list[NDArray[np.int64]]:
    generator = Generator(3)
    return [generator.integers(COUNT, (100,)) for _ in range(count)]


@cache  # once for all libraries
def pytorchs_losses(
    rule: StepSettings, rate: float, activation: Literal["sigmoid", "tanh"], count: int
) -> tuple[list[float], list[nn.BatchNorm1d | nn.BatchNorm2d]]:
    """The losses of some steps of PyTorch's, and the batch normalisations after them."""
    network = new_network(activation)
    examples, optimiser = Examples.of(network), make_optimiser(network, rule, rate)
    losses = []
    for indices in batches(count):
        loss = torch_loss(network, examples, indices)
        optimiser.zero_grad()
        loss.backward()
        if rule.gradient_clipping:
            nn.utils.clip_grad_norm_(network.parameters(), rule.gradient_clipping)
        optimiser.step()
        losses.append(loss.item())
    return losses, norms_of(network)


def make_optimiser(network: nn.Module, rule: StepSettings, rate: float) -> torch.optim.Optimizer:
    """PyTorch's optimiser of the same settings."""
    if rule.optimiser == "sgd":
        return torch.optim.SGD(
            network.parameters(), rate, momentum=rule.momentum, nesterov=rule.nesterov
        )
    kind = torch.optim.Adam if rule.optimiser == "adam" else torch.optim.AdamW
    return kind(network.parameters(), rate, weight_decay=rule.weight_decay)


def test_the_optimisers_state_is_that_of_pytorch() -> None:
    rule, rate = SETTINGS["adam"]
    network = make_network()
    twin, examples = copy.deepcopy(network), Examples.of(network)
    step, optimiser = examples.step(network, rule), make_optimiser(twin, rule, rate)
    step(np.arange(50), rate)
    torch_loss(twin, examples, np.arange(50)).backward()
    optimiser.step()
    state = {
        index: {name: tensor.numpy() for name, tensor in of_parameter.items()}
        for index, of_parameter in optimiser.state_dict()["state"].items()
    }
    assert state.keys() == step.state().keys()
    for index, of_parameter in step.state().items():
        assert of_parameter.keys() == state[index].keys()
        for name, array in of_parameter.items():
            np.testing.assert_allclose(array, state[index][name], rtol=1e-3, atol=1e-6)
    again = examples.step(network, rule)
    again.load_state(state)
    for index, of_parameter in again.state().items():
        assert all(np.array_equal(of_parameter[name], state[index][name]) for name in of_parameter)


@pytest.mark.parametrize("batch", [250, 33, 5])
@pytest.mark.parametrize(("rule", "rate"), SETTINGS.values(), ids=SETTINGS)
def test_steps_do_not_depend_on_threads(
    rule: StepSettings, rate: float, batch: int, set_threads: Callable[[int], None]
) -> None:
    results = []
    for threads in (1, 2, 5):
        network = make_network(activation="relu", pooling="max")
        step = Examples.of(network).step(network, rule)
        set_threads(threads)
        losses = [step(np.arange(first, first + batch), rate) for first in range(5)]
        results.append((losses, list(network.state_dict().values())))
    for losses, tensors in results[1:]:
        assert losses == results[0][0]
        assert all(torch.equal(a, b) for a, b in zip(tensors, results[0][1], strict=True))


def test_one_batch_leaves_nothing_for_the_next() -> None:
    networks = make_network(), make_network()
    examples = Examples.of(networks[0])
    used, fresh = (examples.step(network, StepSettings()) for network in networks)
    used(np.arange(100), 0.0)
    used(np.arange(37), 0.1)
    networks[1].load_state_dict(make_network().state_dict())
    fresh(np.arange(37), 0.1)
    for one, other in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        assert torch.equal(one, other)


def test_only_some_layers_may_have_it() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.Tanh(), nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3, bias=False), nn.BatchNorm2d(6, eps=0.01, momentum=0.3), nn.Sigmoid(),
        nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(150, 20), nn.Tanh(),
        nn.Linear(20, 15, bias=False), nn.BatchNorm1d(15),
        nn.Linear(15, 10), nn.ReLU(),
    )  # fmt: skip
    check_step(network, Examples.of(LeNet()), np.arange(70))


def test_a_batch_norm_may_be_the_end() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 10, bias=False), nn.BatchNorm1d(10))
    check_step(network, Examples.of(LeNet()), np.arange(70))
