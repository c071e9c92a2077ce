from ._bundled import BUNDLED as BUNDLED
from ._predict import Prediction as Prediction
from ._predict import predict as predict
from ._predict import predict_each as predict_each
from ._trained_model import TrainedModel as TrainedModel
from ._trained_model import open_model as open_model

__all__ = [
    "BUNDLED",
    "Prediction",
    "TrainedModel",
    "open_model",
    "predict",
    "predict_each",
]
