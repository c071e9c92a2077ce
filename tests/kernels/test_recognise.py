"""What the kernels must leave to PyTorch, and that everything else of PyTorch goes on to work."""

import copy
import io
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from compiled_kernels import needs_kernels
from forked_process import ForkedProcess
from lenet.errors import ModelError
from lenet.kernels import ConvBlock, DenseBlock, run_blocks, use_engine
from lenet.models import (
    KernelSequential,
    LeNet,
    LeNetConfig,
    recognise_blocks,
    recognise_network,
)

IMAGES = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))


def by_torch(function: Callable[[], Tensor]) -> Tensor:
    """What it gives with PyTorch's operations."""
    with use_engine("torch"):
        return function()


class Doubled(LeNet):
    """A network with a forward pass of its own."""

    def forward(self, input: Tensor) -> Tensor:
        return 2 * super().forward(input)


def test_a_forward_pass_of_its_own_is_no_network_of_blocks() -> None:
    with pytest.raises(ModelError, match=r"no plain `nn\.Sequential` but a `Doubled`"):
        recognise_network(Doubled(), (1, 28, 28))


def test_a_forward_pass_put_on_the_object_is_noticed() -> None:
    network = LeNet()
    network.forward = lambda images: torch.zeros(len(images), 10)
    with pytest.raises(ModelError, match="hook"):
        recognise_network(network, (1, 28, 28))
    network = LeNet()
    network[0].forward = lambda images: torch.zeros(len(images), 6, 28, 28)
    with pytest.raises(ModelError, match="hook"):
        recognise_network(network, (1, 28, 28))


def test_a_layer_in_two_places_is_a_layer_in_both() -> None:
    activation, dense = nn.ReLU(), nn.Linear(4, 4)
    network = nn.Sequential(dense, activation, dense, activation, nn.Linear(4, 2))
    blocks, parameters = recognise_network(network, (4,))
    assert blocks == [DenseBlock(4, 4, "relu"), DenseBlock(4, 4, "relu"), DenseBlock(4, 2)]
    assert parameters[0] is parameters[2] is dense.weight


@pytest.mark.parametrize(
    "layers",
    [
        [nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()],
        [nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Linear(13, 2)],
        [nn.Conv2d(1, 4, 3, stride=2), nn.ReLU(), nn.MaxPool2d(2)],
        [nn.Conv2d(1, 4, (3, 5)), nn.ReLU(), nn.MaxPool2d(2)],
        [nn.Conv2d(1, 4, 3, padding_mode="circular", padding=1), nn.ReLU(), nn.AvgPool2d(2)],
        [nn.Conv2d(1, 4, 3, bias=False), nn.ReLU(), nn.MaxPool2d(2)],
        [nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2, stride=1)],
        [nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(3)],
        [nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AvgPool2d(2, padding=1)],
        [nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AvgPool2d(2, divisor_override=3)],
        [nn.Conv2d(1, 4, 3), nn.MaxPool2d(2), nn.ReLU()],
        [nn.Conv2d(1, 4, 3), nn.GELU(), nn.MaxPool2d(2)],
        [nn.Linear(28, 4)],
        [nn.Flatten(0), nn.Linear(3 * 784, 4)],
        [nn.Flatten(2)],
        [nn.Flatten(), nn.Linear(784, 4), nn.Dropout(0.0)],
    ],
    ids=str,
)
def test_other_layers_give_what_pytorch_gives(layers: list[nn.Module]) -> None:
    network = KernelSequential(*layers)
    assert torch.equal(network(IMAGES), by_torch(lambda: network(IMAGES)))


@needs_kernels
def test_weights_of_another_shape_than_the_layers_are_left_to_pytorch() -> None:
    network = LeNet()
    network[0].weight = nn.Parameter(torch.rand(6, 1, 3, 3))
    network[0].padding = (1, 1)
    assert torch.equal(network(IMAGES), by_torch(lambda: network(IMAGES)))
    with pytest.raises(ModelError, match="has `in_features` 400, where lenet knows 256"):
        recognise_blocks(network, (1, 28, 28))


def test_padding_may_be_said_by_name() -> None:
    network = KernelSequential(nn.Conv2d(1, 4, 3, padding="same"), nn.ReLU(), nn.MaxPool2d(2))
    torch.testing.assert_close(network(IMAGES), network.layer_by_layer(IMAGES))


@pytest.mark.parametrize(
    ("weight", "bias"), [((4, 1, 5, 3), 4), ((4, 2, 5, 5), 4), ((4, 1, 5, 5), 3), ((4, 1, 5, 5), 1)]
)
def test_a_block_refuses_parameters_that_do_not_fit(weight: tuple[int, ...], bias: int) -> None:
    with pytest.raises(ModelError, match="The parameters are"):
        run_blocks([ConvBlock(1, 28, 28, 4, 5)], IMAGES, [torch.rand(weight), torch.rand(bias)])
    with pytest.raises(ModelError, match="The parameters are"):
        run_blocks([DenseBlock(7, 4)], torch.rand(3, 7), [torch.rand(4, 6), torch.rand(4)])


@needs_kernels
def test_the_default_type_and_device_do_not_matter() -> None:
    network, images = LeNet(), IMAGES.clone().requires_grad_()
    expected = network(images)
    gradient = torch.autograd.grad(expected.sum(), images)[0]
    torch.set_default_dtype(torch.float64)
    try:
        with torch.device("meta"), use_engine("native"):
            outputs = network(images)
            again = torch.autograd.grad(outputs.sum(), images)[0]
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(outputs, expected)
    assert torch.equal(again, gradient)


