from ._computing import computing as computing
from ._computing import learning_rate_at as learning_rate_at
from ._computing import pick_device as pick_device
from ._curves import draw_terminal_curves as draw_terminal_curves
from ._diagnosis import Diagnosis as Diagnosis
from ._diagnosis import LayerHealth as LayerHealth
from ._diagnosis import beats_guessing as beats_guessing
from ._diagnosis import diagnose as diagnose
from ._displays import NotebookCell as NotebookCell
from ._displays import NotebookDisplay as NotebookDisplay
from ._displays import PlainDisplay as PlainDisplay
from ._displays import TerminalDisplay as TerminalDisplay
from ._displays import in_notebook as in_notebook
from ._displays import pick_display as pick_display
from ._history import CurvePoint as CurvePoint
from ._history import TrainerState as TrainerState
from ._history import TrainingResult as TrainingResult
from ._history import draw_curves as draw_curves
from ._history import learning_curves as learning_curves
from ._lockstep import lockstep_key as lockstep_key
from ._lockstep import train_in_lockstep as train_in_lockstep
from ._losses import log_softmax as log_softmax
from ._metrics import calibrate as calibrate
from ._metrics import calibration_notice as calibration_notice
from ._metrics import compute_logits as compute_logits
from ._metrics import evaluate_loss_and_accuracy as evaluate_loss_and_accuracy
from ._presets import PRESETS as PRESETS
from ._presets import Preset as Preset
from ._presets import own as own
from ._presets import preset_for as preset_for
from ._recipe import Recipe as Recipe
from ._recipe import RecipeFile as RecipeFile
from ._recipe import deciding_settings as deciding_settings
from ._recipe import errors_of_file as errors_of_file
from ._recipe import override_settings as override_settings
from ._recipe import read_recipe_file as read_recipe_file
from ._recipe import recipe_text as recipe_text
from ._recipe import setting_applies as setting_applies
from ._trainer import Listener as Listener
from ._trainer import Trainer as Trainer
from .engines._engine import as_array as as_array
from .engines._torch import build_optimiser as build_optimiser
from .peers._group import ALONE as ALONE
from .peers._group import Group as Group
from .peers._group import Peers as Peers
from .peers._group import Place as Place
from .peers._group import find_place as find_place
from .peers._process import join_group as join_group
from .peers._process import leave as leave
from .peers._process import outlast_others as outlast_others
from .peers._process import speaker as speaker
from .peers._torchrun_group import TIMEOUT as TIMEOUT
from .peers._torchrun_group import TorchrunGroup as TorchrunGroup
from .trackers._mlflow import MlflowTracker as MlflowTracker
from .trackers._registry import TRACKERS as TRACKERS
from .trackers._registry import kept_trackers as kept_trackers
from .trackers._registry import make_trackers as make_trackers
from .trackers._tensorboard import TensorBoardTracker as TensorBoardTracker
from .trackers._tracker import TRACKING_FILE as TRACKING_FILE
from .trackers._tracker import Guard as Guard
from .trackers._tracker import TrackedRun as TrackedRun
from .trackers._tracker import Tracker as Tracker
from .trackers._tracker import pack_trackers as pack_trackers

__all__ = [
    "ALONE",
    "PRESETS",
    "TIMEOUT",
    "TRACKERS",
    "TRACKING_FILE",
    "CurvePoint",
    "Diagnosis",
    "Group",
    "Guard",
    "LayerHealth",
    "Listener",
    "MlflowTracker",
    "NotebookCell",
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
    "as_array",
    "beats_guessing",
    "build_optimiser",
    "calibrate",
    "calibration_notice",
    "compute_logits",
    "computing",
    "deciding_settings",
    "diagnose",
    "draw_curves",
    "draw_terminal_curves",
    "errors_of_file",
    "evaluate_loss_and_accuracy",
    "find_place",
    "in_notebook",
    "join_group",
    "kept_trackers",
    "learning_curves",
    "learning_rate_at",
    "leave",
    "lockstep_key",
    "log_softmax",
    "make_trackers",
    "outlast_others",
    "override_settings",
    "own",
    "pack_trackers",
    "pick_device",
    "pick_display",
    "preset_for",
    "read_recipe_file",
    "recipe_text",
    "setting_applies",
    "speaker",
    "train_in_lockstep",
]
