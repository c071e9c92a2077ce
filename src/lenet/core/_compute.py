from dataclasses import dataclass
from typing import Literal

from lenet.core._settings import Settings, check_range, option

KernelChoice = Literal["auto", "native", "torch"]


@dataclass(frozen=True)
class Compute(Settings):
    """Where something is computed, and by what; what comes out is the same up to rounding.

    Attributes:
        device: `cpu`, `cuda`, `mps`, …; `auto` takes the best.
        threads: CPU threads.
        kernels: What computes on a CPU: `native` for lenet's compiled kernels, with an error where
            they do not serve; `torch` for PyTorch; `auto` for the kernels where they serve.

    Raises:
        SettingError: A value is ill-typed or out of range.
    """

    device: str = "auto"
    threads: int | None = option(None, usual="PyTorch's own choice")
    kernels: KernelChoice = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.threads is not None:
            check_range("threads", self.threads, 1, 1024)
