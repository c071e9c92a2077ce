from . import bench as bench
from . import comparison as comparison
from . import d2l as d2l
from . import datasets as datasets
from . import distributed as distributed
from . import doctor as doctor
from . import errors as errors
from . import estimator as estimator
from . import evaluation as evaluation
from . import export as export
from . import inspection as inspection
from . import kernels as kernels
from . import models as models
from . import pages as pages
from . import pictures as pictures
from . import playground as playground
from . import prediction as prediction
from . import reporting as reporting
from . import runs as runs
from . import serving as serving
from . import sweeps as sweeps
from . import tracking as tracking
from . import training as training
from ._version import __version__ as __version__
from .comparison import compare as compare
from .comparison import compare_runs as compare_runs
from .datasets import Dataset as Dataset
from .datasets import Split as Split
from .datasets import load_dataset as load_dataset
from .errors import LenetError as LenetError
from .estimator import LeNetClassifier as LeNetClassifier
from .evaluation import evaluate as evaluate
from .export import export_model as export_model
from .inspection import inspect_network as inspect_network
from .models import LeNet as LeNet
from .models import LeNetConfig as LeNetConfig
from .models import initialise as initialise
from .models import load_model as load_model
from .models import save_model as save_model
from .models import summarise as summarise
from .prediction import open_model as open_model
from .prediction import predict as predict
from .reporting import report as report
from .runs import Run as Run
from .runs import find_runs as find_runs
from .runs import load as load
from .runs import open_run as open_run
from .runs import resume as resume
from .runs import train as train
from .runs import train_many as train_many
from .sweeps import sweep as sweep
from .training import Recipe as Recipe

__all__ = [
    "Dataset",
    "LeNet",
    "LeNetClassifier",
    "LeNetConfig",
    "LenetError",
    "Recipe",
    "Run",
    "Split",
    "__version__",
    "bench",
    "compare",
    "compare_runs",
    "comparison",
    "d2l",
    "datasets",
    "distributed",
    "doctor",
    "errors",
    "estimator",
    "evaluate",
    "evaluation",
    "export",
    "export_model",
    "find_runs",
    "initialise",
    "inspect_network",
    "inspection",
    "kernels",
    "load",
    "load_dataset",
    "load_model",
    "models",
    "open_model",
    "open_run",
    "pages",
    "pictures",
    "playground",
    "predict",
    "prediction",
    "report",
    "reporting",
    "resume",
    "runs",
    "save_model",
    "serving",
    "summarise",
    "sweep",
    "sweeps",
    "tracking",
    "train",
    "train_many",
    "training",
]
