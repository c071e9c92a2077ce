"""Random numbers without PyTorch: checked against PyTorch's own, to the bit."""

import numpy as np
import pytest
import torch

from lenet.core import Generator

SEEDS = (0, 1, 7, 2**31, 2**40 + 5, 2**63 - 1)
COUNTS = (1, 2, 3, 16, 17, 100, 5000)


def both(seed: int) -> tuple[torch.Generator, Generator]:
    return torch.Generator().manual_seed(seed), Generator(seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_numbers_are_those_of_pytorch_one_kind_after_the_other(seed: int) -> None:
    theirs, ours = both(seed)
    for count in COUNTS:
        assert np.array_equal(torch.randperm(count, generator=theirs), ours.permutation(count))
        assert np.array_equal(torch.rand(count, generator=theirs), ours.uniform((count,)))
        bounded = torch.empty(2, count).uniform_(-0.37, 0.37, generator=theirs)
        assert np.array_equal(bounded, ours.uniform((2, count), -0.37, 0.37))
        for high in (1, 2, 5, 2**28 - 1, 2**28, 2**31, 2**62):
            drawn = torch.randint(high, (count,), generator=theirs)
            assert np.array_equal(drawn, ours.integers(high, (count,)))


@pytest.mark.parametrize("seed", SEEDS)
def test_an_order_is_that_of_pytorch_whatever_its_length(seed: int) -> None:
    for count in (0, *range(1, 40), 60_000):
        theirs, ours = both(seed)
        assert np.array_equal(torch.randperm(count, generator=theirs), ours.permutation(count))
        assert np.array_equal(torch.rand(1, generator=theirs), ours.uniform((1,)))


def test_generators_that_live_at_once_do_not_disturb_each_other() -> None:
    """What one has used is used again when it is gone, and not before."""
    for _ in range(3):
        first, second = Generator(1), Generator(2)
        begun = first.words(3)
        second.words(700)
        assert np.array_equal(np.append(begun, first.words(2)), Generator(1).words(5))


@pytest.mark.parametrize("seed", SEEDS)
def test_normal_numbers_are_those_of_pytorch(seed: int) -> None:
    """A few are drawn two at a time, and one that is left over comes with the next few."""
    has_avx2 = torch.backends.cpu.get_cpu_capability().startswith("AVX")
    theirs, ours = both(seed)
    for count in (*COUNTS, 3, 5, 40_000, 1):
        drawn = torch.empty(count).normal_(std=0.3, generator=theirs).numpy()
        if has_avx2:
            assert np.array_equal(drawn, ours.normal((count,), 0.3))
        else:
            np.testing.assert_allclose(ours.normal((count,), 0.3), drawn, rtol=1e-5, atol=1e-6)
