"""What is seen of a network's arrays, against the hooks and the autograd of PyTorch."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from layered_networks import of_every_kind, of_lenet5s_kinds
from torch import nn

from all_networks import NAMES, OWN_CODE, Twice, make
from lenet.datasets import Split
from lenet.errors import ModelError
from lenet.kernels import use_engine
from lenet.models import ArrayNetwork, Network, Normalisation, build_model, model_config, summarise
from lenet.results import (
    compute_features,
    find_neighbours,
    gradient_saliency,
    log_probabilities,
    measure_activity,
    measure_robustness,
    occlusion_saliency,
    read_filters,
    trace,
)

NETWORKS = ["every kind", "LeNet-5's", *(name for name in NAMES if name not in OWN_CODE)]
NORMALISATION = Normalisation(0.3, 0.4)
IMAGES = np.random.default_rng(0).integers(256, size=(5, 1, 28, 28), dtype=np.uint8)


def built(name: str) -> nn.Module:
    """A network with statistics that are not those it began with."""
    torch.manual_seed(0)
    own = {"every kind": of_every_kind, "LeNet-5's": of_lenet5s_kinds}
    made = own[name]() if name in own else make(name)
    module = build_model(model_config(made), seed=1) if isinstance(made, str) else made
    if name == "LeNet-5's":  # which has weights that nobody drew
        module = Network.from_module(module).build()
    with torch.no_grad():
        module(torch.zeros(2, 1, 28, 28))  # of lazy layers
        for key, values in module.state_dict().items():
            if key.endswith(("running_mean", "running_var")):
                values.copy_(torch.rand(values.shape) + 0.5)
    return module.eval()


@contextmanager
def heard(module: nn.Module) -> Iterator[list[object]]:
    """Listen to a module, which leaves it to PyTorch."""
    calls: list[object] = []
    hook = module.register_forward_hook(lambda *_: calls.append(_))
    with use_engine("torch"):
        yield calls
    hook.remove()


@pytest.fixture(params=NETWORKS, scope="module")
def module(request: pytest.FixtureRequest) -> nn.Module:
    return built(request.param)


@pytest.fixture
def arrays(module: nn.Module) -> ArrayNetwork:
    """The network without its module."""
    seen = ArrayNetwork.from_module(module, (1, 28, 28))
    return ArrayNetwork(seen.settings, seen.arrays)


def test_layers_are_those_that_hooks_see(module: nn.Module, arrays: ArrayNetwork) -> None:
    with heard(module) as calls:
        by_hooks = trace(module, IMAGES, NORMALISATION)
        activity = measure_activity(module, IMAGES, NORMALISATION)
    assert calls
    for network in (module, arrays):
        found = trace(network, IMAGES, NORMALISATION)
        assert [(one.name, one.bounds) for one in found] == [
            (one.name, one.bounds) for one in by_hooks
        ]
        for one, expected in zip(found, by_hooks, strict=True):
            np.testing.assert_allclose(one.outputs, expected.outputs, rtol=1e-4, atol=1e-5)
            assert one.outputs.dtype == np.float32
    for busy, expected_of in zip(
        measure_activity(arrays, IMAGES, NORMALISATION), activity, strict=True
    ):
        assert busy.name == expected_of.name
        np.testing.assert_allclose(busy.unit_means, expected_of.unit_means, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(busy.unit_maxima, expected_of.unit_maxima, rtol=1e-4, atol=1e-5)
        assert (busy.silent, busy.saturated) == pytest.approx(
            (expected_of.silent, expected_of.saturated), abs=1e-3
        )


def test_layers_that_compute_nothing_are_left_out() -> None:
    names = [one.name for one in trace(built("every kind"), IMAGES)]
    kinds = {name.split()[1] for name in names}
    assert not kinds & {"ConstantPad2d", "Dropout", "Dropout2d", "Flatten", "Identity"}
    assert not kinds & {"Sequential", "Residual"}
    assert {"7.main.0 Conv2d", "7.shortcut.0 Conv2d", "9.main.0 Softplus"} < set(names)


def test_slopes_are_autograds(module: nn.Module, arrays: ArrayNetwork) -> None:
    settings = {"samples": 3, "noise": 0.1, "seed": 4}
    with heard(module) as calls:
        expected = gradient_saliency(module, IMAGES[0], 2, NORMALISATION, **settings)
    assert calls
    for network in (module, arrays):
        found = gradient_saliency(network, IMAGES[0], 2, NORMALISATION, **settings)
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * scale)


def test_what_is_computed_from_answers_is_the_same(module: nn.Module, arrays: ArrayNetwork) -> None:
    labelled = Split(IMAGES, np.arange(5))
    with heard(module) as calls:
        features = compute_features(module, IMAGES, NORMALISATION)
        covered = occlusion_saliency(module, IMAGES[0], 2, NORMALISATION, patch=14, step=14)
        answers = log_probabilities(module, labelled, NORMALISATION, views="mirrored")
        (nearest,) = find_neighbours(module, IMAGES[:1], IMAGES, NORMALISATION)
    assert calls
    for network in (module, arrays):
        found = compute_features(network, IMAGES, NORMALISATION)
        np.testing.assert_allclose(found, features, rtol=1e-4, atol=1e-5)
        found = occlusion_saliency(network, IMAGES[0], 2, NORMALISATION, patch=14, step=14)
        np.testing.assert_allclose(found, covered, atol=1e-5)
        found = log_probabilities(network, labelled, NORMALISATION, views="mirrored")
        np.testing.assert_allclose(found, answers, rtol=1e-4, atol=1e-5)
        (near,) = find_neighbours(network, IMAGES[:1], IMAGES, NORMALISATION)
        np.testing.assert_allclose(near.distances, nearest.distances, atol=1e-4)


def test_filters_are_the_modules_weights(module: nn.Module, arrays: ArrayNetwork) -> None:
    with heard(module):
        expected = read_filters(module)
    for network in (module, arrays):
        found = read_filters(network)
        assert [one.name for one in found] == [one.name for one in expected]
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one.weights, other.weights)


def test_a_module_on_another_device_gets_its_images_there(
    arrays: ArrayNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = arrays.module().eval()
    expected = trace(arrays, IMAGES), compute_features(arrays, IMAGES)
    slopes = gradient_saliency(arrays, IMAGES[0], 2)
    # Private, as this machine may have no other device; the name is that of one.
    monkeypatch.setattr("lenet.results._networks.device_of", lambda network: "cpu:0")
    with heard(module):
        found = trace(module, IMAGES), compute_features(module, IMAGES)
        by_pytorch = gradient_saliency(module, IMAGES[0], 2)
    for one, other in zip(found[0], expected[0], strict=True):
        np.testing.assert_allclose(one.outputs, other.outputs, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(by_pytorch, slopes, rtol=1e-3, atol=1e-4 * slopes.max())


def test_a_summary_is_that_of_the_module(module: nn.Module, arrays: ArrayNetwork) -> None:
    assert summarise(arrays) == summarise(module)


def test_a_module_of_ones_own_is_seen_by_its_hooks() -> None:
    torch.manual_seed(0)
    network, examples = Twice(), Split(IMAGES, np.arange(5))
    (layer,) = trace(network, IMAGES, NORMALISATION)
    inputs = (torch.from_numpy(IMAGES).float() / 255 - 0.3) / 0.4
    assert layer.name == "layers.1 Linear"
    with torch.no_grad():
        last = network.layers(inputs.flip(3))
        scores = network(inputs).log_softmax(dim=1)
    np.testing.assert_allclose(layer.outputs, last.numpy(), atol=1e-5)
    np.testing.assert_allclose(
        log_probabilities(network, examples, NORMALISATION), scores.numpy(), atol=1e-5
    )
    weights = network.layers[1].weight[3].detach().reshape(28, 28).numpy()
    saliency = gradient_saliency(network, IMAGES[0], 3, NORMALISATION)
    np.testing.assert_allclose(saliency, np.abs(weights + weights[:, ::-1]) / 0.4, atol=1e-5)
    (plain, _), *_ = (
        one.points[:2] for one in measure_robustness(network, examples, NORMALISATION)
    )
    assert 0 <= plain.accuracy <= 1
    with pytest.raises(ModelError, match="no class 10"):
        gradient_saliency(network, IMAGES[0], 10)


def test_images_of_another_size_are_refused() -> None:
    network = ArrayNetwork.build(model_config("lenet"), 0)
    with pytest.raises(
        ModelError, match="does not take these images: they are 1×28×20, not 1×28×28"
    ):
        trace(network, IMAGES[..., :20])
