import pytest
from odd_runs import train

import lenet
from lenet.datasets import Dataset


@pytest.fixture(scope="package")
def run(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> lenet.Run:
    """A run with a validation split that has learnt something."""
    folder = tmp_path_factory.mktemp("runs")
    return train(digits, folder, preset="fast", epochs=3, validation=0.2)
