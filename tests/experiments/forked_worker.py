"""Workers that are forks: they have PyTorch imported already, and write blank pictures."""

from io import BytesIO
from typing import Any

from blank_picture import save_blank
from forked_process import ForkedProcess
from lenet.core import Drawing
from lenet.experiments import _job  # the program that a worker is


class ForkedWorker(ForkedProcess):
    """A worker without a job."""

    def __init__(self) -> None:
        super().__init__(code="import forked_worker\nforked_worker.work()", stdin=True)


def work() -> None:
    """What the worker does."""
    Drawing.savefig = paint_nothing  # type: ignore[method-assign]
    _job.main()


def paint_nothing(figure: Drawing, file: BytesIO, **options: Any) -> None:
    """Write a blank picture instead of the figure."""
    save_blank(file, **options)
