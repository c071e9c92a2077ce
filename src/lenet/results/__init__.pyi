from ._choices import PARTS as PARTS
from ._choices import Distance as Distance
from ._choices import Format as Format
from ._choices import MapMethod as MapMethod
from ._choices import SplitName as SplitName
from ._choices import Views as Views
from .inside._inspect import inspect_network as inspect_network
from .inside._inspection import Inspection as Inspection
from .inside._inspection import Observation as Observation
from .inside._inspection import Sample as Sample
from .inside._inspection import describe_inspection as describe_inspection
from .inside._inspection_page import build_inspection_page as build_inspection_page
from .inside._layers import LayerFilters as LayerFilters
from .inside._layers import read_filters as read_filters
from .inside._map import draw_map as draw_map
from .inside._neighbours import Neighbours as Neighbours
from .inside._neighbours import Projection as Projection
from .inside._neighbours import compute_features as compute_features
from .inside._neighbours import find_neighbours as find_neighbours
from .inside._neighbours import project as project
from .inside._pictures import draw_activations as draw_activations
from .inside._pictures import draw_filters as draw_filters
from .inside._pictures import draw_neighbours as draw_neighbours
from .inside._pictures import draw_saliency as draw_saliency
from .inside._saliency import gradient_saliency as gradient_saliency
from .inside._saliency import occlusion_saliency as occlusion_saliency
from .inside._subjects import Subject as Subject
from .inside._subjects import make_subject as make_subject
from .inside._trace import LayerActivity as LayerActivity
from .inside._trace import LayerDifference as LayerDifference
from .inside._trace import LayerTrace as LayerTrace
from .inside._trace import average_trace as average_trace
from .inside._trace import compare_traces as compare_traces
from .inside._trace import measure_activity as measure_activity
from .inside._trace import trace as trace
from .inside._write import write_inspection as write_inspection
from .measure._doubt import ReliabilityBin as ReliabilityBin
from .measure._doubt import expected_calibration_error as expected_calibration_error
from .measure._doubt import find_suspects as find_suspects
from .measure._doubt import reliability as reliability
from .measure._evaluate import Answers as Answers
from .measure._evaluate import answer as answer
from .measure._evaluate import evaluate as evaluate
from .measure._evaluate import log_probabilities as log_probabilities
from .measure._examples import TRAINED_ON as TRAINED_ON
from .measure._examples import find_dataset as find_dataset
from .measure._examples import pick_examples as pick_examples
from .measure._robustness import CORRUPTIONS as CORRUPTIONS
from .measure._robustness import Corruption as Corruption
from .measure._robustness import Robustness as Robustness
from .measure._robustness import RobustnessPoint as RobustnessPoint
from .measure._robustness import add_noise as add_noise
from .measure._robustness import blur_images as blur_images
from .measure._robustness import change_brightness as change_brightness
from .measure._robustness import change_contrast as change_contrast
from .measure._robustness import invert_images as invert_images
from .measure._robustness import measure_robustness as measure_robustness
from .measure._robustness import rotate_images as rotate_images
from .measure._robustness import scale_images as scale_images
from .measure._robustness import shift_images as shift_images
from .measure._scores import Answered as Answered
from .measure._scores import ClassScore as ClassScore
from .measure._scores import Confusion as Confusion
from .measure._scores import Evaluation as Evaluation
from .measure._scores import Refused as Refused
from .measure._scores import confusion_text as confusion_text
from .measure._scores import draw_confusion as draw_confusion
from .measure._scores import frequent_confusions as frequent_confusions
from .measure._scores import score_predictions as score_predictions
from .measure._scores import wilson_interval as wilson_interval
from .measure._stranger_images import pick_strangers as pick_strangers
from .measure._stranger_scores import RocPoint as RocPoint
from .measure._stranger_scores import Strangers as Strangers
from .measure._stranger_scores import StrangerScore as StrangerScore
from .measure._stranger_scores import describe_strangers as describe_strangers
from .measure._stranger_scores import draw_roc as draw_roc
from .measure._stranger_scores import roc_series as roc_series
from .measure._stranger_scores import score_strangers as score_strangers
from .page._chart import Axis as Axis
from .page._chart import Series as Series
from .page._chart import draw_chart as draw_chart
from .page._page import Element as Element
from .page._page import Node as Node
from .page._page import Page as Page
from .page._page import Section as Section
from .page._page import element as element
from .page._page import render as render
from .page._parts import Column as Column
from .page._parts import beside as beside
from .page._parts import bullets as bullets
from .page._parts import code_block as code_block
from .page._parts import facts as facts
from .page._parts import figure as figure
from .page._parts import note as note
from .page._parts import paragraph as paragraph
from .page._parts import picture as picture
from .page._parts import picture_grid as picture_grid
from .page._parts import remark as remark
from .page._parts import row as row
from .page._parts import scroll_box as scroll_box
from .page._parts import table as table
from .page._parts import tiles as tiles
from .reporting._findings import Findings as Findings
from .reporting._findings import examine as examine
from .reporting._recipe import training_command as training_command
from .reporting._report import build_report_page as build_report_page
from .reporting._report import report as report
from .reporting._report import write_report as write_report
from .reporting._strangers import draw_roc_chart as draw_roc_chart

__all__ = [
    "CORRUPTIONS",
    "PARTS",
    "TRAINED_ON",
    "Answered",
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
    "Projection",
    "Refused",
    "ReliabilityBin",
    "Robustness",
    "RobustnessPoint",
    "RocPoint",
    "Sample",
    "Section",
    "Series",
    "StrangerScore",
    "Strangers",
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
    "describe_strangers",
    "draw_activations",
    "draw_chart",
    "draw_confusion",
    "draw_filters",
    "draw_map",
    "draw_neighbours",
    "draw_roc",
    "draw_roc_chart",
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
    "pick_strangers",
    "picture",
    "picture_grid",
    "project",
    "read_filters",
    "reliability",
    "remark",
    "render",
    "report",
    "roc_series",
    "rotate_images",
    "row",
    "scale_images",
    "score_predictions",
    "score_strangers",
    "scroll_box",
    "shift_images",
    "table",
    "tiles",
    "trace",
    "training_command",
    "wilson_interval",
    "write_inspection",
    "write_report",
]
