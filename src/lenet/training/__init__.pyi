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
from ._metrics import compute_logits as compute_logits
from ._metrics import count_correct as count_correct
from ._metrics import evaluate_loss_and_accuracy as evaluate_loss_and_accuracy
from ._notebook_display import NotebookDisplay as NotebookDisplay
from ._optimisation import build_optimiser as build_optimiser
from ._optimisation import learning_rate_at as learning_rate_at
from ._presets import PRESETS as PRESETS
from ._presets import Preset as Preset
from ._presets import own as own
from ._presets import preset_for as preset_for
from ._recipe import Recipe as Recipe
from ._terminal_curves import Curve as Curve
from ._terminal_curves import draw_terminal_curves as draw_terminal_curves
from ._terminal_display import TerminalDisplay as TerminalDisplay
from ._trainer import Trainer as Trainer
from ._trainer import TrainerState as TrainerState

__all__ = [
    "PRESETS",
    "Curve",
    "CurvePoint",
    "Diagnosis",
    "LayerHealth",
    "Listener",
    "NotebookDisplay",
    "PlainDisplay",
    "Preset",
    "Recipe",
    "TerminalDisplay",
    "Trainer",
    "TrainerState",
    "TrainingResult",
    "build_optimiser",
    "calibrate",
    "compute_logits",
    "count_correct",
    "diagnose",
    "draw_curves",
    "draw_terminal_curves",
    "evaluate_loss_and_accuracy",
    "in_notebook",
    "learning_rate_at",
    "own",
    "pick_device",
    "pick_display",
    "preset_for",
]
