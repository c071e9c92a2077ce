"""Networks and numbers of all kinds, nan and infinity among them, against PyTorch in float64."""

import math
from dataclasses import dataclass

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from compiled_kernels import needs_kernels
from lenet.kernels import ConvBlock, DenseBlock, Predictor, use_engine

# Any blocks, and PyTorch's way of computing them.
from lenet.kernels._autograd import _run_with_torch, run_blocks
from lenet.kernels._blocks import Block, parameter_shapes

pytestmark = needs_kernels

ACTIVATIONS = ("none", "sigmoid", "tanh", "relu")
SMOOTH = ("none", "sigmoid", "tanh")
NON_FINITE = (math.nan, math.inf, -math.inf)


@dataclass
class Case:
    """A network, its weights, and images; all finite and of ordinary size."""

    blocks: list[Block]
    parameters: list[Tensor]
    images: Tensor

    def exact(self) -> Tensor:
        """The outputs as PyTorch has them in float64."""
        doubles = [parameter.double() for parameter in self.parameters]
        return _run_with_torch(self.blocks, self.images.double(), doubles)

    def trained(self) -> Tensor:
        """The outputs of the forward pass that training makes."""
        parameters = [parameter.clone().requires_grad_() for parameter in self.parameters]
        with use_engine("native"):
            return run_blocks(self.blocks, self.images, parameters).detach()

    def predicted(self) -> list[Tensor]:
        """The outputs of the forward passes that predict."""
        arrays = [parameter.numpy() for parameter in self.parameters]
        outputs = torch.from_numpy(Predictor(self.blocks, arrays)(self.images.numpy()))
        with use_engine("native"):
            return [outputs, run_blocks(self.blocks, self.images, self.parameters)]


@st.composite
def cases(
    draw: st.DrawFn,
    activations: tuple[str, ...] = ACTIVATIONS,
    poolings: tuple[str, ...] = ("average", "max"),
) -> Case:
    """Up to three convolutions, then up to three dense layers, and up to 40 images."""
    blocks: list[Block] = []
    shape = draw(st.tuples(st.integers(1, 4), st.integers(1, 24), st.integers(1, 24)))
    images = (draw(st.integers(1, 40)), *shape)
    for _ in range(draw(st.integers(0, 3))):
        padding = draw(st.integers(0, 3))
        most = min(7, min(shape[1:]) + 2 * padding - 1)
        if most < 1:
            break
        block = ConvBlock(
            *shape,
            filters=draw(st.integers(1, 7)),
            kernel_size=draw(st.integers(1, most)),
            padding=padding,
            activation=draw(st.sampled_from(activations)),
            pooling=draw(st.sampled_from(poolings)),
        )
        blocks.append(block)
        shape = block.output_shape
    units = math.prod(shape)
    for _ in range(draw(st.integers(0 if blocks else 1, 3))):
        dense = DenseBlock(units, draw(st.integers(1, 40)), draw(st.sampled_from(activations)))
        blocks.append(dense)
        units = dense.outputs
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    parameters = [
        torch.randn(shape, generator=generator) / math.sqrt(max(1, math.prod(shape[1:])))
        for shape in parameter_shapes(blocks)
    ]
    return Case(blocks, parameters, torch.randn(images, generator=generator))


def spoil(draw: st.DrawFn, tensor: Tensor) -> None:
    """Put one to three numbers that are not finite into a tensor."""
    for _ in range(draw(st.integers(1, 3))):
        position = draw(st.integers(0, tensor.numel() - 1))
        tensor.view(-1)[position] = draw(st.sampled_from(NON_FINITE))


def assert_close(ours: Tensor, exact: Tensor, tolerance: float = 1e-5) -> None:
    """Equal up to the rounding of float32, relative to the norm; a tanh near 0 to its unit."""
    assert ours.shape == exact.shape
    room = tolerance * float(exact.norm()) + 1e-6 * math.sqrt(exact.numel())
    assert float((ours.double() - exact).norm()) <= room


