from ._find import LIBRARY as LIBRARY
from ._find import as_trained_on as as_trained_on
from ._find import find_runs as find_runs
from ._find import load as load
from ._find import load_data_of as load_data_of
from ._find import locate_model as locate_model
from ._find import model_in_folder as model_in_folder
from ._find import name_of_model as name_of_model
from ._find import open_network as open_network
from ._find import open_run as open_run
from ._find import recipe_of as recipe_of
from ._plan import Plan as Plan
from ._plan import build_trainer as build_trainer
from ._plan import make_plan as make_plan
from ._run import NETWORK_FILE as NETWORK_FILE
from ._run import Run as Run
from ._run import RunConfig as RunConfig
from ._setup import RunsOptions as RunsOptions
from ._setup import TrainOptions as TrainOptions
from ._setup import core_count as core_count
from ._setup import describe_environment as describe_environment
from ._setup import processor_name as processor_name
from ._train import resume as resume
from ._train import train as train
from ._train_many import Ending as Ending
from ._train_many import train_many as train_many
from ._trained_on import find_trained_on as find_trained_on

__all__ = [
    "LIBRARY",
    "NETWORK_FILE",
    "Ending",
    "Plan",
    "Run",
    "RunConfig",
    "RunsOptions",
    "TrainOptions",
    "as_trained_on",
    "build_trainer",
    "core_count",
    "describe_environment",
    "find_runs",
    "find_trained_on",
    "load",
    "load_data_of",
    "locate_model",
    "make_plan",
    "model_in_folder",
    "name_of_model",
    "open_network",
    "open_run",
    "processor_name",
    "recipe_of",
    "resume",
    "train",
    "train_many",
]
