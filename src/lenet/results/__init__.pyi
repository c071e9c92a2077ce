from .evaluation._answers import Answers as Answers
from .evaluation._answers import answer as answer
from .evaluation._confusion import Confusion as Confusion
from .evaluation._confusion import confusion_text as confusion_text
from .evaluation._confusion import draw_confusion as draw_confusion
from .evaluation._confusion import frequent_confusions as frequent_confusions
from .evaluation._corruptions import add_noise as add_noise
from .evaluation._corruptions import blur_images as blur_images
from .evaluation._corruptions import change_brightness as change_brightness
from .evaluation._corruptions import change_contrast as change_contrast
from .evaluation._corruptions import invert_images as invert_images
from .evaluation._corruptions import rotate_images as rotate_images
from .evaluation._corruptions import scale_images as scale_images
from .evaluation._corruptions import shift_images as shift_images
from .evaluation._evaluate import evaluate as evaluate
from .evaluation._examples import find_dataset as find_dataset
from .evaluation._examples import pick_examples as pick_examples
from .evaluation._reliability import ReliabilityBin as ReliabilityBin
from .evaluation._reliability import expected_calibration_error as expected_calibration_error
from .evaluation._reliability import reliability as reliability
from .evaluation._robustness import CORRUPTIONS as CORRUPTIONS
from .evaluation._robustness import Corruption as Corruption
from .evaluation._robustness import Robustness as Robustness
from .evaluation._robustness import RobustnessPoint as RobustnessPoint
from .evaluation._robustness import measure_robustness as measure_robustness
from .evaluation._scores import ClassScore as ClassScore
from .evaluation._scores import Evaluation as Evaluation
from .evaluation._scores import score_predictions as score_predictions
from .evaluation._scores import wilson_interval as wilson_interval
from .evaluation._suspects import find_suspects as find_suspects
from .evaluation._view_choice import SplitName as SplitName
from .evaluation._view_choice import Views as Views
from .evaluation._views import log_probabilities as log_probabilities
from .inspection._activity import LayerActivity as LayerActivity
from .inspection._activity import measure_activity as measure_activity
from .inspection._choices import PARTS as PARTS
from .inspection._choices import Distance as Distance
from .inspection._choices import Format as Format
from .inspection._choices import MapMethod as MapMethod
from .inspection._choices import Part as Part
from .inspection._draw_activations import draw_activations as draw_activations
from .inspection._draw_filters import draw_filters as draw_filters
from .inspection._draw_map import draw_map as draw_map
from .inspection._draw_neighbours import draw_neighbours as draw_neighbours
from .inspection._draw_saliency import draw_saliency as draw_saliency
from .inspection._filters import LayerFilters as LayerFilters
from .inspection._filters import read_filters as read_filters
from .inspection._inspect import inspect_network as inspect_network
from .inspection._inspection import Inspection as Inspection
from .inspection._inspection import Observation as Observation
from .inspection._inspection import Sample as Sample
from .inspection._neighbours import Neighbours as Neighbours
from .inspection._neighbours import compute_features as compute_features
from .inspection._neighbours import find_neighbours as find_neighbours
from .inspection._page import build_inspection_page as build_inspection_page
from .inspection._projection import Projection as Projection
from .inspection._projection import project as project
from .inspection._saliency import gradient_saliency as gradient_saliency
from .inspection._saliency import occlusion_saliency as occlusion_saliency
from .inspection._subjects import Subject as Subject
from .inspection._subjects import make_subject as make_subject
from .inspection._trace import LayerDifference as LayerDifference
from .inspection._trace import LayerTrace as LayerTrace
from .inspection._trace import average_trace as average_trace
from .inspection._trace import compare_traces as compare_traces
from .inspection._trace import trace as trace
from .inspection._wording import describe_inspection as describe_inspection
from .inspection._write import write_inspection as write_inspection
from .pages._chart import draw_chart as draw_chart
from .pages._chart_frame import Axis as Axis
from .pages._chart_series import Series as Series
from .pages._element import Element as Element
from .pages._element import Node as Node
from .pages._element import element as element
from .pages._element import render as render
from .pages._page import Page as Page
from .pages._page import Section as Section
from .pages._parts import Column as Column
from .pages._parts import beside as beside
from .pages._parts import bullets as bullets
from .pages._parts import code_block as code_block
from .pages._parts import facts as facts
from .pages._parts import figure as figure
from .pages._parts import note as note
from .pages._parts import paragraph as paragraph
from .pages._parts import remark as remark
from .pages._parts import row as row
from .pages._parts import scroll_box as scroll_box
from .pages._parts import table as table
from .pages._parts import tiles as tiles
from .pages._pictures import picture as picture
from .pages._pictures import picture_grid as picture_grid
from .reporting._findings import Findings as Findings
from .reporting._findings import examine as examine
from .reporting._report import build_report_page as build_report_page
from .reporting._report import report as report
from .reporting._training_command import training_command as training_command

__all__ = [
    "CORRUPTIONS",
    "PARTS",
    "Answers",
    "Axis",
    "ClassScore",
    "Column",
    "Confusion",
    "Corruption",
    "Distance",
    "Element",
    "Evaluation",
    "Findings",
    "Format",
    "Inspection",
    "LayerActivity",
    "LayerDifference",
    "LayerFilters",
    "LayerTrace",
    "MapMethod",
    "Neighbours",
    "Node",
    "Observation",
    "Page",
    "Part",
    "Projection",
    "ReliabilityBin",
    "Robustness",
    "RobustnessPoint",
    "Sample",
    "Section",
    "Series",
    "SplitName",
    "Subject",
    "Views",
    "add_noise",
    "answer",
    "average_trace",
    "beside",
    "blur_images",
    "build_inspection_page",
    "build_report_page",
    "bullets",
    "change_brightness",
    "change_contrast",
    "code_block",
    "compare_traces",
    "compute_features",
    "confusion_text",
    "describe_inspection",
    "draw_activations",
    "draw_chart",
    "draw_confusion",
    "draw_filters",
    "draw_map",
    "draw_neighbours",
    "draw_saliency",
    "element",
    "evaluate",
    "examine",
    "expected_calibration_error",
    "facts",
    "figure",
    "find_dataset",
    "find_neighbours",
    "find_suspects",
    "frequent_confusions",
    "gradient_saliency",
    "inspect_network",
    "invert_images",
    "log_probabilities",
    "make_subject",
    "measure_activity",
    "measure_robustness",
    "note",
    "occlusion_saliency",
    "paragraph",
    "pick_examples",
    "picture",
    "picture_grid",
    "project",
    "read_filters",
    "reliability",
    "remark",
    "render",
    "report",
    "rotate_images",
    "row",
    "scale_images",
    "score_predictions",
    "scroll_box",
    "shift_images",
    "table",
    "tiles",
    "trace",
    "training_command",
    "wilson_interval",
    "write_inspection",
]
