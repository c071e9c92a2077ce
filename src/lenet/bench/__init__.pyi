from ._report import Measurement as Measurement
from ._report import Report as Report
from ._run import Benchmark as Benchmark
from ._run import default_threads as default_threads
from ._run import run_benchmark as run_benchmark

__all__ = ["Benchmark", "Measurement", "Report", "default_threads", "run_benchmark"]