@settings(max_examples=200, deadline=None, derandomize=True)
@given(case=cases())
def test_outputs_are_those_of_pytorch(case: Case) -> None:
    exact = case.exact()
    for outputs in (*case.predicted(), case.trained()):
        assert_close(outputs, exact)


# Where the slope of a ReLU or the maximum jumps, float32 and float64 may fall on different sides.
@settings(max_examples=200, deadline=None, derandomize=True)
@given(case=cases(SMOOTH, ("average",)))
def test_gradients_are_those_of_pytorch(case: Case) -> None:
    found = []
    for dtype, run in ((torch.float32, run_blocks), (torch.float64, _run_with_torch)):
        images, *parameters = (
            tensor.to(dtype, copy=True).requires_grad_()
            for tensor in (case.images, *case.parameters)
        )
        with use_engine("native"):
            loss = run(case.blocks, images, parameters).square().mean()
        found.append(torch.autograd.grad(loss, [images, *parameters]))
    for ours, exact in zip(*found, strict=True):
        assert_close(ours, exact, tolerance=1e-4)


# A sum of products that holds an infinity or a nan comes to the same kind of result in any order,
# as long as its finite part does not overflow. So prediction, which adds up what PyTorch adds up,
# must have the very same kinds everywhere.
@settings(max_examples=200, deadline=None, derandomize=True)
@given(case=cases(), data=st.data())
def test_predictions_are_not_finite_where_those_of_pytorch_are_not(
    case: Case, data: st.DataObject
) -> None:
    spoil(data.draw, data.draw(st.sampled_from([case.images, *case.parameters])))
    exact = case.exact()
    finite = exact.isfinite()
    for outputs in case.predicted():
        assert torch.equal(outputs.isfinite(), finite)
        assert torch.equal(outputs.isnan(), exact.isnan())
        assert torch.equal(outputs == math.inf, exact == math.inf)
        assert_close(outputs[finite], exact[finite])


# Training's convolutions go through sums and differences of neighbouring pixels, where an infinity
# becomes nan and reaches one column more. What holds is that an image never spoils another one, and
# that a nan is not lost.
@settings(max_examples=200, deadline=None, derandomize=True)
@given(case=cases(), data=st.data())
def test_an_image_does_not_spoil_another_one_in_training(case: Case, data: st.DataObject) -> None:
    spoilt = data.draw(st.integers(0, len(case.images) - 1))
    others = torch.arange(len(case.images)) != spoilt
    before = case.trained()
    spoil(data.draw, case.images[spoilt])
    outputs, exact = case.trained(), case.exact()
    assert torch.equal(outputs[others], before[others])
    if not case.images[spoilt].isinf().any():
        assert not outputs[exact.isnan()].isfinite().any()


@settings(max_examples=200, deadline=None, derandomize=True)
@given(case=cases(), data=st.data())
def test_a_nan_among_the_weights_is_not_lost_in_training(case: Case, data: st.DataObject) -> None:
    parameter = data.draw(st.sampled_from(case.parameters))
    parameter.view(-1)[data.draw(st.integers(0, parameter.numel() - 1))] = math.nan
    assert not case.trained()[case.exact().isnan()].isfinite().any()


# In which order a sum is formed decides whether it overflows on the way; where not even the sum of
# all absolute values does, no order may.
@settings(max_examples=200, deadline=None, derandomize=True)
@given(case=cases(), data=st.data())
def test_large_numbers_do_not_overflow_without_need(case: Case, data: st.DataObject) -> None:
    block = case.blocks[0]
    parameters = case.parameters[:2]
    scale = data.draw(st.sampled_from([1e10, 1e25, 1e37]))
    images = case.images * scale
    plain = type(block)(**{**vars(block), "activation": "none"})
    sums = _run_with_torch(
        [plain], images.double().abs(), [parameter.double().abs() for parameter in parameters]
    )
    arrays = [parameter.numpy() for parameter in parameters]
    outputs = torch.from_numpy(Predictor([block], arrays)(images.numpy()))
    # Pooling adds four numbers up before it divides.
    assert outputs[sums < 3e38 / 4].isfinite().all()
