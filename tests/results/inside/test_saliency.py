"""Saliency against plain loops and PyTorch's autograd."""

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from lenet.errors import ModelError, SettingError
from lenet.kernels import use_engine
from lenet.models import LeNet, LeNetConfig, Normalisation, build_model
from lenet.results import gradient_saliency, occlusion_saliency
from lenet.results.inside._saliency import border_colour  # what covers, which no picture tells

Images = npt.NDArray[np.uint8]
NORMALISATION = Normalisation(0.3, 0.4)


def probability(network: nn.Module, image: Images, index: int) -> float:
    inputs = (torch.from_numpy(image[None]).double() / 255 - 0.3) / 0.4
    with torch.no_grad(), use_engine("torch"):
        return float(network.double()(inputs).softmax(1)[0, index])


@pytest.mark.parametrize(("patch", "step"), [(4, 1), (7, 3), (6, 6)])
def test_occlusion_is_the_mean_loss_over_the_squares_that_cover_a_pixel(
    patch: int, step: int
) -> None:
    config = LeNetConfig(
        input_shape=(3, 12, 16), classes=4, channels=(3,), kernel_size=3, dense_widths=(6,),
        activation="relu",
    )  # fmt: skip
    network = build_model(config, seed=2).eval()
    image = np.random.default_rng(0).integers(256, size=(3, 12, 16), dtype=np.uint8)
    found = occlusion_saliency(network, image, 2, NORMALISATION, patch=patch, step=step)
    losses: dict[tuple[int, int], list[float]] = {}
    whole = probability(network, image, 2)
    colour = [np.median([*c[0], *c[-1], *c[1:-1, 0], *c[1:-1, -1]]) for c in image]
    for top in sorted({*range(0, 12 - patch, step), 12 - patch}):
        for left in sorted({*range(0, 16 - patch, step), 16 - patch}):
            covered = image.copy()
            for y in range(top, top + patch):
                for x in range(left, left + patch):
                    covered[:, y, x] = colour
            loss = whole - probability(network, covered, 2)
            for y in range(top, top + patch):
                for x in range(left, left + patch):
                    losses.setdefault((y, x), []).append(loss)
    expected = [[np.mean(losses[y, x]) for x in range(16)] for y in range(12)]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_gradient_is_that_of_autograd(network: nn.Sequential, images: Images) -> None:
    network.train()
    found = gradient_saliency(network, images[0], 1, NORMALISATION)
    assert network.training
    pixels = (torch.from_numpy(images[:1]).double() / 255).requires_grad_()
    with use_engine("torch"):
        network.double().eval()((pixels - 0.3) / 0.4)[0, 1].backward()
    assert pixels.grad is not None
    expected = pixels.grad[0].abs().amax(dim=0)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


def test_the_gradient_of_a_linear_network_is_its_weights_however_noisy() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    image = np.full((1, 28, 28), 100, np.uint8)
    weights = network[1].weight[7].detach().reshape(28, 28).abs().numpy()
    plain = gradient_saliency(network, image, 7, NORMALISATION)
    noisy = gradient_saliency(network, image, 7, NORMALISATION, samples=5, noise=0.2)
    np.testing.assert_allclose(plain, weights / 0.4, rtol=1e-4)
    np.testing.assert_allclose(noisy, plain, rtol=1e-4)
    assert all(parameter.grad is None for parameter in network.parameters())


def test_smoothing_is_the_mean_over_noisy_copies() -> None:
    network = build_model(LeNetConfig(activation="tanh"), seed=0)
    image = np.random.default_rng(0).integers(256, size=(1, 28, 28), dtype=np.uint8)
    found = gradient_saliency(network, image, 3, samples=4, noise=0.1, seed=5)
    generator = torch.Generator().manual_seed(5)
    total = torch.zeros(28, 28)
    for _ in range(4):
        noise = torch.randn((1, 28, 28), generator=generator) * 0.1
        pixels = (torch.from_numpy(image) / 255 + noise)[None].requires_grad_()
        (gradient,) = torch.autograd.grad(network(pixels)[0, 3], pixels)
        total += gradient[0, 0]
    np.testing.assert_allclose(found, (total / 4).abs(), rtol=1e-3, atol=1e-6)
    again = gradient_saliency(network, image, 3, samples=4, noise=0.1, seed=5)
    np.testing.assert_array_equal(found, again)
    assert not np.allclose(found, gradient_saliency(network, image, 3))


def test_every_network_has_a_saliency(network: nn.Sequential, images: Images) -> None:
    occlusion = occlusion_saliency(network, images[0], 0)
    assert occlusion.shape == images.shape[2:]
    assert np.isfinite(occlusion).all()


def test_a_large_image_of_nothing_has_nothing_to_cover() -> None:
    network = build_model(LeNetConfig(input_shape=(1, 120, 90), channels=(2,)), seed=0)
    image = np.zeros((1, 120, 90), np.uint8)
    found = occlusion_saliency(network, image, 0)
    assert found.shape == (120, 90)
    np.testing.assert_allclose(found, 0, atol=1e-6)  # background on background


def test_the_background_is_what_most_of_the_border_has() -> None:
    image = np.full((3, 5, 6), 200, np.uint8)
    image[:, 1:4, 1:5] = 9
    image[0, 0, :3] = 0
    assert border_colour(image).ravel().tolist() == [200, 200, 200]
    assert border_colour(np.full((1, 1, 1), 7, np.uint8)).ravel().tolist() == [7]


def test_what_can_not_be_is_refused() -> None:
    network, image = LeNet(), np.zeros((1, 28, 28), np.uint8)
    with pytest.raises(ModelError, match="no class 10"):
        occlusion_saliency(network, image, 10)
    with pytest.raises(ModelError, match="no class -1"):
        gradient_saliency(network, image, -1)
    for patch, step in ((29, 1), (4, 5), (-1, 1)):
        with pytest.raises(SettingError, match="does not cover"):
            occlusion_saliency(network, image, 0, patch=patch, step=step)
    for settings in ({"samples": 0}, {"noise": -0.1}):
        with pytest.raises(SettingError):
            gradient_saliency(network, image, 0, **settings)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="does not take"):
        occlusion_saliency(network, image[:, 4:], 0)
