from ._guard import Guard as Guard
from ._memory import TRACKING_FILE as TRACKING_FILE
from ._memory import pack_trackers as pack_trackers
from ._mlflow import MlflowTracker as MlflowTracker
from ._registry import TRACKERS as TRACKERS
from ._registry import kept_trackers as kept_trackers
from ._registry import make_trackers as make_trackers
from ._tensorboard import TensorBoardTracker as TensorBoardTracker
from ._tracker import TrackedRun as TrackedRun
from ._tracker import Tracker as Tracker

__all__ = [
    "TRACKERS",
    "TRACKING_FILE",
    "Guard",
    "MlflowTracker",
    "TensorBoardTracker",
    "TrackedRun",
    "Tracker",
    "kept_trackers",
    "make_trackers",
    "pack_trackers",
]
