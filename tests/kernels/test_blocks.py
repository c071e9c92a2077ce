"""The compiled kernels against PyTorch in float64, which knows nothing of them."""

import copy
from functools import cache

import numpy as np
import pytest
import torch
from lenet_shapes import SHAPES
from torch import Tensor, nn

from compiled_kernels import needs_kernels
from lenet.kernels import ConvBlock, FusedStep, Predictor, StepSettings, run_blocks, use_engine
from lenet.models import (
    ArrayNetwork,
    LeNetConfig,
    build_model,
    recognise_blocks,
    trained_blocks,
)

pytestmark = needs_kernels


def outputs_and_gradients(network: nn.Module, images: Tensor, labels: Tensor) -> list[Tensor]:
    """Logits, then the loss's gradients of images and weights."""
    logits = network(images)
    loss = nn.functional.cross_entropy(logits, labels)
    return [logits, *torch.autograd.grad(loss, [images, *network.parameters()])]


@cache  # once for all libraries
def case_with_exact_numbers(
    shape: str, activation: str, pooling: str, batch: int
) -> tuple[nn.Module, Tensor, Tensor, list[Tensor]]:
    """A network, images and labels, and their logits and gradients in float64."""
    config = LeNetConfig.from_dict({"activation": activation, "pooling": pooling, **SHAPES[shape]})
    # Where a ReLU is 0 or not by rounding, gradients part: with this seed, none is.
    network = build_model(config, seed=3)
    reference = nn.Sequential(*copy.deepcopy(network)).double()
    generator = torch.Generator().manual_seed(batch)
    images = torch.randn(batch, *config.input_shape, generator=generator, requires_grad=True)
    labels = torch.randint(10, (batch,), generator=generator)
    exact = outputs_and_gradients(reference, images.detach().double().requires_grad_(), labels)
    return network, images, labels, [tensor.detach() for tensor in exact]


@pytest.mark.parametrize("batch", [1, 7, 255])
@pytest.mark.parametrize("pooling", ["average", "max"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_are_those_of_float64(
    shape: str, activation: str, pooling: str, batch: int
) -> None:
    network, images, labels, exact = case_with_exact_numbers(shape, activation, pooling, batch)
    with use_engine("native"):
        ours = outputs_and_gradients(network, images, labels)
    for one, other in zip(ours, exact, strict=True):
        assert (one.double() - other).norm() <= 1e-5 * other.norm()


def test_an_image_has_the_same_bits_alone_and_in_a_batch() -> None:
    network = build_model(LeNetConfig(), seed=2)
    blocks, parameters = recognise_blocks(network, (1, 28, 28))
    predictor = Predictor(blocks, [parameter.detach().numpy() for parameter in parameters])
    images = torch.rand(37, 1, 28, 28)
    together = predictor(images.numpy(), threads=3)
    alone = [predictor(image[None].numpy())[0] for image in images]
    assert all((one == other).all() for one, other in zip(together, alone, strict=True))
    with torch.no_grad():
        assert torch.equal(network(images), torch.from_numpy(together))  # so nothing is kept
        torch.testing.assert_close(network(images), nn.Sequential(*network)(images))
    with torch.inference_mode():
        assert torch.equal(network(images), torch.from_numpy(together))


@pytest.mark.parametrize(
    "settings",
    [
        StepSettings(),
        StepSettings(momentum=0.9, nesterov=True, weight_decay=0.01),
        StepSettings("adam", weight_decay=0.01, label_smoothing=0.1),
        StepSettings("adamw", weight_decay=0.1, gradient_clipping=0.5),
    ],
)
def test_a_fused_step_does_not_depend_on_threads(settings: StepSettings) -> None:
    generator = np.random.default_rng(0)
    pixels = generator.integers(256, size=(250, 1, 28, 28), dtype=np.uint8)
    labels, values = generator.integers(10, size=250), np.arange(256, dtype=np.float32) / 255
    results = []
    for threads in (1, 2, 5):
        network = ArrayNetwork.build(LeNetConfig(), seed=3)
        step = FusedStep(
            trained_blocks(network),
            pixels,
            labels,
            batch_size=250,
            settings=settings,
            byte_values=values,
        )
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            losses = [step(np.arange(250), 0.01) for _ in range(5)]
        finally:
            torch.set_num_threads(before)
        results.append((losses, network.arrays))
    for losses, weights in results[1:]:
        assert losses == results[0][0]
        assert all(np.array_equal(weights[name], array) for name, array in results[0][1].items())


def test_gradients_and_predictions_do_not_depend_on_threads() -> None:
    images = torch.rand(250, 3, 13, 15, requires_grad=True)
    weight, bias = torch.randn(6, 3, 5, 5, requires_grad=True), torch.randn(6, requires_grad=True)
    block = ConvBlock(3, 13, 15, filters=6, kernel_size=5, padding=1)
    network = build_model(LeNetConfig(input_shape=(3, 13, 15), channels=(6,)), seed=4)
    blocks, parameters = recognise_blocks(network, (3, 13, 15))
    predictor = Predictor(blocks, [parameter.detach().numpy() for parameter in parameters])
    results = []
    for threads in (1, 2, 5):
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            with use_engine("native"):
                outputs = run_blocks([block], images, [weight, bias])
            gradients = torch.autograd.grad(outputs.square().sum(), [images, weight, bias])
        finally:
            torch.set_num_threads(before)
        predictions = torch.from_numpy(predictor(images.detach().numpy(), threads=threads))
        results.append([outputs, *gradients, predictions])
    for result in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(result, results[0], strict=True))
