"""The C code answers as PyTorch does, and in whole numbers to the bit as NumPy does."""

from pathlib import Path

import numpy as np
import pytest
from c_programs import COMPILERS, CONFIGS, SANITIZED, can_sanitize, compiled, trained_network
from integer_network import integer_logits

from lenet.export._c import c_network
from lenet.export._c_quantise import quantise
from lenet.export._c_stages import fuse, take_pixels
from lenet.models import identify_model, plain_layers


@pytest.mark.parametrize("name", list(CONFIGS))
def test_floats_answer_as_pytorch_does(name: str, tmp_path: Path) -> None:
    trained = trained_network(CONFIGS[name])
    program = compiled(c_network(trained, int8=False), tmp_path)
    answers = program.probabilities(trained.images)
    assert np.abs(answers - trained.probabilities).max() <= 1e-5


@pytest.mark.parametrize("name", list(CONFIGS))
def test_whole_numbers_are_those_of_numpy(name: str, tmp_path: Path) -> None:
    trained = trained_network(CONFIGS[name])
    _, config = identify_model(trained.network)
    arrays = {key: value.numpy() for key, value in trained.network.state_dict().items()}
    layers = take_pixels(plain_layers(config, arrays), trained.card.normalisation)
    integers, unit = quantise(fuse(layers, config.input_shape), trained.calibration_sample)
    expected = integer_logits(integers, trained.images)
    program = compiled(c_network(trained, int8=True), tmp_path)
    probabilities, bits = program.answers(trained.images)
    np.testing.assert_array_equal(bits.view(np.int32), expected)
    scaled = expected * unit / trained.card.calibration.temperature
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    shares = exponentials / exponentials.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities, shares, atol=1e-5)
    # Coarse, but no mistake: the answers are those of the network.
    assert np.abs(probabilities - trained.probabilities).max() < 0.05


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("int8", [False, True], ids=["float", "int8"])
def test_sanitizers_find_nothing(compiler: str, int8: bool, tmp_path: Path) -> None:
    if not can_sanitize(compiler, tmp_path):
        pytest.skip(f"the sanitizers of `{compiler}` are not on this machine")
    name = "tanh, maximum, odd sizes" if compiler == "gcc" else "relu, average, batch norm"
    trained = trained_network(CONFIGS[name])
    program = compiled(c_network(trained, int8=int8), tmp_path, compiler, SANITIZED)
    answers = program.probabilities(trained.images)
    assert np.abs(answers - trained.probabilities).max() <= (0.05 if int8 else 1e-5)


def test_clang_makes_the_same_of_it(tmp_path: Path) -> None:
    trained = trained_network(CONFIGS["tanh, maximum, odd sizes"])
    for int8 in (False, True):
        network = c_network(trained, int8=int8)
        folders = [tmp_path / f"{compiler}-{int8}" for compiler in ("gcc", "clang")]
        answers = []
        for folder in folders:
            folder.mkdir()
            program = compiled(network, folder, folder.name.split("-")[0], ["-O2"])
            answers.append(program.answers(trained.images))
        assert np.abs(answers[0][0] - answers[1][0]).max() <= 1e-6
        if int8:
            np.testing.assert_array_equal(answers[0][1], answers[1][1])
