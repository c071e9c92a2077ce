"""What the tests of packed sets share."""

from pathlib import Path

import pytest

from lenet.datasets import Dataset
from packed_sets import pack


@pytest.fixture
def folder(few_digits: Dataset, tmp_path: Path) -> Path:
    """128 digits to train on and 64 to test on, in shards of 50."""
    return pack(few_digits, tmp_path / "packed")
