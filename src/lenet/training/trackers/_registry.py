from collections.abc import Callable, Sequence
from pathlib import Path

from lenet.errors import LenetError, UnknownNameError
from lenet.training.trackers._mlflow import MlflowTracker
from lenet.training.trackers._tensorboard import TensorBoardTracker
from lenet.training.trackers._tracker import Tracker, read_tracking

TRACKERS: dict[str, type[Tracker]] = {
    tracker.name: tracker for tracker in (TensorBoardTracker, MlflowTracker)
}


def make_trackers(track: str | Sequence[str]) -> list[Tracker]:
    """The trackers of a name or of several; a name that is given twice counts once.

    Raises:
        UnknownNameError: There is no tracker of a name.
        MissingExtraError: A tracker's package is not installed.

    >>> make_trackers([])
    []
    """
    names = dict.fromkeys([track] if isinstance(track, str) else track)
    for name in names:
        if name not in TRACKERS:
            raise UnknownNameError("tracker", name, TRACKERS)
    return [TRACKERS[name]() for name in names]


def kept_trackers(
    folder: Path, besides: list[Tracker], tell: Callable[[str], None]
) -> list[Tracker]:
    """The trackers that a run was told to have before; one that can't be had is left out.

    Args:
        folder: The run folder.
        besides: Those that are there already.
        tell: Is told what is left out and why.

    Raises:
        RunError: The folder's list is damaged.
    """
    trackers = []
    for name in read_tracking(folder):
        if name not in [tracker.name for tracker in besides]:
            try:
                trackers += make_trackers(name)
            except LenetError as error:
                tell(f"The run goes on without the tracker `{name}`. {error}")
    return trackers
