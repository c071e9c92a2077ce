from ._data_of import fingerprint_for as fingerprint_for
from ._data_of import load_data_of as load_data_of
from ._environment import describe_environment as describe_environment
from ._load import load as load
from ._load import locate_model as locate_model
from ._plan import Plan as Plan
from ._plan import build_network as build_network
from ._plan import make_plan as make_plan
from ._plan import measure_normalisation as measure_normalisation
from ._processor import core_count as core_count
from ._processor import processor_name as processor_name
from ._run import Run as Run
from ._run import find_runs as find_runs
from ._run import open_run as open_run
from ._run_config import RunConfig as RunConfig
from ._signals import stop_on_signals as stop_on_signals
from ._train import resume as resume
from ._train import train as train

__all__ = [
    "Plan",
    "Run",
    "RunConfig",
    "build_network",
    "core_count",
    "describe_environment",
    "find_runs",
    "fingerprint_for",
    "load",
    "load_data_of",
    "locate_model",
    "make_plan",
    "measure_normalisation",
    "open_run",
    "processor_name",
    "resume",
    "stop_on_signals",
    "train",
]
