from ._compare import compare as compare
from ._compare import compare_runs as compare_runs
from ._comparison import Comparison as Comparison
from ._comparison import Entry as Entry
from ._comparison import Pair as Pair
from ._contenders import Contender as Contender
from ._contenders import make_contenders as make_contenders
from ._picture import draw_comparison as draw_comparison
from ._progress import ConsoleProgress as ConsoleProgress
from ._progress import Progress as Progress
from ._scored_split import ScoredSplit as ScoredSplit
from ._statistics import holm as holm
from ._statistics import paired_p_value as paired_p_value

__all__ = [
    "Comparison",
    "ConsoleProgress",
    "Contender",
    "Entry",
    "Pair",
    "Progress",
    "ScoredSplit",
    "compare",
    "compare_runs",
    "draw_comparison",
    "holm",
    "make_contenders",
    "paired_p_value",
]
