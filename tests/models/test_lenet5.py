"""LeNet-5 against the paper's numbers and against its formulas written out in NumPy."""

import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy.signal import correlate
from torch import nn

from lenet.errors import ModelError
from lenet.models import LeNet5, LeNet5Config, PartialConvolution, build_model, layers, summarise

Array = npt.NDArray[np.float64]

# Table I of LeCun et al. (1998) as it is printed: rows are maps of S2, columns maps of C3.
C3_INPUTS = next(
    layer.inputs
    for layer in LeNet5Config().layers()
    if isinstance(layer, layers.PartialConvolution)
)
TABLE_I = """
X . . . X X X . . X X X X . X X
X X . . . X X X . . X X X X . X
X X X . . . X X X . . X . X X X
. X X X . . X X X X . . X . X X
. . X X X . . X X X X . X X . X
. . . X X X . . X X X X . X X X
"""
PARAMETERS = {"c1": 156, "s2": 12, "c3": 1_516, "s4": 32, "c5": 48_120, "f6": 10_164}
# Section II.B's counts of connections, biases included.
CONNECTIONS = {"c1": 122_304, "s2": 5_880, "c3": 151_600, "s4": 2_000, "c5": 48_120}


def test_c3_has_its_filters_at_the_same_places_on_a_gpu(network: LeNet5) -> None:
    layer = network.c3
    assert isinstance(layer, PartialConvolution)
    everything = torch.zeros(16, 6, 5, 5)
    everything[layer._places_on(torch.device("cpu"))] = layer.weight.detach()
    assert torch.equal(everything, layer.filters().detach())


@pytest.fixture(scope="module")
def network() -> LeNet5:
    """A network whose weights a seed decides."""
    built = build_model(LeNet5Config(), seed=5)
    assert isinstance(built, LeNet5)
    return built


def test_the_layers_have_the_papers_numbers_of_parameters(network: LeNet5) -> None:
    counts = {
        name: sum(parameter.numel() for parameter in layer.parameters())
        for name, layer in network.named_children()
    }
    assert {name: count for name, count in counts.items() if count} == PARAMETERS
    assert sum(counts.values()) == 60_000


def test_the_layers_make_what_the_paper_says(network: LeNet5) -> None:
    shapes = {layer.place: layer.output_shape[1:] for layer in summarise(network)}
    assert shapes["pad"] == (1, 32, 32)
    assert shapes["c1"] == (6, 28, 28)
    assert shapes["s2"] == (6, 14, 14)
    assert shapes["c3"] == (16, 10, 10)
    assert shapes["s4"] == (16, 5, 5)
    assert shapes["c5"] == (120, 1, 1)
    assert shapes["f6"] == (84,)
    assert shapes["output"] == (10,)


def test_the_connections_are_as_many_as_in_the_paper(network: LeNet5) -> None:
    for layer in summarise(network):
        if layer.place in CONNECTIONS:
            outputs = int(np.prod(layer.output_shape[1:]))
            # The paper counts each of the four pixels that a subsampling unit sees.
            each = 4 if layer.place in ("s2", "s4") else 1
            assert layer.multiply_accumulates * each + outputs == CONNECTIONS[layer.place]


def test_c3_sees_the_maps_of_table_i(network: LeNet5) -> None:
    printed = np.array([row.split() for row in TABLE_I.strip().split("\n")]) == "X"
    assert printed.shape == (6, 16)
    seen = np.zeros((6, 16), dtype=bool)
    for output, inputs in enumerate(C3_INPUTS):
        seen[list(inputs), output] = True
    np.testing.assert_array_equal(seen, printed)
    filters = network.c3.filters()
    assert isinstance(filters, torch.Tensor)
    used = (filters.detach() != 0).all(dim=(2, 3)).numpy()
    unused = (filters.detach() == 0).all(dim=(2, 3)).numpy()
    np.testing.assert_array_equal(used.T, printed)
    np.testing.assert_array_equal(unused.T, ~printed)


