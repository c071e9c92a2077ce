"""Devices by name, or the best there is."""

import pytest
import torch

from lenet.errors import SettingError
from lenet.training import pick_device


def test_auto_is_the_best_there_is() -> None:
    best = "cuda" if torch.cuda.is_available() else "cpu"
    if torch.backends.mps.is_available():
        best = "mps"
    assert pick_device().type == best


@pytest.mark.parametrize("name", ["gpu", "cuda:77", "", "cpu:x"])
def test_a_device_that_is_not_here_is_an_error(name: str) -> None:
    with pytest.raises(SettingError, match="`auto` takes the best"):
        pick_device(name)
