from dataclasses import dataclass
from pathlib import Path

from lenet.core import Compute, check_range, option
from lenet.training import PRESETS


@dataclass(frozen=True)
class RunsOptions(Compute):
    """Where runs are made, and whether those that are there are taken.

    Attributes:
        runs_folder: Where the run folder is made.
        reuse: Where a run in `runs_folder` has the same network, recipe, data, seed and version of
            lenet, take that one: as it is if it is complete, and gone on with if it was stopped.
    """

    runs_folder: Path = Path("runs")
    reuse: bool = False


@dataclass(frozen=True)
class TrainOptions(RunsOptions):
    """How a training is made, besides network, images and recipe.

    Attributes:
        preset: A network and recipe that work together.
        seed: Decides weights, order, augmentation and split.
        track: Tell a tracker too: `tensorboard` or `mlflow`. May be given twice; may stand beside
            `--resume`.

    Raises:
        SettingError: A value is ill-typed or out of range.
    """

    preset: str | None = option(None, usual="the one that suits network and data", names=PRESETS)
    seed: int = 0
    track: tuple[str, ...] = option((), metavar="NAME")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("seed", self.seed, 0, 2**63 - 1)
