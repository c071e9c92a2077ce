"""The kernels' threads beside those of Python, and after a fork."""

import os
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from compiled_kernels import needs_kernels
from forked_process import ForkedProcess
from lenet.kernels import FusedStep, Predictor, StepSettings
from lenet.models import ArrayNetwork, LeNetConfig, network_blocks, trained_blocks

pytestmark = needs_kernels

PIXELS = np.random.default_rng(0).integers(256, size=(200, 1, 28, 28), dtype=np.uint8)
LABELS = np.random.default_rng(1).integers(10, size=200)


@pytest.fixture
def two_threads() -> Iterator[None]:
    """Every call of the kernels may take two threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def train(network: ArrayNetwork) -> list[tuple[float, int]]:
    """Some steps; their losses and hits."""
    step = FusedStep(
        trained_blocks(network),
        PIXELS,
        LABELS,
        batch_size=64,
        settings=StepSettings(momentum=0.9),
        byte_values=np.arange(256, dtype=np.float32) / 255,
    )
    generator = np.random.default_rng(0)
    return [
        step(generator.integers(200, size=64), 0.1, shifts=np.ones((2, 64), np.int64))
        for _ in range(30)
    ]


def at_once(*functions: Callable[[], object]) -> list[object]:
    """What functions give that run in a thread each."""
    start, results = threading.Barrier(len(functions)), [None] * len(functions)

    def run(number: int) -> None:
        start.wait()
        results[number] = functions[number]()

    threads = [threading.Thread(target=run, args=[number]) for number in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.usefixtures("two_threads")
def test_several_callers_get_what_each_gets_alone() -> None:
    trained = [ArrayNetwork.build(LeNetConfig(), seed=seed) for seed in (1, 2)]
    alone = [train(network) for network in trained]
    predictor = Predictor(*network_blocks(trained[0].network, trained[0].arrays))
    expected = predictor(PIXELS)

    def predict() -> list[NDArray[np.float32]]:
        return [predictor(PIXELS, threads=2) for _ in range(30)]

    networks = [ArrayNetwork.build(LeNetConfig(), seed=seed) for seed in (1, 2)]
    one, two, *predictions = at_once(
        lambda: train(networks[0]), lambda: train(networks[1]), predict, predict
    )
    assert [one, two] == alone
    for network, other in zip(networks, trained, strict=True):
        for name, weights in network.arrays.items():
            np.testing.assert_array_equal(weights, other.arrays[name])
    for outputs in [*predictions[0], *predictions[1]]:
        np.testing.assert_array_equal(outputs, expected)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_has_threads_of_its_own() -> None:
    script = """if True:
        import os
        import numpy as np
        from lenet.kernels import Predictor
        from lenet.models import recognise_blocks
        from lenet.models import LeNet

        blocks, parameters = recognise_blocks(LeNet(), (1, 28, 28))
        predictor = Predictor(blocks, [parameter.detach().numpy() for parameter in parameters])
        images = np.random.default_rng(0).random((500, 1, 28, 28), np.float32)
        expected = predictor(images, threads=1)

        def is_right() -> bool:
            return all((predictor(images, threads=3) == expected).all() for _ in range(5))

        assert is_right()
        if child := os.fork():
            assert is_right()
            assert os.waitpid(child, 0)[1] == 0
            print("both are right")
        else:
            if grandchild := os.fork():
                assert os.waitpid(grandchild, 0)[1] == 0
            os._exit(not is_right())
    """
    output, errors = ForkedProcess(code=script).communicate(timeout=120)
    assert output == "both are right\n", errors
