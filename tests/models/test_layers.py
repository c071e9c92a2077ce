"""Layers as plain data: PyTorch is the oracle of their shapes, weights and numbers."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from layered_networks import of_every_kind, of_lenet5s_kinds, randomised
from torch import nn

from lenet.errors import LenetError, ModelError, ModelFileError, SettingError, UnknownNameError
from lenet.models import (
    MODELS,
    SEQUENTIAL,
    Network,
    Residual,
    build_model,
    fold_network,
    identify_model,
    layers,
    load_model,
    load_weights,
    model_config,
    save_model,
    summarise,
)

NETWORKS = {"every kind": of_every_kind, "LeNet-5's": of_lenet5s_kinds}


def arrays_of(network: nn.Module) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_of_pytorch_is_described_and_built_again(name: str) -> None:
    network = randomised(NETWORKS[name]())
    described = Network.from_module(network)
    assert described.classes == 7
    assert {**described.weights(), **described.statistics()} == {
        name: tuple(tensor.shape) for name, tensor in network.state_dict().items()
    }
    again = described.build()
    again.load_state_dict(network.state_dict())
    images = torch.rand(3, 1, 28, 28)
    with torch.no_grad():
        assert torch.equal(again.eval()(images), network(images))
    assert Network.from_module(again) == described


@pytest.mark.parametrize("name", NETWORKS)
def test_its_layers_compute_what_pytorch_computes(name: str) -> None:
    network = randomised(NETWORKS[name]())
    images = torch.rand(3, 1, 28, 28)
    with torch.no_grad():
        expected = network(images).numpy()
    described, arrays = Network.from_module(network), arrays_of(network)
    values = images.numpy()
    for placed in described.placed:
        own = layers.arrays_under(placed.layer.name, arrays)
        values = layers.apply(placed.layer, values, own)
        assert values.shape == (3, *placed.output_shape)
        assert values.dtype == np.float32
    np.testing.assert_allclose(values, expected, rtol=2e-5, atol=1e-4)
    values = images.numpy()
    for trained in fold_network(described, arrays):
        values = trained.apply(values)
    np.testing.assert_allclose(values, expected, rtol=2e-5, atol=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_list_comes_back_from_toml_json_and_a_model_file(name: str, tmp_path: Path) -> None:
    network = randomised(NETWORKS[name]())
    described = Network.from_module(network)
    described.write(tmp_path / "net.toml")
    assert Network.read(tmp_path / "net.toml") == described
    text = (tmp_path / "net.toml").read_text("utf-8")
    (tmp_path / "net.toml").write_text(text, encoding="utf-8-sig")  # as Notepad saves it
    assert Network.read(tmp_path / "net.toml") == described
    assert Network.from_dict(json.loads(json.dumps(described.to_dict()))) == described
    save_model(tmp_path / "model.safetensors", network, class_names=tuple("abcdefg"))
    loaded, card = load_model(tmp_path / "model.safetensors")
    assert card.model == SEQUENTIAL
    assert card.settings() == described
    images = torch.rand(2, 1, 28, 28)
    with torch.no_grad():
        assert torch.equal(loaded(images), network(images))
    other = NETWORKS[name]()
    load_weights(other, tmp_path / "model.safetensors")
    with torch.no_grad():
        assert torch.equal(other.eval()(images), network(images))


def test_the_numbers_of_a_summary_are_pytorchs() -> None:
    network = of_every_kind()
    rows = summarise(network)
    assert sum(row.parameters for row in rows) == sum(p.numel() for p in network.parameters())
    seen: list[tuple[int, ...]] = []
    for layer in network.modules():
        layer.register_forward_hook(lambda _, __, output: seen.append(tuple(output.shape)))
    network.eval()(torch.zeros(1, 1, 28, 28))
    assert {row.output_shape for row in rows} == set(seen)


SIZES = st.integers(1, 5)
PAIRS = st.tuples(SIZES, SIZES)


@settings(max_examples=150, deadline=None)
@given(
    kernel=PAIRS,
    stride=PAIRS,
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    dilation=PAIRS,
    groups=st.sampled_from([1, 2, 4]),
    size=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    method=st.sampled_from(["convolution", "average", "max"]),
    flags=st.tuples(st.booleans(), st.booleans()),
)
def test_windows_go_where_pytorchs_go(
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    size: tuple[int, int],
    method: str,
    flags: tuple[bool, bool],
) -> None:
    way = {"kernel_size": kernel, "stride": stride, "padding": padding}
    try:
        if method == "convolution":
            layer: layers.Layer = layers.Convolution(
                filters=8, dilation=dilation, groups=groups, bias=flags[0], **way
            )
        elif method == "max":
            layer = layers.Pooling(method="max", dilation=dilation, ceil_mode=flags[0], **way)
        else:
            layer = layers.Pooling(ceil_mode=flags[0], count_padding=flags[1], **way)
    except SettingError:  # more padding than half the window
        assume(False)
    images = torch.randn(2, 4, *size)
    module = randomised(layer.module((4, *size)))
    try:
        shape = layer.output_shape((4, *size))
    except ModelError as error:
        with torch.no_grad():
            if "lie in the padding" in str(error):
                assert module(images).isneginf().any()
                return
            with pytest.raises(RuntimeError):
                module(images)
        return
    with torch.no_grad():
        expected = module(images).numpy()
    assert shape == expected.shape[1:]
    found = layers.apply(layer, images.numpy(), arrays_of(module))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("function", layers.FUNCTIONS)
def test_every_function_is_pytorchs(function: str) -> None:
    layer = layers.Activation(function=function)
    numbers = torch.linspace(-20, 20, 1001)
    expected = layer.module(())(numbers)
    np.testing.assert_allclose(
        layers.apply(layer, numbers.numpy(), {}), expected, rtol=1e-5, atol=1e-6
    )


def test_lazy_layers_get_their_sizes() -> None:
    network = nn.Sequential(
        nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(5)
    )
    described = Network.from_module(network, (3, 9, 9))
    assert described.classes == 5
    assert network[3].in_features == 4 * 7 * 7


class Doubled(nn.Sequential):
    """A sequence with a forward pass of its own."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(input)


