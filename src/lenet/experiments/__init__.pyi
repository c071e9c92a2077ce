from ._compare import Contender as Contender
from ._compare import compare as compare
from ._compare import compare_runs as compare_runs
from ._compare import make_contenders as make_contenders
from ._comparison import Comparison as Comparison
from ._comparison import Entry as Entry
from ._comparison import Pair as Pair
from ._comparison import holm as holm
from ._comparison import paired_p_value as paired_p_value
from ._definition import Definition as Definition
from ._definition import SweepTrial as SweepTrial
from ._definition import trial_seed as trial_seed
from ._options import CompareOptions as CompareOptions
from ._options import SamplerName as SamplerName
from ._options import ScoredSplit as ScoredSplit
from ._options import SweepOptions as SweepOptions
from ._options import SweepWork as SweepWork
from ._pictures import draw_comparison as draw_comparison
from ._pictures import draw_history as draw_history
from ._pictures import draw_importance as draw_importance
from ._progress import ConsoleProgress as ConsoleProgress
from ._progress import Progress as Progress
from ._progress import SweepConsoleProgress as SweepConsoleProgress
from ._progress import SweepProgress as SweepProgress
from ._progress import format_value as format_value
from ._space import Dimension as Dimension
from ._space import parse_dimension as parse_dimension
from ._sweep import resume_sweep as resume_sweep
from ._sweep import sweep as sweep
from ._sweep_result import Sweep as Sweep

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
