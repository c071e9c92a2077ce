from dataclasses import dataclass

from lenet.core import check_range
from lenet.errors import SettingError
from lenet.experiments.comparison._progress import Progress
from lenet.kernels import KernelChoice
from lenet.training import pick_device


@dataclass(frozen=True)
class Manner:
    """How a sweep is made, which decides nothing about what it searches."""

    trials: int
    workers: int
    device: str
    threads: int
    kernels: KernelChoice
    at_once: int
    confirm: int
    confirm_progress: Progress | None

    def check(self) -> None:
        """Raise for a number that is none, or a device that is not there."""
        pick_device(self.device)
        check_range("trials", self.trials, 1, 1_000_000)
        check_range("workers", self.workers, 1, 1024)
        check_range("at_once", self.at_once, 1, 1024)
        check_range("threads", self.threads, 1, 1024)
        check_range("confirm", self.confirm, 0, 1000)
        if self.at_once > 1 and self.kernels == "native":
            message = "The compiled kernels compute one network; leave out `at_once` or `kernels`."
            raise SettingError(message)
