"""Neighbours and maps against scikit-learn, filters against convolution by hand."""

import numpy as np
import numpy.typing as npt
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from torch import nn

from lenet.errors import ModelError, SettingError
from lenet.models import LeNet5, LeNetConfig, Normalisation, SoftmaxRegression, build_model
from lenet.results import (
    Distance,
    compute_features,
    find_neighbours,
    project,
    read_filters,
    trace,
)
from lenet.results.inside import _neighbours  # to search few images at a time

Images = npt.NDArray[np.uint8]


def test_features_are_what_the_last_layer_sees(network: nn.Sequential, images: Images) -> None:
    seen: list[torch.Tensor] = []
    network[-1].register_forward_pre_hook(lambda layer, inputs: seen.append(inputs[0]))
    normalisation = Normalisation(0.1, 0.5)
    with torch.no_grad():
        network((torch.from_numpy(images).float() / 255 - 0.1) / 0.5)
    found = compute_features(network, images, normalisation)
    np.testing.assert_allclose(found, seen[0], atol=1e-5)


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_neighbours_are_those_of_scikit_learn(
    distance: Distance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_neighbours, "_CHUNK", 64)
    network = build_model(LeNetConfig(activation="relu"), seed=0)
    assert isinstance(network, nn.Sequential)
    searched = np.random.default_rng(0).integers(256, size=(300, 1, 28, 28), dtype=np.uint8)
    images = searched[[5, 250]]
    found = find_neighbours(network, images, searched, count=7, distance=distance)
    oracle = NearestNeighbors(n_neighbors=7, metric=distance, algorithm="brute")
    oracle.fit(compute_features(network, searched).astype(np.float64))
    distances, indices = oracle.kneighbors(compute_features(network, images).astype(np.float64))
    for one, expected_distances, expected_indices in zip(found, distances, indices, strict=True):
        np.testing.assert_array_equal(one.indices, expected_indices)
        np.testing.assert_allclose(one.distances, expected_distances, atol=1e-5)
    assert [one.indices[0] for one in found] == [5, 250]


def test_few_images_to_search_give_few_neighbours() -> None:
    network = SoftmaxRegression()
    black, white = (np.full((1, 1, 28, 28), value, np.uint8) for value in (0, 255))
    (found,) = find_neighbours(network, white, np.concatenate([black, white]), count=8)
    assert found.indices.tolist() == [1, 0]
    assert found.distances == pytest.approx([0, 1])
    with pytest.raises(SettingError, match="`count`"):
        find_neighbours(network, white, black, count=0)
    with pytest.raises(ModelError, match=r"searched have shape \(1, 20, 28\)"):
        find_neighbours(network, white, np.zeros((1, 1, 20, 28), np.uint8))


@pytest.mark.parametrize("shape", [(50, 8), (6, 40), (30, 2)])
def test_the_map_is_scikit_learns_pca(shape: tuple[int, int]) -> None:
    features = np.random.default_rng(0).normal(size=shape).astype(np.float32) * np.arange(
        1, shape[1] + 1, dtype=np.float32
    )
    found = project(features)
    oracle = PCA(2).fit(features.astype(np.float64))
    expected = oracle.transform(features.astype(np.float64))
    signs = np.sign((found.points * expected).sum(axis=0))
    np.testing.assert_allclose(found.points * signs, expected, atol=1e-4)
    np.testing.assert_allclose(found.shares, oracle.explained_variance_ratio_, atol=1e-6)


@pytest.mark.parametrize("shape", [(2, 1), (2, 5), (9, 1), (4, 4)])
@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_even_odd_shapes_have_a_map(shape: tuple[int, int], method: str) -> None:
    features = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    found = project(features, method)  # type: ignore[arg-type]
    assert found.points.shape == (shape[0], 2)
    assert np.isfinite(found.points).all()


def test_points_that_are_all_the_same_have_a_map() -> None:
    found = project(np.ones((5, 3), np.float32))
    np.testing.assert_array_equal(found.points, np.zeros((5, 2)))
    assert found.shares == (0, 0)
    with pytest.raises(SettingError, match="at least two"):
        project(np.ones((1, 3), np.float32))


def test_t_sne_keeps_clusters_apart_and_is_repeatable() -> None:
    generator = np.random.default_rng(0)
    features = np.concatenate([generator.normal(mean, size=(20, 10)) for mean in (0, 30)])
    one = project(features.astype(np.float32), "tsne", seed=3)
    again = project(features.astype(np.float32), "tsne", seed=3)
    np.testing.assert_array_equal(one.points, again.points)
    assert one.shares is None
    nearest = NearestNeighbors(n_neighbors=2).fit(one.points).kneighbors(one.points)[1][:, 1]
    assert ((nearest < 20) == (np.arange(40) < 20)).all()


def test_filters_compute_what_the_layer_does(network: nn.Sequential, images: Images) -> None:
    filters = {one.name: one.weights for one in read_filters(network, images.shape[1:])}
    assert filters
    before = torch.from_numpy(images).float() / 255
    inputs: dict[str, torch.Tensor] = {}
    for place, layer in network.named_children():
        inputs[f"{place} {type(layer).__name__}"] = before
        with torch.no_grad():
            before = layer(before)
    traced = {layer.name: layer.outputs for layer in trace(network, images)}
    convolutions = [name for name in traced if "Conv" in name]
    assert set(convolutions) <= set(filters)
    for name, weights in filters.items():
        layer = network.get_submodule(name.split()[0])
        if name in convolutions:
            bias = torch.zeros(len(weights)) if layer.bias is None else layer.bias.detach()  # type: ignore[arg-type]
            expected = nn.functional.conv2d(
                inputs[name],
                torch.from_numpy(weights),
                bias,
                padding=getattr(layer, "padding", 0),  # type: ignore[arg-type]
            )
        elif "Linear" in name:
            pictures = torch.from_numpy(weights).reshape(len(weights), -1)
            expected = inputs[name] @ pictures.T + layer.bias  # type: ignore[operator]
        else:
            pictures = torch.from_numpy(weights).reshape(len(weights), -1)
            expected = -(inputs[name][:, None] - pictures).square().sum(dim=2)
        np.testing.assert_allclose(traced[name], expected.detach(), atol=2e-3)


def test_lenet5_shows_its_gaps_and_its_digits() -> None:
    filters = {one.name: one.weights for one in read_filters(LeNet5())}
    third = filters["c3 PartialConvolution"]
    assert third.shape == (16, 6, 5, 5)
    assert (np.abs(third).sum(axis=(2, 3)) == 0).sum() == 96 - 60
    one = filters["output RadialBasis"][1, 0]
    assert one.shape == (12, 7)
    assert one[3].tolist() == [-1, -1, -1, 1, 1, -1, -1]
