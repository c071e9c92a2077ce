from ._environment import describe_environment as describe_environment
from ._load import load as load
from ._processor import core_count as core_count
from ._processor import processor_name as processor_name
from ._run import Run as Run
from ._run import find_runs as find_runs
from ._run import open_run as open_run
from ._run_config import RunConfig as RunConfig
from ._train import resume as resume
from ._train import train as train

__all__ = [
    "Run",
    "RunConfig",
    "core_count",
    "describe_environment",
    "find_runs",
    "load",
    "open_run",
    "processor_name",
    "resume",
    "train",
]
