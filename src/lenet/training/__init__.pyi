from ._calibration import calibrate as calibrate
from ._curves import draw_curves as draw_curves
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

__all__ = [
    "ALONE",
    "PRESETS",
    "Alone",
    "Curve",
    "CurvePoint",
    "Diagnosis",
    "LayerHealth",
    "Listener",
    "NotebookDisplay",
    "Peers",
    "PlainDisplay",
    "Preset",
    "Recipe",
    "RecipeFile",
    "TerminalDisplay",
    "Trainer",
    "TrainerState",
    "TrainingResult",
    "build_optimiser",
    "calibrate",
    "compute_logits",
    "count_correct",
    "cpu_threads",
    "diagnose",
    "draw_curves",
    "draw_terminal_curves",
    "evaluate_loss_and_accuracy",
    "in_notebook",
    "learning_rate_at",
    "likeness",
    "override_settings",
    "own",
    "pick_device",
    "pick_display",
    "preset_for",
    "read_recipe_file",
    "recipe_text",
    "train_in_lockstep",
]
