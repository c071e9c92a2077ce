from ._export import Export as Export
from ._export import Format as Format
from ._export import export_model as export_model
from ._format_name import FORMAT_NAMES as FORMAT_NAMES
from ._format_name import FormatName as FormatName
from ._trained_network import Comparison as Comparison
from ._trained_network import Runner as Runner
from ._trained_network import TrainedNetwork as TrainedNetwork
from ._trained_network import Written as Written
from ._trained_network import open_trained_network as open_trained_network
from ._trained_network import pytorch_probabilities as pytorch_probabilities

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
