"""Every error that lenet raises on purpose.

The command line prints the message on one line and leaves with the class's exit code; Python
code can catch a whole branch::

    LenetError                    1
    ├── SettingError              2   a setting that is unknown, ill-typed or out of range
    │   └── UnknownNameError      2   a name that is not among the known ones
    ├── DatasetError              3   data that can't be used
    │   ├── ArrayError            3   arrays that are no images, or none that the estimator knows
    │   ├── DataFileError         3   a file that is damaged or not what its name says
    │   │   └── PictureError      3   a picture that can't be read
    │   │       ├── PictureFormatError  3   a picture of a format that is not read
    │   │       └── PictureSizeError    3   a picture with too many bytes or pixels
    │   └── DownloadError         3   a file that no mirror could give
    ├── ModelError                4   a network that can't be built or does not fit its data
    │   └── ModelFileError        4   a file that is not a model of ours
    ├── RunError                  5   a run folder that can't be used
    ├── TrainingError             6   a training that can't go on
    │   ├── NonFiniteLossError    6   the loss became infinite or not a number
    │   └── PeerError            12   another process of the same training can't go on
    │       └── LostProcessError 12   another process of the same training is gone
    ├── StorageError              7   a file that could not be written (full or read-only disk)
    ├── MissingExtraError         8   an optional package that is not installed
    ├── TrackerError              9   a tracker that can't be told of a training
    ├── ExportError              10   an export that does not answer as its network does
    └── SweepError               11   a search that can't be begun or gone on with

A stop by Ctrl-C or SIGTERM is no error but a `KeyboardInterrupt`, which a loop over seeds with its
`except Exception` lets through::

    Interrupted                 130
    ├── InterruptedTraining     130   Ctrl-C or SIGTERM; the checkpoint is complete
    └── InterruptedBenchmark    130   Ctrl-C; its `reports` have what was measured until then
"""

import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lenet.core import distribution_name, escape_text, install_command, nearest_name, shorten


class LenetError(Exception):
    """The root of the tree: whatever lenet raises on purpose.

    Args:
        arguments: The message; control characters in it, which names may bring, are escaped.
    """

    exit_code = 1

    def __init__(self, *arguments: object):
        super().__init__(*(escape_text(a) if isinstance(a, str) else a for a in arguments))


class SettingError(LenetError):
    """A setting is unknown, of the wrong type, out of range or at odds with another one."""

    exit_code = 2


class UnknownNameError(SettingError):
    """A name is not among the known ones; the message offers the nearest.

    Args:
        kind: What the name stands for, in the singular: `dataset`, `setting`.
        name: The name that was asked for.
        choices: The names that exist.

    >>> str(UnknownNameError("dataset", "fashion", ["mnist", "fashion-mnist"]))
    'Unknown dataset `fashion`. Did you mean `fashion-mnist`? Known: `mnist`, `fashion-mnist`.'
    """

    def __init__(self, kind: str, name: str, choices: Iterable[str]):
        choices = list(choices)
        near = nearest_name(name, choices)
        hint = f" Did you mean `{near}`?" if near else ""
        known = ", ".join(f"`{choice}`" for choice in choices)
        super().__init__(f"Unknown {kind} `{shorten(name)}`.{hint} Known: {known}.")
        self.name = name
        self.choices = choices


class DatasetError(LenetError):
    """Data that can't be used: no images, labels outside the classes, shapes that differ."""

    exit_code = 3


class ArrayError(DatasetError, ValueError):
    """Arrays that the scikit-learn estimator can't use; a `ValueError` too, as is usual there."""


class DataFileError(DatasetError):
    """A data file is truncated, corrupted or not what its name says."""


class PictureError(DataFileError):
    """A picture is damaged, too large, or of a format that lenet does not read."""


class PictureFormatError(PictureError):
    """A picture is of a format that lenet does not read, or no picture at all."""


class PictureSizeError(PictureError):
    """A picture has more bytes or pixels than are read."""


