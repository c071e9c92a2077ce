from collections.abc import Iterator
from contextlib import contextmanager

import torch

from lenet.core import check_range


@contextmanager
def cpu_threads(count: int | None) -> Iterator[None]:
    """Compute with a number of CPU threads until the block ends; `None` leaves it as it is.

    Raises:
        SettingError: The number is out of range.
    """
    if count is None:
        yield
        return
    check_range("threads", count, 1, 1024)
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
