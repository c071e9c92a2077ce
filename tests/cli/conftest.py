"""Data of one's own for the tests of commands."""

from pathlib import Path

import pytest

from lenet.datasets import Dataset, convert_dataset


@pytest.fixture
def pictures(few_digits: Dataset, tmp_path: Path) -> Path:
    """A folder with training and test pictures."""
    return convert_dataset(few_digits, tmp_path / "pictures", "folder")