def by_the_formulas(network: LeNet5, image: Array) -> Array:
    """The penalties of the ten classes for one image (28, 28), as section II.B has them."""
    weights = {name: value.double().numpy() for name, value in network.state_dict().items()}

    def squash(activations: Array) -> Array:
        return 1.7159 * np.tanh(2 / 3 * activations)

    def convolve(maps: Array, filters: Array, bias: float) -> Array:
        return correlate(maps, filters, mode="valid")[0] + bias

    def subsample(maps: Array, layer: str) -> Array:
        sums = maps[:, ::2, ::2] + maps[:, 1::2, ::2] + maps[:, ::2, 1::2] + maps[:, 1::2, 1::2]
        coefficients, biases = weights[f"{layer}.weight"], weights[f"{layer}.bias"]
        return squash(coefficients[:, None, None] * sums + biases[:, None, None])

    field = np.full((1, 32, 32), -0.1)
    field[0, 2:30, 2:30] = image
    filters, biases = weights["c1.weight"], weights["c1.bias"]
    c1 = squash(np.stack([convolve(field, filters[k], biases[k]) for k in range(6)]))
    s2 = subsample(c1, "s2")
    c3, first = [], 0
    for k, seen in enumerate(C3_INPUTS):
        kernels = weights["c3.weight"][first : first + len(seen)]
        c3.append(convolve(s2[list(seen)], kernels, weights["c3.bias"][k]))
        first += len(seen)
    s4 = subsample(squash(np.stack(c3)), "s4")
    c5 = squash(np.tensordot(weights["c5.weight"], s4, 3) + weights["c5.bias"])
    f6 = squash(weights["f6.weight"] @ c5 + weights["f6.bias"])
    penalties: Array = ((f6 - weights["output.targets"]) ** 2).sum(axis=1)
    return penalties


def test_the_logits_are_minus_the_penalties_of_the_papers_formulas(network: LeNet5) -> None:
    random = np.random.default_rng(0)
    images = random.uniform(-0.1, 1.175, (3, 28, 28))
    with torch.no_grad():
        logits = network(torch.tensor(images, dtype=torch.float32)[:, None]).numpy()
    expected = np.stack([by_the_formulas(network, image) for image in images])
    np.testing.assert_allclose(-logits, expected, rtol=2e-5)


def test_a_golden_forward_pass() -> None:
    """Numbers that no change of the code may move: they were checked by the formulas above."""
    network = LeNet5()
    with torch.no_grad():
        for index, parameter in enumerate(network.parameters()):
            numbers = torch.arange(parameter.numel(), dtype=torch.float64)
            parameter.copy_(((numbers * 0.7 + index).sin() * 0.2).reshape(parameter.shape))
        image = (torch.arange(784, dtype=torch.float64) * 0.05).cos().reshape(1, 1, 28, 28)
        logits = network(image.float())[0]
    golden = [
        -252.079,
        -233.797,
        -225.64,
        -202.756,
        -212.543,
        -226.662,
        -213.028,
        -244.74,
        -201.311,
        -225.852,
    ]
    torch.testing.assert_close(logits, torch.tensor(golden), atol=1e-3, rtol=0)


def test_every_weight_starts_within_the_papers_bounds() -> None:
    networks = [build_model(LeNet5Config(), seed=seed) for seed in range(30)]
    fan_ins = {"c1": 25, "s2": 4, "s4": 4, "c5": 400, "f6": 120}
    for name, fan_in in fan_ins.items():
        for kind in ("weight", "bias"):
            drawn = torch.cat([n.state_dict()[f"{name}.{kind}"].flatten() for n in networks])
            bound = 2.4 / fan_in
            assert 0.95 * bound < drawn.abs().max() <= bound
            assert abs(float(drawn.mean())) < 0.25 * bound
    first = 0
    for seen in C3_INPUTS:
        bound = 2.4 / (25 * len(seen))
        drawn = torch.stack([n.c3.weight[first : first + len(seen)] for n in networks])
        assert 0.95 * bound < drawn.abs().max() <= bound
        first += len(seen)


def test_the_targets_are_ten_different_pictures_of_ink_and_paper() -> None:
    targets = LeNet5().output.targets
    assert isinstance(targets, torch.Tensor)
    assert targets.shape == (10, 84)
    assert set(targets.unique().tolist()) == {-1.0, 1.0}
    distances = torch.cdist(targets, targets).square() / 4  # pixels that differ
    assert int(distances[~torch.eye(10, dtype=torch.bool)].min()) >= 8


def test_an_image_of_32_pixels_is_not_padded() -> None:
    network = LeNet5(LeNet5Config(input_shape=(1, 32, 32)))
    assert summarise(network, (1, 1, 32, 32))[0].output_shape == (1, 1, 32, 32)


def test_the_squashing_takes_one_to_one() -> None:
    squash = LeNet5().c1_squash
    assert isinstance(squash, nn.Module)
    torch.testing.assert_close(
        squash(torch.tensor([1.0, -1.0])), torch.tensor([1.0, -1.0]), atol=1e-4, rtol=0
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"input_shape": (1, 8, 8)}, r"takes images of shape \(1, 28, 28\) or \(1, 32, 32\), not"),
        ({"input_shape": (3, 32, 32)}, "takes images of shape"),
        ({"classes": 26}, "up to 10 classes, not 26"),
    ],
)
def test_what_it_is_not_made_for_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        LeNet5Config.from_dict(settings)
