from ._calibration import calibrate as calibrate
from ._curves import draw_curves as draw_curves
from ._device import computing as computing
from ._device import pick_device as pick_device
from ._diagnosis import Diagnosis as Diagnosis
from ._diagnosis import LayerHealth as LayerHealth
from ._diagnosis import diagnose as diagnose
from ._display import PlainDisplay as PlainDisplay
from ._display import in_notebook as in_notebook
from ._display import pick_display as pick_display
from ._history import CurvePoint as CurvePoint
from ._history import TrainingResult as TrainingResult
from ._listener import Listener as Listener
from ._lockstep import likeness as likeness
from ._lockstep import train_in_lockstep as train_in_lockstep
from ._metrics import compute_logits as compute_logits
from ._metrics import count_correct as count_correct
from ._metrics import evaluate_loss_and_accuracy as evaluate_loss_and_accuracy
from ._notebook_display import NotebookDisplay as NotebookDisplay
from ._optimisation import build_optimiser as build_optimiser
from ._optimisation import learning_rate_at as learning_rate_at
from ._peers import ALONE as ALONE
from ._peers import Alone as Alone
from ._peers import Peers as Peers
from ._presets import PRESETS as PRESETS
from ._presets import Preset as Preset
from ._presets import own as own
from ._presets import preset_for as preset_for
from ._recipe import Recipe as Recipe
from ._recipe import override_settings as override_settings
from ._recipe_file import RecipeFile as RecipeFile
from ._recipe_file import read_recipe_file as read_recipe_file
from ._recipe_file import recipe_text as recipe_text
from ._terminal_curves import Curve as Curve
from ._terminal_curves import draw_terminal_curves as draw_terminal_curves
from ._terminal_display import TerminalDisplay as TerminalDisplay
from ._threads import cpu_threads as cpu_threads
from ._trainer import Trainer as Trainer
from ._trainer_state import TrainerState as TrainerState
from .peers._group import Group as Group
from .peers._join import join_group as join_group
from .peers._leave import leave as leave
from .peers._leave import speaker as speaker
from .peers._place import Place as Place
from .peers._place import find_place as find_place
from .peers._torchrun_group import TIMEOUT as TIMEOUT
from .peers._torchrun_group import TorchrunGroup as TorchrunGroup
from .trackers._guard import Guard as Guard
from .trackers._memory import TRACKING_FILE as TRACKING_FILE
from .trackers._memory import pack_trackers as pack_trackers
from .trackers._mlflow import MlflowTracker as MlflowTracker
from .trackers._registry import TRACKERS as TRACKERS
from .trackers._registry import kept_trackers as kept_trackers
from .trackers._registry import make_trackers as make_trackers
from .trackers._tensorboard import TensorBoardTracker as TensorBoardTracker
from .trackers._tracker import TrackedRun as TrackedRun
from .trackers._tracker import Tracker as Tracker

__all__ = [
    "ALONE",
    "PRESETS",
    "TIMEOUT",
    "TRACKERS",
    "TRACKING_FILE",
    "Alone",
    "Curve",
    "CurvePoint",
    "Diagnosis",
    "Group",
    "Guard",
    "LayerHealth",
    "Listener",
    "MlflowTracker",
    "NotebookDisplay",
    "Peers",
    "Place",
    "PlainDisplay",
    "Preset",
    "Recipe",
    "RecipeFile",
    "TensorBoardTracker",
    "TerminalDisplay",
    "TorchrunGroup",
    "TrackedRun",
    "Tracker",
    "Trainer",
    "TrainerState",
    "TrainingResult",
    "build_optimiser",
    "calibrate",
    "compute_logits",
    "computing",
    "count_correct",
    "cpu_threads",
    "diagnose",
    "draw_curves",
    "draw_terminal_curves",
    "evaluate_loss_and_accuracy",
    "find_place",
    "in_notebook",
    "join_group",
    "kept_trackers",
    "learning_rate_at",
    "leave",
    "likeness",
    "make_trackers",
    "override_settings",
    "own",
    "pack_trackers",
    "pick_device",
    "pick_display",
    "preset_for",
    "read_recipe_file",
    "recipe_text",
    "speaker",
    "train_in_lockstep",
]
