"""The C code answers as PyTorch does, and in whole numbers to the bit as the formulas do."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from c_programs import (
    COMPILERS,
    CONFIGS,
    SANITIZED,
    SMALL,
    can_sanitize,
    compiled,
    compiled_together,
    trained_network,
)
from hypothesis import HealthCheck, given, settings
from integer_network import integer_logits
from layer_lists import KINDS, networks

from lenet.export import TrainedNetwork
from lenet.export._c import Program, c_network  # the code without the search for a compiler

# Networks without a model file, and the stages between input and answer.
from lenet.export._c_files import CNetwork
from lenet.export._c_quantise import quantise
from lenet.export._c_stages import plan_stages
from lenet.export._windows import with_padding_apart
from lenet.models import Calibration, ModelConfig, Network

NETWORKS: dict[str, ModelConfig | Network] = {**CONFIGS, **KINDS}


def check_floats(trained: TrainedNetwork, program: Program) -> None:
    """See that the answers are PyTorch's."""
    answers = program.probabilities(trained.images)
    assert np.abs(answers - trained.probabilities).max() <= 1e-5


def check_whole_numbers(trained: TrainedNetwork, program: Program) -> float:
    """See that they are those of the formulas; how far the answers are from PyTorch's."""
    stages = plan_stages(with_padding_apart(trained.layers()))
    card = trained.card
    integers, unit = quantise(stages, trained.calibration_sample, card.normalisation)
    expected = integer_logits(integers, trained.images)
    probabilities, bits = program.answers(trained.images)
    np.testing.assert_array_equal(bits.view(np.int32), expected)
    scaled = expected * unit / card.calibration.temperature
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    shares = exponentials / exponentials.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities, shares, atol=1e-5)
    return float(np.abs(probabilities - trained.probabilities).max())


def in_c(trained: TrainedNetwork, name: str) -> list[CNetwork]:
    """A network in floats and in whole numbers."""
    return [
        c_network(replace(trained, name=f"{name}_{kind}"), int8=kind == "int8")
        for kind in ("float", "int8")
    ]


@pytest.mark.parametrize("part", range(4))
def test_every_network_answers_as_pytorch_does(part: int, tmp_path: Path) -> None:
    # Many are compiled as one program: each by itself would start the compiler and the linker.
    names = list(NETWORKS)[part::4]
    trained = [trained_network(NETWORKS[name]) for name in names]
    both = [code for place, one in enumerate(trained) for code in in_c(one, f"network_{place}")]
    programs = iter(compiled_together(both, tmp_path))
    for name, network in zip(names, trained, strict=True):
        check_floats(network, next(programs))
        # Coarse, but no mistake: the answers are those of the network.
        limit = 0.1 if name == "distances" else 0.05
        assert check_whole_numbers(network, next(programs)) < limit, name


def test_any_network_answers_as_pytorch_does(tmp_path: Path) -> None:
    flags = SANITIZED if can_sanitize("gcc", tmp_path) else ("-O1",)

    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
    @given(networks())
    def check(network: Network) -> None:
        trained = trained_network(network, count=12)
        with TemporaryDirectory() as folder:
            floats, integers = compiled_together(in_c(trained, "any"), Path(folder), flags)
            check_floats(trained, floats)
            check_whole_numbers(trained, integers)

    check()


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


def test_the_last_class_of_counter_examples_is_never_an_answer(tmp_path: Path) -> None:
    names = [*map(str, range(SMALL.classes - 1)), "_none"]
    trained = trained_network(
        SMALL, class_names=names, calibration=Calibration(0.2, 0.12, 10), count=300
    )
    for int8 in (False, True):
        folder = tmp_path / f"{int8}"
        folder.mkdir()
        program = compiled(c_network(trained, int8=int8), folder)
        shares, decided = program.run(trained.images)
        assert shares.shape == (300, SMALL.classes)
        np.testing.assert_array_equal(decided, trained.decide(shares))
        assert decided.max() < SMALL.classes - 1
    header = (folder / "small.h").read_text()
    assert f"#define SMALL_ANSWERS {SMALL.classes - 1} /* the last class is what" in header
