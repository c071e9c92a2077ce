from ._answers import Answers as Answers
from ._answers import SplitName as SplitName
from ._answers import answer as answer
from ._confusion import Confusion as Confusion
from ._confusion import confusion_text as confusion_text
from ._confusion import draw_confusion as draw_confusion
from ._confusion import frequent_confusions as frequent_confusions
from ._corruptions import add_noise as add_noise
from ._corruptions import blur_images as blur_images
from ._corruptions import change_brightness as change_brightness
from ._corruptions import change_contrast as change_contrast
from ._corruptions import invert_images as invert_images
from ._corruptions import rotate_images as rotate_images
from ._corruptions import scale_images as scale_images
from ._corruptions import shift_images as shift_images
from ._evaluate import evaluate as evaluate
from ._examples import find_dataset as find_dataset
from ._examples import pick_examples as pick_examples
from ._reliability import ReliabilityBin as ReliabilityBin
from ._reliability import expected_calibration_error as expected_calibration_error
from ._reliability import reliability as reliability
from ._robustness import CORRUPTIONS as CORRUPTIONS
from ._robustness import Corruption as Corruption
from ._robustness import Robustness as Robustness
from ._robustness import RobustnessPoint as RobustnessPoint
from ._robustness import measure_robustness as measure_robustness
from ._scores import ClassScore as ClassScore
from ._scores import Evaluation as Evaluation
from ._scores import score_predictions as score_predictions
from ._scores import wilson_interval as wilson_interval
from ._suspects import find_suspects as find_suspects
from ._view_choice import Views as Views
from ._views import log_probabilities as log_probabilities

__all__ = [
    "CORRUPTIONS",
    "Answers",
    "ClassScore",
    "Confusion",
    "Corruption",
    "Evaluation",
    "ReliabilityBin",
    "Robustness",
    "RobustnessPoint",
    "SplitName",
    "Views",
    "add_noise",
    "answer",
    "blur_images",
    "change_brightness",
    "change_contrast",
    "confusion_text",
    "draw_confusion",
    "evaluate",
    "expected_calibration_error",
    "find_dataset",
    "find_suspects",
    "frequent_confusions",
    "invert_images",
    "log_probabilities",
    "measure_robustness",
    "pick_examples",
    "reliability",
    "rotate_images",
    "scale_images",
    "score_predictions",
    "shift_images",
    "wilson_interval",
]
