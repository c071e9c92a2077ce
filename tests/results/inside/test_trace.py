"""Traces against running the layers one by one, and figures against NumPy."""

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from lenet.errors import DatasetError, ModelError
from lenet.models import LeNet, LeNetConfig, Normalisation, build_model, summarise
from lenet.results import average_trace, compare_traces, measure_activity, trace

Images = npt.NDArray[np.uint8]
NORMALISATION = Normalisation(0.3, 0.4)


def outputs_one_by_one(network: nn.Sequential, images: Images) -> list[npt.NDArray[np.float32]]:
    """What each layer puts out, by calling them in turn."""
    values = (torch.from_numpy(images).float() / 255 - NORMALISATION.mean) / NORMALISATION.std
    found = []
    with torch.no_grad():
        for layer in network:
            values = layer(values)
            if not isinstance(layer, (nn.Flatten, nn.ConstantPad2d)):
                found.append(values.numpy())
    return found


def test_a_trace_is_what_the_layers_give_one_by_one(network: nn.Sequential, images: Images) -> None:
    traced = trace(network, images, NORMALISATION)
    expected = outputs_one_by_one(network, images)
    for layer, values in zip(traced, expected, strict=True):
        np.testing.assert_allclose(layer.outputs, values, atol=1e-5)
        np.testing.assert_allclose(
            layer.unit_means, values.reshape(*values.shape[:2], -1).mean(axis=2), atol=1e-5
        )
        low, high = layer.bounds
        assert low - 1e-6 <= values.min()
        assert values.max() <= high + 1e-6


def test_layers_have_the_names_of_the_summary(network: nn.Sequential, images: Images) -> None:
    layers = summarise(network, (1, *images.shape[1:]))
    kinds = [one.name for one in layers if one.name not in ("Flatten", "ConstantPad2d")]
    names = [layer.name for layer in trace(network, images)]
    assert [name.split()[-1] for name in names] == kinds
    assert len(set(names)) == len(names)
    for name in names:
        place, kind = name.split()
        assert type(network.get_submodule(place)).__name__ == kind


def test_images_are_traced_in_batches_with_the_same_result() -> None:
    network = LeNet(LeNetConfig(channels=(2,), dense_widths=(5,)))
    images = np.random.default_rng(0).integers(256, size=(150, 1, 28, 28), dtype=np.uint8)
    traced = trace(network, images)
    alone = trace(network, images[149:])
    average = average_trace(network, images)
    for whole, last, mean in zip(traced, alone, average, strict=True):
        assert len(whole.outputs) == 150
        np.testing.assert_allclose(whole.outputs[149:], last.outputs, atol=1e-6)
        np.testing.assert_allclose(mean.outputs[0], whole.outputs.mean(axis=0), atol=1e-5)


def test_an_average_of_activations_is_not_that_of_the_average_image() -> None:
    network = LeNet(LeNetConfig(activation="relu"))
    images = np.random.default_rng(0).integers(256, size=(20, 1, 28, 28), dtype=np.uint8)
    of_average = trace(network, np.rint(images.mean(axis=0)).astype(np.uint8)[None])
    averages = average_trace(network, images)
    np.testing.assert_allclose(averages[0].outputs, of_average[0].outputs, atol=5e-3)  # linear
    assert np.abs(averages[1].outputs - of_average[1].outputs).max() > 0.05  # bent


def test_nothing_of_a_trace_stays_in_the_network(network: nn.Sequential, images: Images) -> None:
    network.train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    trace(network, images)
    with pytest.raises(ModelError, match="does not take these images"):
        trace(network, images[:, :, :-3])
    assert all(layer.training for layer in network.modules())
    assert not any(layer._forward_hooks for layer in network.modules())
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])


@pytest.mark.parametrize(
    "images",
    [np.zeros((1, 1, 28, 28)), np.zeros((28, 28), np.uint8), np.zeros((0, 1, 28, 28), np.uint8)],
)
def test_arrays_that_are_no_images_are_refused(images: Images) -> None:
    with pytest.raises(DatasetError):
        trace(LeNet(), images)


def test_differences_are_distances_of_the_outputs() -> None:
    network = build_model(LeNetConfig(activation="tanh"), seed=0)
    images = np.random.default_rng(0).integers(256, size=(2, 1, 28, 28), dtype=np.uint8)
    one, other = trace(network, images[:1]), trace(network, images[1:])
    for found, a, b in zip(compare_traces(one, other), one, other, strict=True):
        size = (np.linalg.norm(a.outputs) + np.linalg.norm(b.outputs)) / 2
        assert found.distance == pytest.approx(np.linalg.norm(a.outputs - b.outputs) / size)
        means = a.unit_means[0], b.unit_means[0]
        assert found.unit == np.abs(means[0] - means[1]).argmax()
        assert found.unit_means == pytest.approx((means[0][found.unit], means[1][found.unit]))
    assert [found.distance for found in compare_traces(one, one)] == [0] * len(one)
    with pytest.raises(ModelError, match="different networks"):
        compare_traces(one, one[1:])


def test_activity_counts_silent_units_and_saturated_outputs() -> None:
    network = LeNet(LeNetConfig(channels=(3,), dense_widths=(4,), activation="relu"))
    with torch.no_grad():
        network[0].weight.zero_()
        network[0].bias.copy_(torch.tensor([-1.0, 0.0, 2.0]))
    images = np.random.default_rng(0).integers(256, size=(70, 1, 28, 28), dtype=np.uint8)
    convolution, relu, pooling = measure_activity(network, images)[:3]
    assert convolution.silent is None
    assert relu.silent == pooling.silent == pytest.approx(2 / 3)
    assert relu.saturated is None
    np.testing.assert_array_equal(relu.unit_means, [0, 0, 2])
    np.testing.assert_array_equal(convolution.unit_maxima, [-1, 0, 2])

    sigmoid = LeNet(LeNetConfig(channels=(4,), dense_widths=()))
    with torch.no_grad():
        sigmoid[0].weight.zero_()
        sigmoid[0].bias.copy_(torch.tensor([-9.0, 0.0, 9.0, 3.0]))
    activity = measure_activity(sigmoid, images)
    assert activity[1].saturated == pytest.approx(0.5)
    assert activity[1].silent is None


def test_activity_is_that_of_the_whole_trace(network: nn.Sequential, images: Images) -> None:
    for layer, found in zip(trace(network, images), measure_activity(network, images), strict=True):
        np.testing.assert_allclose(found.unit_means, layer.unit_means.mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(found.unit_maxima, layer.unit_maxima.max(axis=0), atol=1e-5)
