from ._models import TrainedModel as TrainedModel
from ._models import is_model as is_model
from ._models import open_model as open_model
from ._predict import Prediction as Prediction
from ._predict import doubt_in_words as doubt_in_words
from ._predict import draw_predictions as draw_predictions
from ._predict import image_text as image_text
from ._predict import predict as predict
from ._predict import predict_each as predict_each
from ._serve import serve as serve
from ._settings import KEY_VARIABLE as KEY_VARIABLE
from ._settings import ServiceSettings as ServiceSettings

__all__ = [
    "KEY_VARIABLE",
    "Prediction",
    "ServiceSettings",
    "TrainedModel",
    "doubt_in_words",
    "draw_predictions",
    "image_text",
    "is_model",
    "open_model",
    "predict",
    "predict_each",
    "serve",
]