def test_other_types_and_devices_are_left_to_pytorch() -> None:
    network = LeNet().double()
    assert torch.equal(network(IMAGES.double()), network.layer_by_layer(IMAGES.double()))
    assert LeNet().to("meta")(IMAGES.to("meta")).device.type == "meta"
    network = LeNet()
    with torch.autocast("cpu", torch.bfloat16):
        assert network(IMAGES).dtype == torch.bfloat16


def test_images_of_any_strides_are_read() -> None:
    network = LeNet()
    turned = IMAGES.transpose(2, 3)
    assert torch.equal(network(turned), network(turned.contiguous()))
    torch.testing.assert_close(network(turned), network.layer_by_layer(turned))
    one = torch.rand(1, 1, 28, 28).expand(5, 1, 28, 28)
    torch.testing.assert_close(network(one), network.layer_by_layer(one))


def test_an_image_without_a_batch_is_left_to_pytorch() -> None:
    network = KernelSequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2))
    assert network(IMAGES[0]).shape == (4, 13, 13)
    assert network(IMAGES[:0]).shape == (0, 4, 13, 13)


def test_hooks_and_modes_see_what_they_ask_for() -> None:
    network = LeNet()
    seen: list[torch.Size] = []
    hook = network[1].register_forward_hook(lambda *arguments: seen.append(arguments[2].shape))
    network(IMAGES)
    hook.remove()
    assert seen == [(3, 6, 28, 28)]
    with FlopCounterMode(display=False) as counter:
        network(IMAGES)
    assert counter.get_total_flops() > 0


# Where lenet has not looked for such hooks yet.
HOOK_WITHOUT_THE_FUNCTION_THAT_TELLS = """
import sys
from torch import nn
vars(nn.modules.module).pop("_has_any_global_hook", None)  # PyTorch 2.6 has none
for name in [name for name in sys.modules if name.partition(".")[0] == "lenet"]:
    del sys.modules[name]
from lenet.errors import ModelError
from lenet.models import recognise_blocks
layers = nn.Flatten(), nn.Linear(4, 2)
assert recognise_blocks(layers, (4,))[0]
nn.modules.module.register_module_forward_hook(lambda *arguments: None)
try:
    recognise_blocks(layers, (4,))
except ModelError as error:
    print(error)
"""


def test_hooks_of_all_modules_are_seen_in_a_pytorch_that_has_no_function_for_it() -> None:
    process = ForkedProcess(code=HOOK_WITHOUT_THE_FUNCTION_THAT_TELLS)
    assert process.communicate() == ("A hook wants to see what goes through the layers.\n", "")


def test_gradients_of_gradients_are_those_of_pytorch() -> None:
    network, images = LeNet(), IMAGES.clone().requires_grad_()

    def penalty() -> Tensor:
        gradient = torch.autograd.grad(network(images).sum(), images, create_graph=True)[0]
        return torch.autograd.grad(gradient.square().sum(), network[0].weight)[0]

    torch.testing.assert_close(penalty(), by_torch(penalty))


def test_changed_weights_are_noticed_by_the_backward_pass() -> None:
    network = LeNet()
    loss = network(IMAGES).sum()
    with torch.no_grad():
        network[-1].weight.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_export_and_tracing_work() -> None:
    network = LeNet().eval()
    exported = torch.export.export(network, (torch.zeros(2, 1, 28, 28),)).module()
    torch.testing.assert_close(exported(IMAGES[:2]), network(IMAGES[:2]))
    assert torch.export.export(network, (torch.zeros(2, 1, 28, 28),)).state_dict.keys() == (
        network.state_dict().keys()
    )


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*torch.jit.*:FutureWarning")  # since PyTorch 2.14
def test_a_trace_works() -> None:
    network = LeNet().eval()
    traced = torch.jit.trace(network, IMAGES)
    torch.testing.assert_close(traced(IMAGES), network(IMAGES))


def test_copies_work() -> None:
    network = LeNet()
    twin = copy.deepcopy(network)
    assert torch.equal(twin(IMAGES), network(IMAGES))
    with torch.no_grad():
        twin[-1].bias.add_(1)
    assert not torch.equal(twin(IMAGES), network(IMAGES))
    buffer = io.BytesIO()
    torch.save(network.state_dict(), buffer)
    buffer.seek(0)
    other = LeNet()
    other.load_state_dict(torch.load(buffer, weights_only=True))
    assert torch.equal(other(IMAGES), network(IMAGES))


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")  # from inside PyTorch
@pytest.mark.filterwarnings("ignore:.*torch.jit.*:FutureWarning")  # PyTorch 2.14 about itself
def test_functional_transforms_work() -> None:
    network = LeNet(LeNetConfig(channels=(5, 7)))  # which nobody has asked to be recognised before
    parameters = dict(network.named_parameters())

    def loss_of(values: dict[str, Tensor], image: Tensor) -> Tensor:
        outputs: Tensor = torch.func.functional_call(network, values, (image[None],))
        return outputs.square().sum()

    losses = torch.func.vmap(loss_of, in_dims=(None, 0))(parameters, IMAGES)
    torch.testing.assert_close(losses, network(IMAGES).square().sum(1))
    each = torch.func.vmap(torch.func.grad(loss_of), in_dims=(None, 0))(parameters, IMAGES)
    total = torch.autograd.grad(network(IMAGES).square().sum(), list(parameters.values()))
    for name, expected in zip(parameters, total, strict=True):
        torch.testing.assert_close(each[name].sum(0), expected, rtol=1e-4, atol=1e-5)
    _, tangent = torch.func.jvp(network, (IMAGES,), (torch.ones_like(IMAGES),))
    assert tangent.shape == (3, 10)
