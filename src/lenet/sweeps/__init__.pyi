from ._definition import Definition as Definition
from ._definition import SamplerName as SamplerName
from ._picture import draw_history as draw_history
from ._picture import draw_importance as draw_importance
from ._progress import ConsoleProgress as ConsoleProgress
from ._progress import Progress as Progress
from ._progress import format_value as format_value
from ._records import SweepTrial as SweepTrial
from ._records import trial_seed as trial_seed
from ._result import Sweep as Sweep
from ._space import Dimension as Dimension
from ._space import parse_dimension as parse_dimension
from ._sweep import resume_sweep as resume_sweep
from ._sweep import sweep as sweep

__all__ = [
    "ConsoleProgress",
    "Definition",
    "Dimension",
    "Progress",
    "SamplerName",
    "Sweep",
    "SweepTrial",
    "draw_history",
    "draw_importance",
    "format_value",
    "parse_dimension",
    "resume_sweep",
    "sweep",
    "trial_seed",
]
