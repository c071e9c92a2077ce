from ._options import CompareOptions as CompareOptions
from ._options import SamplerName as SamplerName
from ._options import SweepOptions as SweepOptions
from ._options import SweepWork as SweepWork
from .comparison._compare import compare as compare
from .comparison._compare import compare_runs as compare_runs
from .comparison._comparison import Comparison as Comparison
from .comparison._comparison import Entry as Entry
from .comparison._comparison import Pair as Pair
from .comparison._contenders import Contender as Contender
from .comparison._contenders import make_contenders as make_contenders
from .comparison._picture import draw_comparison as draw_comparison
from .comparison._progress import ConsoleProgress as ConsoleProgress
from .comparison._progress import Progress as Progress
from .comparison._scored_split import ScoredSplit as ScoredSplit
from .comparison._statistics import holm as holm
from .comparison._statistics import paired_p_value as paired_p_value
from .sweeps._definition import Definition as Definition
from .sweeps._picture import draw_history as draw_history
from .sweeps._picture import draw_importance as draw_importance
from .sweeps._progress import SweepConsoleProgress as SweepConsoleProgress
from .sweeps._progress import SweepProgress as SweepProgress
from .sweeps._progress import format_value as format_value
from .sweeps._records import SweepTrial as SweepTrial
from .sweeps._records import trial_seed as trial_seed
from .sweeps._result import Sweep as Sweep
from .sweeps._space import Dimension as Dimension
from .sweeps._space import parse_dimension as parse_dimension
from .sweeps._sweep import resume_sweep as resume_sweep
from .sweeps._sweep import sweep as sweep

__all__ = [
    "CompareOptions",
    "Comparison",
    "ConsoleProgress",
    "Contender",
    "Definition",
    "Dimension",
    "Entry",
    "Pair",
    "Progress",
    "SamplerName",
    "ScoredSplit",
    "Sweep",
    "SweepConsoleProgress",
    "SweepOptions",
    "SweepProgress",
    "SweepTrial",
    "SweepWork",
    "compare",
    "compare_runs",
    "draw_comparison",
    "draw_history",
    "draw_importance",
    "format_value",
    "holm",
    "make_contenders",
    "paired_p_value",
    "parse_dimension",
    "resume_sweep",
    "sweep",
    "trial_seed",
]
