from ._compare import Comparison as Comparison
from ._export import Export as Export
from ._export import export_model as export_model
from ._format_name import FORMAT_NAMES as FORMAT_NAMES
from ._format_name import FormatName as FormatName
from ._open import open_trained_network as open_trained_network
from ._open import pytorch_probabilities as pytorch_probabilities
from ._written import Format as Format
from ._written import Runner as Runner
from ._written import TrainedNetwork as TrainedNetwork
from ._written import Written as Written

__all__ = [
    "FORMAT_NAMES",
    "Comparison",
    "Export",
    "Format",
    "FormatName",
    "Runner",
    "TrainedNetwork",
    "Written",
    "export_model",
    "open_trained_network",
    "pytorch_probabilities",
]
