from ._contestants import find_contestants as find_contestants
from ._report import Measurement as Measurement
from ._report import Report as Report
from ._run import Benchmark as Benchmark
from ._run import default_threads as default_threads
from ._run import run_benchmark as run_benchmark
from ._turns import Contestant as Contestant
from ._turns import Outcome as Outcome
from ._turns import take_turns as take_turns

__all__ = [
    "Benchmark",
    "Contestant",
    "Measurement",
    "Outcome",
    "Report",
    "default_threads",
    "find_contestants",
    "run_benchmark",
    "take_turns",
]
