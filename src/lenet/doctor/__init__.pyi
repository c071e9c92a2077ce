from ._computing import Finding as Finding
from ._examine import examine as examine
from ._report import Measurement as Measurement
from ._report import Report as Report
from ._turns import Contestant as Contestant
from ._turns import Outcome as Outcome
from ._turns import find_contestants as find_contestants
from ._turns import take_turns as take_turns
from .speed import Benchmark as Benchmark
from .speed import default_threads as default_threads
from .speed import run_benchmark as run_benchmark

__all__ = [
    "Benchmark",
    "Contestant",
    "Finding",
    "Measurement",
    "Outcome",
    "Report",
    "default_threads",
    "examine",
    "find_contestants",
    "run_benchmark",
    "take_turns",
]