class DownloadError(DatasetError):
    """No mirror could give a file, or the network may not be used."""


class ModelError(LenetError):
    """A network can't be built from its settings, or does not fit the data."""

    exit_code = 4


class ModelFileError(ModelError):
    """A file is not a model that lenet wrote, or is damaged."""


class RunError(LenetError):
    """A run folder is missing, is not one, or is in use."""

    exit_code = 5


class TrainingError(LenetError):
    """A training can't go on."""

    exit_code = 6


class NonFiniteLossError(TrainingError):
    """The loss became infinite or not a number.

    Args:
        loss: The value, `inf` or `nan`.
        epoch: The epoch it happened in, counted from 1.
        step: The step within that epoch, counted from 1.
        learning_rate: The learning rate of that step.
        checkpoint: The last checkpoint from before, where there is one.
    """

    loss: float
    epoch: int
    step: int
    learning_rate: float
    checkpoint: Path | None

    def __init__(
        self,
        loss: float,
        epoch: int,
        step: int,
        learning_rate: float,
        checkpoint: Path | None = None,
    ):
        kept = f" The last good checkpoint is `{checkpoint}`." if checkpoint else ""
        super().__init__(
            f"The loss became {loss} in epoch {epoch} at step {step}, at learning rate "
            f"{learning_rate:g}.{kept} Try a lower learning rate or `gradient_clipping`."
        )
        self.loss, self.epoch, self.step = loss, epoch, step
        self.learning_rate, self.checkpoint = learning_rate, checkpoint


class PeerError(TrainingError):
    """Another process of the same training can't go on, or was not started as this one was."""

    exit_code = 12


class LostProcessError(PeerError):
    """Another process of the same training is gone, or does not answer any more."""


class StorageError(LenetError):
    """A file could not be written: the disk is full or may not be written to."""

    exit_code = 7


class MissingExtraError(LenetError):
    """An optional package is needed and not installed.

    Args:
        purpose: What needs it, as the start of a sentence.
        extra: The extra of `lenet` that brings it.
        package: A package that no extra brings.
        fault: Why the package can't be imported, where it is installed.
    """

    exit_code = 8

    def __init__(self, purpose: str, extra: str = "", *, package: str = "", fault: str = ""):
        what = " ".join(filter(None, (package, extra and f"'{distribution_name()}[{extra}]'")))
        needed, again = " and ".join(filter(None, (package, extra and "more packages"))), ""
        if fault:
            needed += f", which is installed but can't be imported ({fault})"
            again = "--force-reinstall "
        super().__init__(f"{purpose} needs {needed}: `{install_command(again + what)}`.")


class TrackerError(LenetError):
    """A tracker can't be told of a training: its server does not answer, for example."""

    exit_code = 9


class ExportError(LenetError):
    """An export does not answer as its network does, or its place is taken; none is written."""

    exit_code = 10


class SweepError(LenetError):
    """A sweep can't be begun or gone on with: its storage is damaged, foreign or out of reach."""

    exit_code = 11


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM: a `KeyboardInterrupt` that says what was kept and how to go on.

    Args:
        arguments: The message; control characters in it, which names may bring, are escaped.
        number: The signal's number; `None` where the program itself asked for the stop.
    """

    exit_code = 130
    number: int | None

    def __init__(self, *arguments: object, number: int | None = None):
        super().__init__(*(escape_text(a) if isinstance(a, str) else a for a in arguments))
        self.number = number


class InterruptedTraining(Interrupted):
    """Ctrl-C, SIGTERM or a listener stopped a training between two steps."""


class InterruptedBenchmark(Interrupted):
    """Ctrl-C stopped a benchmark.

    Args:
        reports: What was measured until then, as `run_benchmark` gives it.
    """

    reports: list[Any]

    def __init__(self, reports: list[Any]):
        message = "Interrupted." if reports else "Interrupted before anything was measured."
        super().__init__(message, number=signal.SIGINT)
        self.reports = reports
