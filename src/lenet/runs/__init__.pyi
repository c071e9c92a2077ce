from ._data_of import as_trained_on as as_trained_on
from ._data_of import load_data_of as load_data_of
from ._environment import describe_environment as describe_environment
from ._load import load as load
from ._load import locate_model as locate_model
from ._load import name_of_model as name_of_model
from ._model_folder import LIBRARY as LIBRARY
from ._model_folder import model_in_folder as model_in_folder
from ._options import RunsOptions as RunsOptions
from ._options import TrainOptions as TrainOptions
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
from ._signals import answer_signals as answer_signals
from ._signals import doing_first_on_signals as doing_first_on_signals
from ._signals import stop_on_signals as stop_on_signals
from ._train import resume as resume
from ._train import train as train
from ._train_many import Ending as Ending
from ._train_many import train_many as train_many

__all__ = [
    "LIBRARY",
    "Ending",
    "Plan",
    "Run",
    "RunConfig",
    "RunsOptions",
    "TrainOptions",
    "answer_signals",
    "as_trained_on",
    "build_network",
    "core_count",
    "describe_environment",
    "doing_first_on_signals",
    "find_runs",
    "load",
    "load_data_of",
    "locate_model",
    "make_plan",
    "measure_normalisation",
    "model_in_folder",
    "name_of_model",
    "open_run",
    "processor_name",
    "resume",
    "stop_on_signals",
    "train",
    "train_many",
]
