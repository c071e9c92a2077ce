from . import d2l as d2l
from . import datasets as datasets
from . import doctor as doctor
from . import errors as errors
from . import estimator as estimator
from . import experiments as experiments
from . import export as export
from . import kernels as kernels
from . import models as models
from . import pictures as pictures
from . import playground as playground
from . import results as results
from . import runs as runs
from . import serving as serving
from . import training as training
from ._version import __version__ as __version__
from .datasets import Dataset as Dataset
from .datasets import Split as Split
from .datasets import as_dataset as as_dataset
from .datasets import load_dataset as load_dataset
from .errors import LenetError as LenetError
from .estimator import LeNetClassifier as LeNetClassifier
from .experiments import compare as compare
from .experiments import compare_runs as compare_runs
from .experiments import sweep as sweep
from .export import export_model as export_model
from .models import LeNet as LeNet
from .models import LeNetConfig as LeNetConfig
from .models import Network as Network
from .models import initialise as initialise
from .models import load_model as load_model
from .models import load_weights as load_weights
from .models import save_model as save_model
from .models import summarise as summarise
from .results import evaluate as evaluate
from .results import inspect_network as inspect_network
from .results import report as report
from .runs import Run as Run
from .runs import find_runs as find_runs
from .runs import load as load
from .runs import open_run as open_run
from .runs import resume as resume
from .runs import train as train
from .runs import train_many as train_many
from .serving import open_model as open_model
from .serving import predict as predict
from .training import Recipe as Recipe

__all__ = [
    "Dataset",
    "LeNet",
    "LeNetClassifier",
    "LeNetConfig",
    "LenetError",
    "Network",
    "Recipe",
    "Run",
    "Split",
    "__version__",
    "as_dataset",
    "compare",
    "compare_runs",
    "d2l",
    "datasets",
    "doctor",
    "errors",
    "estimator",
    "evaluate",
    "experiments",
    "export",
    "export_model",
    "find_runs",
    "initialise",
    "inspect_network",
    "kernels",
    "load",
    "load_dataset",
    "load_model",
    "load_weights",
    "models",
    "open_model",
    "open_run",
    "pictures",
    "playground",
    "predict",
    "report",
    "results",
    "resume",
    "runs",
    "save_model",
    "serving",
    "summarise",
    "sweep",
    "train",
    "train_many",
    "training",
]
