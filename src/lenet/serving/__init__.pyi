from ._serve import serve as serve
from ._settings import KEY_VARIABLE as KEY_VARIABLE
from ._settings import ServiceSettings as ServiceSettings
from .prediction._drawing import draw_predictions as draw_predictions
from .prediction._drawing import image_text as image_text
from .prediction._predict import Prediction as Prediction
from .prediction._predict import predict as predict
from .prediction._predict import predict_each as predict_each
from .prediction._sources import find_pictures as find_pictures
from .prediction._trained_model import TrainedModel as TrainedModel
from .prediction._trained_model import is_model as is_model
from .prediction._trained_model import open_model as open_model

__all__ = [
    "KEY_VARIABLE",
    "Prediction",
    "ServiceSettings",
    "TrainedModel",
    "draw_predictions",
    "find_pictures",
    "image_text",
    "is_model",
    "open_model",
    "predict",
    "predict_each",
    "serve",
]