SHARED = nn.Linear(784, 784)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (nn.Linear(784, 10), "is no `nn.Sequential`"),
        (nn.Sequential(nn.Flatten(), Doubled(nn.Linear(784, 10))), "Layer `1`, a `Doubled`"),
        (nn.Sequential(nn.Conv2d(1, 4, 3, padding_mode="reflect", padding=1)), "`padding_mode`"),
        (nn.Sequential(nn.Conv2d(1, 4, 4, padding="same")), "not the same on both sides"),
        (nn.Sequential(nn.Conv2d(3, 4, 3)), "has `in_channels` 3, where lenet knows 1"),
        (nn.Sequential(nn.Linear(28, 10)), "Layer `0` .dense. takes a row of numbers"),
        (nn.Sequential(nn.AvgPool2d(2, divisor_override=3)), "`divisor_override`"),
        (nn.Sequential(nn.MaxPool2d(2, return_indices=True)), "`return_indices`"),
        (nn.Sequential(nn.BatchNorm2d(1, affine=False)), "`affine`"),
        (nn.Sequential(nn.GELU("tanh")), "has `approximate` 'tanh'"),
        (nn.Sequential(nn.Softplus(beta=2)), "has `beta` 2"),
        (nn.Sequential(nn.Flatten(2)), "has `start_dim` 2"),
        (
            nn.Sequential(nn.Conv2d(1, 2, 28), nn.MaxPool2d(2, padding=1, dilation=2)),
            "a window would lie in the padding",
        ),
        (nn.Sequential(nn.Conv2d(1, 2, 30)), "its 30×30 window does not fit the 28×28 input"),
        (nn.Sequential(nn.Flatten(), SHARED, SHARED), "share weights"),
        (nn.Sequential(Residual(nn.Sequential(nn.Conv2d(1, 2, 3)))), "adds 2×26×26 of `main`"),
        (nn.Sequential(nn.Softmax(dim=1)), "Layer `0`, a `Softmax`, is none"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_can_not_be_described_is_named(network: nn.Module, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Network.from_module(network)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at least one layer"),
        ("layers = 3", "must be a list"),
        ("[[layers]]\nunits = 3", "Layer 0 says no `kind`"),
        ('[[layers]]\nkind = "dens"', "Did you mean `dense`"),
        ('[[layers]]\nkind = "dense"', "needs `units`"),
        ('[[layers]]\nkind = "dense"\nunits = "ten"', "`units` must be a whole number"),
        ('[[layers]]\nkind = "dense"\nunits = 3\nwidth = 2', "Unknown setting `width`"),
        ('[[layers]]\nkind = "dense"\nunits = 3', "takes a row of numbers, such as `flatten`"),
        ('[[layers]]\nkind = "flatten"\nname = "a b"', "can't be the name of a layer"),
        ('[[layers]]\nkind = "flatten"\n[[layers]]\nkind = "flatten"\nname = "0"', "of two layers"),
        ('[[layers]]\nkind = "residual"\nmain = []', "at least one layer"),
        ('[[layers]]\nkind = "activation"\nfunction = "relu"\nparameter = 1.5', "no `parameter`"),
        ('input_shape = [28, 28]\n[[layers]]\nkind = "flatten"', "three numbers"),
        ('inputs = 3\n[[layers]]\nkind = "flatten"', "Unknown key `inputs`"),
        ('initialisation = "xaver"\n[[layers]]\nkind = "flatten"', "Did you mean `xavier`"),
        ("[[layers", "describes no network"),
        ("[[layers]]\nkind = 'residual'\nmain = " + "[" * 60 + "]" * 60, "describes no network"),
    ],
)
def test_a_file_that_describes_none_gets_one_sentence(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "net.toml"
    path.write_text(text)
    with pytest.raises(ModelError, match=message) as caught:
        Network.read(path)
    assert str(path) in str(caught.value)


def test_names_that_pytorch_can_not_have_are_refused() -> None:
    for names in (("forward", "1"), ("a", "a.b"), ("a.b", "c", "a.d")):
        network = Network(
            [layers.Flatten(name=names[0]), *(layers.Flatten(name=n) for n in names[1:])]
        )
        with pytest.raises(ModelError, match="can't be the name of a layer at its place"):
            network.build()


@pytest.mark.parametrize("name", MODELS)
def test_the_networks_of_the_family_are_their_layers(name: str) -> None:
    config = model_config(name)
    built = config.network().build()
    assert Network.from_module(built, config.input_shape).layers == config.network().layers
    assert identify_model(build_model(config))[0] == name


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, of_every_kind(), class_names=tuple("abcdefg"))
    with pytest.raises(ModelFileError, match=r"does not hold the network's weights: `0\.bias` is"):
        load_weights(nn.Sequential(nn.Linear(2, 2)), path)
    torch.save({"weight": torch.zeros(2)}, tmp_path / "weights.pt")
    with pytest.raises(ModelFileError) as caught:
        load_weights(nn.Linear(2, 2), tmp_path / "weights.pt")
    lines = str(caught.value).split("\n")
    assert lines[0].endswith("two lines make one of it:")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        exec("\n".join(line.strip() for line in lines[1:]))  # what it says works
    with pytest.raises(ModelFileError, match="belongs"):
        load_weights(nn.Linear(2, 2), tmp_path / "weights.safetensors")


