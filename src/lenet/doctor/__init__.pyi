from ._examine import examine as examine
from ._finding import Finding as Finding
from .speed._contestants import find_contestants as find_contestants
from .speed._report import Measurement as Measurement
from .speed._report import Report as Report
from .speed._run import Benchmark as Benchmark
from .speed._run import default_threads as default_threads
from .speed._run import run_benchmark as run_benchmark
from .speed._turns import Contestant as Contestant
from .speed._turns import Outcome as Outcome
from .speed._turns import take_turns as take_turns

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
