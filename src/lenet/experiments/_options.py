"""What comparisons and sweeps are asked, besides networks, images and recipe."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lenet.core import Compute, check_range, option, require_torch
from lenet.errors import SettingError
from lenet.models import MODELS
from lenet.results import Views
from lenet.training import PRESETS

SamplerName = Literal["tpe", "random"]
ScoredSplit = Literal["validation", "test"]
MOST_TRIALS = 1_000_000
_AS_ONE = "Training several networks as one computation"  # what needs PyTorch, as an error begins


@dataclass(frozen=True)
class _OfEach(Compute):
    """Where each of many trainings is made.

    Attributes:
        threads: CPU threads of each training.
    """

    threads: int = 1


@dataclass(frozen=True)
class CompareOptions(_OfEach):
    """How a comparison is made.

    Attributes:
        seeds: How many seeds each, from 0 on.
        first_seed: The first seed, where it is not 0.
        split: Which images to score on: validation to choose a recipe, test to say what a chosen
            one reaches.
        views: Also score with several views of each image averaged: its mirror image too, or it
            moved by up to one pixel.
        processes: How many trainings at a time.
        together: Train networks of one form as one computation, or each in a process of its own.
        runs_folder: Where the trainings are kept, and taken from if they are there already.

    Raises:
        SettingError: A value is ill-typed, out of range or at odds with another.
        MissingExtraError: PyTorch is needed for `together` and not installed.
    """

    seeds: int = 5
    first_seed: int = 0
    split: ScoredSplit = "test"
    views: Views = "single"
    processes: int | None = option(None, usual="one a core, one on a GPU")
    together: bool | None = option(
        None, flags=("--together/--apart",), usual="together on an NVIDIA GPU"
    )
    runs_folder: Path = Path("runs") / "compare"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("seeds", self.seeds, 1, 1_000_000)
        if self.processes is not None:
            check_range("processes", self.processes, 1, 1024)
        if self.together and self.processes is not None:
            message = "`processes` is for trainings that are not made `together`."
            raise SettingError(message)
        if self.together and self.engine != "auto":
            message = "`engine` is for trainings that are not made `together`."
            raise SettingError(message)
        if self.together:
            require_torch(_AS_ONE)


@dataclass(frozen=True)
class SweepWork(_OfEach):
    """How a sweep is made, which decides nothing about what it searches.

    Attributes:
        trials: How many trials in all. Those that diverge or are pruned count.
        workers: How many trials at a time, each a process.
        at_once: How many trials a worker begins together; those of one form are one computation,
            which is for a GPU.
        confirm: At the end, train the best and what the search began from with N seeds each, and
            compare them on the test images.
        storage: A PostgreSQL database that several machines share:
            `postgresql://user@host/database`.
        sweeps_folder: Where the sweep's folder is made.

    Raises:
        SettingError: A value is ill-typed, out of range or at odds with another.
        MissingExtraError: PyTorch is needed for `at_once` and not installed.
    """

    trials: int = 20
    workers: int = 1
    at_once: int = option(1, metavar="N")
    confirm: int = option(0, metavar="N")
    storage: str | None = option(None, metavar="URL", usual="a SQLite file in the sweep's folder")
    sweeps_folder: Path = Path("sweeps")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("trials", self.trials, 1, MOST_TRIALS)
        check_range("workers", self.workers, 1, 1024)
        check_range("at_once", self.at_once, 1, 1024)
        check_range("confirm", self.confirm, 0, 1000)
        if self.at_once > 1 and self.engine == "native":
            message = "The compiled kernels compute one network; leave out `at_once` or `engine`."
            raise SettingError(message)
        if self.at_once > 1:
            require_torch(_AS_ONE)


@dataclass(frozen=True)
class SweepOptions(SweepWork):
    """What a sweep begins with, and how it is made.

    Attributes:
        space: A recipe file with a table `[search]`, a setting a line. Options beside it win.
        model: The network.
        preset: Where the search begins. A recipe that holds out no images gets a validation split
            of 0.1.
        name: What the sweep is called.
        seed: Decides the held-out images and the trials' seeds.
        sampler: What chooses values: `tpe` learns from earlier trials, `random` does not.
        prune: Whether trials below the others' median are stopped.
        warm_up: First epochs that no trial is stopped in.

    Raises:
        SettingError: A value is ill-typed, out of range or at odds with another.
    """

    space: Path | None = option(None, metavar="FILE")
    model: str | None = option(None, names=MODELS, usual="lenet")
    preset: str | None = option(None, names=PRESETS, usual="the one that suits network and data")
    name: str | None = option(None, usual="follows from what is searched")
    seed: int = 0
    sampler: SamplerName = option("tpe", metavar="NAME")
    prune: bool = option(True, flags=("--prune/--no-prune",), usual="prune")
    warm_up: int = option(2, metavar="N")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("seed", self.seed, 0, 2**63 - 1)
        check_range("warm_up", self.warm_up, 0, 1_000_000)
