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