def test_a_list_that_is_not_of_the_settings_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, model_config("mlp").network().build(), class_names=tuple("0123456789"))
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    card = json.loads(header["__metadata__"]["lenet"])
    card |= {"model": "mlp", "config": {}}
    card["layers"][2]["function"] = "tanh"
    header["__metadata__"]["lenet"] = json.dumps(card)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + size :])
    with pytest.raises(
        ModelFileError, match="its layers are not those of the settings of its `mlp`"
    ):
        load_model(path)


def test_layers_may_not_be_too_many_or_too_large() -> None:
    with pytest.raises(SettingError, match="1000 layers"):
        Network([layers.Flatten()] * 1001)
    wide = [layers.Convolution(filters=65536, kernel_size=(side, side)) for side in (1, 28)]
    with pytest.raises(LenetError, match="too large"):
        Network(wide)
    with pytest.raises(UnknownNameError, match="kind of layer"):
        layers.layers_from_dicts([{"kind": "attention"}])


def test_sums_deep_in_each_other_are_placed_once() -> None:
    dicts = [{"kind": "activation", "function": "relu"}]
    for _ in range(20):  # a factor of four each, if every sum placed its layers anew
        dicts = [{"kind": "residual", "main": dicts}]
    network = Network.from_dict({"layers": [*dicts, {"kind": "flatten"}]})
    assert network.classes == 784
