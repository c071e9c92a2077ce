from ._confusion import confusion_text as confusion_text
from ._confusion import draw_confusion as draw_confusion
from ._evaluate import evaluate as evaluate
from ._examples import find_dataset as find_dataset
from ._examples import pick_examples as pick_examples
from ._scores import ClassScore as ClassScore
from ._scores import Evaluation as Evaluation
from ._scores import score_predictions as score_predictions
from ._scores import wilson_interval as wilson_interval
from ._view_choice import Views as Views
from ._views import log_probabilities as log_probabilities

__all__ = [
    "ClassScore",
    "Evaluation",
    "Views",
    "confusion_text",
    "draw_confusion",
    "evaluate",
    "find_dataset",
    "log_probabilities",
    "pick_examples",
    "score_predictions",
    "wilson_interval",
]
